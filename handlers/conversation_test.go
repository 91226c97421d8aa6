package handlers_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/purge"
	"qingdang/models/report"
	"qingdang/models/search"
	"qingdang/web"
	"qingdang/web/webtest"
)

// archive is the reading screens over a database with a little organisation.
type archive struct {
	*webtest.Site
	db            *db.DB
	conversations *conversation.Conversations
	departments   *department.Departments
	imports       *intake.Imports
	company, shop department.Department
	other         department.Department
	people        *account.Accounts
	exports       *export.Desk
	access        *access.Desk
}

var shanghai = time.FixedZone("CST", 8*3600)

func openArchive(t *testing.T, d *db.DB, clock *dbtest.Clock) *archive {
	t.Helper()
	people := accounttest.New(t, d)
	keys := accounttest.Keys(t, d)
	vault := conversation.Vault{Store: keys}
	a := &archive{db: d, people: people, conversations: &conversation.Conversations{DB: d, Vault: vault, Index: conversation.NewIndex(d, vault, index.Options{})}, departments: &department.Departments{DB: d}}
	var err error
	for path, into := range map[string]*department.Department{"云栖优品集团": &a.company, "云栖优品集团/一店": &a.shop, "别家": &a.other} {
		if *into, err = a.departments.Ensure(t.Context(), account.System("cli", ""), path); err != nil {
			t.Fatal(err)
		}
	}
	a.imports = &intake.Imports{DB: d, Importer: &intake.Importer{DB: d, Vault: vault}, Keys: keys, Dir: t.TempDir(), TempDir: t.TempDir(), Zone: shanghai}
	reader := &report.Reader{DB: d, Conversations: a.conversations, Departments: &department.Departments{DB: d}, Zone: shanghai}
	b := &bin.Bin{DB: d, Zone: shanghai, Keys: keys}
	a.exports = exportsOf(t, a)
	a.access = &access.Desk{DB: d, Vault: vault, Accounts: people, Zone: shanghai}
	saved := &search.Desk{DB: d, Keys: keys, Zone: shanghai}
	screens := &handlers.Screens{
		Home:          &handlers.Home{Board: reader},
		Conversations: &handlers.Conversations{Find: a.conversations, Fold: a.conversations, Label: a.tagging(), Bin: b, Departments: a.departments, Saved: saved, Seal: keys, Zone: shanghai},
		Searches:      &handlers.Searches{Desk: saved, Find: a.conversations, Departments: a.departments, Zone: shanghai},
		Batches:       &handlers.Batches{Drafts: b, Counts: b, Acts: b, Caps: b, Restores: b, Reader: b, Departments: a.departments, Picker: a.picker(keys)},
		Conversation: &handlers.Conversation{
			Read: a.conversations, Fold: a.conversations, Label: a.tagging(), Seal: keys, Bin: b, Past: reader, Certificates: &purge.Desk{DB: d, Accounts: people, Keys: keys, Zone: shanghai}, Departments: a.departments, Saved: saved, Zone: shanghai,
			Requests: requestsOf(a),
		},
		Imports:     &handlers.Imports{Runs: a.imports, Departments: a.departments},
		Jobs:        &handlers.Jobs{Queue: reader},
		Go:          &handlers.Go{Codes: reader, Seal: keys},
		Help:        &handlers.Help{},
		Inspections: inspectionsOf(t, a),
		Retention:   retentionOf(t, a),
		Reports:     reportsOf(t, a),
		Holds:       &handlers.Holds{Reader: holdsOf(a), Desk: holdsOf(a), Release: holdsOf(a), Departments: a.departments, Picker: a.picker(keys)},
		Subjects:    &handlers.Subjects{Reader: requestsOf(a), Desk: requestsOf(a)},
		Access:      &handlers.Access{Reader: a.access, Desk: a.access, Second: a.access, Departments: a.departments},
		Exports:     &handlers.Exports{Reader: a.exports, Desk: a.exports, Second: a.exports, Shelf: a.exports, Departments: a.departments, Find: a.conversations, Seal: keys},
	}
	a.Site = webtest.Start(t, screens.Routes(), func(o *web.Options) { o.Now, o.Zone = clock.Time, shanghai })
	return a
}

