package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/templates/ui"
	"qingdang/web"
)

func TestHeadersOnEveryAnswer(t *testing.T) {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
	for _, secure := range []bool{true, false} {
		s, _ := site(t, func(o *web.Options) { o.Secure, o.Timeout = secure, 50*time.Millisecond })
		agent := s.As(accounttest.Actor(account.Agent, 3))
		if secure {
			agent.SetCookie("__Host-qd", agent.Cookie("qd"))
		}
		for path, status := range map[string]int{
			"/": 200, "/bin": 200, "/bin/x": 404, "/audit": 403, "/nothing": 404, "/panic": 500, "/broken": 500,
			"/conflict": 409, "/gone": 410, "/wait": 503, "/bin/1/restore": 405, "/static/none.css": 404, "/login": 200,
		} {
			got := agent.Get(t, path)
			if got.Status != status {
				t.Errorf("%s: status %d, want %d", path, got.Status, status)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
			} {
				if got.Header.Get(name) != want {
					t.Errorf("%s: %s = %q", path, name, got.Header.Get(name))
				}
			}
			if hsts := got.Header.Get("Strict-Transport-Security"); (hsts != "") != secure {
				t.Errorf("%s with Secure=%t: HSTS %q", path, secure, hsts)
			}
			if id := got.Header.Get("X-Request-Id"); id == "" || status >= 400 && !strings.HasPrefix(path, "/static") && !strings.Contains(got.Body, id) {
				t.Errorf("%s: request id %q is not on the page", path, id)
			}
			got.Lacks(t, "secret text", "password of the database", "no.words", "goroutine")
		}
	}
}

func TestTheClientsRequestIDIsNotUsed(t *testing.T) {
	s, _ := site(t)
	r := s.Anonymous().Request(t, "GET", "/login", nil)
	r.Header.Set("X-Request-Id", "forged")
	if got := s.Anonymous().Do(t, r); got.Header.Get("X-Request-Id") == "forged" {
		t.Error("the request id came from outside")
	}
}

func TestCookieAttributes(t *testing.T) {
	for _, secure := range []bool{true, false} {
		s, _ := site(t, func(o *web.Options) { o.Secure = secure })
		got := s.Anonymous().Get(t, "/login")
		if len(got.Cookies) != 1 {
			t.Fatalf("cookies = %v", got.Cookies)
		}
		k := got.Cookies[0]
		if strings.HasPrefix(k.Name, "__Host-") != secure || k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
			t.Errorf("cookie with Secure=%t: %+v", secure, k)
		}
	}
}

func TestScripts(t *testing.T) {
	s, _ := site(t)
	agent := s.As(accounttest.Actor(account.Agent, 3))
	got := agent.Htmx(t, "GET", "/conflict", nil)
	got.Want(t, http.StatusConflict, `qd-alert`)
	got.Lacks(t, "<html")
	if got.Header.Get("Vary") != "HX-Request" {
		t.Errorf("Vary = %q", got.Header.Get("Vary"))
	}
	r := agent.Request(t, "GET", "/bin", nil)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Current-URL", "http://127.0.0.1/bin?view=item")
	for _, token := range []string{"", "dead"} {
		c := s.Anonymous()
		if token != "" {
			c.SetCookie("qd", token)
		}
		if got := c.Do(t, r.Clone(t.Context())); got.Status != http.StatusUnauthorized || got.Header.Get("HX-Redirect") != "/login?next=%2Fbin%3Fview%3Ditem" {
			t.Errorf("signed out: %d, %q", got.Status, got.Header.Get("HX-Redirect"))
		}
	}
}

func TestWhatWasWrittenIsNotLost(t *testing.T) {
	s, changed := site(t)
	c := s.Anonymous()
	c.SetCookie("qd", "a-session-that-ended")
	got := c.Do(t, c.FormRequest(t, "POST", "/bin/1/restore", url.Values{
		"reason": {"客户投诉已结案，按要求恢复 <b>"}, "password": {"never-show-this"}, "request_key": {"key-key-key"}, ui.CSRFName: {"tokentoken"},
	}))
	got.Want(t, http.StatusUnauthorized, "客户投诉已结案，按要求恢复 &lt;b&gt;", "没有改动任何数据")
	got.Lacks(t, "never-show-this", "tokentoken", "key-key-key")
	if *changed != 0 {
		t.Error("a change without a session")
	}
}

type away struct{ web.Accounts }

func (away) Session(context.Context, string, account.Client) (*account.Session, error) {
	return nil, fmt.Errorf("read session: %w", context.DeadlineExceeded)
}

func TestADatabaseThatIsAway(t *testing.T) {
	s, _ := site(t, func(o *web.Options) { o.Accounts = away{o.Accounts} })
	c := s.Anonymous()
	c.SetCookie("qd", "some-token")
	c.Get(t, "/bin").Want(t, http.StatusServiceUnavailable, "服务暂不可用，数据未受影响")
}
