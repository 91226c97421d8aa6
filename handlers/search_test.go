package handlers_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/web/webtest"
)

var savedAddress = regexp.MustCompile(`^/conversations\?search=SX-\d{8}-\d{3}$`)

// keep saves the search of an address and gives the saved one's.
func keep(t *testing.T, who *webtest.Client, back, name, share string) string {
	t.Helper()
	got := who.Post(t, "/searches", url.Values{"name": {name}, "share": {share}, "back": {back}})
	if got.Status != http.StatusSeeOther || !savedAddress.MatchString(got.Location) {
		t.Fatalf("saving %s: %d %s %s", name, got.Status, got.Location, got.Body)
	}
	return got.Location
}

func in(d department.Department) string { return "department-" + id.String(d.ID) }

func code(at string) string { return strings.TrimPrefix(at, "/conversations?search=") }

func TestSavedSearches(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		now := clock.Time()
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", now.AddDate(0, 0, -5), "退款"), talk("e2", "云栖优品集团/一店", "tb_2", "投诉", now.AddDate(0, 0, -10), spoken),
			talk("e3", "云栖优品集团", "tb_3", "投诉", now.AddDate(0, 0, -10), "总部退款"), talk("e4", "别家", "tb_4", "投诉", now, "别家退款"))
		chief := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		boss := a.As(chief)
		boss.Get(t, "/searches").Want(t, 200, "还没有已存检索")

		recent := keep(t, boss, "/conversations?period=last7", "最近一周", "private")
		boss.Get(t, recent).Want(t, 200, "1 条会话", "最近一周", "最近 7 天", `aria-current="page"`).Lacks(t, "已修改")
		dates := keep(t, boss, "/conversations?from="+now.AddDate(0, 0, -6).Format(time.DateOnly), "那一周", "private")
		clock.Advance(3 * 24 * time.Hour)
		boss.Get(t, recent).Want(t, 200, "没有符合条件的会话")
		boss.Get(t, dates).Want(t, 200, "1 条会话")

		// A part that looks personal stands in no address, and everybody who may sees it in the field.
		asked := boss.Post(t, "/conversations", url.Values{"q": {"13800138000"}, "dept": {id.String(a.company.ID)}, "sub": {"1"}})
		phone := keep(t, boss, asked.Location, "那位客户", in(a.company))
		found := boss.Get(t, phone).Want(t, 200, `value="13800138000"`, "1 条会话", "含个人信息")
		if n := strings.Count(found.Body, "13800138000"); n != 1 {
			t.Errorf("the number stands %d times on the page", n)
		}
		clock.Advance(2 * time.Hour) // a sealed part of an address is long over by now
		boss.Get(t, phone).Want(t, 200, "1 条会话")
		narrowed := link(t, boss.Get(t, phone), "投诉")
		if strings.Contains(narrowed, "138001") || !strings.Contains(narrowed, "changed=1") {
			t.Errorf("a facet leads to %s", narrowed)
		}
		edited := boss.Get(t, narrowed).Want(t, 200, "已修改", "更新", "恢复原条件", "1 条会话", `value="13800138000"`)
		if back := link(t, edited, "投诉"); back != phone { // taken back it is the saved one
			t.Errorf("taking a facet back leads to %s", back)
		}
		boss.Get(t, regexp.MustCompile(`type=[^&]*&`).ReplaceAllString(narrowed, "")).WantRedirect(t, phone)
		boss.Post(t, "/searches/"+code(phone)+"/update", url.Values{"back": {narrowed}}).WantRedirect(t, phone)
		boss.Get(t, phone).Want(t, 200, "服务类型：投诉", "1 条会话").Lacks(t, "已修改")

		// Another order names no condition in the address, whichever the kept one is.
		boss.Get(t, phone+"&sort=last").Want(t, 200, "已修改", `aria-sort="ascending"`, `href="`+phone+`"`)
		boss.Post(t, "/searches/"+code(phone)+"/update", url.Values{"back": {phone + "&sort=last"}}).WantRedirect(t, phone)
		boss.Get(t, phone).Want(t, 200, `aria-sort="ascending"`, `href="`+phone+`&amp;sort=newest"`).Lacks(t, "已修改")
		boss.Get(t, phone+"&sort=last").WantRedirect(t, phone)
		clock.Advance(2 * time.Hour)
		boss.Get(t, phone+"&sort=newest").Want(t, 200, "1 条会话", "已修改", `aria-sort="descending"`, `href="`+phone+`"`)

		// The form keeps what it comes from, and says what is wrong with a name.
		got := boss.Post(t, "/conversations", url.Values{"search": {code(dates)}, "period": {"last30"}})
		if got.Location != "/conversations?search="+code(dates)+"&changed=1&period=last30" {
			t.Errorf("the form leads to %s", got.Location)
		}
		boss.Post(t, "/conversations", url.Values{"search": {code(recent)}, "period": {"last7"}, "from": {"2020-01-01"}}).Want(t, 422, "时段与日期只能选一种")
		boss.Post(t, "/conversations", url.Values{"search": {code(recent)}, "period": {"last7"}}).WantRedirect(t, recent)
		for name, want := range map[string]string{"": "请填写名称", "最近一周": "同名", "13800138000": "不要写电话", strings.Repeat("长", 41): "最长 40 个字"} {
			boss.Post(t, "/searches", url.Values{"name": {name}, "share": {in(a.shop)}, "back": {dates}}).Want(t, 422, want, `id="name-error"`, "1 条会话", `value="`+in(a.shop)+`" selected`)
		}
		boss.Post(t, "/searches", url.Values{"name": {"别家的"}, "share": {in(a.other)}, "back": {dates}}).Want(t, 422, "只能共享给你数据范围内的部门", `id="share-error"`)

		list := boss.Get(t, "/searches?count=1").Want(t, 200, "最近一周", "那位客户", "关键词：含个人信息，不在此显示", "及下级部门的人")
		list.Lacks(t, "138001")
		boss.Htmx(t, "GET", "/searches/counts", nil).Want(t, 200, `id="count-`+code(dates)+`" hx-swap-oob="true">1<`, `id="count-`+code(recent)+`" hx-swap-oob="true">0<`).Lacks(t, "<html", "138001")
		tabCounts(t, a, boss, code(dates), code(recent), code(phone), phone)
		boss.Post(t, "/searches/"+code(phone)+"/move", url.Values{"way": {"up"}}).WantRedirect(t, "/searches")
		boss.Get(t, "/searches/"+code(phone)).Want(t, 200, "那位客户", "改名", "修改共享", "最近使用").Lacks(t, "138001")
		boss.Post(t, "/searches/"+code(phone)+"/rename", url.Values{"name": {"最近一周"}}).Want(t, 422, "同名", `id="name-error"`)
		boss.Post(t, "/searches/"+code(phone)+"/rename", url.Values{"name": {"王先生"}}).WantRedirect(t, "/searches/"+code(phone))
		boss.Post(t, "/searches/"+code(recent)+"/delete", url.Values{}).WantRedirect(t, "/searches")
		boss.Get(t, recent).Want(t, 404)
		if n := dbtest.Count(t, a.db, &leafRow{}, "INSTR(leaf, '138001') > 0 OR INSTR(leaf, '王先生') > 0 OR INSTR(leaf, '那位') > 0"); n != 0 {
			t.Errorf("%d entries of the log tell what was looked for", n)
		}
		if n := dbtest.Count(t, a.db, &leafRow{}, "action = 'conversation.searched' AND object = ?", code(phone)); n == 0 {
			t.Error("using a saved search does not stand in the log")
		}
		// A form from elsewhere changes nothing.
		before := dbtest.Count(t, a.db, &leafRow{})
		for _, path := range []string{"/searches", "/searches/" + code(dates) + "/delete", "/searches/" + code(dates) + "/share", "/searches/" + code(dates) + "/update", "/searches/" + code(dates) + "/rename", "/searches/" + code(dates) + "/move"} {
			r := boss.Request(t, "POST", path, strings.NewReader("name=x&share=role-legal"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if got := boss.Do(t, r); got.Status != http.StatusForbidden {
				t.Errorf("%s without the form's token: %d", path, got.Status)
			}
		}
		if dbtest.Count(t, a.db, &leafRow{}) != before {
			t.Error("a form without its token did something")
		}
	})
}

