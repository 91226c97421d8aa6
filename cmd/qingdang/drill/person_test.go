package drill_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/templates"
)

// person is somebody at the console.
type person struct {
	s      *site
	client *http.Client
	token  string
}

// patience is how long a person's browser waits at most. The console promises an answer after 15 s;
// a busy machine may take longer, and a request that waits for its connection takes a minute.
const patience = 45 * time.Second

var formToken = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// signIn takes a person through the login with the password and a one-time code.
func (s *site) signIn(who account.Actor) *person {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	p := &person{s: s, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	wait(s.t, "the console", func() bool { status, _ := p.get("/login"); return status == http.StatusOK })
	p.find("/login")
	if status, _ := p.post("/login", url.Values{"login": {who.StaffNo}, "password": {accounttest.Password}}); status != http.StatusSeeOther {
		s.t.Fatalf("the password was answered with %d", status)
	}
	p.find("/login/otp")
	if status, _ := p.post("/login/otp", url.Values{"code": {accounttest.Code(s.t, s.now, who.ID)}}); status != http.StatusSeeOther {
		s.t.Fatalf("the code was answered with %d", status)
	}
	p.find("/")
	return p
}

// find takes the form token of a page.
func (p *person) find(path string) {
	p.s.t.Helper()
	status, body := p.get(path)
	found := formToken.FindStringSubmatch(body)
	if status != http.StatusOK || found == nil {
		p.s.t.Fatalf("GET %s: %d, no form", path, status)
	}
	p.token = found[1]
}

func (p *person) get(path string) (status int, body string) {
	p.s.t.Helper()
	return p.do(http.MethodGet, path, nil)
}

func (p *person) post(path string, form url.Values) (status int, body string) {
	p.s.t.Helper()
	form.Set("_csrf", p.token)
	return p.do(http.MethodPost, path, form)
}

// do gives status 0 when the console is not there, and fails the drill when it does not answer.
func (p *person) do(method, path string, form url.Values) (status int, body string) {
	p.s.t.Helper()
	ctx, cancel := context.WithTimeout(p.s.ctx(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.s.listen+path, strings.NewReader(form.Encode()))
	p.s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(r)
	if errors.Is(err, context.DeadlineExceeded) {
		p.s.t.Errorf("%s %s: no answer", method, path)
	}
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	p.s.must(err)
	return res.StatusCode, string(b)
}

// act is something destructive that a person wants: one conversation into the bin.
type act struct {
	conversation id.Conversation
	key          string
}

func newAct(c id.Conversation) act { return act{c, rand.Text()} }

// discard sends the form, which may be sent again.
func (p *person) discard(a act) (status int) {
	p.s.t.Helper()
	status, _ = p.post(templates.ConversationActPath(uint64(a.conversation), "discard"), url.Values{"reason": {"超过保留期，不再需要"}, "request_key": {a.key}})
	return status
}

// done makes sure that an act happened exactly once.
func (p *person) done(a act) {
	p.s.t.Helper()
	binned := dbtest.Count(p.s.t, p.s.now, &conversation.Conversation{}, "id = ? AND state = ?", a.conversation, conversation.Binned)
	batches := dbtest.Count(p.s.t, p.s.now, &bin.Batch{}, "request_key = ?", a.key)
	items := dbtest.Count(p.s.t, p.s.now, &bin.Item{}, "conversation_id = ? AND state = ?", a.conversation, bin.ItemBinned)
	if binned != 1 || batches != 1 || items != 1 {
		p.s.t.Errorf("conversation %d: %d in the bin by %d batches with %d items, want one of each", a.conversation, binned, batches, items)
	}
}

// again sends an act again after the fault, until it is done: what was answered before may have
// happened or not, but never twice.
func (p *person) again(a act) {
	p.s.t.Helper()
	wait(p.s.t, "the console to work again", func() bool { return p.discard(a) == http.StatusSeeOther })
	p.done(a)
}
