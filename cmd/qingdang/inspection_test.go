package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/inspection"
	"qingdang/models/intake/format"
)

// UX acceptance 7: ten items of an inspection are checked with the keyboard alone; a problem without
// words comes back at its field.
func TestTenItemsAreInspectedByKeyboard(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	accounttest.Use(t, a.db, a.store)
	const path = "集团/华东/一组"
	dep, err := a.departments.Ensure(t.Context(), account.System("cli", ""), path)
	if err != nil {
		t.Fatal(err)
	}
	var drafts []*format.Conversation
	for i := range 10 {
		drafts = append(drafts, &format.Conversation{
			Platform: "wechat", ExternalID: fmt.Sprint("k", i), DepartmentPath: path, ServiceType: "咨询", AgentID: "A1", CustomerID: fmt.Sprint("c", i), CustomerName: "王伟",
			Messages: []format.Message{{ID: "1", Sender: format.Customer, At: clock.Time().AddDate(-2, 0, 0), Kind: "text", Text: "你好"}},
		})
	}
	if err := a.importer.Add(t.Context(), account.System("cli", ""), slices.Values(drafts)); err != nil {
		t.Fatal(err)
	}
	boss, auditor := accounttest.User(t, a.db, a.accounts, account.Supervisor, dep.ID), accounttest.User(t, a.db, a.accounts, account.Auditor)
	clock.Advance(72 * time.Hour)
	i, err := a.inspections.Open(t.Context(), auditor)
	if err != nil {
		t.Fatal(err)
	}
	(&world{app: a, clock: clock, department: dep.ID}).discardAll(t, boss)
	clock.Advance(24 * time.Hour)
	if _, err := a.inspections.Draw(t.Context(), auditor, i.Code); err != nil {
		t.Fatal(err)
	}

	url := served(t, a)
	b := startBrowser(t, url)
	p := b.tab("inspection")
	page := "/inspections/" + i.Code
	p.open("/login?next=" + page)
	p.fill("input[name=login]", auditor.StaffNo)
	p.fill("input[name=password]", accounttest.Password)
	p.press("form[action='/login'] button.btn-primary")
	p.fill("input[name=code]", accounttest.Code(t, a.db, auditor.ID))
	p.press("form[action='/login/otp'] button.btn-primary")
	p.shot("overview")

	key := func(k string) int { return p.follow(chromedp.KeyEvent(k)) }
	p.do(chromedp.Focus(chromedp.CSS("form[action$='/next'] button")))
	key("\r")
	for seq := 1; seq <= 10; seq++ {
		if !strings.HasSuffix(p.where(), fmt.Sprintf("/items/%d", seq)) {
			p.fail("item %d is not the one at hand", seq)
		}
		if seq != 4 {
			key("y")
			continue
		}
		if got := key("n"); got != http.StatusUnprocessableEntity {
			p.fail("a problem without words answered %d", got)
		}
		p.see("textarea.is-invalid")
		p.fill("textarea[name=words]", "没有写明依据")
		p.do(chromedp.Focus(chromedp.CSS("button[value=problem]")))
		key("\r")
	}
	if p.where() != page {
		p.fail("after the last item the page is %s", p.where())
	}
	p.wants("10 / 10", "没有写明依据")
	p.open(page + "/items/2")
	key(arrowRight)
	if !strings.HasSuffix(p.where(), "/items/3") {
		p.fail("the arrow led to %s", p.where())
	}
	p.shot("item")
	if n := dbtest.Count(t, a.db, &inspection.Item{}, "verdict = ?", inspection.OK); n != 9 {
		t.Errorf("%d items are in order", n)
	}
}

const arrowRight = "\u0303" // as chromedp names it

// discardAll puts everything of the department into the bin.
func (w *world) discardAll(t *testing.T, by account.Actor) {
	t.Helper()
	var all []id.Conversation
	err := w.app.db.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Table("conversation").Where("department_id = ?", w.department).Order("id").Pluck("id", &all).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bin.Bin{DB: w.app.db, Zone: w.app.config.location, Keys: w.app.store}
	for _, c := range all {
		if _, err := b.DiscardOne(t.Context(), by, c, "超过保留期的会话清理", fmt.Sprint("form-key-", c)); err != nil {
			t.Fatal(err)
		}
	}
}