// tabCounts looks at the numbers that come to the tabs once the page is there. What they are of stands in no address and
// in no entry of the log, of which each time makes one.
func tabCounts(t *testing.T, a *archive, boss *webtest.Client, dates, recent, phone, at string) {
	t.Helper()
	num := func(code, n string) string { return `id="tab-` + code + `" hx-swap-oob="true">` + n + `<` }
	boss.Get(t, "/conversations").Want(t, 200, `hx-get="/conversations/tabs"`, `id="tab-`+dates+`"`, `id="tab-`+phone+`"`)
	boss.Get(t, at).Want(t, 200, `hx-get="/conversations/tabs?known=`+phone+`"`, "<small>1</small>").Lacks(t, `id="tab-`+phone+`"`)
	boss.Get(t, at+"&sort=newest").Want(t, 200, `hx-get="/conversations/tabs?search=`+phone+`"`, `id="tab-`+phone+`"`)
	before := dbtest.Count(t, a.db, &leafRow{})
	boss.Htmx(t, "GET", "/conversations/tabs", nil).Want(t, 200, num(dates, "1"), num(recent, "0"), num(phone, "≤ 2")).Lacks(t, "<html", "138001")
	boss.Htmx(t, "GET", "/conversations/tabs?known="+phone, nil).Want(t, 200, num(dates, "1")).Lacks(t, phone)
	if n := dbtest.Count(t, a.db, &leafRow{}, "action = 'search.counted'"); dbtest.Count(t, a.db, &leafRow{}) != before+2 || n < 3 {
		t.Errorf("%d entries of the log, %d of counts", dbtest.Count(t, a.db, &leafRow{})-before, n)
	}
	boss.Get(t, "/conversations/tabs").WantRedirect(t, "/conversations")
}

