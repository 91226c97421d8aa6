package handlers_test

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/web"
	"qingdang/web/webtest"
)

var friday = time.Date(2026, 11, 20, 6, 32, 0, 0, time.UTC)

// fakeDesk answers with what a test puts into it and remembers what it was asked.
type fakeDesk struct {
	detail  purge.Detail
	refuse  error // of every act
	hidden  bool
	ballot  purge.Ballot
	asked   purge.Ask
	confirm purge.Confirmation
	filter  purge.Filter
	now     time.Time
	taken   []string // formats of certificate files
}

func (f *fakeDesk) List(_ context.Context, _ account.Actor, filter purge.Filter) (purge.Page, error) {
	f.filter = filter
	return purge.Page{Rows: []purge.Row{{Request: f.detail.Request, Shown: f.detail.State, Path: "云栖优品集团/南京分公司", Paths: 3, Batches: []string{"SC-20261102-003"}}}, Total: 1, Now: friday}, nil
}

func (f *fakeDesk) Get(context.Context, account.Actor, id.Purge) (*purge.Detail, error) {
	if f.hidden {
		return nil, fault.NotFound("purge.not_found")
	}
	return &f.detail, nil
}

func (f *fakeDesk) Progress(ctx context.Context, by account.Actor, p id.Purge) (*purge.Detail, error) {
	return f.Get(ctx, by, p)
}

func (f *fakeDesk) Preview(context.Context, account.Actor, id.Purge, []id.Batch) (*purge.Preview, error) {
	return &purge.Preview{
		Now: friday, Size: 12406, KeepUntil: friday, ScopeKind: purge.Department, Cooling: 24 * time.Hour, Excluded: map[purge.Reason]int64{purge.Held: 12},
		Batches: []purge.Batch{{BatchID: 3, Code: "SC-20261102-003", ResidueCount: 91, ResidueReason: "各店自行处理", Residue: `[{"department":"4","path":"云栖优品集团/南京分公司/二组","count":91}]`}},
	}, nil
}

func (f *fakeDesk) Request(_ context.Context, _ account.Actor, a purge.Ask) (*purge.Request, error) {
	f.asked = a
	return &f.detail.Request, f.refuse
}

func (f *fakeDesk) Vote(_ context.Context, _ account.Actor, b purge.Ballot) (*purge.Request, error) {
	f.ballot = b
	return &f.detail.Request, f.refuse
}

func (f *fakeDesk) Withdraw(context.Context, account.Actor, id.Purge, string) error { return f.refuse }

func (f *fakeDesk) Confirm(_ context.Context, _ account.Actor, c purge.Confirmation) error {
	f.confirm = c
	return f.refuse
}

func (f *fakeDesk) ManifestCSV(_ context.Context, _ account.Actor, _ id.Purge, w io.Writer) error {
	if f.refuse != nil {
		return f.refuse
	}
	_, err := io.WriteString(w, "seq,conversation\n")
	return err
}

func (f *fakeDesk) Certificates(context.Context, account.Actor, purge.CertificateID, int) ([]purge.CertificateRow, error) {
	return []purge.CertificateRow{{Head: purge.Head{ID: 87, Code: "CERT-2026-0087", IssuedAt: friday, EffectiveAt: &nextFriday}, Request: "PG-20261110-001", Purged: 2100}}, nil
}

func (f *fakeDesk) CertificateFile(ctx context.Context, by account.Actor, c purge.CertificateID, format string) (*purge.Certificate, error) {
	cert, err := f.Certificate(ctx, by, c)
	if err == nil && cert.File == nil {
		err = fault.Busy("certificate.being_sealed")
	}
	f.taken = append(f.taken, format)
	return cert, err
}

func (f *fakeDesk) Certificate(_ context.Context, _ account.Actor, c purge.CertificateID) (*purge.Certificate, error) {
	if c != 87 {
		return nil, fault.NotFound("certificate.not_found")
	}
	cert := &purge.Certificate{Head: purge.Head{ID: 87, Code: "CERT-2026-0087", PurgeID: 7, Leaf: 8412077, Digest: make([]byte, 32), IssuedAt: friday, EffectiveAt: &nextFriday}, Now: f.now}
	if f.refuse == nil {
		cert.File = []byte(`{"format": "qingdang/certificate/v1"}`)
	}
	cert.Body = purge.Body{
		Code: "CERT-2026-0087", Organisation: "云栖优品集团", IssuedAt: friday, EffectiveAt: nextFriday,
		Request:      purge.BodyRequest{Code: "PG-20261110-001", Requester: purge.BodyPerson{Name: "高翔", StaffNo: "20417", Role: account.Agent}},
		Result:       purge.BodyResult{Purged: 2098, Skipped: 2},
		Exclusions:   purge.BodyExclusions{WhenRun: map[purge.Reason]int64{purge.Held: 2}},
		Approvals:    []purge.BodyApproval{{Person: purge.BodyPerson{Name: "林静怡", StaffNo: "10482", Role: account.Supervisor}, Verdict: approval.Approve, Opinion: "同意"}},
		Verification: []purge.Check{{What: purge.CheckRows, Read: 2098, OK: true}},
		Reach:        []purge.Reach{{Copy: "devices", State: "out_of_reach"}, {Copy: "key_store_backups", State: "expires", Until: &nextFriday}},
	}
	return cert, nil
}

