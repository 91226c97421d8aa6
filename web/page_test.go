package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/templates/ui"
	"qingdang/web"
	"qingdang/web/webtest"
)

func TestFlashesShowOnce(t *testing.T) {
	s, _ := site(t)
	agent := s.As(accounttest.Actor(account.Agent, 3))
	agent.Post(t, "/bin/1/restore", nil).WantRedirect(t, "/bin")
	r := agent.Request(t, "GET", "/bin", nil)
	r.Header.Set("HX-Request", "true")
	agent.Do(t, r).Lacks(t, "qd-toast-text")
	first, second := agent.Get(t, "/bin"), agent.Get(t, "/bin")
	first.Want(t, http.StatusOK, "已复制")
	second.Lacks(t, "已复制")
}

func TestTheMenuShowsWhatTheRoleMayOpen(t *testing.T) {
	s, _ := site(t)
	for role, want := range map[account.Role][]string{account.Agent: {"/bin"}, account.Auditor: {"/bin", "/audit", "/org"}, account.Admin: {"/org"}} {
		body := s.As(accounttest.Actor(role, 3)).Get(t, "/nothing").Body
		for _, path := range []string{"/bin", "/audit", "/org", "/holds"} {
			has, should := strings.Contains(body, `href="`+path+`"`), strings.Contains(strings.Join(want, " "), path)
			if has != should {
				t.Errorf("menu of %s: %s is there: %t", role, path, has)
			}
		}
	}
}

func TestForms(t *testing.T) {
	s, _ := site(t)
	agent := s.As(accounttest.Actor(account.Agent, 3))
	agent.Post(t, "/form", url.Values{"name": {"林"}, "n": {"7"}, "ids": {"3", "9"}, "yes": {"on"}}).Want(t, 200, `"林" 7 [3 9] true`)
	for name, bad := range map[string]url.Values{
		"a word as number": {"n": {"x"}}, "an id of 0": {"ids": {"0"}}, "a negative id": {"ids": {"-1"}}, "SQL": {"ids": {"1 OR 1=1"}},
		"an id past all": {"ids": {"9223372036854775808"}}, "an empty list": {"ids": {"[]"}}, "NUL": {"name": {"a\x00b"}}, "broken UTF-8": {"name": {"\xff"}}, "maybe": {"yes": {"maybe"}},
	} {
		if got := agent.Post(t, "/form", bad); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Status)
		}
	}
	r := agent.FormRequest(t, "POST", "/form?name=address&n=9", url.Values{ui.CSRFName: {agent.FormToken(t)}, "n": {"7"}})
	agent.Do(t, r).Want(t, 200, `"" 7 [] false`)
	r = agent.Request(t, "POST", "/form", strings.NewReader(`{"name":"json"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(ui.CSRFHeader, agent.FormToken(t))
	agent.Do(t, r).Want(t, http.StatusUnprocessableEntity)
	agent.Get(t, "/query?name=x&n=many&ids=3&ids=0&yes=1&unknown=2").Want(t, 200, `"x" 0 [] true`)
}

func TestLimits(t *testing.T) {
	s, _ := site(t, func(o *web.Options) { o.BodyLimit, o.UploadLimit = 2000, 20000 })
	agent := s.As(accounttest.Actor(account.Agent, 3))
	agent.Post(t, "/form", url.Values{"name": {strings.Repeat("x", 3000)}}).Want(t, http.StatusRequestEntityTooLarge)
	r := agent.FormRequest(t, "POST", "/form", url.Values{ui.CSRFName: {agent.FormToken(t)}, "name": {strings.Repeat("x", 3000)}})
	r.ContentLength = -1
	agent.Do(t, r).Want(t, http.StatusRequestEntityTooLarge)

	upload := func(token string, size int) *webtest.Response {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if token != "-" {
			must(t, w.WriteField(ui.CSRFName, token))
		}
		f, err := w.CreateFormFile("file", "chat.csv")
		must(t, err)
		_, err = f.Write(make([]byte, size))
		must(t, err)
		must(t, w.Close())
		r := agent.Request(t, "POST", "/upload", &b)
		r.Header.Set("Content-Type", w.FormDataContentType())
		return agent.Do(t, r)
	}
	upload(agent.FormToken(t), 15000).Want(t, 200, "chat.csv 15000")
	upload("wrong", 10).Want(t, http.StatusForbidden)
	upload("-", 10).Want(t, http.StatusForbidden)
	upload(agent.FormToken(t), 30000).Want(t, http.StatusRequestEntityTooLarge)
}

func TestLanguageAndTheme(t *testing.T) {
	s, _ := site(t)
	c := s.Anonymous()
	c.SetCookie("qd_lang", "en")
	c.SetCookie("qd_theme", "dark")
	c.Get(t, "/login").Want(t, 200, `lang="en"`, `data-bs-theme="dark"`)
	s.Anonymous().Get(t, "/login").Want(t, 200, `lang="zh-CN"`)
}
