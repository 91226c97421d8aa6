package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
)

const sampleFingerprint = "b71e04c9d2f0a85b6c3e1a77f4908d21e6b5c4a3928170ff0e1d2c3b4a595fa2"

func batchTreeSample() []BatchDepartment {
	leaf := func(id uint64, name string, all, matching int64) BatchDepartment {
		return BatchDepartment{ID: id, Name: name, All: all, Matching: matching}
	}
	hangzhou := BatchDepartment{
		ID: 3, Name: "杭州分公司", All: 486120, Matching: 91755, Open: true, Current: true, Checked: true,
		Children: []BatchDepartment{leaf(4, "一店售后组", 96402, 21406), leaf(5, "二店售后组", 88913, 19877), leaf(6, "旗舰店售前组", 201344, 44120), leaf(7, "交易纠纷组", 98257, 6034)},
	}
	east := BatchDepartment{
		ID: 2, Name: "华东大区", All: 1284906, Matching: 200310, Open: true, Mixed: true,
		Children: []BatchDepartment{hangzhou, {ID: 8, Name: "上海分公司", All: 612338, Matching: 80101, Children: []BatchDepartment{leaf(9, "浦东售后组", 300, 20)}}, leaf(10, "南京分公司", 183236, 28454)},
	}
	return []BatchDepartment{{
		ID: 1, Name: "云栖优品集团", All: 4826310, Matching: 600000, Open: true, Mixed: true, Foreign: true,
		Children: []BatchDepartment{east, leaf(11, "华南大区", 1506772, 201110), leaf(12, "华北大区", 1122540, 180000), leaf(13, "酒店旅业事业部", 638914, 9000), leaf(14, "跨境业务部", 273178, 120)},
	}}
}

func batchScopeSample() BatchScopeView {
	return BatchScopeView{
		Draft: 12, Form: BatchConditions{To: "2026-05-20", Types: []string{"咨询", "售后"}, WithoutTags: "投诉升级、媒体"},
		Types: []string{"咨询", "售后", "投诉", "交易", "法律纠纷"}, Sources: []string{"qianniu", "wechat", "wecom", "ctrip", "dingtalk", "qq", "sobot", "xiaoneng"},
		Tree: batchTreeSample(), Seen: "0011aabb",
		Panel: BatchPanel{
			CountedAt: sampleNow, Name: "杭州分公司", Departments: 1, Taken: 318, Residue: 91437, Outside: 1,
			Left: []BatchResidue{{6, "旗舰店售前组", 44120}, {4, "一店售后组", 21406}, {5, "二店售后组", 19877}, {7, "交易纠纷组", 6034}},
		},
	}
}

func batchRefusedSample() BatchScopeView {
	v := batchScopeSample()
	v.Form.From = "2026-06-01"
	v.Problems = Problems{
		"to":      {Key: "bin.dates_reversed"},
		"residue": {Key: "bin.residue_undecided", Args: []any{int64(91437)}}, "residue_reason": {Key: "bin.reason_needed", Args: []any{8}},
	}
	return v
}

func batchUnsavedSample() BatchScopeView {
	v := batchScopeSample()
	v.Draft, v.Panel = 0, BatchPanel{Problem: Words{Key: "bin.dates_reversed"}}
	return v
}

func batchImpactSample() BatchImpactView {
	day := func(d string) time.Time {
		at, err := time.Parse(time.DateOnly, d)
		if err != nil {
			panic(err)
		}
		return at
	}
	return BatchImpactView{
		Draft: 12, CountedAt: sampleNow, KeepUntil: sampleNow.Add(7 * 24 * time.Hour), Matching: 91755, Residue: 6034,
		Excluded: BatchExcluded{1268, 4915, 636}, Holds: []string{"LH-2026-018", "LH-2026-021"}, Moves: 78902, Bytes: 21_800_000_000,
		Shares: []BatchShare{
			{"杭州分公司", "集团/华东大区/杭州分公司", 318, 21, 297, 100_000_000},
			{"一店售后组", "集团/华东大区/杭州分公司/一店售后组", 21406, 1902, 19504, 6_200_000_000},
			{"二店售后组", "集团/华东大区/杭州分公司/二店售后组", 19877, 1574, 18303, 5_800_000_000},
			{"旗舰店售前组", "集团/华东大区/杭州分公司/旗舰店售前组", 44120, 3322, 40798, 9_700_000_000},
		},
		Left: []BatchResidue{{7, "交易纠纷组", 6034}}, ResidueReason: "纠纷材料由法务统一评估，12 月另行处理", Outside: 2,
		Sample: []BatchSample{
			{1, "C-20250802-QQ-3F7K2M9A", "二店售后组", "售后", day("2025-08-02")},
			{2, "C-20250617-WX-0F7K2M9B", "旗舰店售前组", "咨询", day("2025-06-17")},
			{3, "C-20250530-QN-1F7K2M9C", "一店售后组", "售后", day("2025-05-30")},
			{4, "C-20250311-ZC-2F7K2M9D", "旗舰店售前组", "咨询", day("2025-03-11")},
			{5, "C-20250126-WC-4F7K2M9E", "二店售后组", "咨询", day("2025-01-26")},
		},
		NextDraw: 13, Since: &BatchSince{At: sampleNow.Add(-4 * time.Minute), Matching: 12, Order: -3},
	}
}

