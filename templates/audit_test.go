package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
)

func auditSample() AuditView {
	f := AuditFilter{From: "2026-11-14", To: "2026-11-20"}
	v := AuditView{
		Filter: f, TextKey: "audit.text", CanReport: true, CanDownload: true, Acts: []string{"conversation.opened", "purge.erased", "strange.happened"},
		First: 1, Total: 13551, Older: "/audit?cursor=o8419542&at=10", Here: f.Path(), Now: sampleNow,
	}
	row := func(n int64, clock, who, role, action, class, object, result, source string, count int64) {
		when := at("2026-11-20", clock+":08")
		v.Rows = append(v.Rows, AuditRow{
			N: n, At: when, Person: who, RoleKey: role, Action: action, Class: class, Object: object, Result: result, Source: source, Count: count,
			Path: f.Path() + "&row=" + fmt.Sprint(n), PersonPath: f.Path(),
		})
	}
	row(8419552, "14:32", "林静怡", "role.supervisor", "conversation.opened", "view", "C-20251019-TB-0084412", "ok", "10.20.4.18", 1)
	row(8419551, "14:30", "worker", "", "audit.checked", "view", "", "ok", "worker", 8419551)
	row(8419550, "14:29", "周敏", "role.legal", "hold.placed", "change", "LH-2026-018", "ok", "10.20.9.3", 1268)
	row(8419549, "14:18", "陈思远", "role.agent", "conversation.unmasked", "danger", "C-20260118-WX-0031177", "ok", "10.20.4.77", 1)
	row(8419548, "14:12", "worker", "", "purge.started", "danger", "PG-20261113-002", "ok", "worker-2", 7402)
	row(8419547, "14:03", "高翔", "role.agent", "code.refused", "change", "PG-20261113-002", "refused", "10.20.6.52", 0)
	row(8419546, "13:47", "", "", "login.refused", "change", "", "refused", "10.20.1.9", 0)
	row(8419545, "10:15", "林静怡", "role.supervisor", "batch.restored", "change", "SC-20261116-001", "ok", "10.20.4.18", 214)
	for i := range 28 {
		from := at("2026-11-14", "00:00:00").Add(time.Duration(i) * 6 * time.Hour)
		v.Chart.Steps = append(v.Chart.Steps, AuditStep{At: from, Path: f.Path()})
		n := int64([]int{40, 900, 1100, 300}[i%4])
		v.Chart.View, v.Chart.Change, v.Chart.Danger = append(v.Chart.View, n*7/10), append(v.Chart.Change, n*2/10), append(v.Chart.Danger, n/10)
	}
	v.Chart.From, v.Chart.To = at("2026-11-14", "00:00:00"), at("2026-11-20", "23:59:08")
	v.Rows[1].System, v.Rows[4].System = true, true
	v.Signs = []AuditSign{{Person: "高翔", Action: "code.refused", Path: "/audit?actor=7", Refused: true, Times: 3}, {Person: "陈思远", Action: "conversation.unmasked", Path: "/audit?actor=8", Times: 38}}
	proof := auditProofSample()
	v.Proof = &proof
	return v
}

func auditProofSample() AuditProof {
	key := "qingdang/evidence+7c1f0a2b+AZx0m9l3yOQ1uWc5Tn8vKp2dRs6bYh4eJg7iLk0fXq9w"
	return AuditProof{
		Size: 8419552, CheckedAt: at("2026-11-20", "14:30:08"), FullAt: at("2026-11-20", "02:00:08"), OK: true, Checked: 1352, Proven: 8406000, TailProvable: true, Outside: true,
		Latest:  []AuditNeighbour{{N: 8419551, Hash: sampleRoot}, {N: 8419550, Hash: sampleRoot[1:] + "a"}, {N: 8419549, Hash: sampleRoot[2:] + "bc"}},
		KeyName: "qingdang/evidence", Key: key, Print: "9f2c7a10 41d8b3e6 5d0c8a7b e19f4420 bb7712c0 de3344aa 9177ce01 7c3e5b08", CanCheck: true,
		Checkpoints: []AuditCheckpoint{{Size: 8406000, Root: sampleRoot, At: at("2026-11-20", "02:00:08")}, {Size: 8392100, Root: sampleRoot, At: at("2026-11-19", "02:00:08")}},
	}
}

func auditEntrySample() AuditView {
	v := auditSample()
	v.Entry = &AuditEntry{
		AuditRow: v.Rows[2], Kind: "hold", Department: "云栖优品集团/华东大区", RequestID: "7KQ2M4XA9Z", Hash: sampleRoot,
		Changes: []AuditChange{{Before: "2026-11-20T06:32:00Z", After: "2026-11-23T06:32:00Z"}, {Name: "floor_days", Before: "183", After: "365"}},
		Facts:   []AuditFact{{"reason", "复议期间保留全部会话"}, {"sub", "true"}},
		Before:  &AuditNeighbour{N: 8419549, Hash: sampleRoot}, After: &AuditNeighbour{N: 8419551, Hash: sampleRoot, Action: "audit.checked", Path: "/audit?row=8419551"},
		Proven: true, LogSize: 8419552,
	}
	return v
}