func (a *archive) picker(keys handlers.Sealer) handlers.Picker {
	return handlers.Picker{Find: a.conversations, Departments: a.departments, Seal: keys, Zone: shanghai}
}

func (a *archive) tagging() *conversation.Tagging {
	return &conversation.Tagging{DB: a.db, Share: hold.ShareEpoch, Cover: func(tx *db.Tx, ids []id.Conversation) (map[string]int64, error) {
		return hold.OnStore(tx, a.imports.Importer.Vault.Store, ids, bin.Rescue)
	}}
}

func eachArchive(t *testing.T, f func(t *testing.T, a *archive, clock *dbtest.Clock)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { f(t, openArchive(t, d, clock), clock) })
}

const spoken = "我的电话是13800138000，退款没到"

// talk is a conversation long ago with one customer.
func talk(external, dept, customer, kind string, day time.Time, texts ...string) *format.Conversation {
	c := &format.Conversation{
		Platform: "qianniu", ExternalID: external, DepartmentPath: dept, AgentID: "10482", AgentName: "李雨桐", CustomerID: customer, CustomerName: "王伟",
		ServiceType: kind, Tags: []string{"退款"},
	}
	for i, x := range texts {
		c.Messages = append(c.Messages, format.Message{ID: external + string(rune('a'+i)), Sender: format.Customer, SenderName: "王伟", At: day.Add(time.Duration(i) * time.Minute), Kind: "text", Text: x})
	}
	return c
}

func (a *archive) add(t *testing.T, all ...*format.Conversation) {
	t.Helper()
	err := a.imports.Importer.Add(t.Context(), account.System("cli", ""), func(yield func(*format.Conversation) bool) {
		for _, c := range all {
			if !yield(c) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bins lets a conversation be in the bin.
func (a *archive) bins(t *testing.T, c id.Conversation) {
	t.Helper()
	dbtest.Exec(t, a.db, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Binned, c)
	if err := a.db.Write(t.Context(), func(tx *db.Tx) error { return index.Changed(tx, false, c) }); err != nil {
		t.Fatal(err)
	}
}

// only gives the id of the conversation with an external id.
func (a *archive) only(t *testing.T, external string) id.Conversation {
	t.Helper()
	var found []id.Conversation
	err := a.db.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		return tx.Model(&conversation.Conversation{}).Where("external_mac = ?", a.conversations.Vault.ExternalMAC("qianniu", external)).Pluck("id", &found).Error
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v", external, err)
	}
	return found[0]
}

func long(t time.Time) time.Time { return t.AddDate(-2, 0, 0) }

func TestSearching(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t,
			talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, spoken),
			talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", old.AddDate(0, 0, 1), "第二条"),
			talk("e3", "别家", "tb_99999", "售后", old, "外人的话"),
		)
		boss := a.As(accounttest.Actor(account.Supervisor, a.company.ID, a.shop.ID))
		all := boss.Get(t, "/conversations")
		all.Want(t, 200, "2 条会话", "王**（千牛 tb_8***21）", "138****8000", "一店", "李雨桐").Lacks(t, "13800138000", "王伟", "tb_88821", "外人的话")
		if strings.Index(all.Body, "第二条") > strings.Index(all.Body, "138****8000") {
			t.Error("the newest does not stand first")
		}
		shop, company := id.String(a.shop.ID), id.String(a.company.ID)
		for _, tt := range []struct {
			name, path, want string
		}{
			{"one type", "?type=%E6%8A%95%E8%AF%89", "1 条会话"},
			{"a department alone has its own only", "?dept=" + company, "没有符合条件的会话"},
			{"with sub-departments it has theirs too", "?dept=" + company + "&sub=1", "2 条会话"},
			{"the last day is included", "?from=" + old.In(shanghai).Format("2006-01-02") + "&to=" + old.In(shanghai).Format("2006-01-02"), "1 条会话"},
			{"both tags and agents narrow", "?dept=" + shop + "&tag=%E9%80%80%E6%AC%BE&agent=10482", "2 条会话"},
			{"nothing is hidden", "?state=hidden", "没有符合条件的会话"},
		} {
			if got := boss.Get(t, "/conversations"+tt.path); got.Status != 200 || !strings.Contains(got.Body, tt.want) {
				t.Errorf("%s: %d, lacks %q", tt.name, got.Status, tt.want)
			}
		}
		wrong := boss.Get(t, "/conversations?from=2026-05-02&to=2026-05-01&dept=0")
		wrong.Want(t, 422, "结束日期早于开始日期", "没有这个部门", `value="2026-05-02"`, `value="2026-05-01"`).Lacks(t, "条会话</")
		for _, dept := range []string{"0", "999999", "abc", "-1", id.String(a.other.ID)} {
			boss.Get(t, "/conversations?dept="+dept).Want(t, 422, "没有这个部门").Lacks(t, "王**")
		}
		boss.Get(t, "/conversations?from=2026-13-45").Want(t, 422, "不是有效日期")
		boss.Get(t, "/conversations?utm=1&size=20&type=&dept=&sub=1").WantRedirect(t, "/conversations")
		boss.Get(t, "/conversations?to=2026-01-02&from=2026-01-01&size=50").WantRedirect(t, "/conversations?from=2026-01-01&to=2026-01-02&size=50")
		boss.Get(t, "/conversations?cursor=nonsense").WantRedirect(t, "/conversations")
		a.As(accounttest.Actor(account.Admin)).Get(t, "/conversations").Want(t, http.StatusForbidden)
	})
}

