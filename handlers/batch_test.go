package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/web"
	"qingdang/web/webtest"
)

const (
	cleanUp = "超过保留期的咨询会话季度清理"
	left    = "由各店自行处理，下季度再看"
)

// wizard is the real bin behind the real pages: 杭州 with two shops below it, a supervisor of
// all three, and conversations that are old enough for every floor.
type wizard struct {
	*webtest.Site
	d                 *db.DB
	clock             *dbtest.Clock
	accounts          *account.Accounts
	city, first, next id.Department
	boss              account.Actor
	client            *webtest.Client
	chats             int
	bin               *bin.Bin
}

func newWizard(t *testing.T) *wizard {
	t.Helper()
	d, clock := dbtest.New(t)
	deps := &department.Departments{DB: d}
	w := &wizard{d: d, clock: clock, accounts: accounttest.New(t, d)}
	ensure := func(path string) id.Department {
		dep, err := deps.Ensure(t.Context(), account.System("test", ""), path)
		if err != nil {
			t.Fatal(err)
		}
		return dep.ID
	}
	w.first, w.next, w.city = ensure("集团/杭州分公司/一店售后组"), ensure("集团/杭州分公司/二店售后组"), ensure("集团/杭州分公司")
	w.boss = accounttest.User(t, d, w.accounts, account.Supervisor, w.city, w.first, w.next)
	clock.Advance(72 * time.Hour)
	b := &bin.Bin{DB: d, Zone: time.FixedZone("Asia/Shanghai", 8*3600), Keys: accounttest.Keys(t, d), Codes: w.accounts}
	w.bin = b
	screens := &handlers.Screens{
		Batches: &handlers.Batches{Drafts: b, Counts: b, Acts: b, Restores: b, Reader: b, Caps: b, Departments: deps},
		Bin:     &handlers.Bin{Reader: b, Acts: b, Departments: deps},
	}
	w.Site = binSite(t, screens)
	w.client = w.As(w.boss)
	w.insert(t, w.city, 3)
	w.insert(t, w.first, 2)
	w.insert(t, w.next, 1)
	return w
}

func binSite(t *testing.T, screens *handlers.Screens) *webtest.Site {
	t.Helper()
	var routes []web.Route
	for _, r := range screens.Routes() {
		if strings.HasPrefix(r.Path, "/batches") || strings.HasPrefix(r.Path, "/bin") {
			routes = append(routes, r)
		}
	}
	return webtest.Start(t, routes)
}

func (w *wizard) insert(t *testing.T, dep id.Department, n int) {
	t.Helper()
	at := time.Date(2021, 3, 1, 2, 0, 0, 0, time.UTC)
	for range n {
		w.chats++
		mac := []byte(strings.Repeat("m", 30) + strconv.Itoa(10+w.chats))
		dbtest.Insert(t, w.d, &conversation.Conversation{
			ID: id.Conversation(w.chats), Platform: "qianniu", ExternalMAC: mac, DepartmentID: dep, ServiceType: "咨询", State: conversation.Active,
			AgentID: "20417", AgentName: "李雨桐", CustomerMAC: mac, StartedAt: at, LastAt: at, Messages: 3, Bytes: 1000, Version: 1, ContentMAC: mac, CreatedAt: at,
		})
	}
}

func (w *wizard) states(t *testing.T, s conversation.State) int64 {
	t.Helper()
	return dbtest.Count(t, w.d, &conversation.Conversation{}, "state = ?", s)
}

// scope is the form of the first step for the given departments.
func (w *wizard) scope(more url.Values, deps ...id.Department) url.Values {
	form := url.Values{"from_step": {"scope"}, "to": {"2022-12-31"}, "type": {"咨询"}}
	for _, d := range deps {
		form.Add("dept", id.String(d))
	}
	for k, v := range more {
		form[k] = v
	}
	return form
}

// draft saves a draft with a scope and gives its address.
func (w *wizard) draft(t *testing.T, more url.Values, deps ...id.Department) string {
	t.Helper()
	res := w.client.Post(t, "/batches/new", w.scope(more, deps...))
	path, _, ok := strings.Cut(res.Location, "?")
	if res.Status != http.StatusSeeOther || !ok {
		t.Fatalf("no draft: %d %q %.2000s", res.Status, res.Location, res.Body)
	}
	return path
}

func hidden(page *webtest.Response, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page.Body)
	if m == nil {
		return ""
	}
	return m[1]
}

