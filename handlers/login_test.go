package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/web/webtest"
)

func TestSigningIn(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
		c := s.Anonymous()
		c.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
		c.Get(t, "/login?next=%2Faccount").Want(t, 200, "登录", `value="/account"`, "仅限授权人员")
		wrong := c.Post(t, "/login", url.Values{"login": {who.StaffNo}, "password": {"x"}, "next": {"/account"}})
		wrong.Want(t, http.StatusUnprocessableEntity, "工号、邮箱或密码不正确", `value="`+who.StaffNo+`"`)
		unknown := c.Post(t, "/login", url.Values{"login": {"t999999"}, "password": {"x"}, "next": {"/account"}})
		if a, b := strip(wrong.Body, who.StaffNo), strip(unknown.Body, "t999999"); a != b {
			t.Errorf("unknown and wrong differ:\n%s\n%s", a, b)
		}
		c.Post(t, "/login", url.Values{"login": {who.StaffNo}, "password": {accounttest.Password}, "next": {"/account"}}).
			WantRedirect(t, "/login/otp?next=%2Faccount")
		half := c.Cookie("qd")
		c.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount") // the password alone opens nothing
		c.Get(t, "/login/otp?next=%2Faccount").Want(t, 200, who.Name, "one-time-code")
		c.Post(t, "/login/otp", url.Values{"code": {"12345"}, "next": {"/account"}}).Want(t, 422, "还可以再试 4 次", "自动设置")
		code := accounttest.Code(t, s.db, who.ID)
		c.Post(t, "/login/otp", url.Values{"code": {code[:3] + " " + code[3:]}, "next": {"/account"}}).WantRedirect(t, "/account")
		if c.Cookie("qd") == half || c.Cookie("qd") == "" {
			t.Error("the session's id did not change at the second factor")
		}
		c.Get(t, "/account").Want(t, 200, who.StaffNo, "本次登录")

		old := s.Anonymous()
		old.SetCookie("qd", half)
		old.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")

		full := c.Cookie("qd")
		c.Post(t, "/logout", nil).WantRedirect(t, "/login")
		old.SetCookie("qd", full)
		old.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
	})
}

// strip takes out what differs between two pages for other reasons.
func strip(body, login string) string {
	body = regexp.MustCompile(`(name="_csrf" value|X-CSRF-Token&#34;:&#34;)[^"]*"`).ReplaceAllString(body, "")
	return strings.ReplaceAll(body, login, "")
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	d, clock := dbtest.New(t)
	s := open(t, d, clock, accounttest.New(t, d), false)
	who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
	for _, next := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/logout"} {
		c := s.Anonymous()
		c.Get(t, "/login?next="+url.QueryEscape(next)).Lacks(t, `"`+next, `"javascript:`)
		c.Post(t, "/login", url.Values{"login": {who.StaffNo}, "password": {accounttest.Password}, "next": {next}}).WantRedirect(t, "/login/otp")
		s.clock.Advance(time.Minute)
		c.Post(t, "/login/otp", url.Values{"code": {accounttest.Code(t, s.db, who.ID)}, "next": {next}}).WantRedirect(t, "/")
		c.Get(t, "/login?next="+url.QueryEscape(next)).WantRedirect(t, "/")
		c.Post(t, "/preferences/theme", url.Values{"theme": {"dark"}, "return": {next}})
	}
}

func TestTwoSubmitsOfOneCode(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
		c := s.Anonymous()
		s.password(t, c, who).WantRedirect(t, "/login/otp")
		half, token, code := c.Cookie("qd"), c.FormToken(t), accounttest.Code(t, s.db, who.ID)
		var wg sync.WaitGroup
		var mu sync.Mutex
		sessions := 0
		for range 2 {
			wg.Go(func() {
				twin := s.Anonymous()
				twin.SetCookie("qd", half)
				twin.Do(t, twin.FormRequest(t, "POST", "/login/otp", url.Values{"_csrf": {token}, "code": {code}}))
				if k := twin.Cookie("qd"); k != half && k != "" {
					mu.Lock()
					sessions++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if sessions != 1 {
			t.Errorf("two submits of one code opened %d sessions, want 1", sessions)
		}
	})
}

func TestSecureCookies(t *testing.T) {
	d, clock := dbtest.New(t)
	s := open(t, d, clock, accounttest.New(t, d), true)
	who := accounttest.User(t, d, s.accounts, account.Agent, 3)
	c := s.Anonymous()
	got := s.password(t, c, who)
	got.WantRedirect(t, "/login/otp")
	for _, k := range got.Cookies {
		if k.MaxAge >= 0 && (!strings.HasPrefix(k.Name, "__Host-") || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "") {
			t.Errorf("cookie %+v", k)
		}
	}
	plain := s.Anonymous()
	plain.SetCookie("qd", c.Cookie("__Host-qd"))
	plain.Get(t, "/login/otp").WantRedirect(t, "/login")
}

func TestTheFirstStart(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		token, err := s.accounts.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := s.Anonymous()
		c.Get(t, "/setup/wrong").Want(t, http.StatusNotFound)
		c.Get(t, "/setup/"+token).Want(t, 200, "创建第一个系统管理员")
		c.Post(t, "/setup/"+token, url.Values{"password": {"short"}, "repeat": {"short"}}).Want(t, 422, "请填写工号", "请填写姓名")
		form := url.Values{"staff_no": {"10001"}, "name": {"赵管理"}, "password": {"Silver-Harbour-9923"}, "repeat": {"other"}}
		c.Post(t, "/setup/"+token, form).Want(t, 422, "两次输入的新密码不同", `value="10001"`)
		form.Set("repeat", form.Get("password"))
		c.Post(t, "/setup/"+token, form).WantRedirect(t, "/login/enroll")
		page := c.Get(t, "/login/enroll")
		page.Want(t, 200, "data:image/png;base64,", "赵管理")
		c.Post(t, "/login/enroll", url.Values{"code": {"abc"}}).Want(t, 422, "口令不正确")
		secret := regexp.MustCompile(`<p class="qd-mono">([A-Z2-7 ]+)</p>`).FindStringSubmatch(page.Body)
		if secret == nil {
			t.Fatal("no secret on the page")
		}
		code, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), s.clock.Time())
		if err != nil {
			t.Fatal(err)
		}
		done := c.Post(t, "/login/enroll", url.Values{"code": {code}})
		done.Want(t, 200, "恢复码")
		codes := regexp.MustCompile(`<li>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})</li>`).FindAllStringSubmatch(done.Body, -1)
		if len(codes) != 10 {
			t.Fatalf("%d recovery codes on the page", len(codes))
		}
		if token := webtest.TokenIn(done.Body); token == "" || token != c.FormToken(t) {
			t.Error("the page after the rotation carries the old form token")
		}
		c.Get(t, "/login/enroll").WantRedirect(t, "/login")
		c.Get(t, "/setup/"+token).Want(t, http.StatusNotFound)
		c.Get(t, "/org").Want(t, 200, "赵管理", "添加成员")

		other := s.Anonymous()
		other.Post(t, "/login", url.Values{"login": {"10001"}, "password": {"Silver-Harbour-9923"}}).WantRedirect(t, "/login/otp")
		other.Get(t, "/login/otp?recovery=1").Want(t, 200, "输入恢复码")
		other.Post(t, "/login/otp", url.Values{"recovery": {"1"}, "code": {codes[0][1]}}).WantRedirect(t, "/")
	})
}

