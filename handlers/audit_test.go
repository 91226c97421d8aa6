package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/web"
	"qingdang/web/webtest"
)

// evidenceDesk is the real use cases over an installation with a few acts.
type evidenceDesk struct {
	*webtest.Site
	db                       *db.DB
	clock                    *dbtest.Clock
	agent, supervisor, other account.Actor
	auditor, legal, admin    account.Actor
	evidence                 *report.Evidence
}

func openEvidence(t *testing.T) *evidenceDesk {
	t.Helper()
	d, clock := dbtest.New(t)
	signer, err := accounttest.Keys(t, d).Signer("qingdang.example.cn/evidence")
	if err != nil {
		t.Fatal(err)
	}
	e := &evidenceDesk{
		db: d, clock: clock, evidence: &report.Evidence{DB: d, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}, Organisation: "云栖优品集团"},
		agent: accounttest.Actor(account.Agent, 1), supervisor: accounttest.Actor(account.Supervisor, 1), other: accounttest.Actor(account.Supervisor, 2),
		auditor: accounttest.Actor(account.Auditor), legal: accounttest.Actor(account.Legal), admin: accounttest.Actor(account.Admin),
	}
	e.agent.Name, e.supervisor.Name = "陈思远", "林静怡"
	for _, act := range []audit.Entry{
		{Actor: e.agent.Audit(), Action: "conversation.opened", ObjectKind: "conversation", Object: "C-20251019-TB-0084412", Department: 1, Count: 1},
		{Actor: e.supervisor.Audit(), Action: "batch.extended", ObjectKind: "batch", Object: "SC-20261116-001", Department: 1, Count: 214, Data: map[string]any{"was": "2026-11-20", "is": "2026-11-23", "reason": "客户申诉"}},
		{Actor: e.agent.Audit(), Action: "access.denied", ObjectKind: "route", Object: "/audit/check", Result: audit.ResultRefused},
		{Actor: account.System("worker", "").Audit(), Action: "purge.erased", ObjectKind: "purge", Object: "PG-20261113-002", Count: 7402},
		{Actor: e.other.Audit(), Action: "strange.happened", Object: "<b>x</b>", Department: 2},
	} {
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return audit.Append(tx, act) }); err != nil {
			t.Fatal(err)
		}
	}
	screens := &handlers.Screens{Audit: &handlers.Audit{Log: e.evidence, Chain: e.evidence, Files: e.evidence}, Reports: &handlers.Reports{Desk: e.evidence, Reader: e.evidence, Departments: &department.Departments{DB: d}}}
	var routes []web.Route
	for _, r := range screens.Routes() {
		if strings.HasPrefix(r.Path, "/audit") || strings.HasPrefix(r.Path, "/reports") {
			routes = append(routes, r)
		}
	}
	e.Site = webtest.Start(t, routes, func(o *web.Options) { o.Now = clock.Time })
	return e
}

func TestTheAuditPage(t *testing.T) {
	e := openEvidence(t)
	page := e.As(e.auditor).Get(t, "/audit")
	page.Want(t, 200, "陈思远", "查看会话", "C-20251019-TB-0084412", "彻底删除", "PG-20261113-002 · 7,402 条", "越权访问", "拒绝", "strange.happened", "&lt;b&gt;x", "<svg",
		"完整性证明", "5 条记录", `action="/audit/check"`, "/audit/proof/log.jsonl").Lacks(t, "<b>x</b>", "⟦")
	e.As(e.legal).Get(t, "/audit").Want(t, 200, "完整性证明").Lacks(t, `action="/audit/check"`)
	e.As(e.agent).Get(t, "/audit").Want(t, 200, "2 条记录", "这里是你自己的操作").Lacks(t, "PG-20261113-002", "完整性证明", "林静怡")
	e.As(e.supervisor).Get(t, "/audit").Want(t, 200, "C-20251019-TB-0084412", "SC-20261116-001", "2 条记录").Lacks(t, "PG-20261113-002", "&lt;b&gt;x", "生成审计报告", "完整性证明")
	e.As(e.admin).Get(t, "/audit").Want(t, 200, "这段时间没有记录")
	e.Anonymous().Get(t, "/audit").WantRedirect(t, "/login?next=%2Faudit")
}