// last is the form of the last step, as its page has it.
func (w *wizard) last(t *testing.T, draft string) url.Values {
	t.Helper()
	page := w.client.Get(t, draft+"?step=confirm")
	return url.Values{
		"from_step": {"confirm"}, "request_key": {hidden(page, "request_key")}, "shown": {hidden(page, "shown")},
		"notified": {"1"}, "partners": {"1"}, "complaints": {"1"}, "reason": {cleanUp},
	}
}

// frozen is a draft of all three departments that waits for the last question.
func (w *wizard) frozen(t *testing.T) string {
	t.Helper()
	draft := w.draft(t, url.Values{"sub": {"1"}}, w.city)
	w.client.Post(t, draft+"/freeze", url.Values{"from_step": {"impact"}}).WantRedirect(t, draft+"?step=confirm")
	return draft
}

func (w *wizard) discard(t *testing.T) string {
	t.Helper()
	draft := w.frozen(t)
	res := w.client.Post(t, draft+"/discard", w.last(t, draft))
	if res.Status != http.StatusSeeOther || !strings.HasPrefix(res.Location, "/batches/") {
		t.Fatalf("nothing was moved: %d %q %.2000s", res.Status, res.Location, res.Body)
	}
	return res.Location
}

// The conditions on how much was said come along from a search, are kept, count, and are refused where they are wrong.
func TestTheWizardKnowsHowMuchWasSaid(t *testing.T) {
	w := newWizard(t)
	c := w.client
	dept := "&dept=" + id.String(w.city) + "&sub=true"
	c.Get(t, "/batches/new?least=5&most=9&attached=no&sensitive=yes&language=zh,en"+dept).Want(t, 200, `value="5"`, `value="9"`, `value="zh" checked`, `value="en" checked`)
	c.Get(t, "/batches/new?least=x&attached=maybe"+dept).Want(t, 200).Lacks(t, `value="x"`)
	conditions := url.Values{"go": {"impact"}, "sub": {"true"}, "least": {"1"}, "attached": {"no"}, "language": {"zh"}}
	c.Post(t, "/batches/new", w.scope(conditions, w.city))
	c.Get(t, "/batches").Want(t, 200, "消息数：1 条及以上 · 附件：无 · 语言：中文")
	conditions.Set("least", "viele")
	c.Post(t, "/batches/new", w.scope(conditions, w.city)).Want(t, 422, "消息数是 1 到 1,000,000 的整数", `value="viele"`)
	conditions.Set("least", "5")
	conditions.Set("most", "4")
	c.Post(t, "/batches/new", w.scope(conditions, w.city)).Want(t, 422, "消息数的上限小于下限")
}