func TestLanguageAndTheme(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		c := s.Anonymous()
		c.Post(t, "/preferences/language", url.Values{"language": {"en"}, "return": {"/login?next=%2Fbin"}}).WantRedirect(t, "/login?next=%2Fbin")
		c.Get(t, "/login").Want(t, 200, "Sign in", `lang="en"`)
		c.Post(t, "/preferences/language", url.Values{"language": {"xx"}, "return": {"/login"}}).Want(t, 422)
		who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
		mine := s.signIn(t, who)
		mine.Post(t, "/preferences/theme", url.Values{"theme": {"dark"}, "return": {"/account"}}).WantRedirect(t, "/account")
		s.signIn(t, who).Get(t, "/account").Want(t, 200, `data-bs-theme="dark"`)
	})
}

// Single letters act on the pages until their reader turns that off (WCAG 2.1.4), on every machine.
func TestShortcutsCanBeSwitchedOff(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
		mine := s.signIn(t, who)
		mine.Get(t, "/account").Want(t, 200, `data-shortcuts="on"`, "单键快捷键")
		mine.Post(t, "/preferences/shortcuts", url.Values{"on": {"false"}}).WantRedirect(t, "/account")
		mine.Get(t, "/account").Want(t, 200, "已关闭").Lacks(t, `data-shortcuts="on"`)
		s.signIn(t, who).Get(t, "/account").Lacks(t, `data-shortcuts="on"`)
		mine.Post(t, "/preferences/shortcuts", url.Values{"on": {"true"}}).WantRedirect(t, "/account")
		mine.Get(t, "/account").Want(t, 200, `data-shortcuts="on"`)
		stranger := s.Anonymous()
		stranger.Get(t, "/login").Lacks(t, `data-shortcuts="on"`)
		stranger.Post(t, "/preferences/shortcuts", url.Values{"on": {"false"}}).Want(t, http.StatusUnauthorized)
		if n := dbtest.Count(t, s.db, &leaf{}, "action = 'preference.changed'"); n != 2 {
			t.Errorf("%d changes are written down", n)
		}
	})
}

type leaf struct{ N int64 }

// TableName is audit_leaf.
func (leaf) TableName() string { return "audit_leaf" }

func TestTheDemoShowsItsCodes(t *testing.T) {
	d, clock := dbtest.New(t)
	a := accounttest.Demo(t, d)
	if err := a.MarkDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddDemo(t.Context(), account.NewUser{StaffNo: "10482", Name: "林静怡", Role: account.Supervisor}, "qingdang-demo"); err != nil {
		t.Fatal(err)
	}
	s := open(t, d, clock, a, false)
	c := s.Anonymous()
	c.Get(t, "/login").Want(t, 200, "10482", "演示数据")
	c.Post(t, "/login", url.Values{"login": {"10482"}, "password": {"qingdang-demo"}}).WantRedirect(t, "/login/otp")
	code := regexp.MustCompile(`<span class="qd-mono">(\d{6})</span>`).FindStringSubmatch(c.Get(t, "/login/otp").Body)
	if code == nil {
		t.Fatal("the demo shows no code")
	}
	c.Post(t, "/login/otp", url.Values{"code": {code[1]}}).WantRedirect(t, "/")

	real := open(t, d, clock, accounttest.New(t, d), false)
	real.Anonymous().Get(t, "/login").Lacks(t, "10482", "演示数据")
}

// TestGETWritesNothing asks for every page while the database can only be read.
func TestGETWritesNothing(t *testing.T) {
	d, clock := dbtest.New(t)
	s := open(t, d, clock, accounttest.New(t, d), false)
	admin := s.signIn(t, accounttest.User(t, d, s.accounts, account.Admin))
	s.clock.Advance(5 * time.Minute) // the session's last use would be noted now
	dbtest.Exec(t, d, "PRAGMA query_only = 1")
	for _, path := range []string{"/account", "/org", "/login", "/login/otp"} {
		if got := admin.Get(t, path); got.Status >= 400 {
			t.Errorf("GET %s needs to write: %d", path, got.Status)
		}
	}
}