func TestFiltersOfTheAuditPage(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	for _, tt := range []struct {
		query string
		has   []string
		lacks []string
	}{
		{"q=PG-2026", []string{"1 条记录", "PG-20261113-002"}, []string{"C-20251019"}},
		{"q=" + url.QueryEscape("陈思远"), []string{"2 条记录"}, []string{"PG-20261113-002 ·"}},
		{"action=class.danger", []string{"1 条记录", "PG-20261113-002"}, nil},
		{"action=access.denied&result=refused", []string{"1 条记录"}, nil},
		{"result=failed", []string{"这段时间没有记录"}, nil},
		{"from=2026-11-01&to=2026-11-02", []string{"这段时间没有记录"}, nil},
		{"actor=" + id.String(e.other.ID), []string{"1 条记录", "strange.happened"}, nil},
		{"from=&to=&action=class.nothing", []string{"这段时间没有记录"}, nil},
		{"nonsense=1&size=7&at=-3", []string{"第 1–"}, nil},
	} {
		c.Get(t, "/audit?"+tt.query).Want(t, 200, tt.has...).Lacks(t, tt.lacks...)
	}
	c.Get(t, "/audit?from=2026-11-22&to=2026-11-01").Want(t, 422, "早于开始日期", `id="to"`)
	c.Get(t, "/audit?from=yesterday").Want(t, 422, "不是日期")
	c.Get(t, "/audit?cursor=zz").Want(t, 422, "翻页位置无效")
}

func TestAnEntryBesideTheList(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	c.Get(t, "/audit?row=1&q=SC-").Want(t, 200, "记录 #1", "2026-11-20", "2026-11-23", "客户申诉", "变更前", "已证明在", "row=2", `href="/audit?`)
	for _, row := range []string{"999", "-1", "x", "9223372036854775807"} {
		c.Get(t, "/audit?row="+row).Want(t, 404)
	}
	e.As(e.agent).Get(t, "/audit?row=1").Want(t, 404).Lacks(t, "客户申诉")
	e.As(e.agent).Get(t, "/audit?row=0").Want(t, 200, "记录 #0", "不在你的数据范围").Lacks(t, "row=1", "SC-20261116-001")
	dbtest.Exec(t, e.db, "UPDATE audit_leaf SET object = 'SC-x' WHERE n = 1")
	c.Get(t, "/audit?row=1").Want(t, 200, "记录受损", "不可作为依据")
}

func TestCheckingFromThePage(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	c.Post(t, "/audit/check", nil).WantRedirect(t, "/audit/proof")
	c.Get(t, "/audit/proof").Want(t, 200, "校验完成", "qingdang.example.cn/evidence", "指纹")
	dbtest.Exec(t, e.db, "UPDATE audit_leaf SET object = 'PG-x' WHERE n = 3")
	c.Post(t, "/audit/check", nil).WantRedirect(t, "/audit/proof")
	c.Get(t, "/audit/proof").Want(t, 200, "从第 3 条起", "检索列与原文不一致", "不完整", "/audit?row=3")
	for who, by := range map[string]account.Actor{"legal": e.legal, "agent": e.agent, "supervisor": e.supervisor, "admin": e.admin} {
		e.As(by).Post(t, "/audit/check", nil).Want(t, http.StatusForbidden)
		e.As(by).Get(t, "/audit/proof/log.jsonl").Want(t, http.StatusForbidden)
		if want := map[bool]int{true: 200, false: 403}[who == "legal"]; e.As(by).Get(t, "/audit/proof").Status != want {
			t.Errorf("%s sees the proof", who)
		}
	}
}