func TestTheWizardFromScopeToUndo(t *testing.T) {
	w := newWizard(t)
	c := w.client
	prefilled := c.Get(t, "/batches/new?to=2022-12-31&type=咨询,售后&tag=物流&agent=20417&dept="+id.String(w.city))
	prefilled.Want(t, 200, `value="2022-12-31"`, `value="物流"`, `value="20417"`, "杭州分公司")
	c.Get(t, "/batches/new?to=2022-12-31&dept=x&dept="+id.String(w.city)).Want(t, 200, "未包含子部门：还有 3 条会留下")
	if n := dbtest.Count(t, w.d, &department.Department{}); n != 4 {
		t.Fatalf("a page made something: %d departments", n)
	}

	undecided := c.Post(t, "/batches/new", w.scope(url.Values{"go": {"impact"}}, w.city))
	undecided.Want(t, 422, "还有 3 条残留", "一并包含", "二店售后组", "一店售后组", `value="2022-12-31"`)
	draft := regexp.MustCompile(`action="(/batches/drafts/\d+)"`).FindStringSubmatch(undecided.Body)[1]
	c.Post(t, draft, w.scope(url.Values{"with": {id.String(w.first)}}, w.city)).WantRedirect(t, draft+"?step=scope")
	c.Get(t, draft+"?step=scope").Want(t, 200, "还有 1 条会留下", `value="`+id.String(w.first)+`" checked`).Lacks(t, `value="`+id.String(w.next)+`" checked`)
	short := w.scope(url.Values{"go": {"impact"}, "keep": {"1"}, "residue_reason": {"太短"}}, w.city, w.first)
	c.Post(t, draft, short).Want(t, 422, "至少 8 个字", "太短")
	short.Set("residue_reason", left)
	c.Post(t, draft, short).WantRedirect(t, draft+"?step=impact")
	c.Get(t, draft+"?step=impact").Want(t, 200, "从 6 条到 5 条", left, "残留：1 个子部门 1 条", "进入回收站", "抽样（随机 5 条）", "没有变化")
	c.Get(t, draft+"?step=confirm").WantRedirect(t, draft+"?step=impact")
	c.Post(t, draft+"/freeze", url.Values{"from_step": {"impact"}, "residue_reason": {left}}).WantRedirect(t, draft+"?step=confirm")
	c.Get(t, draft+"?step=confirm").Want(t, 200, "将 5 条移入回收站", "名单与冻结时一致", "已填原因").Lacks(t, "btn-danger")

	form := w.last(t, draft)
	form.Set("reason", "清理")
	form.Del("complaints")
	refused := c.Post(t, draft+"/discard", form)
	refused.Want(t, 422, "有 2 处需要修改", "请完成三项人工核对", ">清理</textarea>", form.Get("request_key"))
	if w.states(t, conversation.Active) != 6 {
		t.Fatal("a refused form moved something")
	}
	form.Set("reason", cleanUp)
	form.Set("complaints", "1")
	done := c.Post(t, draft+"/discard", form)
	page := done.Location
	c.Post(t, draft+"/discard", form).WantRedirect(t, page) // the same submit again
	c.Get(t, draft+"?step=confirm").WantRedirect(t, page)
	c.Post(t, draft, w.scope(nil, w.city)).WantRedirect(t, page)
	if n := dbtest.Count(t, w.d, &bin.Batch{}); n != 1 || w.states(t, conversation.Binned) != 5 {
		t.Fatalf("%d batches, %d conversations in the bin; want 1 and 5", n, w.states(t, conversation.Binned))
	}
	c.Get(t, page).Want(t, 200, "已完成", cleanUp, left, "二店售后组", "撤销整批（恢复 5 条）", "申请彻底删除", "李雨桐")
	c.Get(t, page+"?state=restored").Want(t, 200, "没有这一类会话")
	c.Get(t, page+"/state").Want(t, 200, "5 / 5")

	c.Post(t, page+"/restore", nil).WantRedirect(t, page)
	c.Get(t, page).Want(t, 200, "没有选择任何一项")
	c.Post(t, page+"/restore", url.Values{"item": {"1"}}).WantRedirect(t, page)
	if w.states(t, conversation.Active) != 2 {
		t.Errorf("%d conversations are out of the bin, want 1 more than was left", w.states(t, conversation.Active))
	}
	c.Post(t, page+"/undo", nil).WantRedirect(t, page)
	c.Get(t, page).Want(t, 200, "已撤销", "已恢复 4 条会话")
	if w.states(t, conversation.Active) != 6 {
		t.Error("undo did not bring everything back")
	}
}

func TestWhatTheFirstStepRefuses(t *testing.T) {
	w := newWizard(t)
	draft := w.draft(t, nil, w.city)
	tests := []struct {
		name   string
		change url.Values
		status int
		words  []string
	}{
		{"no department", url.Values{"dept": nil, "go": {"impact"}}, 422, []string{"请至少选择一个部门", `value="2022-12-31"`}},
		{"department 0", url.Values{"dept": {"0"}}, 422, []string{"表单不完整"}},
		{"a department that is none", url.Values{"dept": {"1 OR 1=1"}}, 422, []string{"表单不完整"}},
		{"a department nobody knows", url.Values{"dept": {"999999"}, "go": {"impact"}}, 422, []string{"部门不存在，或不在你的数据范围内"}},
		{"a department nobody knows beside one's own", url.Values{"dept": {id.String(w.first), "999999"}}, 422, []string{"部门不存在，或不在你的数据范围内"}},
		{"reversed dates", url.Values{"from": {"2023-05-01"}, "go": {"impact"}}, 422, []string{"结束日期早于开始日期", `value="2023-05-01"`, `value="2022-12-31"`}},
		{"a date that is none", url.Values{"to": {"2023-02-30"}, "go": {"impact"}}, 422, []string{"日期应写作"}},
		{"broken UTF-8", url.Values{"tag": {"\xff\xfe"}}, 422, []string{"表单不完整"}},
		{"a huge field", url.Values{"tag": {strings.Repeat("标签，", 2000)}, "from": {"2020-01-01"}}, 422, []string{"内容太长", `value="2020-01-01"`}},
		{"a huge reason", url.Values{"residue_reason": {strings.Repeat("因", 3000)}}, 422, []string{"内容太长"}},
		{"too many tags", url.Values{"tag": {manyWords(201)}, "go": {"impact"}}, 422, []string{"最多 200 个"}},
		{"a step that is none", url.Values{"from_step": {"purge"}}, 422, []string{"表单不完整"}},
	}
	for _, tt := range tests {
		form := w.scope(tt.change, w.city)
		if tt.change.Has("dept") && tt.change["dept"] == nil {
			form.Del("dept")
		}
		res := w.client.Post(t, draft, form)
		if res.Status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, res.Status, tt.status)
		}
		for _, word := range tt.words {
			if !strings.Contains(res.Body, word) {
				t.Errorf("%s: the answer lacks %q", tt.name, word)
			}
		}
	}
	if dbtest.Count(t, w.d, &bin.Batch{}) != 0 || w.states(t, conversation.Active) != 6 {
		t.Error("a refused form moved something")
	}
	w.client.Get(t, draft).Want(t, 200, `value="2022-12-31"`, `value="`+id.String(w.city)+`" checked`).Lacks(t, `value="`+id.String(w.first)+`" checked`, `value="2023-05-01"`)
	for _, tt := range tests {
		w.client.Post(t, "/batches/new", w.scope(tt.change, w.city))
	}
	var forms []string
	err := w.d.Read(t.Context(), func(tx *db.Tx) error { return tx.Raw("SELECT form FROM bin_draft").Scan(&forms).Error })
	if err != nil || len(forms) != 2 { // the draft from the beginning, and one without a word about a step
		t.Errorf("refused input is stored: %q, %v", forms, err)
	}
}

