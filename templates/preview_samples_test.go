package templates

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/ui"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newRequest(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func button(class, icon, text string) templ.Component {
	return templ.Join(html(`<button type="button" class="btn `+class+`">`), ui.Icon(icon), html(text+`</button>`))
}

func binSample() templ.Component {
	row := func(code, from, count, size, who, when string, left time.Duration, chosen bool, extra templ.Component) templ.Component {
		class := ""
		if chosen {
			class = `class="selected"`
		}
		return templ.Join(
			html(`<tr `+class+`>`), ui.RowBox("batch", code, code, chosen),
			html(`<td class="qd-cell-title"><a class="qd-mono" href="/batches/1">`+code+`</a> `), extra, html(`</td><td data-label="来源">`+from+`</td><td class="num" data-label="会话">`+count+`</td><td class="num" data-label="容量">`+size+`</td><td data-label="删除人">`+who+`<span class="qd-sub">`+when+`</span></td><td data-label="剩余">`),
			ui.TimeLeft(sampleNow.Add(left), sampleNow), html(`</td><td class="qd-acts"><a href="/x">恢复</a><a href="/y">查看</a></td></tr>`))
	}
	table := around(ui.Table(ui.TableView{Caption: "回收站批次", Cards: true, Keys: true}),
		html(`<thead><tr>`), ui.HeadBox(), html(`<th scope="col">批次</th><th scope="col">来源范围</th>`),
		ui.SortHead(ui.SortView{Label: "会话", Path: "?sort=-size", Right: true}), html(`<th scope="col" class="num">容量</th><th scope="col">删除人 / 时间</th>`),
		ui.SortHead(ui.SortView{Label: "剩余时间", Path: "?sort=-left", Dir: "asc"}), html(`<th scope="col" class="qd-acts">操作</th></tr></thead><tbody>`),
		row("SC-20261113-004", "上海分公司 / 浦东售后组", "3,402", "1.1 GB", "林静怡", "11-13 18:40", 4*time.Hour+8*time.Minute, true, templ.NopComponent),
		row("SC-20261113-007", "杭州分公司（含子部门）", "1,906", "0.6 GB", "林静怡", "11-13 22:00", 7*time.Hour, true, ui.Badge(ui.Hold, "lock", "含法务保留 42")),
		row("SC-20261114-002", "南京分公司", "12,480", "3.9 GB", "顾晓岚", "11-14 22:00", 31*time.Hour, false, templ.NopComponent),
		row("SC-20261117-009", "上海分公司", "30,218", "9.1 GB", "林静怡", "11-17 22:00", 103*time.Hour, false, ui.Badge(ui.Warning, "stack-2", "残留 2,140")),
		html(`</tbody>`))
	card := around(ui.Card(ui.CardView{Flush: true}),
		html(`<form class="qd-toolbar" method="get">`), ui.Segments("视图", []ui.TabView{{Label: "按批次", Path: "?", Active: true}, {Label: "按会话", Path: "?view=item"}}),
		html(`<input class="form-control" name="q" aria-label="x" placeholder="批次号、部门、删除人"><select class="form-select" aria-label="状态"><option>状态：可恢复</option></select><button class="btn">查询</button><span class="qd-push">9 个批次</span></form>`),
		around(ui.SelectionBar(ui.SelectionView{Form: "f", Total: 126480, AllPath: "?sel=all"}), button("btn-primary btn-sm", "arrow-back-up", "恢复 6,308 条"), button("btn-sm", "file-export", "导出"), button("btn-outline-danger btn-sm", "flame", "申请彻底删除…")),
		table,
		around(ui.CardFooter(), ui.Pager(ui.PagerView{First: 1, Last: 20, Total: 12846, Prev: "?page=2", Next: "?page=4", Pages: ui.Pages(3, 1285, func(int) string { return "?page=1" }), Jump: ui.JumpTo("?type=%E5%94%AE%E5%90%8E,b&size=50", 1000), Hint: "前 10,000 条之后没有页码", Sizes: []ui.SizeLink{{Size: 20, Path: "?size=20", Active: true}, {Size: 50, Path: "?size=50"}}, Target: "#results"})))
	return around(Shell(Page{Title: "回收站", Crumbs: []Crumb{{Label: "处置", Path: "/batches"}}, Context: "保留 7 天（由保留策略统一配置）", Actions: templ.Join(button("", "file-export", "导出清单"), button("", "flame", "彻底删除申请"))}),
		ui.Figures("概况", []ui.Figure{{Label: "可恢复", Value: "126,480", Note: "9 个批次 · 37.8 GB"}, {Label: "24 小时内到期", Value: "8,214", Kind: ui.Warning, Note: "3 个批次", Path: "?left=24h"}, {Label: "已核查", Value: "231", Unit: "/ 384", Done: 231, Of: 384}, {Label: "彻底删除流程中", Value: "23,886", Note: "24 小时内 8,214", NoteKind: ui.Warning}}),
		around(ui.Alert(ui.AlertView{Title: "到期后会怎样？", Text: "到期记录转为“已到期”，主管不能再恢复，系统生成彻底删除申请草稿；没有主管与法务的批准，不会销毁任何数据。"})),
		card)
}