func batchConfirmSample() BatchConfirmView {
	return BatchConfirmView{
		Draft: 12, Frozen: 78902, FrozenAt: sampleNow, Fingerprint: sampleFingerprint, KeepUntil: sampleNow.Add(7 * 24 * time.Hour), Bytes: 21_800_000_000,
		CheckedAt: sampleNow, Now: 78902, Excluded: BatchExcluded{1268, 4915, 636}, Name: "杭州分公司", Departments: 4,
		Conditions: BatchConditions{To: "2026-05-20", Types: []string{"咨询", "售后"}}, Residue: 6034, ResidueReason: "纠纷材料由法务统一评估，12 月另行处理",
		Working: true, Notified: true, Partners: true, Reason: "超过保留期的咨询与售后会话季度清理", Typed: "78902", MustType: true, RequestKey: "KEY-KEY-KEY",
	}
}

func batchConfirmRefusedSample() BatchConfirmView {
	v := batchConfirmSample()
	v.Reason, v.Now, v.SeasonAt, v.Residue = "清理", 78899, sampleNow.Add(30*time.Hour), 0
	v.Problems = Problems{"reason": {Key: "bin.reason_needed", Args: []any{8}}, "checks": {Key: "bin.checks_missing"}, "typed": {Key: "bin.number_differs", Args: []any{int64(78902)}}}
	return v
}

func batchChangedSample() BatchChangedView {
	return BatchChangedView{
		Draft: 12, Text: Words{Key: "bin.list_changed", Args: []any{int64(78902), int64(78899)}}, Was: 78902, Now: 78899, Entered: 1, FrozenAt: sampleNow,
		Left: []BatchReason{{"held", 3}, {"changed", 1}},
		Rows: []BatchDifference{{ID: 1, Code: "C-20250802-QQ-3F7K2M9A", Reason: "held"}, {ID: 2, Gone: true, Reason: "elsewhere"}, {ID: 3, Code: "C-20250802-QQ-3F7K2M9C", Entered: true}},
	}
}

func batchPageSample() BatchView {
	items := BinItems{Total: 2906}
	for i, state := range []string{"binned", "frozen", "restored", "skipped", "purged"} {
		row := BinItem{ID: uint64(i + 1), Code: "C-20250802-QQ-3F7K2M9" + string(rune('A'+i)), Path: "集团/华东大区/杭州分公司/二店售后组", Type: "售后", Agent: "李雨桐", LastAt: sampleNow.AddDate(-1, 0, 0), State: state, ChangedAt: sampleNow, CanRestore: i < 2}
		switch state {
		case "skipped":
			row.Reason = "held"
		case "purged":
			row.Code, row.Type, row.LastAt = "", "", time.Time{}
		}
		items.Rows = append(items.Rows, row)
	}
	return BatchView{
		ID: 6, Code: "SC-20261113-006", State: BatchStateView{ID: 6, State: "partly_done", Size: 2948, Moved: 2906, Skipped: 42, Stayed: []BatchReason{{"held", 40}, {"changed", 2}}, At: sampleNow},
		Path: "集团/华东大区/杭州分公司", Sub: true, Conditions: BatchConditions{To: "2026-05-20", Types: []string{"咨询"}}, Owner: "许峻", CreatedAt: sampleNow.Add(-150 * time.Hour),
		Reason: "超过保留期的咨询会话季度清理", Fingerprint: sampleFingerprint, KeepUntil: sampleNow.Add(18 * time.Hour), ExtendedAt: sampleNow, Now: sampleNow, Bytes: 800_000_000,
		Resting: 2800, OnList: 12, Restored: 90, Rescued: 4, Purged: 16, Excluded: BatchExcluded{40, 120, 7}, Residue: 6034,
		Left: []BatchResidue{{7, "集团/华东大区/杭州分公司/交易纠纷组", 6034}}, ResidueReason: "纠纷材料由法务统一评估", CanUndo: true, CanRestore: true, CanExtend: true, CanPurge: true, Items: items,
	}
}