var nextFriday = friday.AddDate(0, 0, 7)

// desk is a request of 陈思远 that waits for a supervisor.
func desk() *fakeDesk {
	at := friday.Add(-3 * time.Hour)
	expires := at.Add(7 * 24 * time.Hour)
	root := make([]byte, 32)
	copy(root, "root of the list")
	return &fakeDesk{detail: purge.Detail{
		Request: purge.Request{
			ID: 7, Code: "PG-20261120-001", State: purge.AwaitingSupervisor, RequesterID: 5, RequesterName: "陈思远", RequesterRole: account.Agent,
			Reason: "回收站到期清理", ScopeKind: purge.Department, CoolingHours: 24, Root: root, Size: 3118, RequestedAt: &at, ExpiresAt: &expires, Excluded: "{}",
		},
		Now: friday, Departments: []purge.Share{{Path: "云栖优品集团/杭州分公司/一店售后组", Conversations: 3118}},
		Changes: &purge.Changes{At: friday, Size: 3118, Skipped: map[purge.Reason]int64{purge.Held: 2}},
	}}
}

func purgeSite(t *testing.T, f *fakeDesk) *webtest.Site {
	t.Helper()
	screens := &handlers.Screens{
		Purges:       &handlers.Purges{Reader: f, Desk: f, Manifest: f},
		Certificates: &handlers.Certificates{Desk: f},
	}
	var routes []web.Route
	for _, r := range screens.Routes() {
		if strings.HasPrefix(r.Path, "/purges") || strings.HasPrefix(r.Path, "/certificates") {
			routes = append(routes, r)
		}
	}
	return webtest.Start(t, routes)
}

func TestAnApproverSeesTheListAndTheForm(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Supervisor, 1))
	c.Get(t, "/purges/7").Want(t, 200, "PG-20261120-001", "执行后无法恢复", "陈思远", "一店售后组", `name="verdict" value="approve"`,
		hex.EncodeToString(f.detail.Root), "2 条将跳过", "3,116 / 3,118")
	c.Get(t, "/purges").Want(t, 200, "PG-20261120-001", "待主管审批", "另有 2 个部门")
	if len(f.filter.States) != 6 {
		t.Errorf("states %v", f.filter.States)
	}
	c.Get(t, "/purges?state=finished&mine=1").Want(t, 200)
	if len(f.filter.States) != 3 || !f.filter.Mine {
		t.Errorf("%+v", f.filter)
	}
}

func TestNobodySeesAnApproveButtonOnTheirOwnRequest(t *testing.T) {
	f := desk()
	f.detail.VoteRefused = fault.Forbidden("approval.own_request")
	c := purgeSite(t, f).As(accounttest.Actor(account.Supervisor, 1))
	c.Get(t, "/purges/7").Want(t, 200, "这是你发起的申请").Lacks(t, `value="approve"`, "动态口令", `action="/purges/7/vote"`)
}

func TestVoting(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Supervisor, 1))
	form := url.Values{"verdict": {"approve"}, "opinion": {"已抽查 10 条"}, "root": {"abc"}, "code": {"123 456"}}
	c.Post(t, "/purges/7/vote", form).WantRedirect(t, "/purges/7")
	if f.ballot.Purge != 7 || f.ballot.Verdict != approval.Approve || f.ballot.SeenRoot != "abc" || f.ballot.Code != "123 456" {
		t.Errorf("%+v", f.ballot)
	}
	for _, tt := range []struct {
		err    error
		status int
		word   string
	}{
		{fault.Invalid("account.code_wrong", 4).On("code"), 422, "已抽查 10 条"},
		{fault.Conflict("approval.root_changed"), 409, "名单与页面显示的不一致"},
		{fault.Busy("account.code_locked", 30), 429, "已抽查 10 条"},
	} {
		f.refuse = tt.err
		c.Post(t, "/purges/7/vote", form).Want(t, tt.status, tt.word).Lacks(t, "123 456")
	}
	f.refuse = fault.Forbidden("approval.own_request")
	c.Post(t, "/purges/7/vote", form).Want(t, http.StatusForbidden)
	f.hidden = true
	c.Get(t, "/purges/7").Want(t, http.StatusNotFound)
	c.Get(t, "/purges/abc").Want(t, http.StatusNotFound)
}

