package web_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/templates/ui"
	"qingdang/web"
)

func TestWhoReachesWhat(t *testing.T) {
	s, changed := site(t)
	agent, auditor, admin := s.As(accounttest.Actor(account.Agent, 3)), s.As(accounttest.Actor(account.Auditor)), s.As(accounttest.Actor(account.Admin))
	anonymous := s.Anonymous()

	anonymous.Get(t, "/bin?view=batch&dept=3").WantRedirect(t, "/login?next=%2Fbin%3Fview%3Dbatch%26dept%3D3")
	anonymous.Get(t, "/no-such-page").WantRedirect(t, "/login?next=%2Fno-such-page")
	anonymous.Post(t, "/bin/1/restore", nil).Want(t, http.StatusUnauthorized)
	anonymous.Post(t, "/no-such-page", nil).Want(t, http.StatusUnauthorized)
	agent.Get(t, "/bin").Want(t, http.StatusOK)
	agent.Get(t, "/audit").Want(t, http.StatusForbidden, "你没有")
	agent.Get(t, "/no-such-page").Want(t, http.StatusNotFound)
	auditor.Get(t, "/audit").Want(t, http.StatusOK)
	auditor.Post(t, "/bin/1/restore", nil).Want(t, http.StatusForbidden)
	admin.Get(t, "/bin").Want(t, http.StatusForbidden)
	admin.Get(t, "/org").Want(t, http.StatusOK)
	if *changed != 0 {
		t.Errorf("%d changes by people who may not", *changed)
	}
	if d := s.Denials(); len(d) != 3 || d[0].Permission != account.AuditRead || d[1].Route != "POST /bin/:id/restore" || d[2].By.Role != account.Admin {
		t.Errorf("denials = %+v", d)
	}
	agent.Get(t, "/denied").Want(t, http.StatusForbidden)
	if n := len(s.Denials()); n != 4 {
		t.Errorf("%d denials after a use case refused, want 4", n)
	}
	agent.Post(t, "/bin/1/restore", nil).WantRedirect(t, "/bin")
	if *changed != 1 {
		t.Errorf("%d changes, want 1", *changed)
	}
}

func TestOddWaysIn(t *testing.T) {
	s, changed := site(t)
	agent := s.As(accounttest.Actor(account.Agent, 3))
	tests := []struct {
		name, method, path string
		header             string
		want               int
	}{
		{"a trailing slash", "GET", "/bin/", "", http.StatusNotFound},
		{"two slashes", "GET", "//bin", "", http.StatusNotFound},
		{"an escaped slash", "GET", "/bin%2f1", "", http.StatusNotFound},
		{"an escaped slash in the id", "GET", "/bin/1%2f..%2f..", "", http.StatusNotFound},
		{"dots", "GET", "/static/../bin", "", http.StatusNotFound},
		{"escaped dots out of the files", "GET", "/static/%2e%2e%2fbin", "", http.StatusNotFound},
		{"HEAD of a page", "HEAD", "/bin", "", http.StatusMethodNotAllowed},
		{"a form's address by GET", "GET", "/bin/1/restore", "", http.StatusMethodNotAllowed},
		{"an override of the method", "GET", "/bin/1/restore", "X-HTTP-Method-Override: POST", http.StatusMethodNotAllowed},
		{"an override in the address", "GET", "/bin/1/restore?_method=POST", "", http.StatusMethodNotAllowed},
		{"another spelling of the method", "post", "/bin/1/restore", "", http.StatusMethodNotAllowed},
		{"TRACE", "TRACE", "/bin", "", http.StatusMethodNotAllowed},
		{"id 0", "GET", "/bin/0", "", http.StatusNotFound},
		{"a negative id", "GET", "/bin/-1", "", http.StatusNotFound},
		{"SQL as id", "GET", "/bin/1%20OR%201=1", "", http.StatusNotFound},
		{"an id past all", "GET", "/bin/9223372036854775808", "", http.StatusNotFound},
		{"a good id", "GET", "/bin/77", "", http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := agent.Request(t, tt.method, "/", nil)
			r.URL.Path, r.URL.RawPath, r.URL.Opaque = "", "", tt.path
			r.URL.Opaque = "//" + r.URL.Host + tt.path
			if name, value, ok := strings.Cut(tt.header, ": "); ok {
				r.Header.Set(name, value)
			}
			if got := agent.Do(t, r); got.Status != tt.want {
				t.Errorf("status %d, want %d: %.300s", got.Status, tt.want, got.Body)
			}
		})
	}
	if *changed != 0 {
		t.Errorf("%d changes", *changed)
	}
}

