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
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// conversationsOf gives the conversations of a page of a search, in their order.
func conversationsOf(rows []string) (out []string) {
	for _, r := range rows {
		out = append(out, opened(r))
	}
	return out
}

func TestPagesOfAResultHaveNumbers(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		const n = 45
		for i := range n {
			at := long(clock.Time()).Add(time.Duration(i/2) * time.Hour) // two at a time
			a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", at, "退款没到"))
		}
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		for _, search := range []string{"/conversations?type=%E5%94%AE%E5%90%8E&size=10", q("退款没到") + "&sort=last&size=10"} {
			all := conversationsOf(whole(t, boss, search))
			if len(all) != n {
				t.Fatalf("%d rows", len(all))
			}
			first := boss.Get(t, search).Want(t, 200, "第 1–10 条，共 45 条", `aria-current="page" aria-label="第 1 页"`, "第 1 / 5 页", "跳至")
			for number := 2; number <= 5; number++ {
				path := link(t, first, fmt.Sprintf(`aria-label="第 %d 页"`, number))
				if want := strings.Replace(search, "size", fmt.Sprintf("page=%d&size", number), 1); path != want {
					t.Errorf("page %d is %s, want %s", number, path, want)
				}
				from, to := 10*number-10, min(10*number, n)
				page := boss.Get(t, path).Want(t, 200, fmt.Sprintf("第 %d–%d 条，共 45 条", from+1, to), fmt.Sprintf(`aria-current="page" aria-label="第 %d 页"`, number))
				if got := conversationsOf(rowsOf(page)); !slices.Equal(got, all[from:to]) {
					t.Errorf("page %d of %s is %v", number, search, got)
				}
				before := boss.Get(t, link(t, page, "上一页"))
				if got := conversationsOf(rowsOf(before)); !slices.Equal(got, all[from-10:from]) {
					t.Errorf("before page %d of %s is %v", number, search, got)
				}
				if number == 5 {
					page.Lacks(t, `rel="next"`)
					continue
				}
				next := boss.Get(t, link(t, page, "下一页")).Want(t, 200, fmt.Sprintf(`aria-current="page" aria-label="第 %d 页"`, number+1))
				if got := conversationsOf(rowsOf(next)); !slices.Equal(got, all[to:min(to+10, n)]) {
					t.Errorf("behind page %d of %s is %v", number, search, got)
				}
			}
			// A number that no page has shows the last, and says so; what is none is the first page.
			last := boss.Get(t, strings.Replace(search, "size", "page=99&size", 1)).Want(t, 200, "没有第 99 页，这里是最后一页（第 5 页）", "第 41–45 条，共 45 条", `aria-current="page" aria-label="第 5 页"`)
			if got := conversationsOf(rowsOf(last)); !slices.Equal(got, all[40:]) {
				t.Errorf("beyond the end of %s is %v", search, got)
			}
			for typed, want := range map[string]string{
				"1": "", "0": "", "-3": "", "x": "", "1.5": "", "": "", "２": "page=2&", "1,200": "page=1200&", "99999999999999999999": "page=1000000&", "3&cursor=x": "cursor=x&",
			} {
				boss.Get(t, strings.Replace(search, "size", "page="+typed+"&size", 1)).WantRedirect(t, strings.Replace(search, "size", want+"size", 1))
			}
		}
		var from []string
		for _, l := range a.leaves(t, "conversation.searched") {
			if m := regexp.MustCompile(`"first_row":(\d+)`).FindStringSubmatch(l); m != nil {
				from = append(from, m[1])
			}
		}
		if want := []string{"11", "21", "31", "41", "41"}; !slices.Equal(from, slices.Concat(want, want)) {
			t.Errorf("the log has pages from rows %v", from)
		}
	})
}