func TestPaging(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	var all []*format.Conversation
	for i := range 23 {
		all = append(all, talk("p"+string(rune('a'+i)), "云栖优品集团/一店", "", "售后", long(clock.Time()).Add(time.Duration(i)*time.Hour), "你好"))
	}
	a.add(t, all...)
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	next := func(r *webtest.Response, rel string) string {
		_, rest, ok := strings.Cut(r.Body, `rel="`+rel+`"`)
		if !ok {
			return ""
		}
		before := r.Body[:len(r.Body)-len(rest)]
		href := before[strings.LastIndex(before, `href="`)+6:]
		href, _, _ = strings.Cut(href, `"`)
		return strings.ReplaceAll(href, "&amp;", "&")
	}
	first := boss.Get(t, "/conversations?size=10").Want(t, 200, "第 1–10 条，共 23 条")
	second := boss.Get(t, next(first, "next")).Want(t, 200, "第 11–20 条，共 23 条")
	third := boss.Get(t, next(second, "next")).Want(t, 200, "第 21–23 条，共 23 条")
	if next(third, "next") != "" || next(first, "prev") != "" {
		t.Error("there is a page beyond the end")
	}
	boss.Get(t, next(third, "prev")).Want(t, 200, "第 11–20 条")
	part := boss.Htmx(t, http.MethodGet, next(first, "next"), nil).Want(t, 200, "第 11–20 条")
	part.Lacks(t, "<html", `id="results"`)
}

