package handlers_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/templates"
)

// A search narrows by the kinds of personal data that conversations hold, in the reader's departments, keeps
// that when it is saved and exported, and offers no bulk delete that would forget it.
func TestSearchingForPersonalData(t *testing.T) {
	if !slices.Equal(templates.SearchPersonal, conversation.PersonalKinds()) {
		t.Errorf("the form offers %v of %v", templates.SearchPersonal, conversation.PersonalKinds())
	}
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "身份证 450205190507313468"), talk("e2", "云栖优品集团/一店", "tb_2", "投诉", old.AddDate(0, 0, 1), "卡号 6216261000092729573"),
			talk("e3", "云栖优品集团/一店", "tb_3", "咨询", old.AddDate(0, 0, 2), "在吗"), talk("e4", "别家", "tb_4", "售后", old, "身份证 450205190507313468"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		const card, either = "/conversations?personal=id_card", "/conversations?personal=id_card,bank_card"
		found := boss.Get(t, either)
		found.Want(t, 200, "2 条会话", "含个人信息：身份证号", "请勾选或“选择全部”")
		if strings.Contains(found.Body, "/batches/new") {
			t.Error("a bulk delete is offered that would forget the condition")
		}
		boss.Get(t, card).Want(t, 200, "1 条会话", `value="id_card" checked`)
		boss.Get(t, "/conversations?personal=passport").WantRedirect(t, "/conversations")
		boss.Post(t, "/conversations", url.Values{"personal": {"id_card", "bank_card"}}).WantRedirect(t, either)
		saved := boss.Post(t, "/searches", url.Values{"name": {"含证件"}, "back": {card}}).Header.Get("Location")
		boss.Get(t, saved).Want(t, 200, "1 条会话", "含个人信息：身份证号")
		boss.Get(t, templates.ExportOfSearchPath(templates.Search{Personal: []string{"id_card"}})).Want(t, 200, "含身份证号")
	})
}
