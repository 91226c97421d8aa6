package handlers_test

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/index"
	"qingdang/templates"
	"qingdang/web/webtest"
)

var rowLink = regexp.MustCompile(`href="(/conversations/\d+\?back=[^"]*)"`)

// rowsOf gives the ways into the conversations of a page of a search, in their order.
func rowsOf(r *webtest.Response) (out []string) {
	for _, m := range rowLink.FindAllStringSubmatch(r.Body, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	return out
}

// whole gives the ways into all conversations of a search, through all its pages.
func whole(t *testing.T, who *webtest.Client, path string) (out []string) {
	t.Helper()
	for {
		page := who.Get(t, path).Want(t, 200)
		out = append(out, rowsOf(page)...)
		if !strings.Contains(page.Body, `rel="next"`) {
			return out
		}
		path = link(t, page, `rel="next"`)
	}
}

// opened is the conversation to which a way leads.
func opened(path string) string { return strings.Split(path, "?")[0] }

// wantBack checks that the way back of an opened conversation leads to the page of the list that has it, to its row.
func wantBack(t *testing.T, who *webtest.Client, page *webtest.Response, path string, row int) {
	t.Helper()
	list, at, _ := strings.Cut(link(t, page, "返回结果"), "#")
	if at != fmt.Sprint("row-", row) {
		t.Errorf("row %d: back to %s", row, at)
	}
	got := who.Get(t, list).Want(t, 200)
	if i := strings.Index(got.Body, `id="`+at+`"`); i < 0 || !strings.HasPrefix(html.UnescapeString(rowLink.FindStringSubmatch(got.Body[i:])[1]), opened(path)+"?") {
		t.Errorf("row %d is not %s on %s", row, opened(path), list)
	}
}

func TestFromOneConversationOfAResultToTheNext(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		const n = 23
		for i := range n {
			at := long(clock.Time()).Add(time.Duration(i/2) * time.Hour) // two at a time
			a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", at, "退款没到"), talk(fmt.Sprint("x", i), "别家", "tb_1", "售后", at, "退款没到"), talk(fmt.Sprint("y", i), "云栖优品集团/一店", "tb_1", "售后", at, "别的"))
		}
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		newest := q("退款没到") + "&size=10"
		var first []string
		for _, search := range []string{newest, q("退款没到") + "&sort=last&size=10"} {
			list := whole(t, boss, search)
			if len(list) != n {
				t.Fatalf("%d rows", len(list))
			}
			searches := len(a.leaves(t, "conversation.searched"))

			path := list[0]
			for i := range list {
				page := boss.Get(t, path).Want(t, 200, fmt.Sprintf("结果第 %d 条", i+1), "<mark id=\"hit-1\">退款没到</mark>")
				if opened(path) != opened(list[i]) {
					t.Fatalf("row %d is %s, want %s", i+1, path, list[i])
				}
				wantBack(t, boss, page, path, i+1)
				switch i {
				case 0:
					page.Want(t, 200, "已是第一条").Lacks(t, "上一条")
				case n - 1:
					page.Want(t, 200, "已是最后一条", `data-key="k"`).Lacks(t, "下一条")
				}
				if i < n-1 {
					path = link(t, page, "下一条")
				}
			}
			for i := n - 1; i > 0; i-- {
				path = link(t, boss.Get(t, path), "上一条")
				page := boss.Get(t, path).Want(t, 200, fmt.Sprintf("结果第 %d 条", i))
				if opened(path) != opened(list[i-1]) {
					t.Fatalf("back on row %d: %s, want %s", i, path, list[i-1])
				}
				wantBack(t, boss, page, path, i)
			}
			if len(path) > len(list[0]) {
				t.Errorf("the first page has another address: %s", path)
			}

			// Every opening is in the log, with the search in which it was; the walk itself searches nothing anew but the lists.
			leaves := a.leaves(t, "conversation.opened")
			if last := leaves[len(leaves)-1]; !strings.Contains(last, `"in_search":true`) || !strings.Contains(last, `"words":1`) || strings.Contains(last, "退款") {
				t.Errorf("entry %s", last)
			}
			if got, want := len(a.leaves(t, "conversation.searched"))-searches, 2*n-1; got != want {
				t.Errorf("%d searches in the log for %d lists", got, want)
			}
			if first == nil {
				first = list
				continue
			}
			for i := range list {
				if opened(list[i]) != opened(first[n-1-i]) {
					t.Errorf("oldest first, row %d is %s", i+1, list[i])
				}
			}
		}
		// Who opens it elsewhere is on no walk.
		for _, back := range []string{"", newest, newest + "&row=0", newest + "&row=x", "/bin?row=3", q("退款没到") + strings.Repeat("x", 2000) + "&row=1"} {
			boss.Get(t, opened(first[3])+"?back="+url.QueryEscape(back)).Want(t, 200).Lacks(t, "下一条", "结果第", "in_search")
		}
	})
}

