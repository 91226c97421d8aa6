package templates

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/static"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// sampleFrame is the frame of a supervisor at 14:32 on a Friday.
func sampleFrame(lang locale.Lang, theme string) *Frame {
	return &Frame{
		Viewer: Viewer{Name: "林静怡", StaffNo: "10482", RoleKey: "role.supervisor", Initial: "林"},
		Lang:   lang, Theme: theme, CSRF: `to"ken`, Path: "/bin?view=batch", ScopeName: "华东大区",
		JobsRunning: 2, Notices: 5, Shortcuts: true,
		Links:   FrameLinks{Jobs: "/jobs", Inbox: "/inbox", Help: "/help", Settings: "/settings/me", Proof: "/audit/proof"},
		ChainOK: true, ChainCheckedAt: sampleNow.Add(-2 * time.Minute), Version: "v1.0.0", Organisation: "云栖优品集团", Now: sampleNow, RequestID: "req-5d81",
		Flashes: []Flash{
			{Text: "已将 214 条会话移入回收站", UndoAction: "/batches/3/restore"},
			{Kind: ui.Warning, Text: "已恢复 3,360 条，42 条因法务保留改由法务恢复", Link: "/bin"},
		},
		Menu: []MenuGroup{
			{Items: []MenuItem{{Key: "menu.home", Path: "/", Icon: "layout-dashboard"}}},
			{TitleKey: "menu.group_conversations", Items: []MenuItem{
				{Key: "menu.conversations", Path: "/conversations", Icon: "search"},
				{Key: "menu.searches", Path: "/searches", Icon: "bookmark", Count: 8},
			}},
			{TitleKey: "menu.group_disposal", Items: []MenuItem{
				{Key: "menu.batches", Path: "/batches", Icon: "trash-x"},
				{Key: "menu.bin", Path: "/bin", Icon: "recycle", Count: 126480, Active: true},
				{Key: "menu.purges", Path: "/purges", Icon: "flame", Count: 2, Amber: true},
			}},
			{TitleKey: "menu.group_governance", Items: []MenuItem{
				{Key: "menu.retention", Path: "/retention", Icon: "calendar-cog", Count: 1, Amber: true},
				{Key: "menu.holds", Path: "/holds", Icon: "lock", Count: 12},
			}},
			{TitleKey: "menu.group_evidence", Items: []MenuItem{
				{Key: "menu.exports", Path: "/exports", Icon: "file-export"},
				{Key: "menu.audit", Path: "/audit", Icon: "history"},
				{Key: "menu.inspections", Path: "/inspections", Icon: "clipboard-check"},
			}},
			{TitleKey: "menu.group_admin", Items: []MenuItem{{Key: "menu.connectors", Path: "/connectors", Icon: "plug-connected", Count: 1, Amber: true}}},
		},
	}
}

var sampleNow = time.Date(2026, 11, 20, 6, 32, 0, 0, time.UTC)

