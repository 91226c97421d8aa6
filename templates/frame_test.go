package templates

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/static"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

func TestShell(t *testing.T) {
	page := around(Shell(Page{Title: "回收站", Crumbs: []Crumb{{Label: "处置", Path: "/batches"}}}), html("<p>内容</p>"))
	tests := []struct {
		name   string
		change func(*Frame)
		has    []string
		hasNot []string
	}{
		{
			"names the page once and marks where it is in the menu", func(*Frame) {},
			[]string{`<title>回收站 · 清档</title>`, `<h1 tabindex="-1">回收站</h1>`, `href="/bin" aria-current="page"`, `href="#main"`, "126,480"},
			nil,
		},
		{
			"puts the token into forms and htmx headers, escaped", func(*Frame) {},
			[]string{`name="_csrf" value="to&#34;ken"`, `hx-headers="{&#34;X-CSRF-Token&#34;:&#34;to\&#34;ken&#34;}"`},
			nil,
		},
		{
			"shows a failure as a banner with the request's number, not as a toast",
			func(f *Frame) { f.Flashes = []Flash{{Kind: ui.Danger, Text: "没有移入"}} },
			[]string{`role="alert"`, "没有移入", "req-5d81"},
			[]string{"data-toast-close"},
		},
		{
			"offers to undo what was done",
			func(f *Frame) { f.Flashes = []Flash{{Text: "已移入", UndoAction: "/batches/3/restore"}} },
			[]string{`action="/batches/3/restore"`, "撤销"},
			[]string{`role="alert"`},
		},
		{
			"shouts when the audit chain is broken",
			func(f *Frame) { f.ChainOK, f.Alert = false, "审计链校验未通过" },
			[]string{`role="alert"`, "qd-chain broken"},
			[]string{"审计链完整"},
		},
		{
			"does not claim a check that never ran",
			func(f *Frame) { f.ChainOK, f.ChainCheckedAt = true, time.Time{} },
			[]string{"审计链尚未校验"},
			[]string{"审计链完整"},
		},
		{
			"draws no place that is not there",
			func(f *Frame) { f.Links = FrameLinks{} },
			nil,
			[]string{`href="/jobs"`, `href="/inbox"`, `href="/help"`},
		},
		{
			"takes no single keys unless the user wants them",
			func(f *Frame) { f.Shortcuts = false },
			nil,
			[]string{"data-shortcuts"},
		},
		{
			"says that sample data are samples",
			func(f *Frame) { f.Demo = true },
			[]string{"演示数据"},
			nil,
		},
		{
			"escapes what people typed",
			func(f *Frame) { f.ScopeName, f.Query = `<b>"`, `"><script>` },
			nil,
			[]string{`<b>"`, `"><script>`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := sampleFrame(locale.Chinese, ThemeLight)
			f.Flashes = nil
			tt.change(f)
			out := draw(t, page, f)
			for _, want := range tt.has {
				if !strings.Contains(out, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, never := range tt.hasNot {
				if strings.Contains(out, never) {
					t.Errorf("the page has %q", never)
				}
			}
			if n := strings.Count(out, "<h1"); n != 1 {
				t.Errorf("the page has %d h1, want one", n)
			}
		})
	}
}

func TestErrorPagesHaveTheirOwnWords(t *testing.T) {
	seen := map[string]int{}
	for _, status := range []int{400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503} {
		for _, lang := range locale.Languages() {
			f := sampleFrame(lang, ThemeLight)
			out := draw(t, ErrorPage(ErrorView{Status: status, RequestID: "req-1"}), f)
			if strings.Contains(out, "⟦") || !strings.Contains(out, "req-1") {
				t.Errorf("the page for %d in %s lacks words or the request's number", status, lang)
			}
			title := regexp.MustCompile(`<h1[^>]*>([^<]*)`).FindStringSubmatch(out)[1]
			if was, twice := seen[title]; twice {
				t.Errorf("%d and %d say the same: %s", was, status, title)
			}
			seen[title] = status
			if out := draw(t, ErrorFragment(ErrorView{Status: status, RequestID: "req-1"}), f); strings.Contains(out, "<html") {
				t.Errorf("the fragment for %d is a whole page", status)
			}
		}
	}
}

func TestErrorPageIsBareForNobody(t *testing.T) {
	f := sampleFrame(locale.Chinese, ThemeLight)
	f.Viewer = Viewer{}
	if out := draw(t, ErrorPage(ErrorView{Status: 404}), f); strings.Contains(out, `id="menu"`) {
		t.Error("somebody who is not signed in sees the menu")
	}
	if out := draw(t, ErrorPage(ErrorView{Status: 404}), sampleFrame(locale.Chinese, ThemeLight)); !strings.Contains(out, `id="menu"`) {
		t.Error("somebody who is signed in loses the menu")
	}
}

func TestOddStatusesStillHaveWords(t *testing.T) {
	for status, want := range map[int]string{418: "400", 507: "500"} {
		out := draw(t, ErrorPage(ErrorView{Status: status}), sampleFrame(locale.Chinese, ThemeLight))
		if strings.Contains(out, "⟦") {
			t.Errorf("status %d should speak as %s", status, want)
		}
	}
}

var iconUse = regexp.MustCompile(`\bIcon(?:\(|: +)"([^"]+)"`)

// TestIconsInUseAreVendored reads the sources, so that a page which is not in
// any preview has its icons too.
func TestIconsInUseAreVendored(t *testing.T) {
	found := 0
	for _, pattern := range []string{"*.templ", "ui/*.templ", "*.go", "../handlers/*.go", "../web/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range iconUse.FindAllStringSubmatch(string(source), -1) {
				found++
				if _, ok := static.Icon(m[1]); !ok {
					t.Errorf("%s uses icon %q, which is not in icons.list", name, m[1])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d uses of icons; the pattern no longer matches the sources", found)
	}
}

var (
	classUse  = regexp.MustCompile(`\bqd-[a-z0-9-]+`)
	classRule = regexp.MustCompile(`\.(qd-[a-z0-9-]+)`)
)

// TestClassesInUseAreStyled catches a class that was misspelt or never drawn.
func TestClassesInUseAreStyled(t *testing.T) {
	rec := newRecorder()
	static.Handler().ServeHTTP(rec, newRequest(static.Path("app.css")))
	styled := map[string]bool{}
	for _, m := range classRule.FindAllStringSubmatch(rec.Body.String(), -1) {
		styled[m[1]] = true
	}
	for _, pattern := range []string{"*.templ", "ui/*.templ"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, class := range classUse.FindAllString(string(source), -1) {
				// A class that ends in a dash is put together with a kind or a level.
				if !styled[class] && !strings.HasSuffix(class, "-") {
					t.Errorf("%s uses class %q, which no rule draws", name, class)
				}
			}
		}
	}
}
