package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/db/dbtest"
)

// person is somebody with an account, an authenticator and a browser window.
type person struct {
	*tab
	staffNo string
	secret  string
	clock   *dbtest.Clock
}

const storyPassword = "correct horse battery 2026"

// join opens the invitation, sets a password and enrols the authenticator.
func join(b *browser, clock *dbtest.Clock, staffNo, invitation string) *person {
	b.t.Helper()
	p := &person{tab: b.tab(staffNo), staffNo: staffNo, clock: clock}
	u, err := url.Parse(invitation)
	if err != nil {
		b.t.Fatal(err)
	}
	p.open(u.Path)
	p.fill("input[name=password]", storyPassword)
	p.fill("input[name=repeat]", storyPassword)
	if got := p.press("main form button.btn-primary"); got != http.StatusOK {
		p.fail("setting the password answered %d", got)
	}
	p.secret = strings.Join(regexp.MustCompile(`[A-Z2-7]{4,}`).FindAllString(evaluate[string](p.tab, "document.querySelector('p.qd-mono').textContent"), -1), "")
	p.fill("input[name=code]", p.code())
	if got := p.press("main form button.btn-primary"); got != http.StatusOK || p.count("input[name=code]") > 0 {
		p.fail("enrolling answered %d", got)
	}
	return p
}

// code is the authenticator's next code. The clock moves on, since a code counts once.
func (p *person) code() string {
	p.t.Helper()
	p.clock.Advance(31 * time.Second)
	code, err := totp.GenerateCode(p.secret, p.clock.Time())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// login signs in anew, after the session ended, and goes to a page.
func (p *person) login(path string) {
	p.t.Helper()
	p.open("/login?next=" + url.QueryEscape(path))
	if p.where() == path {
		return // the session still lives
	}
	p.fill("input[name=login]", p.staffNo)
	p.fill("input[name=password]", storyPassword)
	p.press("form[action='/login'] button.btn-primary")
	p.fill("input[name=code]", p.code())
	if got := p.press("form[action='/login/otp'] button.btn-primary"); got != http.StatusOK {
		p.fail("signing in answered %d", got)
	}
	if p.where() != path {
		p.fail("after signing in the page is %s, want %s", p.where(), path)
	}
}

// download fetches a file with the person's cookies, as the link's click would.
func (p *person) download(path string) (status int, body string) {
	p.t.Helper()
	type answer struct {
		Status int
		Body   string
	}
	a := evaluateAsync[answer](p.tab, "fetch("+quote(path)+").then(async r => ({Status: r.status, Body: await r.text()}))")
	return a.Status, a.Body
}

func invitation(t *testing.T, said string) string {
	t.Helper()
	link := regexp.MustCompile(`http://\S+/setup/\S+`).FindString(said)
	if link == "" {
		t.Fatalf("no invitation in %q", said)
	}
	return link
}