// around renders a component with children inside it.
func around(outer templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return outer.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

// box is markup around components, for layouts that are classes only.
func box(class string, children ...templ.Component) templ.Component {
	return templ.Join(append(append([]templ.Component{templ.Raw(`<div class="` + class + `">`)}, children...), templ.Raw(`</div>`))...)
}

func html(markup string) templ.Component { return templ.Raw(markup) }

// gallery is every screen of the preview, by name.
func gallery() map[string]templ.Component {
	return map[string]templ.Component{
		"bin":        binSample(),
		"wizard":     wizardSample(),
		"impact":     impactSample(),
		"purge":      purgeSample(),
		"transcript": transcriptSample(),
		"states":     statesSample(),
		"forms":      formsSample(),
		"login":      loginSample(),
		"paper":      paperSample(),
		"error":      ErrorPage(ErrorView{Status: 403, RequestID: "req-5d81"}),
		"fragment":   around(Shell(Page{Title: "x"}), ErrorFragment(ErrorView{Status: 409, RequestID: "req-9c02", Link: "/batches/3"})),
	}
}

func draw(t *testing.T, c templ.Component, f *Frame) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Render(WithFrame(t.Context(), f), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// forbidden is what the content policy would refuse, or what a missing word looks like.
var forbidden = map[string]*regexp.Regexp{
	"a style attribute":    regexp.MustCompile(`\sstyle\s*=`),
	"an event handler":     regexp.MustCompile(`<[^>]*\s(on[a-z]+|hx-on[^=\s]*)\s*=\s*"`),
	"an inline script":     regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`),
	"a style element":      regexp.MustCompile(`<style`),
	"a script address":     regexp.MustCompile(`javascript:`),
	"another host":         regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`),
	"a missing word":       regexp.MustCompile(`⟦`),
	"an unknown icon":      regexp.MustCompile(`M4 4h16v16h-16z`),
	"a hole in a sentence": regexp.MustCompile(`\{\d\}`),
}

func TestWidgetsKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	for name, page := range gallery() {
		for _, lang := range locale.Languages() {
			for _, theme := range []string{ThemeLight, ThemeDark, ThemeAuto} {
				t.Run(fmt.Sprintf("%s %s %s", name, lang, theme), func(t *testing.T) {
					out := draw(t, page, sampleFrame(lang, theme))
					for what, pattern := range forbidden {
						if hit := pattern.FindString(out); hit != "" {
							t.Errorf("the page has %s: %q", what, hit)
						}
					}
					if !strings.Contains(out, `<html lang="`+string(lang)+`"`) {
						t.Error("the page does not name its language")
					}
					checkIDs(t, out)
				})
			}
		}
	}
}

var (
	idPattern    = regexp.MustCompile(`\sid="([^"]*)"`)
	formPattern  = regexp.MustCompile(`(?s)<form[^>]*method="post".*?</form>`)
	labelPattern = regexp.MustCompile(`aria-(?:labelledby|describedby)="([^"]*)"`)
)

// checkIDs holds that ids are unique and that what is referred to is there.
func checkIDs(t *testing.T, out string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range idPattern.FindAllStringSubmatch(out, -1) {
		if seen[m[1]] {
			t.Errorf("id %q stands twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range labelPattern.FindAllStringSubmatch(out, -1) {
		for _, id := range strings.Fields(m[1]) {
			if !seen[id] {
				t.Errorf("%q refers to an id that is not on the page", id)
			}
		}
	}
	for _, form := range formPattern.FindAllString(out, -1) {
		if !strings.Contains(form, `name="`+ui.CSRFName+`"`) {
			t.Errorf("a form posts without a token: %.120s", form)
		}
	}
}

// TestScreenshots writes pictures of the gallery into the folder QD_SHOTS, for
// eyes; QD_ONLY is a pattern of names:
// QD_SHOTS=/tmp/shots QD_ONLY=zh-CN-dark go test -run Screenshots ./templates
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("QD_SHOTS")
	if dir == "" {
		t.Skip("set QD_SHOTS to a folder to get pictures")
	}
	only := regexp.MustCompile(os.Getenv("QD_ONLY"))
	for name, page := range gallery() {
		for _, lang := range locale.Languages() {
			for _, theme := range []string{ThemeLight, ThemeDark} {
				full := fmt.Sprintf("%s-%s-%s", name, lang, theme)
				if only.MatchString(full) {
					shoot(t, dir, full, draw(t, page, sampleFrame(lang, theme)))
				}
			}
		}
	}
}

// shoot saves a page with its files beside it and lets Chromium draw it.
func shoot(t *testing.T, dir, name, out string) {
	t.Helper()
	for _, file := range []string{"app.css", "app.js", "tabler.min.css", "htmx.min.js", "logo.svg"} {
		rec := newRecorder()
		static.Handler().ServeHTTP(rec, newRequest(static.Path(file)))
		path := filepath.Join(dir, static.Path(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, rec.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page := filepath.Join(dir, name+".html")
	if err := os.WriteFile(page, []byte(strings.ReplaceAll(out, `"/static/`, `"static/`)), 0o644); err != nil {
		t.Fatal(err)
	}
	for width, size := range map[string]string{"": "1440,1300", "-phone": "390,1600"} {
		cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
			"--window-size="+size, "--screenshot="+filepath.Join(dir, name+width+".png"), "file://"+page)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
}
