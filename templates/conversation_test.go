package templates

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

func at(day, clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", day+" "+clock, time.FixedZone("CST", 8*3600))
	if err != nil {
		panic(err)
	}
	return t
}

// hitsOf divides a text at a word.
func hitsOf(text, word string) (out []Piece) {
	for i, part := range strings.Split(text, word) {
		if i > 0 {
			out = append(out, Piece{Text: word, Hit: true})
		}
		out = append(out, Piece{Text: part})
	}
	return out
}

func searchSample() ConversationsView {
	row := func(name, platform, account, preview, dept, agent, kind string, tags []string, messages int, clock, state string, locks ...string) ConversationRow {
		return ConversationRow{
			ID: uint64(messages), Path: "/conversations/1", Readable: true, Name: name, Platform: platform, Account: account, Preview: hitsOf(preview, "退款"), Department: dept,
			Agent: agent, Type: kind, Tags: tags, Messages: messages, LastAt: at("2025-10-19", clock), State: state, Locks: locks,
		}
	}
	unreadable := row("", "dingtalk", "", "", "二店售后组", "孙浩然", "售后", nil, 23, "13:12:00", "active")
	unreadable.Readable, unreadable.Code = false, "C-20251019-DT-0A1B2C3D"
	search := Search{Q: "退款 OR 赔付 -测试单", From: "2025-04-08", To: "2025-10-20", Dept: "4", Sub: true, Types: []string{"售后", "投诉"}, Cursor: "x"}
	bars := SearchHistogram{Unit: "week"}
	for i := range 28 {
		monday := at("2025-04-07", "00:00:00").AddDate(0, 0, 7*i)
		bars.Bars = append(bars.Bars, SearchBar{From: monday, To: monday.AddDate(0, 0, 7), Count: int64(300 + i*i%17*40)})
	}
	return ConversationsView{
		Search: search, Form: SearchForm{Search: search}, DeptName: "杭州分公司", Took: 420 * time.Millisecond, Histogram: bars,
		Facets: []Facet{
			{Kind: "platform", Items: []FacetItem{{Value: "qianniu", Count: 6204, Path: "/conversations?a"}, {Value: "xiaoneng", Path: "/conversations?b"}}},
			{Kind: "type", Clear: "/conversations?c", Items: []FacetItem{{Value: "售后", Count: 7915, Chosen: true, Path: "/conversations?d"}, {Value: "咨询", Count: 767, Path: "/conversations?e"}}},
			{Kind: "department", Name: "杭州分公司", Up: "/conversations?f", UpName: "华东大区", Items: []FacetItem{{Value: "5", Label: "一店售后组", Count: 4771, Path: "/conversations?g"}, {Value: "own", Count: 12, Path: "/conversations?h"}}},
			{Kind: "state", Items: []FacetItem{{Value: "active", Count: 11380, Chosen: true}, {Value: "hidden", Count: 402, Path: "/conversations?i"}}},
			{Kind: "tag", Items: []FacetItem{{Value: "退款", Count: 5930, Path: "/conversations?j"}}, More: []FacetItem{{Value: "物流", Count: 2117, Path: "/conversations?k"}}},
		},
		Departments: []ui.Option{{Value: "2", Label: "华东大区"}, {Value: "4", Label: "杭州分公司", Depth: 1, Chosen: true}}, Tags: []string{"退款", "物流"},
		Found: true, Total: 12846, Binned: 214, BinPath: "/bin", First: 21, Prev: "/conversations?p", Next: "/conversations?n", CanTag: true, Acts: []ChosenAct{{Key: "hide", Icon: "eye-off", Path: HideRowsPath, Most: 500}}, BatchPath: "/batches/new",
		Rows: []ConversationRow{
			row("王**", "qianniu", "tb_8***21", "退货地址发错了，快递单号 SF14****9027，退款一直没到账，要 12315 投诉", "一店售后组", "李雨桐", "售后", []string{"退款", "物流"}, 36, "21:47:00", "active"),
			row("赵**", "wechat", "wx_k***7", "优惠券没生效，差价 38 元能不能退款，已经催了三次", "一店售后组", "李雨桐", "投诉", []string{"退款", "差评风险"}, 52, "20:15:00", "active", "held"),
			row("上海**贸易有限公司", "wecom", "", "合同编号 HT-2025-0***，验收延期，要求按条款退款", "交易纠纷组", "吴佳", "交易", []string{"对公", "合同"}, 104, "17:32:00", "active", "ordered"),
			row("陈**", "qq", "28****906", "虚拟商品拍错了，可以退款吗？客服回复 24 小时内处理", "二店售后组", "孙浩然", "售后", []string{"退款"}, 9, "16:04:00", "hidden", "retained"),
			unreadable,
		},
	}
}