func reportSample() ReportView {
	lin := ReportPerson{Name: "林静怡", StaffNo: "10482", RoleKey: "role.supervisor"}
	return ReportView{
		ReportHead: sampleHead("operations"),
		Entries:    13551, OK: 13490, Refused: 60, Failed: 1, People: 42, Purged: 7398,
		Acts:        []ReportAct{{"batch.restored", 4, 0, 0, 214}, {"conversation.opened", 9120, 3, 0, 9120}, {"purge.erased", 15, 0, 0, 7398}, {"strange.happened", 1, 0, 1, 0}},
		Departments: []ReportDepartment{{"云栖优品集团/华东大区/杭州分公司", 4120, 12, 3902, 2100, 214}, {"", 310, 48, 0, 0, 0}},
		Purges: []ReportPurge{{
			Code: "PG-20261113-002", State: "done_with_exceptions", Certificate: "CERT-2026-0087", Scope: []string{"云栖优品集团/华东大区/杭州分公司", "云栖优品集团/华东大区/南京分公司"},
			Requester: ReportPerson{Name: "高翔", StaffNo: "20417", RoleKey: "role.agent"}, RequestedAt: sampleNow.AddDate(0, 0, -7), StartedAt: sampleNow.AddDate(0, 0, -3), FinishedAt: sampleNow.AddDate(0, 0, -3).Add(20 * time.Minute),
			Votes: []ReportVote{{lin, sampleNow.AddDate(0, 0, -6), "approve", true}, {ReportPerson{Name: "周敏", StaffNo: "10077", RoleKey: "role.legal"}, sampleNow.AddDate(0, 0, -5), "approve", false}},
			Size:  7402, Messages: 64218, Bytes: 710_000_000, PurgedHere: 7398, Skipped: 4,
		}},
		Refusals: []ReportRefusal{{"access.denied", "高翔", "role.agent", 3, 8419547}, {"login.refused", "", "", 12, 8419546}},
		Holds:    []ReportHold{{Code: "LH-2026-018", Department: "云栖优品集团/华东大区", By: "周敏", At: sampleNow, Conversations: 1268}},
		Imports:  []ReportImport{{"cli", "cli", 12, 5000}},
	}
}

// sampleHead is a report in which one figure differs.
func sampleHead(kind string) ReportHead {
	return ReportHead{
		ID: 4, Kind: kind, Code: "AR-20261122-001", Organisation: "云栖优品集团", First: "2026-10-01", Last: "2026-12-31", Zone: "Asia/Shanghai", At: sampleNow,
		By:       ReportPerson{Name: "郑开元", StaffNo: "10031", RoleKey: "role.auditor"},
		Compared: []ReportCompare{{"purged_items", "PG-20261113-002", 7398, 7398}, {"conversations", "", 126480, 126479}},
		Differ:   1, Notes: []string{"no_exports", "period_not_over", "check_not_full"}, LogOK: true, LogRoot: sampleRoot, Digest: sampleRoot, LogSize: 8419552, LogChecked: 8419552, LogBad: -1, Leaf: 8419553,
		Sealed: true, QR: [][]bool{{true, false}, {false, true}},
	}
}

func statementSample() StatementView {
	v := StatementView{ReportHead: sampleHead("storage")}
	v.Figures = []ReportFigure{{"kept", "count", 126480}, {"kept_bytes", "bytes", 14_200_000_000}, {"purge_frees", "count", 4102}, {"purge_frees_bytes", "bytes", 410_000_000}}
	v.Grids = []ReportGrid{
		{Key: "storage_departments", Texts: []ReportColumn{{"department", "department"}}, Numbers: []ReportColumn{{"kept", "count"}, {"kept_bytes", "bytes"}}, Of: 2, Rows: []ReportLine{
			{[]string{"云栖优品集团/华东大区/杭州分公司"}, []int64{86000, 9_100_000_000}}, {[]string{""}, []int64{40480, 5_100_000_000}},
		}},
		{Key: "storage_months", Texts: []ReportColumn{{"month", "month"}}, Numbers: []ReportColumn{{"arrived", "count"}, {"erased_items", "count"}, {"arrived_bytes", "bytes"}}, Of: 3, Rows: []ReportLine{
			{[]string{"2026-10"}, []int64{9100, 0, 900_000_000}}, {[]string{"2026-11"}, []int64{12030, 7398, 1_200_000_000}}, {[]string{"2026-12"}, []int64{0, 0, 0}},
		}},
		{Key: "storage_forecast", Texts: []ReportColumn{{"in_months", "months_on"}}, Numbers: []ReportColumn{{"forecast_kept", "count"}, {"forecast_bytes", "bytes"}}, Of: 900, Rows: []ReportLine{
			{[]string{"3"}, []int64{158000, 17_400_000_000}},
		}},
		{Key: "purge_list", Texts: []ReportColumn{{"code", "plain"}, {"state", "purge_state"}, {"requester", "plain"}, {"approvals", "votes"}, {"finished_at", "time"}, {"certificate", "plain"}}, Numbers: []ReportColumn{{"purge_size", "count"}}, Of: 1, Rows: []ReportLine{
			{[]string{"PG-20261113-002", "done", "高翔", "approve:林静怡;unlogged:周敏", "2026-11-19T18:14:37Z", ""}, []int64{7402}},
		}},
		{Key: "retention_classes", Texts: []ReportColumn{{"class", "class"}, {"floor", "floor"}}, Numbers: []ReportColumn{{"kept", "count"}, {"early", "count"}}, Of: 2, Rows: []ReportLine{
			{[]string{"", "183"}, []int64{4, 0}}, {[]string{"法律纠纷", "forever"}, []int64{9, 1}},
		}},
		{Key: "access_outgoing", Texts: []ReportColumn{{"action", "action"}}, Numbers: []ReportColumn{{"acts_ok", "count"}}},
	}
	return v
}

