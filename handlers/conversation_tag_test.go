package handlers_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/templates"
)

func TestTaggingOneConversation(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "甲"), talk("e2", "别家", "tb_2", "售后", old, "乙"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		page := templates.ConversationPath(uint64(a.only(t, "e1")), "")
		post := func(form url.Values) string {
			t.Helper()
			r := boss.Post(t, page+"/tags", form)
			r.WantRedirect(t, page)
			return boss.Get(t, page).Want(t, 200).Body
		}
		body := post(url.Values{"add": {"机密-2023，VIP"}})
		for _, want := range []string{"已修改标签", "机密-2023", "VIP", `value="退款"`, "修改标签", `aria-label="移除标签 VIP"`} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		// Undo is posted to an address that names no tag.
		undo := html.UnescapeString(regexp.MustCompile(`action="([^"]*tags\?undo=[^"]*)"`).FindStringSubmatch(body)[1])
		if strings.Contains(undo, "VIP") {
			t.Errorf("a tag is in %s", undo)
		}
		other := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		if r := other.Post(t, undo, url.Values{}); r.Status != http.StatusConflict {
			t.Errorf("somebody else undoes it: %d", r.Status)
		}
		boss.Post(t, undo, url.Values{}).WantRedirect(t, page)
		boss.Get(t, page).Want(t, 200, "已撤销标签的修改").Lacks(t, `aria-label="移除标签 VIP"`)
		if body = post(url.Values{"remove": {"退款"}, "add": {"半截"}}); strings.Contains(body, `移除标签 退款"`) || strings.Contains(body, `移除标签 半截"`) {
			t.Error("taking a tag away took more or less")
		}
		// What was typed stays, and the error stands at the field.
		wrong := boss.Post(t, page+"/tags", url.Values{"add": {"打给13800138000"}})
		wrong.Want(t, http.StatusUnprocessableEntity, "标签会明文保存", `href="#add"`, `id="add"`, "打给13800138000")

		if r := boss.Post(t, templates.ConversationPath(uint64(a.only(t, "e2")), "")+"/tags", url.Values{"add": {"VIP"}}); r.Status != http.StatusNotFound {
			t.Errorf("another department's: %d", r.Status)
		}
		auditor := accounttest.Actor(account.Auditor)
		auditor.Scope = account.Everywhere()
		reader := a.As(auditor)
		reader.Get(t, page).Want(t, 200).Lacks(t, "/tags", "添加标签")
		if r := reader.Post(t, page+"/tags", url.Values{"add": {"VIP"}}); r.Status != http.StatusForbidden {
			t.Errorf("an auditor tags: %d", r.Status)
		}
	})
}