func TestACustomerIsNeverInAnAddress(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), spoken), talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", long(clock.Time()), "第二条"))
		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		asked := boss.Post(t, "/conversations", url.Values{"customer": {"tb_88821"}, "type": {"售后", "投诉"}, "from": {""}})
		if asked.Status != http.StatusSeeOther || strings.Contains(asked.Location, "88821") || !strings.Contains(asked.Location, "type=%E5%94%AE%E5%90%8E,%E6%8A%95%E8%AF%89&sid=") {
			t.Fatalf("%d %s", asked.Status, asked.Location)
		}
		found := boss.Get(t, asked.Location).Want(t, 200, "1 条会话", "138****8000")
		if strings.Count(found.Body, "tb_88821") != 1 || !strings.Contains(found.Body, `value="tb_88821"`) {
			t.Error("the customer's id stands somewhere else than in the field")
		}
		a.As(accounttest.Actor(account.Supervisor, a.shop.ID)).Get(t, asked.Location).Want(t, 422, "属于他人").Lacks(t, "88821")
		clock.Advance(31 * time.Minute)
		boss.Get(t, asked.Location).Want(t, 422, "已过期").Lacks(t, "88821")
		led := boss.Get(t, "/go?q=tb_77777")
		if led.Status != http.StatusSeeOther || strings.Contains(led.Location, "77777") {
			t.Errorf("%d %s", led.Status, led.Location)
		}
		boss.Get(t, led.Location).Want(t, 200, "1 条会话", "第二条")
		if led := boss.Post(t, "/go", url.Values{"q": {"tb_77777"}}); led.Status != http.StatusSeeOther || strings.Contains(led.Location, "77777") {
			t.Errorf("%d %s", led.Status, led.Location)
		}
		one := a.only(t, "e1")
		code := conversation.Code(one, "qianniu")
		boss.Get(t, "/go?q="+strings.ToLower(code)).WantRedirect(t, "/conversations/"+id.String(one)+"?code="+code)
		boss.Get(t, "/go?q=SC-20260101-001").Want(t, http.StatusNotFound, "没有找到这个编号")
		a.As(accounttest.Actor(account.Admin)).Get(t, "/go?q=tb_77777").Want(t, http.StatusNotFound)
	})
}

func TestReadingAndHiding(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		c := talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), spoken, "说错了", "<script>alert(1)</script>")
		c.Messages[1].Recalled = true
		c.Messages[2].Attachment = "王伟身份证.jpg"
		c.Messages = append(c.Messages, format.Message{ID: "z", Sender: format.Agent, At: c.Messages[2].At.AddDate(0, 0, 1), Kind: "text", Text: "您好"})
		a.add(t, c)
		one := a.only(t, "e1")
		path := "/conversations/" + id.String(one)
		boss := accounttest.Actor(account.Supervisor, a.shop.ID)
		read := a.As(boss).Get(t, path+"?back=%2Fconversations%3Ffrom%3D2024-01-01")
		read.Want(t, 200, "王** 与 李雨桐 的会话", "138****8000", "末四位 8000", "撤回了一条消息", "王***.jpg", "&lt;script&gt;", `href="/conversations?from=2024-01-01"`, boss.StaffNo, "移入回收站", "隐藏会话", "导入入库")
		read.Lacks(t, "13800138000", "王伟", "tb_88821", "说错了", "<script>alert", "身份证")
		if n := strings.Count(read.Body, `class="qd-day"`); n != 2 {
			t.Errorf("%d day lines", n)
		}
		for _, back := range []string{"https://evil.example/", "//evil.example", "/logout", "javascript:alert(1)", "/conversations\\..\\x"} {
			a.As(boss).Get(t, path+"?back="+url.QueryEscape(back)).Want(t, 200, `href="/conversations"`).Lacks(t, `href="https://evil`, `href="//evil`, `href="javascript`, `href="/logout"`)
		}
		if n := dbtest.Count(t, a.db, &leafRow{}, "action = ? AND object = ?", "conversation.opened", conversation.Code(one, "qianniu")); n != 6 {
			t.Errorf("%d readings are in the log, want 6", n)
		}
		foreign := a.As(accounttest.Actor(account.Supervisor, a.other.ID))
		foreign.Get(t, path).Want(t, http.StatusNotFound, "没有找到这条会话").Lacks(t, "王**")
		foreign.Post(t, path+"/hide", nil).Want(t, http.StatusNotFound)
		a.As(accounttest.Actor(account.Auditor, a.shop.ID)).Post(t, path+"/hide", nil).Want(t, http.StatusForbidden)

		mine := a.As(boss)
		mine.Post(t, path+"/hide", url.Values{"back": {"/conversations?size=50"}}).WantRedirect(t, path+"?back=%2Fconversations%3Fsize%3D50")
		mine.Get(t, path).Want(t, 200, "已隐藏会话", "取消隐藏", path+"/unhide")
		mine.Get(t, "/conversations").Want(t, 200, "还没有会话")
		mine.Get(t, "/conversations?state=hidden").Want(t, 200, "1 条会话", "已隐藏")
		mine.Post(t, path+"/unhide", nil).WantRedirect(t, path)
		mine.Post(t, "/conversations/hide", url.Values{"id": {id.String(one)}, "back": {"/conversations"}}).WantRedirect(t, "/conversations")
		mine.Get(t, "/conversations").Want(t, 200, "已隐藏 1 条会话")
		mine.Post(t, "/conversations/hide", url.Values{"id": {"x"}}).Want(t, 422)
	})
}