func TestRolesAtTheDesk(t *testing.T) {
	for role, want := range map[account.Role][4]int{
		// list, request page, vote, execution page
		account.Agent:      {200, 200, 403, 403},
		account.Supervisor: {200, 200, 303, 403},
		account.Legal:      {200, 200, 303, 200},
		account.Auditor:    {200, 403, 403, 403},
		account.Admin:      {403, 403, 403, 403},
	} {
		c := purgeSite(t, desk()).As(accounttest.Actor(role, 1))
		got := [4]int{
			c.Get(t, "/purges").Status, c.Get(t, "/purges/new?batch=3").Status,
			c.Post(t, "/purges/7/vote", url.Values{"verdict": {"approve"}}).Status, c.Get(t, "/purges/7/execute").Status,
		}
		if got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
}

func TestRequestingAPurge(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Agent, 1))
	c.Get(t, "/purges/new?batch=3&batch=x").Want(t, 200)
	c.Get(t, "/purges/new?batch=3").Want(t, 200, "12,406", "SC-20261102-003", "残留", "91", "法务保留 12", `name="request_key"`, `name="batch" value="3"`)
	form := url.Values{"batch": {"3", "4"}, "reason": {"回收站到期清理"}, "request_key": {"k1"}, "at_once": {"1"}, "shown": {"12406"}}
	c.Post(t, "/purges", form).WantRedirect(t, "/purges/7")
	if len(f.asked.Batches) != 2 || f.asked.Key != "k1" || !f.asked.AtOnce {
		t.Errorf("%+v", f.asked)
	}
	emergency := url.Values{"batch": {"3"}, "reason": {"客户信息误发"}, "request_key": {"k2"}, "emergency": {"1"}, "incident": {"INC-7"}, "shown": {"12406"}}
	c.Post(t, "/purges", emergency).WantRedirect(t, "/purges/7")
	if !f.asked.Emergency || f.asked.Incident != "INC-7" || f.asked.Shown != 12406 {
		t.Errorf("%+v", f.asked)
	}
	emergency.Del("shown")
	c.Post(t, "/purges", emergency).Want(t, 422, "INC-7")
	f.refuse = fault.Invalid("purge.reason_short", 8).On("reason")
	c.Post(t, "/purges", form).Want(t, 422, "申请原因至少 8 个字", "k1")
	f.refuse = fault.Conflict("purge.nothing_to_freeze", int64(1), int64(0), int64(0))
	c.Post(t, "/purges", form).Want(t, 409, "没有可以冻结的会话")
	c.Post(t, "/purges", url.Values{"batch": {"0"}}).Want(t, 422)
}

func TestTheStateBlockAsksAgainOnlyWhileThereIsSomethingToWaitFor(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Supervisor, 1))
	c.Htmx(t, http.MethodGet, "/purges/7/state", nil).Want(t, 200, "every 60s").Lacks(t, "<html")
	at := friday.Add(-time.Minute)
	f.detail.State, f.detail.Phase, f.detail.StartedAt = purge.Running, purge.PhaseErase, &at
	f.detail.Progress = purge.Progress{Done: 2000, Total: 3118}
	c.Htmx(t, http.MethodGet, "/purges/7/state", nil).Want(t, 200, "every 5s", "2,000 / 3,118", "第 1 步")
	f.detail.State, f.detail.Phase, f.detail.FinishedAt = purge.Done, purge.PhaseEnd, &friday
	f.detail.Certificate = &purge.Head{ID: 87, Code: "CERT-2026-0087"}
	c.Htmx(t, http.MethodGet, "/purges/7/state", nil).Want(t, 200, "/certificates/87").Lacks(t, "every ")
}