func TestTabsCountWhatTheIndexKnows(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), spoken), talk("e2", "云栖优品集团", "tb_1", "售后", long(clock.Time()), spoken))
		boss := a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID))
		lone := a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID))
		if lone.Htmx(t, "GET", "/conversations/tabs", nil).Want(t, 200).Lacks(t, "tab-"); dbtest.Count(t, a.db, &leafRow{}, "action = 'search.counted'") != 0 {
			t.Error("where there is nothing to count, the log says that it was counted")
		}
		kinds := code(keep(t, boss, "/conversations?type=%E5%94%AE%E5%90%8E", "售后", "role-supervisor"))
		his := code(keep(t, boss, boss.Post(t, "/conversations", url.Values{"customer": {"tb_1"}}).Location, "那位", "private"))
		boss.Htmx(t, "GET", "/conversations/tabs", nil).Want(t, 200, `id="tab-`+kinds+`" hx-swap-oob="true">1<`, `id="tab-`+his+`" hx-swap-oob="true"></small>`)
		for i := range 7 {
			keep(t, boss, "/conversations?from=2020-01-0"+strconv.Itoa(i+1), "第"+strconv.Itoa(i), "private")
		}
		last := code(keep(t, boss, "/conversations?from=2020-01-09", "最后", "private"))
		if n := strings.Count(boss.Htmx(t, "GET", "/conversations/tabs", nil).Body, "tab-"); n != 6 {
			t.Errorf("%d tabs are counted, not as many as are shown", n)
		}
		if got := boss.Htmx(t, "GET", "/conversations/tabs?search="+last, nil); strings.Count(got.Body, "tab-") != 7 || !strings.Contains(got.Body, last) {
			t.Errorf("not counted beside the others: %s", got.Body)
		}
		if _, err := a.conversations.Index.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
		boss.Htmx(t, "GET", "/conversations/tabs", nil).Want(t, 200, `id="tab-`+kinds+`" hx-swap-oob="true">1<`)
	})
}