func wizardSample() templ.Component {
	leaf := func(id, name string, all, match int64) ui.Node {
		return ui.Node{ID: id, Name: name, All: all, Matching: match, Known: true}
	}
	direct := leaf("d", "直属（不含子部门）", 1204, 318)
	direct.Checked = true
	tree := ui.TreeView{ID: "depts", Label: "部门", Name: "dept", IncludeID: "include", Nodes: []ui.Node{{ID: "1", Name: "云栖优品集团", All: 4826310, Open: true, Mixed: true, Children: []ui.Node{
		{ID: "2", Name: "华东大区", All: 1284906, Open: true, Mixed: true, Children: []ui.Node{
			{ID: "3", Name: "杭州分公司", All: 486120, Matching: 91755, Known: true, Mixed: true, Open: true, Current: true, Children: []ui.Node{direct, leaf("4", "一店售后组", 96402, 21406), leaf("5", "二店售后组", 88913, 19877), leaf("6", "旗舰店售前组", 201344, 44120), leaf("7", "交易纠纷组", 98257, 6034)}},
			{ID: "8", Name: "上海分公司", All: 612338, More: true, Load: "/partials/dept/8", Toggle: "?open=8"},
		}},
		{ID: "9", Name: "华南大区", All: 1506772, Children: []ui.Node{leaf("10", "深圳分公司", 1, 1)}},
	}}}}
	link := html(`<a href="/x">一并包含</a>`)
	residue := around(ui.Card(ui.CardView{ID: "residue", Title: "未包含子部门：还有 91,437 条会留下", Kind: ui.Warning, Icon: "alert-triangle"}),
		html(`<p>当前只会删除 <strong>杭州分公司 直属的 318 条</strong>。以下 4 个子部门中符合同样条件的会话<strong>不会被删除</strong>：</p>`),
		ui.Bars(ui.BarsView{Label: "将残留", Rows: []ui.BarRow{{Label: "旗舰店售前组", Value: 44120, Class: "chart-warning", Action: link}, {Label: "一店售后组", Value: 21406, Class: "chart-warning", Action: link}, {Label: "二店售后组", Value: 19877, Class: "chart-warning", Action: link}, {Label: "交易纠纷组", Value: 6034, Class: "chart-warning", Action: link}}}),
		box("qd-buttons", button("btn-primary", "sitemap", "包含全部子部门（共 91,755 条）"), html(`<button class="btn" type="button">就这样，保留这些残留</button>`)),
		html(`<p class="qd-field-hint">选择保留残留时需要填写原因；残留清单会写进批次报告，并在工作台持续提醒。</p>`))
	scope := around(ui.Card(ui.CardView{Title: "本次范围"}), html(`<div class="qd-bar"><span><span class="qd-big">318</span><br>条会话将进入下一步</span></div>`),
		ui.Parts(ui.PartsView{Label: "范围", Inline: true, Parts: []ui.Part{{Label: "删除范围", Value: 318, Class: "chart-primary"}, {Label: "残留", Value: 91437, Class: "chart-residue"}}}))
	return around(Shell(Page{Title: "批量删除会话", Crumbs: []Crumb{{Label: "处置"}, {Label: "批量删除", Path: "/batches"}}, Here: "新建", Context: "移入回收站，7 天内可恢复；不会影响客户与平台侧的副本", Actions: templ.Join(html(`<button class="btn" type="button">存为草稿</button>`))}),
		ui.Stepper("步骤", []ui.Step{{Label: "选范围", State: "done", Path: "?step=scope"}, {Label: "看影响", State: "current"}, {Label: "核对并确认"}, {Label: "执行与结果"}}),
		box("qd-split qd-split-even",
			around(ui.Card(ui.CardView{Title: "部门", Actions: html(`只显示你有删除权限的部门`)}),
				box("qd-toolbar", html(`<input class="form-control" aria-label="搜索部门" placeholder="搜索部门">`), ui.Check(ui.CheckView{ID: "include", Name: "sub", Label: "包含子部门"})), ui.Tree(tree)),
			box("qd-stack", residue, scope)),
		html(`<div class="card qd-bar"><span>范围随条件自动更新 · 统计于 14:32:05</span><span class="qd-why">残留尚未处理：请选择包含，或填写保留原因</span><a class="btn" href="/x">上一步</a><a class="btn btn-primary" href="/y">下一步：看影响</a></div>`))
}