func TestUnsafeRequestsNeedTheToken(t *testing.T) {
	s, changed := site(t)
	agent, other := s.As(accounttest.Actor(account.Agent, 3)), s.As(accounttest.Actor(account.Agent, 3))
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		path := "/bin/1"
		if method == "POST" {
			path = "/bin/1/restore"
		}
		for name, form := range map[string]url.Values{
			"no token":                    {},
			"an empty token":              {ui.CSRFName: {""}},
			"somebody else's token":       {ui.CSRFName: {other.FormToken(t)}},
			"somebody's before the login": {ui.CSRFName: {s.Anonymous().FormToken(t)}},
		} {
			got := agent.Do(t, agent.FormRequest(t, method, path, form))
			if got.Status != http.StatusForbidden || !strings.Contains(got.Body, "页面已过期") {
				t.Errorf("%s with %s: %d", method, name, got.Status)
			}
		}
		in := agent.FormRequest(t, method, path+"?"+ui.CSRFName+"="+agent.FormToken(t), nil)
		if got := agent.Do(t, in); got.Status != http.StatusForbidden {
			t.Errorf("%s with the token in the address: %d", method, got.Status)
		}
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := agent.FormRequest(t, method, path, url.Values{ui.CSRFName: {agent.FormToken(t)}})
			r.Header.Set(name, value)
			if got := agent.Do(t, r); got.Status != http.StatusForbidden {
				t.Errorf("%s with %s: %s and a right token: %d", method, name, value, got.Status)
			}
		}
	}
	if got := s.Anonymous().Do(t, agent.FormRequest(t, "POST", "/login", nil)); got.Status != http.StatusForbidden {
		t.Errorf("a login without a token: %d", got.Status)
	}
	if *changed != 0 {
		t.Errorf("%d changes without a right token", *changed)
	}
	agent.Htmx(t, "DELETE", "/bin/1", nil).Want(t, http.StatusOK)
	if *changed != 1 {
		t.Errorf("the header's token changed %d, want 1", *changed)
	}
}

func TestGuessingIsBoundedPerAddress(t *testing.T) {
	s, changed := site(t, func(o *web.Options) { o.LoginBurst, o.LoginRate = 3, 0.001 })
	c := s.Anonymous()
	for range 3 {
		c.Post(t, "/login", nil)
	}
	c.Post(t, "/login", nil).Want(t, http.StatusTooManyRequests, "30 秒")
	r := c.FormRequest(t, "POST", "/login", url.Values{ui.CSRFName: {c.FormToken(t)}})
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if got := c.Do(t, r); got.Status != http.StatusTooManyRequests {
		t.Errorf("a forged address helped: %d", got.Status)
	}
	if *changed != 3 {
		t.Errorf("%d logins were tried, want 3", *changed)
	}
}

func TestATrustedProxySpeaksForOthers(t *testing.T) {
	s, changed := site(t, func(o *web.Options) {
		o.LoginBurst, o.LoginRate, o.TrustedProxies = 1, 0.001, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	c := s.Anonymous()
	for _, address := range []string{"203.0.113.9", "203.0.113.10", "203.0.113.9", "1.2.3.4, 203.0.113.10", "2001:db8::1", "2001:db8::2"} {
		r := c.FormRequest(t, "POST", "/login", url.Values{ui.CSRFName: {c.FormToken(t)}})
		r.Header.Set("X-Forwarded-For", address)
		c.Do(t, r)
	}
	if *changed != 3 {
		t.Errorf("%d logins were tried from three networks, want 3", *changed)
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"/bin?view=batch": "/bin?view=batch", "/": "/", "/loginx": "/loginx", "/a%2fb?q=%E6%9E%97": "/a%2fb?q=%E6%9E%97",
		"": "/", "bin": "/", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "javascript:alert(1)": "/",
		"/%2f/evil.example": "/", "/\tevil": "/", "\t//evil.example": "/", "/bin\r\nSet-Cookie: x": "/", "/login": "/", "/login/otp?x": "/",
		"/logout": "/", "/setup/abc": "/", "/preferences/theme": "/", "/" + strings.Repeat("x", 3000): "/",
	} {
		if got := web.LocalPath(in); got != want {
			t.Errorf("LocalPath(%.40q) = %q, want %q", in, got, want)
		}
	}
}

func TestMountRefuses(t *testing.T) {
	ok := page("x")
	for name, r := range map[string]web.Route{
		"no permission":             {Method: "GET", Path: "/x", Handler: ok},
		"a permission of nobody":    {Method: "GET", Path: "/x", Handler: ok, Permission: "conversation.destroy"},
		"no handler":                {Method: "GET", Path: "/x", Permission: web.Public},
		"a trailing slash":          {Method: "GET", Path: "/x/", Handler: ok, Permission: web.Public},
		"an odd method":             {Method: "HEAD", Path: "/x", Handler: ok, Permission: web.Public},
		"an upload by GET":          {Method: "GET", Path: "/x", Handler: ok, Permission: web.Public, Upload: true},
		"a route that is there":     {Method: "GET", Path: "/", Handler: ok, Permission: web.Public},
		"a post without a session":  {Method: "POST", Path: "/x", Handler: ok, Permission: web.Public, Plain: true},
		"a plain page for somebody": {Method: "GET", Path: "/x", Handler: ok, Permission: account.BinRead, Plain: true},
	} {
		s, _ := site(t)
		if err := s.App.Mount(r); err == nil {
			t.Errorf("%s was mounted", name)
		}
	}
	if _, err := web.New(web.Options{Secret: make([]byte, 31)}); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestARouteOutsideTheTableIsClosed(t *testing.T) {
	s, _ := site(t)
	s.App.GET("/sneaked-in", page("Sneaked"))
	s.As(accounttest.Actor(account.Legal)).Get(t, "/sneaked-in").Want(t, http.StatusNotFound)
	s.Anonymous().Get(t, "/sneaked-in").WantRedirect(t, "/login?next=%2Fsneaked-in")
}