func readingSample() ConversationView {
	plain := func(s string) []MaskedPart { return []MaskedPart{{Text: s}} }
	return ConversationView{
		ID: 7, Code: "C-20251019-QN-0084412K", Back: "/conversations?from=2025-04-08", State: "active", Name: "王**", Account: "tb_8***21", Agent: "李雨桐",
		Dept: "一店售后组", DeptPath: "华东大区/杭州分公司/一店售后组", Platform: "qianniu", Type: "售后", Tags: []string{"退款", "物流"},
		StartedAt: at("2025-10-19", "20:31:07"), LastAt: at("2025-10-19", "21:47:30"), Messages: 36, Attachments: 4, Bytes: 2_800_000, Order: "closed", Readable: true,
		CanHide: true, CanDiscard: true, Key: "k-123456789", Part: 1, Parts: 1, AuditPath: "/audit?object=C-1",
		Items: []TranscriptItem{
			{ID: "m1", At: at("2025-10-19", "20:31:07"), Sender: "customer", Name: "王**", Kind: "text", Parts: []MaskedPart{{Text: "你好，我 10 月 12 号买的外套，退货寄回去一周了，退款一直没到。订单号 "}, {Text: "2***************7731", Kind: "order", Tail: "7731"}}},
			{ID: "m2", At: at("2025-10-19", "20:32:40"), Sender: "agent", Name: "李雨桐", Kind: "text", Parts: plain("您好，我这边帮您查一下。请问退货的快递单号方便提供吗？")},
			{ID: "m3", At: at("2025-10-19", "20:34:15"), Sender: "customer", Name: "王**", Kind: "text", Parts: []MaskedPart{{Text: "SF14******9027", Kind: "order", Tail: "9027"}, {Text: "，电话 "}, {Text: "138****6620", Kind: "phone", Tail: "6620"}, {Text: "，我填的地址是 "}, {Text: "浙江省杭州市 ******", Kind: "address"}}},
			{ID: "m4", At: at("2025-10-19", "20:34:52"), Sender: "customer", Name: "王**", Kind: "image", File: "证***.jpg"},
			{ID: "m5", At: at("2025-10-19", "20:39:21"), Sender: "robot", Kind: "text", Parts: plain("查到了，仓库 10-18 16:02 已签收。\n退款会在 48 小时内原路退回。")},
			{ID: "m6", At: at("2025-10-19", "20:42:00"), Sender: "agent", Name: "李雨桐", Recall: true},
			{ID: "m7", At: at("2025-10-20", "09:00:00"), Sender: "system", Kind: "text", Parts: plain("会话已转接")},
			{ID: "m8", At: at("2025-10-20", "09:01:00"), Sender: "customer", Name: "王**", Kind: "text", Parts: plain(strings.Repeat("很长的话", 30)), Clipped: 900000},
		},
		Past: []PastEvent{
			{Who: "林静怡", Action: "opened", At: at("2026-11-20", "14:32:08"), Note: "10.20.4.18", Kind: ui.Primary},
			{Who: "", Action: "restored", Object: "SC-20251201-002", At: at("2025-12-03", "10:05:17"), Kind: ui.Success},
			{Who: "陈思远", Action: "binned", Object: "SC-20251201-002", At: at("2025-12-01", "18:40:02"), Kind: ui.Danger},
			{Action: "imported", At: at("2025-10-19", "21:50:33")},
		},
	}
}