func impactSample() templ.Component {
	days := []string{}
	var fresh, binned, purged []int64
	for d := range 30 {
		days = append(days, sampleNow.AddDate(0, 0, d-29).Format("01-02"))
		fresh = append(fresh, int64(3500+(d*977)%1400))
		binned = append(binned, int64(2400+(d*1531)%2900))
		purged = append(purged, int64(map[bool]int{true: 6800, false: 0}[d%7 == 3]))
	}
	inside, beside, paths := slices.Clone(fresh), make([]int64, 30), make([]string, 30)
	for i := range inside {
		if paths[i] = "?from=" + days[i]; i <= 8 || i >= 22 {
			inside[i], beside[i] = 0, fresh[i]
		}
	}
	return around(Shell(Page{Title: "影响", Crumbs: []Crumb{{Label: "处置", Path: "/batches"}}}),
		box("qd-split",
			box("qd-stack",
				around(ui.Card(ui.CardView{Title: "从 91,755 条到 78,902 条"}), ui.Waterfall(ui.WaterfallView{Title: "91,755 条符合，78,902 条进入回收站", Steps: []ui.WaterStep{{Label: "符合条件", Value: 91755, Class: "chart-quiet"}, {Label: "未选子部门", Value: 6034, Class: "chart-warning"}, {Label: "法务保留", Value: 1268, Class: "chart-hold"}, {Label: "保留期未满", Value: 4915, Class: "chart-retained"}, {Label: "订单未完结", Value: 636, Class: "chart-ordered"}, {Label: "进入回收站", Value: 78902, Class: "chart-primary"}}})),
				around(ui.Card(ui.CardView{Title: "12,846 条会话", Count: "共 418,203 条消息"}), ui.Histogram(ui.HistogramView{ID: "hist", Title: "7 月底最高", Labels: days, Series: []ui.Series{{Label: "时段内", Class: "chart-primary", Values: inside}, {Label: "前后", Class: "chart-outside", Values: beside}}, FrameAt: 9, Framed: 13, Paths: paths, Range: "已框选 2025-04-08 ～ 2025-10-20（28 周）", Earlier: "?e", Later: "?l", ZoomOut: "?z"})),
				around(ui.Card(ui.CardView{Title: "近 30 日会话流量", Actions: ui.Legend([]ui.Series{{Label: "新增", Class: "chart-primary"}, {Label: "移入回收站", Class: "chart-warning"}, {Label: "彻底删除", Class: "chart-danger"}})}), ui.Flow(ui.FlowView{Title: "流量", Labels: days, Lines: []ui.Series{{Label: "新增", Class: "chart-primary", Values: fresh}, {Label: "移入回收站", Class: "chart-warning", Values: binned, Dashed: true}}, Bars: []ui.Series{{Label: "彻底删除", Class: "chart-danger", Values: purged}}})),
				around(ui.Card(ui.CardView{Title: "13,551 条记录"}), ui.Histogram(ui.HistogramView{ID: "stack", Title: "堆叠", Labels: days, Series: []ui.Series{{Label: "查看", Class: "chart-1", Values: fresh}, {Label: "变更", Class: "chart-2", Values: binned}, {Label: "高危", Class: "chart-3", Values: purged}}}))),
			box("qd-stack",
				around(ui.Card(ui.CardView{Title: "存储占用", Actions: html(`<a href="/x">容量明细</a>`)}), html(`<span class="qd-big">465</span> / 600 GB`), ui.Parts(ui.PartsView{Label: "存储", Of: 600, Parts: []ui.Part{{Label: "在库", Value: 374, Text: "374.4 GB", Class: "chart-primary"}, {Label: "回收站", Value: 46, Text: "45.6 GB", Class: "chart-warning"}, {Label: "导出与报告", Value: 25, Text: "24.6 GB", Class: "chart-quiet"}, {Label: "法务保留", Value: 20, Text: "20.4 GB", Class: "chart-hold"}}})),
				around(ui.Card(ui.CardView{Title: "回收站到期（未来 7 日）"}), ui.Bars(ui.BarsView{Label: "到期", Rows: []ui.BarRow{{Label: "今日", Value: 8214, Class: "chart-warning", Strong: true}, {Label: "11-21", Value: 12480, Class: "chart-soft"}, {Label: "11-24", Value: 30218, Class: "chart-soft", Path: "/bin"}}})),
				around(ui.Card(ui.CardView{Title: "执行后"}), ui.Facts([]ui.Fact{{Term: "进入回收站", Text: "78,902 条会话"}, {Term: "可恢复至", Text: "2026-11-27 22:00"}, {Term: "名单指纹", Text: "b71e 04c9 … 5fa2", Mono: true}, {Term: "到期后", Body: html(`生成彻底删除申请草稿，<strong>不会自动销毁</strong>`)}})))))
}

