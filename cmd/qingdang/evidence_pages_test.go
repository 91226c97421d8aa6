package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/report"
)

// The pages of exports, reports, inspections and letters fit a phone in both languages and keep to the content
// policy. Where QINGDANG_AXE names axe.min.js, axe finds nothing in either theme at either width; QINGDANG_PAGES
// narrows the pages to those whose address has it.
func TestEvidencePagesFitEveryScreen(t *testing.T) {
	a, clock, term := openDemo(t, t.TempDir())
	if err := a.fillDemo(term, 2500, clock); err != nil {
		t.Fatal(err)
	}
	url := served(t, a)
	first := func(query string, args ...any) (n uint64) {
		t.Helper()
		if err := a.db.Read(t.Context(), func(tx *db.Tx) error { return tx.Raw(query, args...).Scan(&n).Error }); err != nil || n == 0 {
			t.Fatalf("%s: nothing found, %v", query, err)
		}
		return n
	}
	code := func(state string) string {
		t.Helper()
		var s string
		if err := a.db.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Raw("SELECT code FROM inspection WHERE state = ? ORDER BY id DESC LIMIT 1", state).Scan(&s).Error
		}); err != nil || s == "" {
			t.Fatalf("no inspection is %s: %v", state, err)
		}
		return s
	}
	b := startBrowser(t, url)
	b.axe = axeSource(t)
	pages := map[account.Role][]string{
		account.Supervisor: {
			"/exports", "/exports?state=failed", "/exports/new", "/exports/new?of=search", "/exports/check", "/reports", "/inspections",
			fmt.Sprint("/exports/", first("SELECT id FROM export WHERE state = 'ready' LIMIT 1")), fmt.Sprint("/exports/", first("SELECT id FROM export WHERE state = 'recalled' LIMIT 1")),
			fmt.Sprint("/letters/", first("SELECT conversation_id FROM bin_item WHERE state = 'purged' LIMIT 1")),
			"/letters", fmt.Sprint("/letters/", first("SELECT conversation_id FROM bin_item WHERE state = 'binned' LIMIT 1")), "/bin?view=item",
			fmt.Sprint("/batches/", first("SELECT batch_id FROM bin_item WHERE state = 'purged' LIMIT 1")), fmt.Sprint("/certificates/", first("SELECT id FROM certificate LIMIT 1")),
		},
		account.Legal: {"/exports", fmt.Sprint("/exports/", first("SELECT id FROM export WHERE state = 'waiting' LIMIT 1"))},
		account.Auditor: {
			"/reports", "/inspections", "/inspections/" + code("signed"), "/inspections/" + code("signed") + "?tab=report", "/inspections/" + code("checking"), "/inspections/" + code("checking") + "?tab=check",
			"/inspections/" + code("checking") + "?tab=findings", "/inspections/" + code("checking") + "/items/1", "/inspections/" + code("checking") + "/sheet",
		},
	}
	people := demo.People()
	for role, paths := range pages {
		i := slices.IndexFunc(people, func(p demo.Person) bool { return p.Role == string(role) })
		who := b.tab(string(role))
		who.demoLogin(a, people[i].StaffNo)
		if role == account.Auditor {
			paths = append(paths, who.makeReports()...)
		}
		for range 2 {
			lang := evaluate[string](who, "document.documentElement.lang")
			for _, path := range paths {
				if strings.Contains(path, os.Getenv("QINGDANG_PAGES")) {
					who.everyScreen(path, lang)
				}
			}
			who.open("/exports?x=" + lang)
			if role == account.Auditor {
				who.open("/reports")
			}
			who.press("form[action='/preferences/language'] button")
		}
	}
}

const settleTime = 300 * time.Millisecond

func axeSource(t *testing.T) string {
	t.Helper()
	name := os.Getenv("QINGDANG_AXE")
	if name == "" {
		return ""
	}
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func (t *tab) demoLogin(a *app, staffNo string) {
	t.t.Helper()
	t.open("/login")
	t.fill("input[name=login]", staffNo)
	t.fill("input[name=password]", demoPassword)
	t.press("form[action='/login'] button.btn-primary")
	code, err := a.accounts.DemoCode(t.t.Context(), staffNo)
	if err != nil {
		t.t.Fatal(err)
	}
	t.fill("input[name=code]", code)
	if got := t.press("form[action='/login/otp'] button.btn-primary"); got != http.StatusOK {
		t.fail("signing in answered %d", got)
	}
}

// makeReports makes one of each kind with the form.
func (t *tab) makeReports() (paths []string) {
	t.t.Helper()
	for _, k := range report.Kinds() {
		t.open("/reports")
		t.do(chromedp.SetValue(chromedp.CSS("select[name=kind]"), string(k)))
		t.fill("input[name=from]", "2026-01-01")
		if got := t.press("form[action='/reports'] button.btn-primary"); got != http.StatusOK || !strings.HasPrefix(t.where(), "/reports/") {
			t.fail("%s: making a report answered %d", k, got)
		}
		paths = append(paths, t.where())
	}
	return paths
}

// everyScreen looks at a page wide and narrow, light and dark.
func (t *tab) everyScreen(path, lang string) {
	t.t.Helper()
	name := lang + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path)
	if got := t.open(path); got != http.StatusOK {
		t.fail("%s answered %d", path, got)
	}
	for _, width := range []int{1440, 390} {
		t.do(chromedp.EmulateViewport(int64(width), 1100))
		if wide := evaluate[int](t, "document.documentElement.scrollWidth"); wide > width {
			t.t.Errorf("%s in %s is %d wide on a screen of %d", path, lang, wide, width)
		}
		for _, theme := range []string{"light", "dark"} {
			if theme == "dark" && (t.axe == "" && os.Getenv("QINGDANG_SHOTS") == "" || t.count("main.qd-paper") > 0) {
				continue // paper is always light
			}
			evaluate[any](t, "document.documentElement.setAttribute('data-bs-theme', "+quote(theme)+")")
			t.do(chromedp.Sleep(settleTime)) // colours fade over
			t.shot(fmt.Sprint(name, "-", width, "-", theme))
			t.accessible(path, fmt.Sprint(lang, " ", width, " ", theme))
		}
		evaluate[any](t, "document.documentElement.setAttribute('data-bs-theme', 'light')")
	}
	t.do(chromedp.EmulateViewport(1440, 1100))
}

// accessible fails on whatever axe finds.
func (t *tab) accessible(path, dress string) {
	t.t.Helper()
	if t.axe == "" {
		return
	}
	evaluate[any](t, t.axe+"; null")
	found := evaluateAsync[[]string](t, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r =>
		r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ': ' + n.html.slice(0, 200) + ' ' + (n.failureSummary || '').slice(0, 200))))`)
	for _, f := range found {
		t.t.Errorf("%s (%s): %s", path, dress, f)
	}
}