func evidenceGallery() map[string]templ.Component {
	own := auditSample()
	own.Proof, own.TextKey, own.CanReport = nil, "audit.text_own", false
	wrong := AuditView{Filter: AuditFilter{From: "2026-11-20", To: "2026-11-01"}, TextKey: "audit.text", Problems: Problems{"to": {Key: "report.dates_reversed", Args: []any{"2026-11-20", "2026-11-01"}}}, Now: sampleNow}
	broken := auditProofSample()
	broken.OK, broken.What, broken.FirstBad, broken.LastBad = false, "changed", 512, 512
	unchecked := AuditProof{Key: "k", KeyName: "k"}
	badReport := reportSample()
	badReport.LogOK, badReport.LogWhat, badReport.LogBad, badReport.Sealed, badReport.Purges, badReport.Holds = false, "missing", 512, false, nil, nil
	damaged := auditEntrySample()
	damaged.Entry.Damaged, damaged.Entry.Proven, damaged.Rows[2].Damaged = true, false, true
	return map[string]templ.Component{
		"audit": AuditPage(auditSample()), "audit-own": AuditPage(own), "audit-wrong": AuditPage(wrong), "audit-entry": AuditPage(auditEntrySample()), "audit-damaged": AuditPage(damaged),
		"proof": AuditProofPage(auditProofSample()), "proof-broken": AuditProofPage(broken), "proof-unchecked": AuditProofPage(unchecked),
		"statement": StatementPage(statementSample()), "letter": LetterPage(letterSample()), "report": ReportPage(reportSample()), "report-bad": ReportPage(badReport),
		"reports": ReportsPage(ReportsView{From: "2026-10-01", To: "2026-10-31", CanCreate: true, CanSee: true, First: true, Next: 3, Rows: []ReportRow{
			{ID: 4, Kind: "operations", Code: "AR-20261122-001", By: "郑开元", From: at("2026-11-01", "00:00:00"), To: at("2026-11-20", "23:59:08"), At: sampleNow, Reconciled: true},
			{ID: 3, Kind: "operations", Code: "AR-20261101-001", By: "", From: at("2026-10-01", "00:00:00"), To: at("2026-10-31", "23:59:08"), At: sampleNow},
		}}),
		"reports-empty": ReportsPage(ReportsView{CanCreate: true, CanSee: true, First: true}), "reports-other": ReportsPage(ReportsView{First: true}),
	}
}

func TestEvidencePagesKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	checkGallery(t, evidenceGallery())
}

func TestEvidenceScreenshots(t *testing.T) { shootGallery(t, evidenceGallery()) }

func TestAnActWithoutWordsIsShownAsItIs(t *testing.T) {
	out := draw(t, AuditPage(AuditView{TextKey: "audit.text", Rows: []AuditRow{{N: 1, Action: "strange.happened", Result: "ok", Path: "/audit"}}, Total: 1}), sampleFrame(locale.English, ThemeLight))
	if !strings.Contains(out, "strange.happened") {
		t.Error("the act is not shown")
	}
}

// Bars of departments of one name are told apart by as much of their paths as it takes.
func TestBarsNameDepartmentsApart(t *testing.T) {
	paths := []string{"集团/华东/杭州/一店售后组", "集团/华东/上海/一店售后组", "集团/华东/杭州/二店售后组", "集团", "集团/华北/杭州/三组", "集团/华东/杭州/三组", "别处/集团", ""}
	g := ReportGrid{Key: "access_departments", Texts: []ReportColumn{{"department", "department"}}, Numbers: []ReportColumn{{"opened", "count"}}}
	for _, p := range paths {
		g.Rows = append(g.Rows, ReportLine{[]string{p}, []int64{3}})
	}
	bars, ok := statementBars(locale.With(t.Context(), locale.Chinese, nil), g)
	var got []string
	for _, r := range bars.Rows {
		got = append(got, r.Label)
	}
	want := []string{"杭州 / 一店售后组", "上海 / 一店售后组", "二店售后组", "集团", "华北 / 杭州 / 三组", "华东 / 杭州 / 三组", "别处 / 集团", "无部门或跨部门"}
	if !ok || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