// What has left the result meanwhile keeps its place in the walk, and what is gone from it is passed by.
func TestAWalkGoesOnFromWhatLeftTheResult(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 12 {
			a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).Add(time.Duration(i)*time.Hour), "退款没到"))
		}
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		search := "/conversations?tag=" + url.QueryEscape("退款") + "&size=10"
		list := whole(t, boss, search)
		next := func(path, words string) string { t.Helper(); return opened(link(t, boss.Get(t, path), words)) }

		// Into the bin, from its own page: it is shown again, and the walk goes on both ways.
		form := url.Values{"reason": {"这一条是重复录入的会话"}, "request_key": {strings.Repeat("K", 26)}, "back": {backOf(list[4])}}
		shown := boss.Post(t, opened(list[4])+"/discard", form).Location
		if shown != list[4] {
			t.Fatalf("shown again as %s, was %s", shown, list[4])
		}
		if got := []string{next(shown, "上一条"), next(shown, "下一条"), next(list[3], "下一条"), next(list[5], "上一条")}; !slices.Equal(got, []string{opened(list[3]), opened(list[5]), opened(list[5]), opened(list[3])}) {
			t.Errorf("from and beside the bin: %v", got)
		}
		// Its tag taken away.
		boss.Post(t, opened(list[9])+"/tags", url.Values{"remove": {"退款"}, "back": {backOf(list[9])}}).WantRedirect(t, list[9])
		if got := []string{next(list[9], "上一条"), next(list[9], "下一条"), next(list[8], "下一条")}; !slices.Equal(got, []string{opened(list[8]), opened(list[10]), opened(list[10])}) {
			t.Errorf("from and beside what lost its tag: %v", got)
		}
		// And across the border of a page the way back has what is shown.
		path := link(t, boss.Get(t, list[9]), "下一条")
		back, _, _ := strings.Cut(link(t, boss.Get(t, path), "返回结果"), "#")
		if !slices.ContainsFunc(rowsOf(boss.Get(t, back)), func(row string) bool { return opened(row) == opened(path) }) {
			t.Errorf("%s is not on %s", path, back)
		}
		// What came meanwhile stands before the first.
		a.add(t, talk("late", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).Add(99*time.Hour), "退款没到"))
		if got := next(list[0], "上一条"); got != templates.ConversationPath(uint64(a.only(t, "late")), "") {
			t.Errorf("before the first: %s", got)
		}
	})
}

func backOf(path string) string {
	at, _ := url.Parse(path)
	return at.Query().Get("back")
}

// Words that look like personal data are in no address of the walk, and no search that is over, or somebody
// else's, leads on.
func TestAWalkThroughWhatIsSealed(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	for i := range 3 {
		a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).Add(time.Duration(i)*time.Hour), spoken))
	}
	actor := accounttest.Actor(account.Supervisor, a.shop.ID)
	boss := a.As(actor)
	list := rowsOf(boss.Get(t, boss.Post(t, "/conversations", url.Values{"q": {"13800138000"}, "customer": {"tb_1"}}).Location))
	if len(list) != 3 {
		t.Fatalf("%d rows", len(list))
	}
	page := boss.Get(t, list[1]).Want(t, 200, "上一条", "下一条")
	page.Lacks(t, "13800138000", "tb_1\"")
	if opened(link(t, page, "下一条")) != opened(list[2]) {
		t.Error("not the next one")
	}
	other := accounttest.Actor(account.Supervisor, a.shop.ID)
	other.ID++
	a.As(other).Get(t, list[1]).Want(t, 200, "检索条件已失效").Lacks(t, "下一条")
	clock.Advance(31 * time.Minute)
	a.As(actor).Get(t, list[1]).Want(t, 200, "检索条件已失效").Lacks(t, "下一条")

	// A saved search leads on for whoever may open it.
	saved := boss.Post(t, "/searches", url.Values{"name": {"退款"}, "share": {"private"}, "back": {q("退款")}}).Location
	list = rowsOf(boss.Get(t, saved))
	if path := link(t, boss.Get(t, list[0]).Want(t, 200, "结果第 1 条"), "下一条"); opened(path) != opened(list[1]) || !strings.Contains(path, "search%3DSX-") {
		t.Errorf("the next of a saved search: %s", path)
	}
	a.As(other).Get(t, list[0]).Want(t, 200).Lacks(t, "下一条")
	// Nor does one whose words cannot be looked for now.
	a.conversations.Index = conversation.NewIndex(d, a.conversations.Vault, index.Options{MostChanges: 1})
	boss.Get(t, list[0]).Want(t, 200, "请返回结果重新打开").Lacks(t, "下一条")
	boss.Get(t, rowsOf(boss.Get(t, "/conversations?type="+url.QueryEscape("售后")))[0]).Want(t, 200, "下一条") // the rows know
}
