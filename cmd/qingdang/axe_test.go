package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"qingdang/models/db"
	"qingdang/web"
)

// vendoredAxe gives axe-core as it was vendored. It comes into a page through the DevTools protocol, for the
// content policy lets in no script of others.
func vendoredAxe(t *testing.T) string {
	t.Helper()
	const folder = "testdata/axe/"
	list, err := os.ReadFile(folder + "VENDOR")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		content, err := os.ReadFile(folder + f[0])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f[len(f)-1] {
			t.Fatalf("%s is not the file that VENDOR lists", f[0])
		}
	}
	source, err := os.ReadFile(folder + "axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// places are the pages that axe looks at, by who opens them: the main ones always, the others in the long tier.
// An address with a query of the database in braces stands for what that finds.
var places = []struct {
	staffNo    string
	main, more []string
}{
	{"", []string{"/login"}, nil},
	{ // supervisor
		"10482", []string{
			"/", "/conversations?q=%E9%80%80%E6%AC%BE&size=10",
			"/conversations/{SELECT id FROM conversation WHERE state = 1 AND department_id IN (SELECT id FROM department WHERE name = '一店售后组') ORDER BY last_at DESC LIMIT 1}?back=%2Fconversations%3Fq%3D%E6%82%A8%E5%A5%BD",
			"/searches", "/batches/new", "/bin", "/purges/{SELECT id FROM purge_request ORDER BY id LIMIT 1}", "/certificates/{SELECT id FROM certificate LIMIT 1}", "/exports/new?of=search",
		}, []string{
			"/conversations?q=%E2%80%9C", "/conversations?q=zzzzzz", "/conversations/{SELECT conversation_id FROM bin_item WHERE state = 'binned' LIMIT 1}", "/conversations/{SELECT conversation_id FROM bin_item WHERE state = 'purged' LIMIT 1}",
			"/searches/{SELECT code FROM saved_search ORDER BY id LIMIT 1}", "/batches", "/batches/{SELECT batch_id FROM bin_item WHERE state = 'binned' LIMIT 1}", "/bin?view=item",
			"/purges", "/purges/new", "/purges/{SELECT id FROM purge_request ORDER BY id DESC LIMIT 1}", "/certificates",
			"/letters", "/letters/{SELECT conversation_id FROM bin_item WHERE state = 'purged' LIMIT 1}", "/exports", "/exports/check", "/exports/{SELECT id FROM export WHERE state = 'ready' LIMIT 1}",
			"/access", "/access/new", "/access/{SELECT id FROM access_grant ORDER BY id LIMIT 1}",
			"/reports", "/inspections", "/imports", "/imports/new", "/jobs", "/help", "/account", "/audit", "/nowhere",
		},
	},
	{"10077", []string{"/holds", "/retention", "/deletion-requests/{SELECT id FROM subject_request ORDER BY id LIMIT 1}"}, []string{"/", "/deletion-requests", "/deletion-requests/new", "/deletion-requests/{SELECT id FROM subject_request ORDER BY id LIMIT 1}/answer", "/conversations?state=sealed", "/conversations/{SELECT id FROM conversation WHERE state = 6 LIMIT 1}", "/retention/edit?type=%E5%92%A8%E8%AF%A2", "/holds/new", "/holds/{SELECT id FROM legal_hold ORDER BY id LIMIT 1}", "/exports/{SELECT id FROM export WHERE state = 'waiting' LIMIT 1}"}}, // legal
	{ // auditor
		"10031", []string{"/audit/proof", "/inspections/{SELECT code FROM inspection WHERE state = 'checking' LIMIT 1}/items/1"}, []string{
			"/", "/audit", "/audit?row=5", "/inspections/{SELECT code FROM inspection WHERE state = 'checking' LIMIT 1}", "/inspections/{SELECT code FROM inspection WHERE state = 'checking' LIMIT 1}?tab=check",
			"/inspections/{SELECT code FROM inspection WHERE state = 'checking' LIMIT 1}?tab=findings", "/inspections/{SELECT code FROM inspection WHERE state = 'checking' LIMIT 1}/sheet",
			"/inspections/{SELECT code FROM inspection WHERE state = 'signed' LIMIT 1}?tab=report",
		},
	},
	{"10012", nil, []string{"/", "/org", "/org/departments/{SELECT id FROM department WHERE parent_id <> 0 ORDER BY id LIMIT 1}", "/org/members/{SELECT id FROM user WHERE staff_no = '20614'}"}}, // administrator
	{"20614", nil, []string{"/", "/conversations", "/bin"}}, // agent
}

// notPages are the routes that give files or parts of pages, or need a link of their own.
var notPages = []string{
	"/login/otp", "/login/enroll", "/setup/:token", "/go", "/searches/counts", "/conversations/tabs", "/holds/list.csv", "/batches/drafts/:id/exclusions.csv", "/batches/:id/state", "/purges/:id/state", "/purges/:id/manifest.csv",
	"/audit/entries.csv", "/audit/proof/log.jsonl", "/audit/proof/checkpoints/:size", "/inspections/:code/population.txt", "/imports/:id/state", "/imports/:id/rejects.csv",
	"/deletion-requests/:id/answer.pdf", "/batches/drafts/:id", "/batches/drafts/:id/cap", "/purges/:id/execute", "/reports/:id", "/retention/changes/:code", "/imports/:id", "/jobs/:id", // walked through where they are made
}

// No page of the console has a serious fault of accessibility. The ordinary tier looks at the main pages, wide and
// in Chinese, in both themes; the long one at all of them in both languages, and on a phone, too.
func TestEveryPageIsAccessible(t *testing.T) {
	long := os.Getenv("QINGDANG_TEST_TIER") == "long"
	a, clock, term := openDemo(t, t.TempDir())
	if err := a.fillDemo(term, 2500, clock); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t, served(t, a))
	b.axe = vendoredAxe(t)
	var seen []string
	for _, p := range places {
		paths := p.main
		for i, path := range slices.Concat(p.main, p.more) {
			path = filled(t, a, path)
			seen = append(seen, path)
			if i < len(p.main) {
				paths[i] = path
			} else if long {
				paths = append(paths, path)
			}
		}
		if len(paths) == 0 {
			continue
		}
		who := b.tab("axe-" + p.staffNo)
		who.open("/login")
		if p.staffNo != "" {
			who.demoLogin(a, p.staffNo)
		}
		who.inChinese()
		for _, path := range paths {
			who.faultless(path, 1440)
			if long {
				who.faultless(path, 390)
			}
		}
		if long {
			who.otherLanguage()
			for _, path := range paths {
				who.faultless(path, 1440)
				who.faultless(path, 390)
			}
		}
	}
	for _, r := range a.screens().Routes() {
		if r.Method == http.MethodGet && !slices.Contains(notPages, r.Path) && !slices.ContainsFunc(seen, func(path string) bool { return leads(r, path) }) {
			t.Errorf("nobody looks at %s", r.Path)
		}
	}
}