type leafRow struct{}

// TableName is audit_leaf.
func (leafRow) TableName() string { return "audit_leaf" }

func TestDiscardingOne(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "你好"), talk("e2", "云栖优品集团/一店", "tb_2", "法律纠纷", long(clock.Time()), "你好"), talk("e3", "云栖优品集团/一店", "tb_3", "售后", long(clock.Time()), "你好"))
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID)
		clock.Advance(25 * time.Hour)
		mine := a.As(boss)
		path := "/conversations/" + id.String(a.only(t, "e1"))
		form := url.Values{"reason": {"清理"}, "request_key": {"key-1234567890"}, "back": {"/conversations?size=50"}}
		mine.Post(t, path+"/discard", form).Want(t, 422, "清理", "key-1234567890")
		form.Set("reason", "超过保留期的会话清理")
		mine.Post(t, path+"/discard", form).WantRedirect(t, path+"?back=%2Fconversations%3Fsize%3D50")
		mine.Get(t, path).Want(t, 200, "已移入回收站", "这条会话在回收站", path+"/restore", "移入回收站，批次 SC-")
		mine.Post(t, path+"/discard", form).WantRedirect(t, path+"?back=%2Fconversations%3Fsize%3D50") // the same form again
		mine.Get(t, "/conversations").Want(t, 200, "2 条会话", "另有 1 条在回收站")
		mine.Post(t, path+"/restore", nil).WantRedirect(t, path)
		mine.Get(t, path).Want(t, 200, "已从回收站恢复", "从回收站恢复，批次")
		mine.Post(t, path+"/restore", nil).Want(t, http.StatusConflict, "没有恢复")

		form.Set("request_key", "key-2345678901")
		legal := "/conversations/" + id.String(a.only(t, "e2"))
		mine.Get(t, legal).Want(t, 200, "这类会话永久保留")
		mine.Post(t, legal+"/discard", form).Want(t, http.StatusConflict)
		lawyer := accounttest.Actor(account.Legal)
		lawyer.Scope = account.Everywhere()
		if _, err := (&hold.Holds{DB: a.db, Rescue: bin.Rescue, Zone: shanghai, Vault: a.imports.Importer.Vault}).Place(t.Context(), lawyer, hold.Order{Name: "投诉案", Reason: "监管部门问询需要保留", Department: a.shop.ID}); err != nil {
			t.Fatal(err)
		}
		held := "/conversations/" + id.String(a.only(t, "e3"))
		mine.Get(t, held).Want(t, 200, "处于法务保留", "disabled", "法务保留中，不能移入回收站")
		mine.Post(t, held+"/discard", form).Want(t, http.StatusConflict)
		mine.Get(t, "/conversations").Want(t, 200, "法务保留", "保留期内")
	})
}

func TestAPurgedConversationIsGone(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	dbtest.Insert(t, d, &conversation.Tombstone{Platform: "qianniu", ExternalMAC: make([]byte, 32), ConversationID: 77, DepartmentID: a.shop.ID, PurgeID: 3, CreatedAt: clock.Time()})
	a.As(accounttest.Actor(account.Supervisor, a.shop.ID)).Get(t, "/conversations/77").Want(t, http.StatusGone, "已彻底删除")
	a.As(accounttest.Actor(account.Supervisor, a.other.ID)).Get(t, "/conversations/77").Want(t, http.StatusNotFound)
}