func manyWords(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	return strings.Join(words, ",")
}

func TestACountReplacesTheTreeOnlyWhenItIsNotTrueAnyMore(t *testing.T) {
	w := newWizard(t)
	made := w.client.Htmx(t, http.MethodPost, "/batches/new", w.scope(nil, w.city))
	made.Want(t, 200, `id="batch-form"`, "还有 3 条会留下").Lacks(t, "<html")
	draft, _, _ := strings.Cut(made.Header.Get("HX-Replace-Url"), "?")
	seen := hidden(made, "seen")

	same := w.client.Htmx(t, http.MethodPost, draft+"/count", w.scope(url.Values{"seen": {seen}}, w.city, w.first))
	same.Want(t, 200, `id="batch-panel"`, "还有 1 条会留下", "5 条进入，1 条残留", `hx-swap-oob`).Lacks(t, `role="tree"`)
	if same.Header.Get("HX-Retarget") != "#batch-panel" {
		t.Error("the tree is replaced though it is still true")
	}
	// The box 包含子部门 takes all below along, so that the boxes on the page are not true any more.
	all := w.client.Htmx(t, http.MethodPost, draft+"/count", w.scope(url.Values{"seen": {seen}, "sub": {"1"}}, w.city))
	all.Want(t, 200, `role="tree"`, "6 条进入，0 条残留", "没有残留")
	if all.Header.Get("HX-Retarget") != "" {
		t.Error("only the panel is replaced though the boxes changed")
	}
	w.insert(t, w.city, 1)
	grown := w.client.Htmx(t, http.MethodPost, draft+"/count", w.scope(url.Values{"seen": {seen}, "sub": {"1"}}, w.city, w.first, w.next))
	grown.Want(t, 200, `role="tree"`, "7 条进入")
	w.client.Htmx(t, http.MethodPost, draft+"/count", w.scope(url.Values{"from": {"2023-01-01"}}, w.city)).Want(t, 422, `id="batch-scope"`, "结束日期早于开始日期", "尚未统计")
	// Without script the same form counts by a reload.
	w.client.Post(t, draft+"/count", w.scope(url.Values{"go": {"count"}}, w.city)).WantRedirect(t, draft+"?step=scope")
}

func TestAListThatChangedMovesNothingAndSaysWhatChanged(t *testing.T) {
	w := newWizard(t)
	draft := w.frozen(t)
	form := w.last(t, draft)
	dbtest.Exec(t, w.d, "UPDATE conversation SET order_state = ? WHERE id = 1", conversation.OrderOpen)
	w.insert(t, w.city, 2)
	w.client.Get(t, draft+"?step=confirm").Want(t, 200, "名单在冻结后有变化", "冻结 6 条，现在是 7 条")

	changed := w.client.Post(t, draft+"/discard", form)
	changed.Want(t, http.StatusConflict, "名单已变化", "由 6 变为 7", "按新数量 7 条继续", "订单未完结", "新进入")
	if dbtest.Count(t, w.d, &bin.Batch{}) != 0 || w.states(t, conversation.Binned) != 0 {
		t.Fatal("a changed list was moved")
	}
	w.client.Post(t, draft+"/freeze", nil).WantRedirect(t, draft+"?step=confirm")
	w.client.Get(t, draft+"?step=confirm").Want(t, 200, "将 7 条移入回收站", cleanUp)
	// The page from before is not what would be moved now.
	w.client.Post(t, draft+"/discard", form).Want(t, http.StatusConflict, "不是同一份", "重新冻结名单")
	res := w.client.Post(t, draft+"/discard", w.last(t, draft))
	w.client.Get(t, res.Location).Want(t, 200, "7 / 7")
}