// filled puts into an address what its query finds.
func filled(t *testing.T, a *app, path string) string {
	t.Helper()
	before, rest, ok := strings.Cut(path, "{")
	if !ok {
		return path
	}
	query, after, _ := strings.Cut(rest, "}")
	var found string
	if err := a.db.Read(t.Context(), func(tx *db.Tx) error { return tx.Raw(query).Scan(&found).Error }); err != nil || found == "" {
		t.Fatalf("%s finds nothing: %v", query, err)
	}
	return before + found + after
}

// leads tells whether an address is one of a route.
func leads(r web.Route, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	have, want := strings.Split(path, "/"), strings.Split(r.Path, "/")
	if len(have) != len(want) {
		return false
	}
	for i, w := range want {
		if w != have[i] && !strings.HasPrefix(w, ":") {
			return false
		}
	}
	return true
}

func (t *tab) otherLanguage() {
	t.t.Helper()
	t.do(chromedp.EmulateViewport(1440, 1100))
	t.open("/login")
	t.press("form[action='/preferences/language'] button")
}

// faultless fails on what axe finds serious on a page, in both themes; the dark one has other colours alone.
func (t *tab) faultless(path string, width int) {
	t.t.Helper()
	t.do(chromedp.EmulateViewport(int64(width), 1100))
	t.open(path)
	evaluate[any](t, t.axe+"; null")
	lang := evaluate[string](t, "document.documentElement.lang")
	for _, dress := range []struct{ theme, rules string }{{"light", "'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'"}, {"dark", "'color-contrast'"}} {
		if dress.theme == "dark" && t.count("main.qd-paper") > 0 {
			continue // paper is always light
		}
		found := evaluateAsync[[]string](t, `(async () => {
			document.documentElement.setAttribute('data-bs-theme', '`+dress.theme+`');
			await Promise.all(document.getAnimations().map(a => {a.finish(); return a.finished}));
			const r = await axe.run(document, {runOnly: [`+dress.rules+`], resultTypes: ['violations']});
			return r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ': ' + n.html.slice(0, 200) + ' ' + (n.failureSummary || '').slice(0, 240)));
		})()`)
		for _, f := range found {
			t.t.Errorf("%s (%s)", fmt.Sprint(path, ": ", f), fmt.Sprint(lang, " ", width, " ", dress.theme))
		}
	}
}