func purgeSample() templ.Component {
	return around(Shell(Page{Title: "彻底删除申请 PG-20261117-004", Crumbs: []Crumb{{Label: "处置"}, {Label: "彻底删除", Path: "/purges"}}, Here: "PG-20261117-004", Badge: ui.Status("purge", "cooling_off"), Context: "12,406 条会话 · 南京分公司（含子部门） · 客服 陈思远 发起", Actions: button("", "printer", "打印"), Foot: html(`<a class="btn" href="/no">驳回</a><button class="btn btn-primary" type="button">批准，进入下一环节</button>`)}),
		ui.Alert(ui.AlertView{Kind: ui.Danger, Title: "执行后无法恢复。", Text: "数据、索引与副本都会销毁；清档与任何管理员都无法找回。"}),
		box("qd-split",
			box("qd-stack",
				around(ui.Card(ui.CardView{Title: "审批链", Actions: ui.Badge(ui.Success, "users", "三人互不相同")}), ui.Stages("审批链", []ui.Stage{{Label: "发起", State: "done", Who: "客服 陈思远", When: "11-17 10:12", Note: "回收站到期清理"}, {Label: "主管审批", State: "done", Who: "林静怡", When: "11-17 15:40", Note: "“范围无误，同意”"}, {Label: "法务审批", State: "done", Who: "周敏", When: "11-18 11:05", Note: "“已核对 12 项保留”"}, {Label: "冷静期", State: "current", Icon: "hourglass", Who: "72 小时", When: "至 11-21 11:05", Note: "任何审批人可撤回"}, {Label: "二次验证", Who: "主管 + 法务", When: "—"}, {Label: "执行与校验", Who: "系统", When: "—"}, {Label: "签发证书", Who: "系统", When: "—"}})),
				around(ui.Card(ui.CardView{Title: "冻结名单", Badge: ui.Badge(ui.Success, "lock", "已冻结")}), ui.Facts([]ui.Fact{{Term: "冻结时间", Text: "2026-11-17 10:12:33（UTC+8）"}, {Term: "名单指纹", Body: ui.Copyable("sha256 9f2c7a10 41d8b3e6 … 7c3e5b08", "9f2c7a1041d8b3e67c3e5b08")}, {Term: "最近复核", Body: ui.Badge(ui.Success, "check", "12,406 / 12,406")}})),
				around(ui.Card(ui.CardView{Title: "检查结果", Count: "4 通过 · 1 提醒", Flush: true}), ui.Rows([]ui.RowView{{Icon: "circle-check", Kind: ui.Success, Plain: true, Title: "法务保留", Text: "0 条命中"}, {Icon: "alert-circle", Kind: ui.Warning, Plain: true, Title: "残留", Text: "直属 12 条不在名单内", Action: html(`<a href="/x">查看</a>`)}, {Icon: "flame", Kind: ui.Danger, Title: "2 件彻底删除申请等待主管审批", Text: "PG-20261120-001 · 3,118 条", Action: button("btn-primary btn-sm", "check", "去审批")}}))),
			box("qd-stack",
				around(ui.Card(ui.CardView{Title: "冷静期", Actions: html("72 小时")}), ui.Ring(ui.RingView{Start: sampleNow.Add(-52 * time.Hour), End: sampleNow.Add(20*time.Hour + 33*time.Minute), Now: sampleNow}), html(`<hr><button class="btn btn-outline-danger w-100" type="button">撤回申请</button>`)),
				around(ui.Card(ui.CardView{Title: "执行", Badge: ui.Badge("", "lock", "尚不可用")}), ui.FinalButton(ui.Danger, "flame", "彻底删除 12,406 条（不可恢复）", "按钮将在 2026-11-21 11:05 后可用")),
				around(ui.Card(ui.CardView{Title: "处理记录"}), ui.Timeline([]ui.Event{{Who: "林静怡", What: "查看（脱敏）", When: "2026-11-20 14:32:08", Note: "10.20.4.18", Kind: ui.Primary}, {Who: "陈思远", What: "添加标签 物流", When: "2026-03-04 09:12:55"}, {Who: "林静怡", What: "从回收站恢复", When: "2025-12-03 10:05:17", Kind: ui.Success}, {Who: "陈思远", What: "移入回收站", When: "2025-12-01 18:40:02", Kind: ui.Danger}})))))
}