func batchRunningSample() BatchView {
	v := batchPageSample()
	v.State = BatchStateView{ID: 6, State: "running", Size: 78902, Moved: 48130, At: sampleNow, Failed: true, CanRetry: true}
	v.CanUndo, v.UndoWhy, v.CanRestore, v.Items, v.Residue = false, "batch.undo_running", false, BinItems{}, 0
	return v
}

func binBatchesSample() []BinBatch {
	row := func(code, path string, count, bytes int64, who string, left time.Duration) BinBatch {
		return BinBatch{ID: uint64(count), Code: code, State: "done", Path: path, Count: count, Size: count, Bytes: bytes, Owner: who, CreatedAt: sampleNow.Add(left - 168*time.Hour), KeepUntil: sampleNow.Add(left), CanRestore: true, CanChoose: true}
	}
	rows := []BinBatch{
		row("SC-20261113-004", "集团/上海分公司/浦东售后组", 3402, 1_100_000_000, "林静怡", 4*time.Hour+8*time.Minute),
		row("SC-20261113-006", "集团/杭州分公司/二店售后组", 2906, 800_000_000, "许峻", 6*time.Hour+43*time.Minute),
		row("SC-20261113-007", "集团/杭州分公司", 1906, 600_000_000, "林静怡", 7*time.Hour+28*time.Minute),
		row("SC-20261114-002", "集团/南京分公司", 12480, 3_900_000_000, "顾晓岚", 31*time.Hour),
		row("SC-20261115-001", "集团/上海分公司", 9316, 2_400_000_000, "", 55*time.Hour),
		row("SC-20261117-009", "集团/上海分公司", 30218, 9_100_000_000, "林静怡", 103*time.Hour),
		row("SC-20261112-001", "", 12, 100_000, "周敏", -3*time.Hour),
	}
	rows[2].Sub, rows[2].Rescued = true, 42
	rows[5].Residue, rows[5].OnList, rows[5].Extended = 2140, 18, true
	rows[6].Expired, rows[6].CanRestore, rows[6].CanChoose, rows[6].WhyNot = true, false, false, "bin.only_legal"
	return rows
}

func binPageSample() BinView {
	return BinView{
		Figures:     BinFigures{126480, 9, 37_800_000_000, 8214, 3, 1742, 2, 23886, 4},
		Departments: []BinDepartment{{2, "华东大区", 0}, {3, "杭州分公司", 1}, {4, "一店售后组", 2}},
		Batches:     binBatchesSample(), Total: 47, Now: sampleNow, CanRestore: true, CanExtend: true, CanPurge: true, CanOpen: true,
	}
}

func binItemsSample() BinView {
	v := binPageSample()
	v.Query.View, v.Own, v.CanExtend, v.CanOpen, v.Departments = "item", true, false, false, nil
	v.Items.Now = sampleNow
	for i, left := range []time.Duration{4 * time.Hour, 31 * time.Hour, 103 * time.Hour, -time.Hour} {
		v.Items.Rows = append(v.Items.Rows, BinItem{ID: uint64(i + 1), Code: "C-20250802-QQ-3F7K2M9" + string(rune('A'+i)), Path: "集团/杭州分公司/二店售后组", Type: "售后", Agent: "李雨桐", LastAt: sampleNow.AddDate(-1, 0, 0), State: "binned", Batch: "SC-20261113-004", Owner: "李雨桐", KeepUntil: sampleNow.Add(left), Expired: left < 0, CanRestore: left > 0})
	}
	return v
}