func TestFilesOfTheLog(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	file := c.Get(t, "/audit/entries.csv?q=PG-")
	file.Want(t, 200, "\ufeffn,at", "PG-20261113-002").Lacks(t, "C-20251019")
	if got := file.Header.Get("Content-Disposition"); got != `attachment; filename="audit.csv"` {
		t.Error(got)
	}
	e.As(e.agent).Get(t, "/audit/entries.csv").Want(t, 200, "C-20251019").Lacks(t, "PG-20261113-002")
	c.Get(t, "/audit/entries.csv?from=x").Want(t, 422).Lacks(t, "actor_id")
	bundle := c.Get(t, "/audit/proof/log.jsonl")
	if r, err := proof.VerifyLog(strings.NewReader(bundle.Body), proof.Options{Keys: []string{e.evidence.Log.Signer.Public()}}); err != nil || !r.OK {
		t.Errorf("%+v %v", r, err)
	}
	link := regexp.MustCompile(`/audit/proof/checkpoints/\d+`).FindString(c.Get(t, "/audit/proof").Body)
	c.Get(t, link).Want(t, 200, "qingdang.example.cn/evidence")
	c.Get(t, "/audit/proof/checkpoints/99999").Want(t, 404)
	c.Get(t, "/audit/proof/checkpoints/x").Want(t, 404)
}

func TestReportsFromThePage(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	c.Get(t, "/reports").Want(t, 200, "还没有报告", `value="2026-10-01"`, `value="2026-10-31"`)
	c.Post(t, "/reports", url.Values{"from": {"2026-11-22"}, "to": {"2026-11-01"}}).Want(t, 422, "早于开始日期", `value="2026-11-22"`)
	c.Post(t, "/reports", url.Values{"from": {""}, "to": {"<x>"}}).Want(t, 422, "不是日期")
	made := c.Post(t, "/reports", url.Values{"from": {"2026-11-01"}, "to": {"2026-11-22"}})
	if made.Status != 303 || !strings.HasPrefix(made.Location, "/reports/") {
		t.Fatal(made.Status, made.Body)
	}
	path := made.Location
	c.Get(t, path).Want(t, 200, "AR-20261122-001", "越权访问", "陈思远", "对账", "qingdang verify AR-20261122-001.json", "彻底删除 7,402 条会话", "<svg").Lacks(t, "⟦")
	c.Get(t, "/reports").Want(t, 200, "AR-20261122-001", path+".csv")
	file := c.Get(t, path+".json")
	if r, err := proof.Verify([]byte(file.Body), proof.Options{}); err != nil || !r.OK {
		t.Errorf("%+v %v", r, err)
	}
	c.Get(t, path+".csv").Want(t, 200, "\ufeff审计报告,AR-20261122-001", "strange.happened", "彻底删除,purge.erased,1,0,0,7402")
	for _, bad := range []string{"/reports/99", "/reports/x", path + ".exe", path + ".json.csv"} {
		c.Get(t, bad).Want(t, 404)
	}
	for role, want := range map[account.Role][4]int{
		// list, one, its file, a new one
		account.Agent:      {403, 403, 403, 403},
		account.Supervisor: {200, 404, 404, 403},
		account.Legal:      {200, 200, 200, 303},
		account.Auditor:    {200, 200, 200, 303},
		account.Admin:      {403, 403, 403, 403},
	} {
		by := e.As(accounttest.Actor(role))
		got := [4]int{
			by.Get(t, "/reports").Status, by.Get(t, path).Status, by.Get(t, path+".json").Status,
			by.Post(t, "/reports", url.Values{"from": {"2026-11-01"}, "to": {"2026-11-22"}}).Status,
		}
		if got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
	e.As(e.supervisor).Get(t, "/reports").Want(t, 200, "只有法务与审计可以查看").Lacks(t, "AR-2026")
}
