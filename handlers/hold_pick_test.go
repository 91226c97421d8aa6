package handlers_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/web/webtest"
)

func valueOf(t *testing.T, r *webtest.Response, name string) string {
	t.Helper()
	found := regexp.MustCompile(`name="` + name + `"[^>]* value="([^"]*)"`).FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("%s %d: no field %s", r.Location, r.Status, name)
	}
	return html.UnescapeString(found[1])
}

func TestAHoldOnWhatWasChosen(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 14 {
			a.add(t, talk("p"+string(rune('a'+i)), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款第"+string(rune('a'+i))))
		}
		who := accounttest.User(t, a.db, a.people, account.Legal)
		who.Scope = account.Everywhere()
		legal := a.As(who)
		covered := func() (ids []id.Conversation) {
			t.Helper()
			err := a.db.Read(t.Context(), func(tx *db.Tx) error {
				return tx.Model(&hold.Item{}).Distinct().Order("conversation_id").Pluck("conversation_id", &ids).Error
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		place := func(form *webtest.Response) *webtest.Response {
			t.Helper()
			return legal.Post(t, "/holds/new", url.Values{
				"go": {"place"}, "key": {valueOf(t, form, "key")}, "kind": {"conversations"}, "picked": {valueOf(t, form, "picked")}, "shown": {valueOf(t, form, "shown")},
				"name": {"退款纠纷"}, "reason": {"法院来函，案号 2026-77"}, "review_at": {valueOf(t, form, "review_at")},
			})
		}
		// Everything that the words find but for one: it is counted, and held as it is.
		all := link(t, legal.Get(t, q("退款")+"&size=10"), "选择全部 14 条")
		legal.Get(t, all).Want(t, 200, "法务保留所选", "添加到所选").Lacks(t, "隐藏所选")
		but := url.Values{"sel": {"all"}, "back": {all}, "row": {id.String(a.only(t, "pn"))}}
		form := legal.Post(t, "/holds/pick", but)
		form.Want(t, 200, "来自检索选择：13 条，排除 1 条", `name="shown" form="hold-form" value="13"`, "回到检索重新选择").Lacks(t, `name="fixed"`, "单个会话编号")
		late := legal.Post(t, "/holds/pick", but)
		place(form).Want(t, http.StatusSeeOther)
		if ids := covered(); len(ids) != 13 || slices.Contains(ids, a.only(t, "pn")) {
			t.Errorf("%d are held", len(ids))
		}
		dbtest.Exec(t, a.db, "DELETE FROM hold_item")

		// A form that no longer says what the search finds places nothing, also when the number is the same.
		a.bins(t, a.only(t, "pa"))
		place(late).Want(t, http.StatusConflict, "原 14 条，现 13 条")
		a.add(t, talk("new", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "也要退款"))
		place(late).Want(t, http.StatusConflict, "选择后结果有变化")
		other := a.As(accounttest.User(t, a.db, a.people, account.Legal))
		if r := other.Post(t, "/holds/new", url.Values{"go": {"place"}, "kind": {"conversations"}, "picked": {valueOf(t, late, "picked")}, "shown": {"13"}, "name": {"x"}, "reason": {"法院来函，案号 2026-77"}, "review_at": {valueOf(t, late, "review_at")}}); r.Status != http.StatusConflict || !strings.Contains(r.Body, "全选已失效") {
			t.Errorf("somebody else's form: %d", r.Status)
		}
		if ids := covered(); len(ids) != 0 {
			t.Errorf("%d are held", len(ids))
		}

		// Ticked rows are held as they are, wherever they went meanwhile.
		form = legal.Post(t, "/holds/pick", url.Values{"back": {q("退款")}, "id": {id.String(a.only(t, "pb")), id.String(a.only(t, "pc"))}})
		form.Want(t, 200, "来自检索选择：2 条", `value="2"`)
		place(form).Want(t, http.StatusSeeOther)
		if ids := covered(); len(ids) != 2 {
			t.Errorf("%d are held", len(ids))
		}
		legal.Post(t, "/holds/pick", url.Values{"back": {q("退款")}}).WantRedirect(t, q("退款"))
		form = legal.Post(t, "/holds/pick", url.Values{"back": {q("退款")}, "id": {id.String(a.only(t, "pd"))}})
		clock.Advance(31 * 60 * 1e9)
		place(form).Want(t, http.StatusConflict, "全选已失效")

		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		boss.Get(t, "/conversations").Lacks(t, "/holds/pick")
		if r := boss.Post(t, "/holds/pick", url.Values{"id": {id.String(a.only(t, "pb"))}}); r.Status != http.StatusForbidden {
			t.Errorf("a supervisor holds: %d", r.Status)
		}
		for _, l := range a.leaves(t, "hold.placed") {
			if strings.Contains(l, "退款\"") || !strings.Contains(l, `"conversations"`) {
				t.Errorf("entry %s", l)
			}
		}
	})
}