// readingGallery is every screen for reading, by name, in all its states.
func readingGallery() map[string]templ.Component {
	plain := searchSample()
	wrong := searchSample()
	wrong.Found, wrong.Form.Customer, wrong.Customer = false, "tb_88821", "tb_8***21"
	wrong.Problems = Problems{"q": {Key: "words.unclosed", Args: []any{4}}, "to": {Key: "conversation.dates_reversed"}, "dept": {Key: "conversation.bad_department"}, "customer": {Key: "conversation.customer_stale"}}
	none := searchSample()
	none.Rows, none.Total, none.Prev, none.CanTag, none.Acts, none.BatchPath = nil, 0, "", false, nil, ""
	none.Histogram = SearchHistogram{}
	first := ConversationsView{Found: true}
	most := searchSample()
	most.AtMost, most.NoOverview, most.BatchPath, most.BatchWhyNot = true, true, "", "conversation.batch_words"
	behind := searchSample()
	behind.Found, behind.Facets, behind.Problems = false, nil, Problems{"": {Key: "conversation.index_behind"}}

	read := readingSample()
	held := readingSample()
	held.Held, held.State, held.CanHide, held.CanUnhide = true, "hidden", false, true
	binned := readingSample()
	binned.State, binned.Bin = "binned", BinStay{Code: "SC-20261120-003", Until: sampleNow.Add(52 * time.Hour), CanRestore: true, Path: "/bin"}
	expired := readingSample()
	expired.State, expired.Bin = "binned", BinStay{Code: "SC-20261120-003", Until: sampleNow.Add(-time.Hour), Expired: true}
	broken := readingSample()
	broken.Readable, broken.Items, broken.Name, broken.Account, broken.Forever, broken.Parts, broken.Part = false, nil, "", "", true, 3, 2
	short := readingSample()
	short.Reason, short.Problems = "清理", Problems{"reason": {Key: "conversation.reason_hint"}}
	return map[string]templ.Component{
		"search": ConversationsPage(plain), "search-wrong": ConversationsPage(wrong), "search-none": ConversationsPage(none), "search-most": ConversationsPage(most), "search-behind": ConversationsPage(behind), "search-first": ConversationsPage(first),
		"read": ConversationPage(read), "read-held": ConversationPage(held), "read-binned": ConversationPage(binned), "read-expired": ConversationPage(expired),
		"read-broken": ConversationPage(broken), "read-short": ConversationPage(short),
	}
}

func TestReadingScreensKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	checkGallery(t, readingGallery())
}

func checkGallery(t *testing.T, pages map[string]templ.Component) {
	t.Helper()
	for name, page := range pages {
		for _, lang := range locale.Languages() {
			t.Run(name+" "+string(lang), func(t *testing.T) {
				out := draw(t, page, sampleFrame(lang, ThemeLight))
				for what, pattern := range forbidden {
					if hit := pattern.FindString(out); hit != "" {
						t.Errorf("the page has %s: %q", what, hit)
					}
				}
				checkIDs(t, out)
			})
		}
	}
}

// TestReadingScreenshots writes pictures as TestScreenshots does.
func TestReadingScreenshots(t *testing.T) { shootGallery(t, readingGallery()) }

func shootGallery(t *testing.T, pages map[string]templ.Component) {
	t.Helper()
	dir := os.Getenv("QD_SHOTS")
	if dir == "" {
		t.Skip("set QD_SHOTS to a folder to get pictures")
	}
	only := regexp.MustCompile(os.Getenv("QD_ONLY"))
	for name, page := range pages {
		for _, lang := range locale.Languages() {
			for _, theme := range []string{ThemeLight, ThemeDark} {
				full := fmt.Sprintf("%s-%s-%s", name, lang, theme)
				if only.MatchString(full) {
					frame := sampleFrame(lang, theme)
					frame.Flashes = nil
					shoot(t, dir, full, draw(t, page, frame))
				}
			}
		}
	}
}

func TestAMaskedTextHasNoStrayLineBreaks(t *testing.T) {
	out := draw(t, ConversationPage(readingSample()), sampleFrame(locale.Chinese, ThemeLight))
	if !strings.Contains(out, `aria-label="已脱敏 手机号，末四位 6620">138****6620</span>，我填的地址是 <span`) || strings.Contains(out, "电话  ") {
		_, rest, _ := strings.Cut(out, "SF14")
		t.Errorf("%.600q", rest)
	}
}