func TestAnExpiredSessionKeepsTheDraft(t *testing.T) {
	w := newWizard(t)
	draft := w.frozen(t)
	form := w.last(t, draft)
	w.client.Post(t, draft, form).WantRedirect(t, draft+"?step=confirm")
	if res := w.Anonymous().Post(t, draft+"/discard", form); res.Status == http.StatusSeeOther && strings.HasPrefix(res.Location, "/batches") {
		t.Fatalf("somebody who is not signed in went on to %s", res.Location)
	}
	if w.states(t, conversation.Active) != 6 {
		t.Fatal("something was moved without a session")
	}
	w.As(w.boss).Get(t, draft+"?step=confirm").Want(t, 200, cleanUp, "将 6 条移入回收站", `name="complaints" value="1" checked`)
	w.client.Get(t, "/batches").Want(t, 200, "我的草稿", "杭州分公司", draft+"?step=confirm")
	w.client.Htmx(t, http.MethodPost, draft, form).Want(t, http.StatusNoContent)
	w.client.Post(t, draft+"/drop", nil).WantRedirect(t, "/batches")
	w.client.Get(t, draft).Want(t, http.StatusNotFound)
}

func TestDraftsAndBatchesOfOthers(t *testing.T) {
	w := newWizard(t)
	draft := w.draft(t, nil, w.city)
	other := w.As(accounttest.User(t, w.d, w.accounts, account.Supervisor, w.first))
	other.Get(t, draft).Want(t, http.StatusNotFound)
	other.Post(t, draft+"/freeze", nil).Want(t, http.StatusNotFound)
	other.Get(t, draft+"/exclusions.csv").Want(t, http.StatusNotFound)
	agent := w.As(accounttest.Actor(account.Agent, w.city))
	agent.Get(t, "/batches").Want(t, http.StatusForbidden)
	agent.Get(t, "/batches/new").Want(t, http.StatusForbidden)
	auditor := accounttest.Actor(account.Auditor)
	auditor.Scope = account.Everywhere()
	page := w.discard(t)
	w.As(auditor).Get(t, page).Want(t, 200, cleanUp).Lacks(t, "撤销整批", `name="item"`, "/bin/extend")
	w.As(auditor).Post(t, page+"/undo", nil).Want(t, http.StatusForbidden)
	// Part of the batch is not hers: she sees her part, and cannot undo all of it.
	other.Get(t, page).Want(t, 200, "批次有部分不在你的数据范围内")
	w.client.Get(t, "/batches/999999").Want(t, http.StatusNotFound)
	w.client.Get(t, "/batches/0").Want(t, http.StatusNotFound)
}

func TestTheListOfExclusions(t *testing.T) {
	w := newWizard(t)
	dbtest.Exec(t, w.d, "UPDATE conversation SET order_state = ?, service_type = ? WHERE id = 1", conversation.OrderOpen, "=1+1")
	draft := w.draft(t, url.Values{"type": nil, "sub": {"1"}}, w.city)
	res := w.client.Get(t, draft+"/exclusions.csv?reason=order")
	res.Want(t, 200, "会话,部门,服务类型", "集团/杭州分公司,'=1+1,2021-03-01", "订单未完结")
	if !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Error("the list is not a file")
	}
	w.client.Get(t, draft+"/exclusions.csv?reason=held").Want(t, 200, "会话,部门").Lacks(t, "订单未完结")
	w.client.Get(t, draft+"/exclusions.csv?reason=boredom").Want(t, http.StatusNotFound)
}

// A batch that rests in the bin is exported from its page by whoever may take all of it out.
func TestABatchIsExportedFromItsPage(t *testing.T) {
	w := newWizard(t)
	page := w.discard(t)
	link := `href="/exports/new?batch=` + strings.TrimPrefix(page, "/batches/") + `"`
	w.client.Get(t, page).Want(t, 200, link)
	part := w.As(accounttest.Actor(account.Supervisor, w.first))
	if seen := part.Get(t, page); strings.Contains(seen.Body, link) {
		t.Errorf("who sees a part of it is offered the whole: %d", seen.Status)
	}
	w.As(accounttest.Actor(account.Auditor)).Get(t, page).Want(t, 200).Lacks(t, link)
	w.client.Post(t, page+"/undo", nil).WantRedirect(t, page)
	w.client.Get(t, page).Want(t, 200).Lacks(t, link)
}