func TestLegalsSecondCode(t *testing.T) {
	f := desk()
	f.detail.State, f.detail.ScopeKind = purge.AwaitingCodes, purge.Organisation
	until := friday.Add(-time.Hour)
	f.detail.CoolingUntil = &until
	c := purgeSite(t, f).As(accounttest.Actor(account.Legal))
	root := hex.EncodeToString(f.detail.Root)
	c.Get(t, "/purges/7/execute").Want(t, 200, "彻底删除 3,118 条会话？", root[58:], "请在电脑上执行")
	c.Post(t, "/purges/7/execute", url.Values{"tail": {root[58:]}, "code": {"123456"}}).WantRedirect(t, "/purges/7")
	f.refuse = fault.Invalid("purge.tail_wrong").On("tail")
	c.Post(t, "/purges/7/execute", url.Values{"tail": {"x"}}).Want(t, 422, "指纹末 6 位不一致")
	f.detail.ConfirmRefused = fault.Conflict("purge.not_awaiting_code")
	c.Get(t, "/purges/7/execute").Want(t, 200, "现在不需要二次验证").Lacks(t, `name="tail"`)
}

func TestWithdrawingFromThePage(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Agent, 1))
	c.Get(t, "/purges/7").Want(t, 200, `action="/purges/7/withdraw"`)
	c.Post(t, "/purges/7/withdraw", url.Values{"reason": {"范围需要复查"}}).WantRedirect(t, "/purges/7")
	f.refuse = fault.Conflict("purge.started")
	c.Post(t, "/purges/7/withdraw", url.Values{"reason": {"范围需要复查"}}).Want(t, 409, "执行已经开始")
	f.detail.WithdrawRefused = fault.Forbidden("purge.not_yours")
	c.Get(t, "/purges/7").Want(t, 200).Lacks(t, `action="/purges/7/withdraw"`)
}

func TestFilesOfAPurge(t *testing.T) {
	f := desk()
	c := purgeSite(t, f).As(accounttest.Actor(account.Auditor))
	r := c.Get(t, "/purges/7/manifest.csv")
	r.Want(t, 200, "\ufeffseq,conversation")
	if got := r.Header.Get("Content-Disposition"); !strings.Contains(got, "attachment") {
		t.Errorf("disposition %q", got)
	}
	c.Get(t, "/certificates").Want(t, 200, "CERT-2026-0087", "PG-20261110-001")
	c.Get(t, "/certificates/87").Want(t, 200, "彻底删除证书", "8412077", "林静怡 (10482)", "未覆盖", "法务保留 2", "qingdang verify CERT-2026-0087.json", "<svg", `href="/letters"`)
	c.Get(t, "/certificates/87.json").Want(t, 200, "qingdang/certificate/v1")
	c.Get(t, "/certificates/87").Want(t, 200, "即将生效", "自 2026-11-27 14:32 起生效", "2026-11-27 14:32 到期").Lacks(t, "已生效")
	f.now = nextFriday
	c.Get(t, "/certificates/87").Want(t, 200, "已生效", "已于 2026-11-27 14:32 到期").Lacks(t, "即将生效")
	c.Get(t, "/certificates").Want(t, 200, "即将生效")
	pdf := c.Get(t, "/certificates/87.pdf")
	pdf.Want(t, 200, "%PDF-")
	if kind, name := pdf.Header.Get("Content-Type"), pdf.Header.Get("Content-Disposition"); kind != "application/pdf" || !strings.Contains(name, "CERT-2026-0087-zh-CN.pdf") {
		t.Errorf("%s, %s", kind, name)
	}
	if english := c.Get(t, "/certificates/87.pdf?lang=en"); english.Status != 200 || english.Body == pdf.Body || !strings.Contains(english.Header.Get("Content-Disposition"), "CERT-2026-0087-en.pdf") {
		t.Errorf("in English: %d, the same as in Chinese: %v", english.Status, english.Body == pdf.Body)
	}
	if again := c.Get(t, "/certificates/87.pdf?lang=xx"); again.Body != pdf.Body {
		t.Error("the same certificate gives other bytes")
	}
	if want := []string{"json", "pdf", "pdf", "pdf"}; !slices.Equal(f.taken, want) {
		t.Errorf("taken along: %v, want %v", f.taken, want)
	}
	c.Get(t, "/certificates/87.txt").Want(t, 404)
	c.Get(t, "/certificates/87.pdf.json").Want(t, 404)
	c.Get(t, "/certificates/88").Want(t, 404)
	c.Get(t, "/certificates/x.json").Want(t, 404)
	f.refuse = fault.NotFound("purge.not_found")
	c.Get(t, "/purges/7/manifest.csv").Want(t, 404).Lacks(t, "seq")
	c.Get(t, "/certificates/87").Want(t, 200, "证据文件正在生成")
	c.Get(t, "/certificates/87.json").Want(t, 429)
	c.Get(t, "/certificates/87.pdf").Want(t, 429)
}
