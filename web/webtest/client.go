package webtest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qingdang/templates/ui"
	"qingdang/web"
)

// Client is a browser: it keeps cookies and follows no redirect.
type Client struct {
	site    *Site
	cookies map[string]*http.Cookie
	token   string
}

// Response is an answer, read whole.
type Response struct {
	Status   int
	Header   http.Header
	Body     string
	Location string
	Cookies  []*http.Cookie
}

// Get asks for a page.
func (c *Client) Get(t testing.TB, path string) *Response {
	t.Helper()
	return c.Do(t, request(t, http.MethodGet, c.site.server.URL+path, nil))
}

// Post sends a form with the session's token.
func (c *Client) Post(t testing.TB, path string, form url.Values) *Response {
	t.Helper()
	sent := url.Values{ui.CSRFName: {c.FormToken(t)}}
	for k, v := range form {
		sent[k] = v
	}
	return c.Do(t, c.FormRequest(t, http.MethodPost, path, sent))
}

// Htmx asks for a fragment, as a script on a page does.
func (c *Client) Htmx(t testing.TB, method, path string, form url.Values) *Response {
	t.Helper()
	r := c.FormRequest(t, method, path, form)
	r.Header.Set("HX-Request", "true")
	r.Header.Set(ui.CSRFHeader, c.FormToken(t))
	return c.Do(t, r)
}

// FormRequest makes a request with a form as its body, as it is.
func (c *Client) FormRequest(t testing.TB, method, path string, form url.Values) *http.Request {
	t.Helper()
	r := request(t, method, c.site.server.URL+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Request makes a request of any kind to the site.
func (c *Client) Request(t testing.TB, method, path string, body io.Reader) *http.Request {
	t.Helper()
	return request(t, method, c.site.server.URL+path, body)
}

func request(t testing.TB, method, address string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FormToken takes the token from a page, as a browser has it in its forms. The page
// is one that everybody gets: that of an address that does not exist, or the login.
func (c *Client) FormToken(t testing.TB) string {
	t.Helper()
	if c.token != "" {
		return c.token
	}
	page := c.Get(t, "/no-such-page")
	if page.Status == http.StatusSeeOther {
		page = c.Get(t, web.LoginPath)
	}
	c.token = TokenIn(page.Body)
	return c.token
}

// TokenIn finds the form token in a page, "" if it has none.
func TokenIn(page string) string {
	_, rest, ok := strings.Cut(page, `name="`+ui.CSRFName+`" value="`)
	if !ok {
		return ""
	}
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// Cookie gives the value of one of the browser's cookies.
func (c *Client) Cookie(name string) string {
	if k, ok := c.cookies[name]; ok {
		return k.Value
	}
	return ""
}

// SetCookie puts a cookie into the browser.
func (c *Client) SetCookie(name, value string) {
	c.cookies[name] = &http.Cookie{Name: name, Value: value}
	c.token = ""
}

// Do sends a request with the browser's cookies and keeps those it gets.
func (c *Client) Do(t testing.TB, r *http.Request) *Response {
	t.Helper()
	for _, k := range c.cookies {
		r.AddCookie(&http.Cookie{Name: k.Name, Value: k.Value})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range res.Cookies() {
		if c.token = ""; k.MaxAge < 0 {
			delete(c.cookies, k.Name)
			continue
		}
		c.cookies[k.Name] = k
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: string(body), Location: res.Header.Get("Location"), Cookies: res.Cookies()}
}

// Want fails the test unless the answer has the status and all the words.
func (r *Response) Want(t testing.TB, status int, words ...string) *Response {
	t.Helper()
	if r.Status != status {
		t.Errorf("status %d, want %d; location %q; body: %.2000s", r.Status, status, r.Location, r.Body)
	}
	for _, w := range words {
		if !strings.Contains(r.Body, w) {
			t.Errorf("the answer lacks %q: %.2000s", w, r.Body)
		}
	}
	return r
}

// WantRedirect fails the test unless the answer sends the browser on to path.
func (r *Response) WantRedirect(t testing.TB, path string) {
	t.Helper()
	if r.Status != http.StatusSeeOther || r.Location != path {
		t.Errorf("status %d to %q, want 303 to %q; body: %.800s", r.Status, r.Location, path, r.Body)
	}
}

// Lacks fails the test if the answer has one of the words.
func (r *Response) Lacks(t testing.TB, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(r.Body, w) {
			t.Errorf("the answer has %q", w)
		}
	}
}
