package handlers_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/models/intake/format"
	"qingdang/templates"
	"qingdang/web/webtest"
)

// marked gives the marks of a page in their order, each with its address.
func marked(r *webtest.Response) (out []string) {
	for _, m := range regexp.MustCompile(`<mark id="([^"]*)">([^<]*)</mark>`).FindAllStringSubmatch(r.Body, -1) {
		out = append(out, m[1]+" "+m[2])
	}
	return out
}

func same(t *testing.T, r *webtest.Response, want ...string) {
	t.Helper()
	if got := marked(r); fmt.Sprint(got) != fmt.Sprint(want) || r.Status != 200 {
		t.Errorf("%d, marked %q, want %q", r.Status, got, want)
	}
}

// openedFrom opens a conversation as the list of a search does.
func openedFrom(a *archive, t *testing.T, who *webtest.Client, external, search string) *webtest.Response {
	t.Helper()
	return who.Get(t, templates.ConversationPath(uint64(a.only(t, external)), search))
}

func TestHitsInAnOpenedConversation(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		taken := talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "你好，退款没到，电话 13800138000 退款急", "撤回的退款", "6620 是尾号，138-0013-8000", "要 Refund 也就是ｒｅｆｕｎｄ")
		taken.Messages[1].Recalled = true
		a.add(t, taken)
		actor := accounttest.Actor(account.Supervisor, a.shop.ID)
		boss := a.As(actor)

		page := openedFrom(a, t, boss, "e1", q("退款 OR refund"))
		same(t, page, "hit-1 退款", "hit-2 退款", "hit-3 Refund", "hit-4 ｒｅｆｕｎｄ")
		page.Want(t, 200, "命中 4 处", `href="#hit-4" data-hit-step="-1"`, `href="#hit-1" data-hit-step="1"`, `href="#hit-3" aria-label="下一处"`)
		same(t, openedFrom(a, t, boss, "e1", "/conversations"))
		same(t, openedFrom(a, t, boss, "e1", "/conversations?type=售后"))
		same(t, openedFrom(a, t, boss, "e1", q("-退款")))
		openedFrom(a, t, boss, "e1", "/bin?q=退款").Lacks(t, "<mark", "命中")

		// What is masked is not marked: not as it was written, nor as it is shown.
		for _, typed := range []string{"13800138000", "8000", "138", `"电话 138"`} {
			asked := boss.Post(t, "/conversations", url.Values{"q": {typed}})
			page := openedFrom(a, t, boss, "e1", asked.Location)
			page.Want(t, 200, "命中在脱敏内容里").Lacks(t, "<mark", "13800138000")
		}
		// Nor do words that look like personal data stand anywhere on the page or in its links.
		asked := boss.Post(t, "/conversations", url.Values{"q": {"13800138000 OR 退款"}})
		page = openedFrom(a, t, boss, "e1", asked.Location)
		same(t, page, "hit-1 退款", "hit-2 退款")
		page.Lacks(t, "13800138000", "hits_stale")
		openedFrom(a, t, boss, "e1", q("13800138000")).WantRedirect(t, templates.ConversationPath(uint64(a.only(t, "e1")), ""))

		// The seal is its reader's, for half an hour.
		other := accounttest.Actor(account.Supervisor, a.shop.ID)
		other.ID++
		openedFrom(a, t, a.As(other), "e1", asked.Location).Want(t, 200, "命中不再标出").Lacks(t, "<mark")
		clock.Advance(31 * time.Minute)
		openedFrom(a, t, a.As(actor), "e1", asked.Location).Want(t, 200, "命中不再标出").Lacks(t, "<mark")
	})
}

func TestHitsOfASavedSearch(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), spoken))
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	saved := boss.Post(t, "/searches", url.Values{"name": {"退款"}, "share": {"private"}, "back": {q("退款")}})
	if !strings.HasPrefix(saved.Location, "/conversations?search=SX-") {
		t.Fatalf("%d %s", saved.Status, saved.Location)
	}
	same(t, openedFrom(a, t, boss, "e1", saved.Location), "hit-1 退款")
	stranger := accounttest.Actor(account.Supervisor, a.shop.ID)
	stranger.ID++
	same(t, openedFrom(a, t, a.As(stranger), "e1", saved.Location))
	same(t, openedFrom(a, t, boss, "e1", "/conversations?search=SX-2026-9999"))
}

func TestHitsOfALongConversation(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	c := talk("e1", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()))
	for i := range 2*templates.TranscriptPart + 1 {
		text := "好的"
		if i%templates.TranscriptPart == 0 {
			text = "退款"
		}
		c.Messages = append(c.Messages, format.Message{ID: fmt.Sprint(i), Sender: format.Customer, At: long(clock.Time()).Add(time.Duration(i) * time.Second), Kind: "text", Text: text})
	}
	c.Messages = append(c.Messages, format.Message{ID: "x", Sender: format.Customer, At: long(clock.Time()).Add(time.Hour), Kind: "text", Text: strings.Repeat("很长", 10_001) + "退款"})
	a.add(t, c)
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	path := func(part int) string {
		return templates.ConversationPartPath(uint64(a.only(t, "e1")), part, q("退款"))
	}
	href := func(part int, hit string) string {
		return strings.ReplaceAll(path(part), "&", "&amp;") + "#" + hit
	}
	first := boss.Get(t, path(1)).Want(t, 200, "命中 3 处", `data-beyond="`+href(2, "hit-2")+`"`)
	same(t, first, "hit-1 退款")
	same(t, boss.Get(t, path(2)).Want(t, 200, `href="`+href(1, "hit-1")+`"`, `href="`+href(3, "hit-3")+`"`), "hit-2 退款")
	same(t, boss.Get(t, path(3)).Want(t, 200, `data-beyond="`+href(1, "hit-1")+`"`), "hit-3 退款") // what is cut off is not marked
}