func transcriptSample() templ.Component {
	msg := func(own bool, initial, head, markup string) templ.Component {
		return around(ui.Message(ui.MessageView{Own: own, Initial: initial, Head: head}), html(markup))
	}
	return around(Shell(Page{Title: "王** 与 李雨桐 的会话", Badge: ui.Status("conversation", "active"), Crumbs: []Crumb{{Label: "会话"}, {Label: "检索会话", Path: "/conversations"}}, Here: "C-20251019-TB-0084412", Context: "千牛 · 一店售后组 · 最后消息 2025-10-19 21:47"}),
		box("qd-split",
			around(ui.Card(ui.CardView{Title: "会话内容", Count: "36 条消息", Flush: true, Actions: templ.Join(ui.Badge(ui.Primary, "eye-check", "已脱敏显示"), html(`<a href="/x">上一处</a><a href="/y">下一处</a>`))}),
				around(ui.Transcript("会话内容"), ui.DayLine("2025-10-19 周日"),
					msg(false, "王", "王**（客户） · 20:31:07", `你好，我 10 月 12 号买的外套，退货寄回去一周了，<mark>退款</mark>一直没到。订单号 <span class="qd-masked">2***************7731</span>`),
					msg(true, "李", "李雨桐（一店售后组） · 20:32:40", `您好，我这边帮您查一下。请问退货的快递单号方便提供吗？`),
					msg(false, "王", "王**（客户） · 20:34:15", `<span class="qd-masked">SF14******9027</span>，电话 <span class="qd-masked">138****6620</span>`),
					around(ui.Message(ui.MessageView{Initial: "王", Head: "王**（客户） · 20:34:52", Note: "证件照片.jpg · 412 KB · 敏感等级 高"}), around(ui.Attachment("photo", "图片已遮蔽（含身份证件）"), html(`<a href="/x">申请查看原图</a>`))),
					around(ui.RemarkLine(), html("李雨桐 于 20:42 撤回了一条消息")), ui.Watermark("wm", "林静怡 10482", "2026-11-20 14:32"))),
			box("qd-stack",
				around(ui.Card(ui.CardView{Title: "处理这条会话"}), html(`<div class="qd-choice"><div><h3>隐藏</h3><ul class="qd-points"><li>仅在列表中折叠，内容与附件<strong>原样保留</strong></li><li>不释放存储空间</li></ul><button class="btn btn-sm" type="button">隐藏会话</button></div><div class="danger"><h3>移入回收站</h3><ul class="qd-points"><li><strong>7 天内</strong>可恢复</li><li>到期后须经审批才会彻底删除</li></ul><button class="btn btn-sm btn-outline-danger" type="button">移入回收站</button></div></div>`)),
				around(ui.Card(ui.CardView{Title: "会话信息"}), ui.Facts([]ui.Fact{{Term: "会话编号", Text: "C-20251019-TB-0084412", Mono: true}, {Term: "标签", Body: templ.Join(ui.Tag("退款"), html(" "), ui.Tag("物流"))}, {Term: "完整性", Body: ui.Badge(ui.Success, "shield-check", "哈希一致")}})))))
}

