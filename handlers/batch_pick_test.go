package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

func TestABulkDeleteOfWhatWasChosen(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 14 {
			a.add(t, talk("p"+string(rune('a'+i)), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款第"+string(rune('a'+i))))
		}
		a.add(t, talk("other", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "别的"))
		who := accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID)
		clock.Advance(4 * 24 * time.Hour)
		boss := a.As(who)

		// The words go into the wizard as the list that they found, without the exception.
		boss.Get(t, q("退款")+"&size=10").Want(t, 200, "批量删除所选", `formaction="/batches/pick"`)
		all := link(t, boss.Get(t, q("退款")+"&size=10"), "选择全部 14 条")
		form := url.Values{"sel": {"all"}, "back": {all}, "row": {id.String(a.only(t, "pn"))}}
		draft, _, _ := strings.Cut(boss.Post(t, "/batches/pick", form).Want(t, http.StatusSeeOther).Location, "?")
		first := boss.Get(t, draft)
		first.Want(t, 200, "来自检索选择：13 条，排除 1 条", "组关键词（不保存）", "一店").Lacks(t, "退款", `name="dept"`, `name="sub"`)
		boss.Post(t, draft, url.Values{"from_step": {"scope"}, "go": {"impact"}}).WantRedirect(t, draft+"?step=impact")
		boss.Get(t, draft+"?step=impact").Want(t, 200, "来自检索选择：13 条，排除 1 条", "只处理选中的会话").Lacks(t, "退款")
		// Back to the first step and saved: it is the same list.
		boss.Post(t, draft, url.Values{"from_step": {"impact"}, "go": {"scope"}}).Want(t, http.StatusSeeOther)
		boss.Post(t, draft, url.Values{"from_step": {"scope"}, "go": {"save"}}).WantRedirect(t, "/batches")
		boss.Get(t, "/batches").Want(t, 200, "来自检索选择：13 条，排除 1 条").Lacks(t, "退款")

		// One is in the bin meanwhile: it is said on every page, and is not on the list.
		a.bins(t, a.only(t, "pa"))
		boss.Get(t, draft).Want(t, 200, "已不在库或不在数据范围")
		boss.Post(t, draft+"/freeze", url.Values{"from_step": {"impact"}}).WantRedirect(t, draft+"?step=confirm")
		last := boss.Get(t, draft+"?step=confirm")
		last.Want(t, 200, "来自检索选择：13 条，排除 1 条", "已不在库或不在数据范围", "将 12 条会话移入回收站").Lacks(t, "退款")
		done := boss.Post(t, draft+"/discard", url.Values{
			"from_step": {"confirm"}, "request_key": {hidden(last, "request_key")}, "shown": {hidden(last, "shown")},
			"notified": {"1"}, "partners": {"1"}, "complaints": {"1"}, "reason": {cleanUp},
		})
		done.Want(t, http.StatusSeeOther)
		boss.Get(t, done.Location).Want(t, 200, "来自检索选择：13 条，排除 1 条").Lacks(t, "退款")
		boss.Get(t, q("退款")).Want(t, 200, "1 条会话")
		boss.Get(t, "/conversations").Want(t, 200, "2 条会话")
		for _, l := range a.leaves(t, "batch.discarded") {
			if strings.Contains(l, "退款") {
				t.Errorf("entry %s", l)
			}
		}

		// Ticked rows, too; nobody without the right, and nothing out of reach.
		rows := url.Values{"back": {"/conversations"}, "id": {id.String(a.only(t, "other"))}}
		draft, _, _ = strings.Cut(boss.Post(t, "/batches/pick", rows).Want(t, http.StatusSeeOther).Location, "?")
		boss.Get(t, draft).Want(t, 200, "来自检索选择：1 条", "在结果页逐条勾选")
		boss.Post(t, "/batches/pick", url.Values{"back": {"/conversations"}}).WantRedirect(t, "/conversations")
		a.add(t, talk("far", "别家", "tb_1", "售后", long(clock.Time()), "外人的话"))
		rows.Set("id", id.String(a.only(t, "far")))
		boss.Post(t, "/batches/pick", rows).WantRedirect(t, "/conversations")
		agent := a.As(accounttest.Actor(account.Agent, a.shop.ID))
		agent.Get(t, "/conversations").Lacks(t, "/batches/pick")
		if r := agent.Post(t, "/batches/pick", rows); r.Status != http.StatusForbidden {
			t.Errorf("an agent begins a batch: %d", r.Status)
		}
	})
}