func TestASharedSearchRunsInTheReadersScope(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "退款"), talk("e2", "云栖优品集团", "tb_2", "售后", old, "总部退款"), talk("e3", "别家", "tb_3", "售后", old, "别家退款"))
		maker := accounttest.User(t, a.db, a.people, account.Legal)
		legal, boss := a.As(maker), a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID))
		shop, other := a.As(accounttest.User(t, a.db, a.people, account.Agent, a.shop.ID)), a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.other.ID))
		whole := fmt.Sprintf("/conversations?q=%s&dept=%d&sub=1", url.QueryEscape("退款"), a.company.ID)
		in1 := keep(t, legal, whole, "集团退款", in(a.company))
		role := keep(t, legal, q("退款"), "给主管", "role-supervisor")
		private := keep(t, legal, q("退款"), "法务私用", "private")
		gone := keep(t, boss, fmt.Sprintf("/conversations?dept=%d&tag=%s,%s&agent=10482,99999", a.shop.ID, url.QueryEscape("退款"), url.QueryEscape("没有的")), "有缺失", in(a.company))

		legal.Get(t, in1).Want(t, 200, "2 条会话").Lacks(t, "只有一部分")
		boss.Get(t, in1).Want(t, 200, "2 条会话", "由 ").Lacks(t, "只有一部分", "别家<")
		shop.Get(t, in1).Want(t, 200, "1 条会话", "部门“云栖优品集团”只有一部分在你的数据范围内，对你可见 1 条", "部门：云栖优品集团").Lacks(t, "总部", "别家")
		// What the reader changes stays within the own scope, and does not lose the department.
		form := shop.Post(t, "/conversations", url.Values{"search": {code(in1)}, "q": {"退款"}, "dept": {id.String(a.company.ID)}, "sub": {"1"}, "type": {"售后"}})
		shop.Get(t, form.Location).Want(t, 200, "1 条会话", "已修改").Lacks(t, "总部", ">更新<")
		shop.Get(t, whole).Want(t, 422).Lacks(t, "总部") // without the saved search it is as before
		shop.Get(t, fmt.Sprintf("/conversations?search=%s&changed=1&dept=%d", code(in1), a.other.ID)).Want(t, 422).Lacks(t, "别家")
		other.Get(t, role).Want(t, 200, "1 条会话", "别家<mark>退款", "对你可见 1 条").Lacks(t, "总部")
		shop.Get(t, "/searches?count=1").Want(t, 200, "集团退款", fmt.Sprintf(`id="count-%s">1<`, code(in1))).Lacks(t, "给主管", "法务私用")
		for _, tt := range []struct {
			who *webtest.Client
			at  string
		}{{boss, private}, {shop, private}, {shop, role}, {other, in1}} {
			before := dbtest.Count(t, a.db, &leafRow{}, "action = 'search.refused' AND object = ?", code(tt.at))
			tt.who.Get(t, tt.at).Want(t, 404).Lacks(t, "法务私用", "集团退款")
			tt.who.Get(t, "/searches/"+code(tt.at)).Want(t, 404)
			tt.who.Post(t, "/searches/"+code(tt.at)+"/rename", url.Values{"name": {"我的"}}).Want(t, 404)
			tt.who.Get(t, tt.at+"&changed=1").Want(t, 404)
			if n := dbtest.Count(t, a.db, &leafRow{}, "action = 'search.refused' AND object = ?", code(tt.at)) - before; n != 4 {
				t.Errorf("%s: %d refusals were noted", tt.at, n)
			}
		}
		boss.Post(t, "/searches/"+code(in1)+"/rename", url.Values{"name": {"我的"}}).Want(t, 403)
		boss.Get(t, gone).Want(t, 200, "没有标签“没有的”", "没有客服“99999”", "没有符合条件的会话").Lacks(t, "没有标签“退款”", "没有客服“10482”")
		dbtest.Exec(t, a.db, "DELETE FROM department WHERE id = ?", a.shop.ID)
		boss.Get(t, gone).Want(t, 200, "部门“一店”已不存在", "部门：一店", `<option value="`+id.String(a.shop.ID)+`" selected`)
		boss.Post(t, "/conversations", url.Values{"search": {code(gone)}, "dept": {id.String(a.shop.ID)}, "tag": {"退款,没有的"}, "agent": {"10482,99999"}}).WantRedirect(t, gone)
		// A maker who left: the shared ones stay until somebody who may takes them away.
		if err := a.people.DisableUser(t.Context(), account.System("cli", ""), maker.ID); err != nil {
			t.Fatal(err)
		}
		other.Get(t, role).Want(t, 200, "1 条会话")
		other.Get(t, "/searches").Want(t, 200, "账号已停用")
		other.Post(t, "/searches/"+code(role)+"/delete", url.Values{}).Want(t, 403)
		a.As(accounttest.User(t, a.db, a.people, account.Legal)).Post(t, "/searches/"+code(role)+"/delete", url.Values{}).WantRedirect(t, "/searches")
		other.Get(t, role).Want(t, 404)
	})
}

