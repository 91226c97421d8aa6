package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/report"
)

// A report is made, read and taken along by the form alone: with scripts and without. What is wrong is said at its
// field, and the report of the bin leads to its inspection.
func TestReportsAreMadeWithAndWithoutScripts(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	t.Cleanup(func() { clean(t, a) })
	accounttest.Use(t, a.db, a.store)
	auditor := accounttest.User(t, a.db, a.accounts, account.Auditor)
	if _, err := a.inspections.Open(t.Context(), auditor); err != nil {
		t.Fatal(err)
	}
	url := served(t, a)
	b := startBrowser(t, url)
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "scripts", false: "plain"}[scripts]
		p := b.tab("reports-" + name)
		if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(31 * time.Second)
		p.open("/login?next=/reports")
		p.fill("input[name=login]", auditor.StaffNo)
		p.fill("input[name=password]", accounttest.Password)
		p.press("form[action='/login'] button.btn-primary")
		p.fill("input[name=code]", accounttest.Code(t, a.db, auditor.ID))
		p.press("form[action='/login/otp'] button.btn-primary")
		if p.where() != "/reports" {
			p.fail("after signing in the page is %s", p.where())
		}
		// One entry of the menu leads here, and the tabs to everything else that this person may open.
		if p.count(".qd-menu-item.active[href='/reports']") != 1 || p.count(".nav-tabs a[href='/inspections'], nav a[href='/inspections']") == 0 || p.count("a[href='/exports']") != 0 {
			p.fail("the menu or the tabs are others")
		}
		const make = "form[action='/reports'] button.btn-primary"
		p.fill("input[name=from]", "2026-11-20")
		p.fill("input[name=to]", "2026-11-01")
		if got := p.press(make); got != http.StatusUnprocessableEntity {
			p.fail("reversed days answered %d", got)
		}
		p.see("#to.is-invalid, #from.is-invalid")
		if got := evaluate[string](p, "document.querySelector('input[name=from]').value"); got != "2026-11-20" {
			p.fail("what was typed is lost: %q", got)
		}
		for _, kind := range []report.Kind{report.Operations, report.BinCheck} {
			p.open("/reports")
			p.do(chromedp.SetValue(chromedp.CSS("select[name=kind]"), string(kind)))
			p.fill("input[name=from]", "2026-11-01")
			p.fill("input[name=to]", "2026-11-30")
			if got := p.press(make); got != http.StatusOK || !strings.HasPrefix(p.where(), "/reports/") {
				p.fail("making %s answered %d at %s", kind, got, p.where())
			}
			p.wants("AR-")
			p.shot(string(kind))
			for _, ending := range []string{".json", ".csv", ".xlsx", ".pdf"} {
				if p.count("a[href$='"+ending+"']") == 0 {
					p.fail("no link to %s", ending)
				}
				if got := evaluateAsync[int](p, "fetch("+quote(p.where()+ending)+").then(async r => (await r.arrayBuffer()).byteLength > 100 ? r.status : 0)"); got != http.StatusOK {
					p.fail("%s answered %d", ending, got)
				}
			}
		}
		if got := p.press("a[href='/inspections/XJ-2026Q4']"); got != http.StatusOK {
			p.fail("the inspection answered %d", got)
		}
		p.wants("XJ-2026Q4")
	}
}