func statesSample() templ.Component {
	return around(Shell(Page{Title: "页面状态样例", Crumbs: []Crumb{{Label: "设计", Path: "/"}}, Context: "每个数据区域都必须有以下状态"}),
		box("qd-cols-3",
			around(ui.Card(ui.CardView{Title: "空：检索无结果"}), around(ui.Empty(ui.EmptyView{Icon: "search-off", Title: "没有符合条件的会话", Text: "已检索 1,284,906 条。可以放宽时间，或去掉标签“物流”。"}), html(`<a class="btn btn-sm" href="/x">清空条件</a>`))),
			around(ui.Card(ui.CardView{Title: "空：正常为空"}), ui.Empty(ui.EmptyView{Icon: "recycle", Kind: ui.Success, Title: "回收站是空的", Text: "删除的会话会在这里保留 7 天，期间可以恢复。"})),
			around(ui.Card(ui.CardView{Title: "加载"}), ui.Skeleton(5), ui.Spinner("正在查询 4,826,310 条会话…")),
			around(ui.Card(ui.CardView{Title: "错误与部分结果"}), around(ui.Alert(ui.AlertView{Kind: ui.Danger, Icon: "cloud-off", Title: "结果没有更新：", Text: "检索服务 10 秒内没有响应，下方仍是 14:28 的结果。", RequestID: "req-9c02"}), button("btn-primary btn-sm", "refresh", "重试")), html("<br>"), ui.Alert(ui.AlertView{Kind: ui.Warning, Icon: "plug-x", Title: "部分结果：", Text: "小能 接入中断。"}), html("<br>"), ui.Alert(ui.AlertView{Kind: ui.Hold, Title: "法务保留", Text: "不能删除。"})),
			around(ui.Card(ui.CardView{Title: "徽章"}), box("qd-buttons", ui.Status("batch", "running"), ui.Status("batch", "done"), ui.Status("batch", "failed"), ui.Status("purge", "cooling_off"), ui.Status("hold", "active"), ui.Status("conversation", "hidden"), ui.Status("conversation", "active"), ui.Status("lock", "ordered"), ui.Status("check", "not_covered"))),
			around(ui.Card(ui.CardView{Title: "标签页", Flush: true}), ui.Tabs("检索", []ui.TabView{{Label: "全部会话", Path: "?"}, {Label: "退款纠纷", Count: "12,846", Path: "?t=1", Active: true}}), box("qd-toolbar", ui.Chips([]ui.Chip{{Text: "服务类型：售后、投诉", Remove: "?a"}, {Text: "时区 UTC+8", Plain: true}}, "?")))))
}