// What is beside a page with a number leads on from there, and what narrows or orders anew begins at the first page.
func TestWhatAPageWithANumberLeadsTo(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		for i := range 35 {
			a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款没到"))
		}
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		search := q("退款没到") + "&size=10"
		all := whole(t, boss, search)
		third := boss.Get(t, q("退款没到")+"&page=3&size=10")
		for _, words := range []string{"售后 35", "一店 35", "退款 35", "关键词：退款没到", "最后消息", "50 条/页", "导出结果", long(clock.Time()).In(shanghai).Format("2006-01-02") + " · 1"} {
			if path := link(t, third, words); strings.Contains(path, "page=") || strings.Contains(path, "cursor=") {
				t.Errorf("%s leads to %s", words, path)
			}
		}
		// The field for a number sends the search along.
		jump := regexp.MustCompile(`(?s)<form class="qd-jump".*?</form>`).FindString(third.Body)
		fields := url.Values{"page": {"4"}}
		for _, m := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(jump, -1) {
			fields.Add(m[1], html.UnescapeString(m[2]))
		}
		boss.Get(t, "/conversations?"+fields.Encode()).WantRedirect(t, q("退款没到")+"&page=4&size=10")

		// Conversations opened there know their place in the result, over the border of the page, too.
		rows := rowsOf(third)
		path := link(t, boss.Get(t, rows[9]).Want(t, 200, "结果第 30 条"), "下一条")
		wantBack(t, boss, boss.Get(t, path).Want(t, 200, "结果第 31 条"), path, 31)
		if opened(path) != opened(all[30]) {
			t.Errorf("behind the page stands %s", path)
		}
		path = link(t, boss.Get(t, rows[0]), "上一条")
		wantBack(t, boss, boss.Get(t, path).Want(t, 200, "结果第 20 条"), path, 20)
		wantBack(t, boss, boss.Get(t, rows[4]), rows[4], 25)

		// Everything that was found stays chosen, but for exceptions made on any page.
		everything := link(t, third, "选择全部 35 条")
		if !strings.Contains(everything, "page=3") {
			t.Errorf("choosing everything leads to %s", everything)
		}
		chosen := boss.Get(t, everything).Want(t, 200, "已选 35 条", "第 21–30 条")
		form := url.Values{"sel": {"all"}, "back": {everything}}
		shown := regexp.MustCompile(`name="row" value="(\d+)"`).FindAllStringSubmatch(chosen.Body, -1)
		for i, r := range shown {
			form.Add("row", r[1])
			if i != 2 {
				form.Add("id", r[1])
			}
		}
		but := boss.Post(t, "/conversations/select", form).Location
		second := boss.Get(t, link(t, boss.Get(t, but).Want(t, 200, "已选 34 条", "第 21–30 条"), `aria-label="第 2 页"`)).Want(t, 200, "已选 34 条", "第 11–20 条")
		again := boss.Get(t, link(t, second, `aria-label="第 3 页"`)).Want(t, 200, "已选 34 条")
		if n := strings.Count(again.Body, " checked"); n != strings.Count(second.Body, " checked")-1 || len(shown) != 10 {
			t.Errorf("%d rows are ticked where one is not", n)
		}
		hidden := boss.Post(t, "/conversations/hide", url.Values{"sel": {"all"}, "back": {but}, "row": {shown[2][1]}})
		boss.Get(t, hidden.Location).Want(t, 200, "已隐藏 34 条会话", "1 条会话").Lacks(t, "没有第 3 页")
		if left := id.String(a.only(t, "w12")); shown[2][1] != left {
			t.Errorf("%s was left out, want %s", shown[2][1], left)
		}
	})
}

// A saved search begins at its first page, and can be paged through like others.
func TestPagesOfASavedSearch(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		var all []string
		for i := range 25 {
			a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).AddDate(0, 0, i), "退款没到"))
			all = append(all, "/conversations/"+id.String(a.only(t, fmt.Sprint("w", i))))
		}
		slices.Reverse(all)
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		saved := boss.Post(t, "/searches", url.Values{"name": {"退款"}, "share": {"private"}, "back": {q("退款没到") + "&page=2&size=10"}}).Location
		first := boss.Get(t, saved).Want(t, 200, "第 1–20 条，共 25 条")
		path := link(t, first, `aria-label="第 2 页"`)
		if path != saved+"&page=2" {
			t.Errorf("the second page is %s", path)
		}
		if got := conversationsOf(rowsOf(boss.Get(t, path).Want(t, 200, "第 21–25 条，共 25 条"))); !slices.Equal(got, all[20:]) {
			t.Errorf("the second page has %v", got)
		}
		for _, size := range []string{"", "&size=50"} { // one page has no number, and no pager where no size makes two of it
			boss.Get(t, q("退款没到")+size).Want(t, 200, "条/页")
		}
		boss.Get(t, q("退款没到")+"&size=50").Lacks(t, "跳至", "qd-page-number", "/ 1 页")
		boss.Get(t, "/conversations?from="+long(clock.Time()).AddDate(0, 0, 16).In(shanghai).Format("2006-01-02")).Want(t, 200, "9 条会话").Lacks(t, "qd-pager")
	})
}

// Where words are certain only in the bodies, and there are many, pages have no numbers.
func TestWhereCountsAreNotExactThePagerHasNoNumbers(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	for i := range 260 {
		a.add(t, talk(fmt.Sprint("w", i), "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()).Add(time.Duration(i)*time.Hour), "退款没到"))
	}
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	first := boss.Get(t, q("退款没到")).Want(t, 200, "最多 260 条会话", "第 1–20 条")
	first.Lacks(t, "跳至", "qd-page-number", "qd-page-at", "共 260 条")
	third := boss.Get(t, q("退款没到")+"&page=3").Want(t, 200, "所以没有页码，这里是第 1 页")
	third.Lacks(t, "跳至", "qd-page-number")
	if got, want := rowsOf(third), rowsOf(first); len(want) != 20 || !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