func TestTaggingWhatWasChosen(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 14 {
			a.add(t, talk("p"+string(rune('a'+i)), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款第"+string(rune('a'+i))))
		}
		a.add(t, talk("z", "云栖优品集团/一店", "tb_1", "投诉", long(clock.Time()), "别的"))
		agent := a.As(accounttest.Actor(account.Agent, a.shop.ID))
		found := func(tag, want string) {
			t.Helper()
			agent.Get(t, "/conversations?tag="+url.QueryEscape(tag)).Want(t, 200, want)
		}
		agent.Get(t, q("退款")+"&size=10").Want(t, 200, `name="tag_names"`, "添加到所选")
		rows := url.Values{"back": {q("退款")}, "id": {id.String(a.only(t, "pa")), id.String(a.only(t, "pb"))}, "tag_names": {"重点"}, "tag_act": {"add"}}
		agent.Post(t, "/conversations/tags", rows).WantRedirect(t, q("退款"))
		body := agent.Get(t, q("退款")).Want(t, 200, "已修改 2 条会话的标签，0 条本来如此").Body
		found("重点", "2 条会话")
		// It stands in the record of each, for whoever sees what is done there, and of no other.
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		page := func(external string) string { return templates.ConversationPath(uint64(a.only(t, external)), "") }
		boss.Get(t, page("pb")).Want(t, 200, "修改标签")
		boss.Get(t, page("pc")).Want(t, 200).Lacks(t, "修改标签")
		// Entries of the time before they were noted by conversation are found by what is written in them.
		noted := func(query string) {
			t.Helper()
			err := a.db.Write(t.Context(), func(tx *db.Tx) error {
				tx.MarkAudited()
				return tx.Exec(query).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		noted("DELETE FROM tagged_list WHERE conversation_id <> 0")
		boss.Get(t, page("pb")).Want(t, 200).Lacks(t, "修改标签")
		noted("UPDATE tagged_list SET leaf = 1000000")
		boss.Get(t, page("pb")).Want(t, 200, "修改标签")
		boss.Get(t, page("pc")).Want(t, 200).Lacks(t, "修改标签")
		noted("UPDATE tagged_list SET leaf = 0")
		// Undo takes it back, once, for whoever did it.
		undo := html.UnescapeString(regexp.MustCompile(`action="([^"]*tags\?[^"]*undo=[^"]*)"`).FindStringSubmatch(body)[1])
		boss.Post(t, undo, url.Values{}).WantRedirect(t, q("退款"))
		boss.Get(t, q("退款")).Want(t, 200, "已不能撤销")
		found("重点", "2 条会话")
		agent.Post(t, undo, url.Values{}).WantRedirect(t, q("退款"))
		agent.Get(t, q("退款")).Want(t, 200, "已撤销 2 条会话的标签修改")
		found("重点", "没有符合条件的会话")
		agent.Post(t, "/conversations/tags", rows)
		agent.Get(t, q("退款"))

		// Everything but one, kept over a name that is none.
		all := link(t, agent.Get(t, q("退款")+"&size=10"), "选择全部 14 条")
		form := url.Values{"sel": {"all"}, "back": {all}, "row": {id.String(a.only(t, "pn"))}, "tag_names": {"-不行"}, "tag_act": {"add"}}
		again := agent.Post(t, "/conversations/tags", form).Location
		agent.Get(t, again).Want(t, 200, "标签以文字或数字开头", "已选 13 条")
		form = url.Values{"sel": {"all"}, "back": {again}, "tag_names": {"重点、已核"}, "tag_act": {"add"}}
		agent.Post(t, "/conversations/tags", form)
		agent.Get(t, q("退款")).Want(t, 200, "已修改 13 条会话的标签")
		found("重点", "13 条会话")
		found("已核", "13 条会话")

		all = link(t, agent.Get(t, "/conversations?tag="+url.QueryEscape("已核")+"&size=10"), "选择全部 13 条")
		agent.Post(t, "/conversations/tags", url.Values{"sel": {"all"}, "back": {all}, "tag_names": {"已核"}, "tag_act": {"remove"}})
		found("已核", "没有符合条件的会话")

		// What changed in between is said, and nothing is done.
		all = link(t, agent.Get(t, q("退款")+"&size=10"), "选择全部 14 条")
		a.add(t, talk("new", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "也要退款"))
		agent.Post(t, "/conversations/tags", url.Values{"sel": {"all"}, "back": {all}, "tag_names": {"迟到"}, "tag_act": {"add"}})
		agent.Get(t, q("退款")).Want(t, 200, "原 14 条，现 15 条")
		agent.Post(t, "/conversations/tags", url.Values{"back": {q("退款")}, "tag_names": {"迟到"}})
		agent.Get(t, q("退款")).Want(t, 200, "没有勾选会话")
		found("迟到", "没有符合条件的会话")

		// The log names no tag and no word, and has one entry for each act.
		leaves := a.leaves(t, "conversation.tagged")
		if len(leaves) != 5 {
			t.Errorf("%d entries", len(leaves))
		}
		for _, l := range leaves {
			if strings.Contains(l, "重点") || strings.Contains(l, "退款") || !strings.Contains(l, `"digest"`) {
				t.Errorf("entry %s", l)
			}
		}
	})
}

// leaves are the entries of an action in the log.
func (a *archive) leaves(t *testing.T, action string) (leaves []string) {
	t.Helper()
	err := a.db.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Table("audit_leaf").Where("action = ?", action).Order("n").Pluck("leaf", &leaves).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaves
}