// Choosing everything that a saved search found is bound to its conditions, whatever the address says.
func TestChoosingAllOfASavedSearch(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := clock.Time().AddDate(0, 0, -3)
		for i := range 12 {
			text := "退款"
			if i == 11 {
				text = "别的"
			}
			a.add(t, talk(fmt.Sprint("e", i), "云栖优品集团/一店", fmt.Sprint("tb_", i), "售后", old, text))
		}
		boss := a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID))
		at := keep(t, boss, q("退款")+"&period=last30", "退款", "private")
		page := boss.Get(t, at+"&size=10").Want(t, 200, "11 条会话")
		all := boss.Get(t, link(t, page, "选择全部")).Want(t, 200, "11")
		back := html.UnescapeString(regexp.MustCompile(`name="back" value="([^"]*sel=[^"]*)"`).FindStringSubmatch(all.Body)[1])
		form := url.Values{"sel": {"all"}, "back": {back}}
		for _, m := range regexp.MustCompile(`name="row" value="(\d+)"`).FindAllStringSubmatch(all.Body, -1) {
			form.Add("row", m[1])
			form.Add("id", m[1])
		}
		boss.Post(t, "/conversations/hide", form)
		if n := dbtest.Count(t, a.db, &conversation.Conversation{}, "state = ?", conversation.Hidden); n != 11 {
			t.Errorf("%d are hidden, want 11", n)
		}
		// The short address says nothing of conditions: where it is not opened, it is refused.
		for _, sel := range []string{"", "sel=x"} {
			form.Set("back", at+"&"+sel)
			if got := boss.Post(t, "/conversations/hide", form); got.Status != http.StatusSeeOther {
				t.Errorf("%d", got.Status)
			}
		}
		boss.Get(t, "/exports/new?of=search&search="+code(at)).Want(t, 409, "这条检索已过时")
		if n := dbtest.Count(t, a.db, &conversation.Conversation{}, "state = ?", conversation.Hidden); n != 11 {
			t.Errorf("%d are hidden, want 11", n)
		}
	})
}

// What is saved and opened again asks for the same: the address of the search beside it is the short one.
func TestSavingKeepsTheQuery(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	boss := a.As(accounttest.User(t, d, a.people, account.Supervisor, a.company.ID, a.shop.ID))
	at := keep(t, boss, "/conversations", "名", "private")
	rapid.Check(t, func(r *rapid.T) {
		some := func(name string, of ...string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 2, rapid.ID[string]).Draw(r, name)
		}
		form := url.Values{
			"q": {rapid.SampledFrom([]string{"", "退款 OR 赔付 -测试单", "13800138000", `"一 二" 客服:李雨桐`, "a@b.cn"}).Draw(r, "q")}, "customer": {rapid.SampledFrom([]string{"", "tb_1"}).Draw(r, "customer")},
			"type": some("type", "售后", "咨询", "a b"), "platform": some("platform", "wechat", "qq"), "tag": some("tag", "退款", "x&y=z"), "agent": some("agent", "10482", "A1"),
			"state": {rapid.SampledFrom([]string{"", "hidden", "all"}).Draw(r, "state")},
			"sort":  {rapid.SampledFrom([]string{"", "last"}).Draw(r, "sort")},
			"dept":  {rapid.SampledFrom([]string{"", id.String(a.shop.ID), id.String(a.company.ID)}).Draw(r, "dept")}, "sub": {rapid.SampledFrom([]string{"", "1"}).Draw(r, "sub")},
		}
		if rapid.Bool().Draw(r, "relative") {
			form.Set("period", rapid.SampledFrom([]string{"last7", "last365", "older180"}).Draw(r, "period"))
		} else {
			form.Set("from", rapid.SampledFrom([]string{"", "2020-01-01"}).Draw(r, "from"))
			form.Set("to", rapid.SampledFrom([]string{"", "2026-01-01"}).Draw(r, "to"))
		}
		plain := boss.Post(t, "/conversations", form)
		boss.Post(t, "/searches/"+code(at)+"/update", url.Values{"back": {plain.Location}}).WantRedirect(t, at)
		form.Set("search", code(at))
		if got := boss.Post(t, "/conversations", form); got.Location != at {
			r.Fatalf("%v became another search: %s", form, got.Location)
		}
		one, other := boss.Get(t, plain.Location), boss.Get(t, at)
		if a, b := chips(one.Body), chips(other.Body); a != b || other.Status != 200 {
			r.Fatalf("%d: %s, want %s", other.Status, b, a)
		}
	})
}

// chips are the conditions that a page shows.
func chips(body string) string {
	_, rest, _ := strings.Cut(body, `class="qd-chips"`)
	rest, _, _ = strings.Cut(rest, "</div>")
	return regexp.MustCompile(`<[^>]*>|href="[^"]*"`).ReplaceAllString(rest, " ")
}