func formsSample() templ.Component {
	return around(Shell(Page{Title: "表单", Crumbs: []Crumb{{Label: "设计", Path: "/"}}}),
		box("qd-split",
			box("qd-stack",
				ui.ErrorSummary([]ui.FieldError{{ID: "reason", Text: "删除原因过短"}, {ID: "when", Text: "未选择执行时间"}}),
				around(ui.Card(ui.CardView{Title: "条件", Flush: true}), html(`<form class="qd-filter" method="get">`), ui.Input(ui.InputView{FieldView: ui.FieldView{ID: "q", Label: "关键词"}, Name: "q", Icon: "search", Value: "退款 OR 赔付 -测试单"}), ui.DeptSelect(ui.SelectView{FieldView: ui.FieldView{ID: "dept", Label: "部门"}, Name: "dept", Options: []ui.Option{{Value: "1", Label: "云栖优品集团"}, {Value: "2", Label: "华东大区", Depth: 1, Chosen: true}}}), ui.Input(ui.InputView{FieldView: ui.FieldView{ID: "from", Label: "从"}, Name: "from", Type: "date", Value: "2025-04-08"}), html(`<div class="qd-filter-buttons"><button class="btn btn-primary">查询</button><a class="btn" href="?">重置</a></div></form>`)),
				around(ui.Card(ui.CardView{Title: "确认执行"}), html(`<form method="post" action="/x">`), ui.CSRFField(), ui.OnceField("k1"),
					around(ui.Confirm(ui.ConfirmView{Title: "将 78,902 条会话移入回收站？", What: []string{"2026-11-27 22:00 前可整批或单条恢复。", "客户端与平台侧的副本不受影响。"}, Kind: ui.Warning, Button: "将 78,902 条移入回收站", Back: "/back", Disabled: "还差 1 项：请完成“人工核对”第 3 项"}),
						ui.Radios(ui.GroupView{FieldView: ui.FieldView{ID: "when", Label: "执行时间"}, Name: "when", Inline: true, Options: []ui.Option{{Value: "night", Label: "今日 22:00（推荐）", Chosen: true}, {Value: "now", Label: "立即执行"}}}),
						ui.TextArea(ui.TextAreaView{FieldView: ui.FieldView{ID: "reason", Label: "删除原因", Required: true, Error: "请写明具体原因，至少 8 个字", Hint: "写入批次报告"}, Name: "reason", Value: "清理"}),
						ui.Input(ui.InputView{FieldView: ui.FieldView{ID: "count", Label: "请输入条数 78902 以确认", Hint: "可以粘贴；不区分千分位。"}, Name: "count"})), html(`</form>`))),
			around(ui.Drawer(ui.DrawerView{Title: "新建导出", Close: "/exports"}),
				ui.Radios(ui.GroupView{FieldView: ui.FieldView{ID: "fmt", Label: "格式"}, Name: "fmt", Tiles: true, Options: []ui.Option{{Value: "pdf", Label: "PDF", Hint: "阅读、打印、举证", Chosen: true}, {Value: "csv", Label: "CSV", Hint: "UTF-8 BOM"}, {Value: "json", Label: "JSON", Hint: "可重新导入"}, {Value: "xlsx", Label: "XLSX", Hint: "每表 10 万行"}}}),
				ui.Radios(ui.GroupView{FieldView: ui.FieldView{ID: "mask", Label: "脱敏"}, Name: "mask", Options: []ui.Option{{Value: "all", Label: "全部脱敏（推荐）", Chosen: true}, {Value: "none", Label: "不脱敏", Badge: ui.Badge(ui.Warning, "", "需审批")}}}),
				ui.Checks(ui.GroupView{FieldView: ui.FieldView{ID: "enc", Label: "加密"}, Name: "enc", Inline: true, Options: []ui.Option{{Value: "aes", Label: "AES-256", Chosen: true}, {Value: "sm4", Label: "叠加 SM4"}}}),
				ui.TextArea(ui.TextAreaView{FieldView: ui.FieldView{ID: "why", Label: "用途", Required: true}, Name: "why", Value: "配合市场监管部门问询"}),
				box("qd-buttons", html(`<button class="btn btn-primary" type="button">提交导出</button><a class="btn" href="/x">返回</a>`)))))
}

