package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"qingdang/models/db/dbtest"
)

// browser is one headless Chromium for a test. Anything the content policy refuses, and any
// error of a script, fails the test.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
	axe  string // its source, where a test has it

	mu   sync.Mutex
	woes []string
}

// served gives the address at which the console of a listens until the test ends.
func served(t *testing.T, a *app) string {
	t.Helper()
	h, err := a.handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func startBrowser(t *testing.T, base string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		dbtest.Missing(t, "chromium (Debian: apt-get install chromium)")
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.WSURLReadTimeout(browserPatience), chromedp.NoSandbox, chromedp.Flag("headless", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "zh-CN"), chromedp.Flag("user-data-dir", t.TempDir()))
	ctx, cancel := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	b := &browser{t: t, ctx: ctx, base: base}
	t.Cleanup(func() {
		cancel()
		cancelAlloc()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, w := range b.woes {
			t.Errorf("the browser complains: %s", w)
		}
	})
	return b
}

// tab is one person's window: a browser context with cookies of its own.
type tab struct {
	*browser
	ctx  context.Context
	name string
}

func (b *browser) tab(name string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(cancel)
	t := &tab{b, ctx, name}
	// The first step opens the window, and the window lives as long as that step's context.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 1100)); err != nil {
		b.t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			// A refused or missing page is an answer that the test looks at itself.
			if e.Entry.Source == "security" || e.Entry.Level == "error" && e.Entry.Source != "network" {
				t.complain(e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			t.complain(e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

func (b *browser) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.woes = append(b.woes, what)
}

// browserPatience is how long something may take on a slow machine that does other things besides; nothing waits for its end.
const browserPatience = 2 * time.Minute

func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.fail("%v", err)
	}
}

func (t *tab) fail(format string, args ...any) {
	t.t.Helper()
	t.shot("failed")
	t.t.Fatalf("%s at %s: %s\n%s", t.name, t.where(), fmt.Sprintf(format, args...), excerpt(t.text("main")))
}

func excerpt(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 1500)])
}

// open goes to a page and gives its status.
func (t *tab) open(path string) int {
	t.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = t.base + path
	}
	return t.follow(chromedp.Navigate(path))
}

// follow does something that loads a page, and gives the page's status.
func (t *tab) follow(steps ...chromedp.Action[chromedp.Void]) int {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, steps...)
	if err != nil && strings.Contains(err.Error(), "ERR_ABORTED") {
		// On a busy machine the answer of a form and the page it leads to can overtake each
		// other; what counts is the page that stands in the end.
		t.do(chromedp.WaitReady(chromedp.CSS("footer, main")))
		return evaluate[int](t, "performance.getEntriesByType('navigation')[0]?.responseStatus || 200")
	}
	if err != nil {
		t.fail("%v", err)
	}
	if res == nil {
		return http.StatusOK
	}
	return int(res.Status)
}

// press clicks what a selector finds and waits for the page that follows.
func (t *tab) press(selector string) int {
	t.t.Helper()
	t.see(selector)
	return t.follow(chromedp.Click(chromedp.CSS(selector)))
}

// tick clicks without a new page: a check box, a radio button, a script's button.
func (t *tab) tick(selector string) {
	t.t.Helper()
	t.see(selector)
	t.do(chromedp.Click(chromedp.CSS(selector)))
}

// fill replaces a field's value.
func (t *tab) fill(selector, value string) {
	t.t.Helper()
	t.see(selector)
	t.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// see waits until the selector finds something visible.
func (t *tab) see(selector string) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		t.fail("%s does not show: %v", selector, err)
	}
}

func evaluate[T any](t *tab, expression string) T {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.t.Fatalf("%s: %s: %v", t.name, expression, err)
	}
	return v
}

// text gives the visible text of what a selector finds, "" for nothing.
func (t *tab) text(selector string) string {
	t.t.Helper()
	return evaluate[string](t, "(document.querySelector("+quote(selector)+")||document.body||{innerText:''}).innerText||''")
}

// count tells how many elements a selector finds.
func (t *tab) count(selector string) int {
	t.t.Helper()
	return evaluate[int](t, "document.querySelectorAll("+quote(selector)+").length")
}

// where gives the path and query of the page.
func (t *tab) where() string {
	u, err := url.Parse(evaluate[string](t, "location.href"))
	if err != nil {
		return "?"
	}
	return u.RequestURI()
}

// wants fails unless the page shows all the words.
func (t *tab) wants(words ...string) {
	t.t.Helper()
	shown := t.text("body")
	for _, w := range words {
		if !strings.Contains(shown, w) {
			t.fail("%q is not shown", w)
		}
	}
}

func quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `'`, `\'`) + "'"
}

// shot keeps a picture of the page where QINGDANG_SHOTS names a folder.
func (t *tab) shot(name string) {
	dir := os.Getenv("QINGDANG_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(dir+"/"+t.name+"-"+name+".png", png, 0o600)
	}
	if err != nil {
		t.t.Logf("screenshot: %v", err)
	}
}

// evaluateAsync waits for a promise.
func evaluateAsync[T any](t *tab, expression string) T {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.t.Fatalf("%s: %s: %v", t.name, expression, err)
	}
	return v
}