func TestTheAddressOfASearch(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    Search
		want string
	}{
		{"of everything is plain", Search{}, "/conversations"},
		{"has lists joined by commas", Search{Types: []string{"售后", "a,b"}, Size: 50}, "/conversations?type=%E5%94%AE%E5%90%8E,a%2Cb&size=50"},
		{"names sub-departments only with a department", Search{Sub: true, State: "all"}, "/conversations?state=all"},
		{"names a page beyond the first", Search{Page: 3, Sort: SortOldest, Size: 50}, "/conversations?sort=last&page=3&size=50"},
		{"does not name the first page", Search{Page: 1}, "/conversations"},
		{"keeps one order", Search{Cursor: "c~21", To: "2026-01-02", From: "2026-01-01", Dept: "4", Sub: true, SID: "s"}, "/conversations?from=2026-01-01&to=2026-01-02&dept=4&sub=1&sid=s&cursor=c~21"},
	} {
		if got := ConversationsPath(tt.s); got != tt.want {
			t.Errorf("the address of a search %s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := BatchFromSearchPath(Search{From: "2026-01-01", State: "all", SID: "s", Page: 2}); got != "/batches/new?from=2026-01-01" {
		t.Error(got)
	}
}

func homeSample() HomeView {
	v := HomeView{
		At: sampleNow, HasBin: true, HasPapers: true, HasJobs: true, CanSearch: true, CanBatch: true, FlowAdded: true, Next: sampleNow.Add(20 * time.Hour),
		Figures: []HomeFigure{
			{Key: "home.archive", Value: 1284906, NoteKey: "home.archive_text", Path: "/conversations"},
			{Key: "home.binned", Value: 126480, NoteKey: "home.soon", NoteArgs: []any{8214}, Kind: ui.Warning},
			{Key: "home.hidden", Value: 9702, NoteKey: "home.hidden_text"},
			{Key: "home.held", Value: 3486, NoteKey: "home.held_text", NoteArgs: []any{11}},
			{Key: "home.purged", Value: 25156, NoteKey: "home.purged_text", NoteArgs: []any{6}},
		},
		Todo: []HomeTodo{
			{Kind: "vote", Code: "PG-20261120-001", Count: 3118, Who: "陈思远", Since: sampleNow.Add(-185 * time.Minute), Until: sampleNow.Add(21 * time.Hour), Path: "/purges/1"},
			{Kind: "expiring", Count: 8214, Many: 3, Until: sampleNow.Add(4 * time.Hour), Path: "/bin"},
			{Kind: "confirm", Code: "PG-20261117-004", Count: 12406, Until: sampleNow.Add(40 * time.Hour), Path: "/purges/2"},
			{Kind: "rejected", Code: "PG-20261115-002", State: "rejected", Since: sampleNow.Add(-30 * time.Hour), Path: "/purges/3"},
			{Kind: "draft", Code: "PG-20261119-001", Count: 214, Since: sampleNow.Add(-20 * time.Hour), Path: "/purges/new"},
			{Kind: "failed", Code: "IM-20261119-002", State: "import.run", Since: sampleNow.Add(-time.Hour), Path: "/jobs/4"},
			{Kind: "residue", Code: "SC-20261117-009", Count: 2140, Since: sampleNow.Add(-70 * time.Hour), Path: "/batches/9"},
		},
		Papers: []HomePaper{{ID: 87, Code: "CERT-2026-0087", Purged: 2100, At: sampleNow.Add(-60 * time.Hour)}, {ID: 86, Code: "CERT-2026-0086", Purged: 7356, Skipped: 2, At: sampleNow.Add(-180 * time.Hour)}},
		Jobs:   []JobRow{{ID: 1, Kind: "bin.move", Object: "SC-20261120-001", State: "running", Done: 24310, Total: 39854, By: "林静怡"}, {ID: 2, Kind: "import.run", Object: "IM-20261120-001", State: "queued", Total: 9}},
	}
	for i, n := range []int64{8214, 12480, 9316, 21044, 30218, 26902, 18306} {
		v.Expiry = append(v.Expiry, HomeDay{At: sampleNow.AddDate(0, 0, i), Count: n})
	}
	for i := range 30 {
		v.Flow = append(v.Flow, HomeFlow{At: sampleNow.AddDate(0, 0, i-29), Added: int64(3500 + i*977%1400), Binned: int64(1500 + i*1531%2900), Purged: int64(i % 7 / 6 * 6800)})
	}
	return v
}

func importSample() ImportView {
	return ImportView{
		ImportRow:  ImportRow{ID: 3, Code: "IM-20261120-001", Name: "千牛_10月_杭州.csv", State: "done", Format: "table", Bytes: 8_400_000, Conversations: 1284, Added: 1270, Rejected: 14, Owner: "管理员甲", At: sampleNow},
		Department: "云栖优品集团/华东大区", Over: true, Tries: 2, Read: 8_400_000, Finished: sampleNow.Add(time.Minute), Messages: 41820, Duplicates: 12, Events: 3, Recalled: 7, AddedTexts: 41500, PurgedBefore: 2,
		Rejects: []ImportReject{{Line: 17, ReasonKey: "import.reason.not_json"}, {Sheet: "Sheet1", Row: 4, ReasonKey: "import.reason.no_time"}, {Line: 9, Item: 2, ReasonKey: "import.reason.unknown_department"}}, More: 11,
	}
}

// deskGallery is every screen of the home page, imports and the queue.
func deskGallery() map[string]templ.Component {
	idle := HomeView{At: sampleNow, HasBin: true, HasJobs: true, HasPapers: true, CanImport: true, Next: sampleNow.Add(20 * time.Hour)}
	running := importSample()
	running.Over, running.State, running.Read, running.CanCancel = false, "running", 5_100_000, true
	unreadable := importSample()
	unreadable.State, unreadable.FileError = "unreadable", Words{Key: "import.file.wrong_format", Args: []any{locale.Key("import.format_qq"), locale.Key("import.format_table")}}
	failed := importSample()
	failed.State, failed.Failure = "failed", Words{Key: "import.given_up", Args: []any{"5"}}
	clean := importSample()
	clean.Rejects, clean.More, clean.Rejected, clean.Tries = nil, 0, 0, 1
	depts := []ui.Option{{Value: "2", Label: "华东大区"}, {Value: "4", Label: "杭州分公司", Depth: 1}}
	row := importSample().ImportRow
	job := JobRow{ID: 8, Kind: "import.run", Object: "IM-20261120-001", Path: "/imports/3", State: "running", Done: 5_100_000, Total: 8_400_000, By: "管理员甲", At: sampleNow, Started: sampleNow, Owner: "host-1", Attempts: 2, Detail: "database is locked"}
	timer := JobRow{ID: 9, Kind: "purge.timer", State: "queued", At: sampleNow, RunAt: sampleNow.Add(time.Hour)}
	return map[string]templ.Component{
		"home": HomePage(homeSample()), "home-idle": HomePage(idle),
		"imports": ImportsPage(ImportsView{Rows: []ImportRow{row}, Total: 31, Next: 3, CanRun: true}), "imports-empty": ImportsPage(ImportsView{First: true, CanRun: true}),
		"import-new": ImportNewPage(ImportNewView{Formats: []string{"auto", "neutral", "table", "wecom", "dingtalk", "wechat", "qq", "qianniu", "sobot"}, Departments: depts, Problems: Problems{"files": {Key: "import.no_file"}}}),
		"import":     ImportPage(importSample()), "import-running": ImportPage(running), "import-unreadable": ImportPage(unreadable), "import-failed": ImportPage(failed), "import-clean": ImportPage(clean),
		"jobs": JobsPage(JobsView{Rows: []JobRow{job, timer}, Total: 22, Next: 8, All: true}), "jobs-empty": JobsPage(JobsView{First: true}), "job": JobPage(job), "job-timer": JobPage(timer),
		"help": HelpPage(),
	}
}

func TestDeskScreensKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	checkGallery(t, deskGallery())
}

// TestDeskScreenshots writes pictures as TestScreenshots does.
func TestDeskScreenshots(t *testing.T) { shootGallery(t, deskGallery()) }