func loginSample() templ.Component {
	page := around(Bare(Page{Title: "输入动态口令", Context: "打开身份验证器，输入 林静怡 的 6 位动态口令"}),
		ui.Alert(ui.AlertView{Kind: ui.Danger, Title: "口令不正确，", Text: "还可以再试 4 次。请检查手机时间是否为自动设置。", Live: true}),
		html(`<form method="post" action="/login/otp">`), ui.CSRFField(),
		ui.CodeInput(ui.FieldView{ID: "code", Label: "6 位动态口令", Hint: "可以粘贴；每 30 秒更新一次"}, "code"),
		ui.Check(ui.CheckView{ID: "trust", Name: "trust", Label: "本设备 8 小时内不再询问（高危操作除外）"}),
		html(`<button class="btn btn-primary w-100">登录</button></form><div class="qd-between"><a href="/a">使用恢复码</a><a href="/b">换个账号</a></div>`))
	return page
}

func paperSample() templ.Component {
	return around(Paper(Page{Title: "彻底删除证书 CERT-2026-0087", Here: "CERT-2026-0087", Crumbs: []Crumb{{Label: "返回", Path: "/certificates"}}, Actions: button("", "printer", "打印")}),
		html(`<div class="qd-paper-head"><div><strong>清档 · 云栖优品集团</strong><br><small>客服会话记录处置系统</small></div><div><span class="qd-mono">CERT-2026-0087</span><br><small>签发 2026-11-18 02:14:37（UTC+8）</small></div></div><div class="qd-paper-title"><h1>彻底删除证书</h1><small lang="en">Certificate of Permanent Deletion</small></div><p class="qd-paper-lead">兹证明：申请 <strong>PG-20261110-001</strong> 所列 <strong>2,100</strong> 条客服会话（64,218 条消息、1,906 个附件，共 0.71 GB）已按审批流程在本系统内彻底删除，且未发现可恢复的副本。</p><h2>名单</h2>`),
		ui.Facts([]ui.Fact{{Term: "范围", Text: "华东大区 / 杭州分公司 / 二店售后组"}, {Term: "名单指纹（SHA-256）", Text: "4be7d19c 0a52f6e8 13cc97b4 6fd0218e 95a3b7c1 2e40d8f6 8b17ca55 71f0e93d", Mono: true}}),
		html(`<h2>校验</h2>`), around(ui.Table(ui.TableView{Caption: "校验", Fixed: true}), html(`<thead><tr><th scope="col">校验</th><th scope="col">方法</th><th scope="col">结果</th></tr></thead><tbody><tr><td>检索索引</td><td>名单编号逐条检索</td><td>命中 0 `), ui.Status("check", "passed"), html(`</td></tr><tr><td>平台侧与客户端</td><td>不在本系统控制内</td><td>`), ui.Status("check", "not_covered"), html(`</td></tr></tbody>`)),
		html(`<h2>完整性</h2><div class="qd-paper-split">`), ui.Facts([]ui.Fact{{Term: "审计链位置", Text: "第 8,412,077 条"}, {Term: "签名", Text: "Ed25519"}}), ui.QR("证书校验码", [][]bool{{true, false, true}, {false, true, false}, {true, true, false}}), html(`</div><p class="qd-paper-note">本证书不含会话内容。</p>`))
}