func binSamples() map[string]templ.Component {
	empty, filtered := binPageSample(), binPageSample()
	empty.Batches, empty.Total = nil, 0
	filtered.Batches, filtered.Total, filtered.Query = nil, 0, BinQuery{State: "expired", Text: "<b>"}
	nothing := batchImpactSample()
	nothing.Moves, nothing.Sample, nothing.Excluded, nothing.Residue, nothing.Left, nothing.Since = 0, nil, BatchExcluded{}, 0, nil, nil
	stale := BatchChangedView{Draft: 12, Text: Words{Key: "bin.list_not_shown"}}
	list := BatchListView{Rows: binBatchesSample(), Total: 7, CanCreate: true, Now: sampleNow, Drafts: []BatchDraftRow{
		{ID: 12, Name: "杭州分公司", More: 3, Conditions: BatchConditions{To: "2026-05-20", Types: []string{"咨询"}}, ChangedAt: sampleNow, Step: StepImpact},
		{ID: 13, ChangedAt: sampleNow, Step: StepScope},
	}}
	return map[string]templ.Component{
		"batch-scope": BatchScopePage(batchScopeSample()), "batch-scope-refused": BatchScopePage(batchRefusedSample()), "batch-scope-unsaved": BatchScopePage(batchUnsavedSample()),
		"batch-impact": BatchImpactPage(batchImpactSample()), "batch-impact-nothing": BatchImpactPage(nothing),
		"batch-confirm": BatchConfirmPage(batchConfirmSample()), "batch-confirm-refused": BatchConfirmPage(batchConfirmRefusedSample()),
		"batch-changed": BatchChangedPage(batchChangedSample()), "batch-stale": BatchChangedPage(stale),
		"batch-page": BatchPage(batchPageSample()), "batch-running": BatchPage(batchRunningSample()), "batch-list": BatchListPage(list), "batch-list-empty": BatchListPage(BatchListView{}),
		"bin-page": BinPage(binPageSample()), "bin-items": BinPage(binItemsSample()), "bin-empty": BinPage(empty), "bin-filtered": BinPage(filtered),
		"bin-extend": BinExtendPage(BinExtendView{Days: 3, Batches: []BinExtendRow{
			{ID: 1, Code: "SC-20261113-004", Path: "集团/上海分公司", Count: 3402, Until: sampleNow, Then: sampleNow.Add(72 * time.Hour)},
			{ID: 2, Code: "SC-20261113-006", Path: "集团/杭州分公司", Count: 1, Until: sampleNow, WhyNot: "bin.extended_before"},
		}, Problems: Problems{"reason": {Key: "bin.reason_needed", Args: []any{8}}}}),
	}
}

func TestBatchAndBinPagesKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	checkGallery(t, binSamples())
}

func TestBatchAndBinScreenshots(t *testing.T) { shootGallery(t, binSamples()) }

func TestNoButtonOfTheBinIsFilledRed(t *testing.T) {
	for name, page := range binSamples() {
		if out := draw(t, page, sampleFrame(locale.Chinese, ThemeLight)); strings.Contains(out, "btn-danger") {
			t.Errorf("%s has a filled red button; moving to the bin can be undone", name)
		}
	}
}

func TestTheFinalButtonNamesTheNumberAndCanBeBlocked(t *testing.T) {
	out := draw(t, BatchConfirmPage(batchConfirmSample()), sampleFrame(locale.Chinese, ThemeLight))
	if !strings.Contains(out, "将 78,902 条移入回收站") || strings.Contains(out, "final-why") {
		t.Error("the last button does not name its number, or is blocked")
	}
	// The way back stands before it, so that Enter in a field never deletes.
	if strings.Index(out, `value="impact"`) > strings.Index(out, "/discard") {
		t.Error("the red button comes before the way back")
	}
	out = draw(t, BatchConfirmPage(batchConfirmRefusedSample()), sampleFrame(locale.Chinese, ThemeLight))
	if !strings.Contains(out, "disabled") || !strings.Contains(out, `id="final-why"`) {
		t.Error("a new account can press the last button")
	}
}

func TestWhatIsTypedIsEscaped(t *testing.T) {
	v := batchScopeSample()
	v.Form.Tags, v.Form.ResidueReason = `"><script>x</script>`, `</textarea><b>`
	if out := draw(t, BatchScopePage(v), sampleFrame(locale.Chinese, ThemeLight)); strings.Contains(out, "<script>x") || strings.Contains(out, "</textarea><b>") {
		t.Error("what was typed came back as markup")
	}
}

func TestTheAddressesOfTheBin(t *testing.T) {
	for want, q := range map[string]BinQuery{
		"/bin":                              {},
		"/bin?page=2&view=item":             {View: "item", Page: 2},
		"/bin?dept=3&left=24h&state=frozen": {Dept: 3, Left: "24h", State: "frozen", Page: 1},
		"/bin?q=%E6%9E%97&size=50":          {Text: "林", Size: 50},
	} {
		if got := BinListPath(q); got != want {
			t.Errorf("address %q, want %q", got, want)
		}
	}
}
