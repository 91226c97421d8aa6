package templates

import (
	"context"
	"slices"
	"strings"
	"time"

	"qingdang/paper"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ReportHead is what every report shows around its figures.
type ReportHead struct {
	ID                                    uint64
	Kind                                  string
	Code, Organisation, First, Last, Zone string
	Department                            string // empty for the whole organisation
	At                                    time.Time
	By                                    ReportPerson
	Compared                              []ReportCompare
	Differ                                int
	Notes                                 []string
	LogOK, LogFull                        bool
	LogWhat, LogRoot, Digest              string
	LogSize, LogChecked, LogBad, Leaf     int64
	Sealed                                bool
	QR                                    [][]bool
}

// StatementView is a report of any kind but operations.
type StatementView struct {
	ReportHead
	Figures []ReportFigure
	Grids   []ReportGrid
}

// ReportFigure is one number of a statement; Key has words and a definition in the catalogue.
type ReportFigure struct {
	Key, Unit string
	Value     int64
}

// ReportGrid is a table of a statement.
type ReportGrid struct {
	Key            string
	Texts, Numbers []ReportColumn
	Rows           []ReportLine
	Of             int64
}

// ReportColumn is a column of a table of a statement.
type ReportColumn struct{ Key, Unit string }

// ReportLine is a row of it.
type ReportLine struct {
	Texts   []string
	Numbers []int64
}

func reportNumber(ctx context.Context, unit string, n int64) string {
	if unit == "bytes" {
		return locale.Bytes(ctx, n)
	}
	return locale.N(ctx, n)
}

// reportText writes a cell: codes stand for words.
func reportText(ctx context.Context, unit, text string) string {
	switch unit {
	case "department":
		if text == "" {
			return locale.T(ctx, "report.no_department")
		}
		return departmentPath(text)
	case "class":
		if text == "" {
			return locale.T(ctx, "report.no_class")
		}
	case "role":
		if text == "" || !locale.Has("role."+text) {
			return locale.T(ctx, "common.system")
		}
		return locale.T(ctx, "role."+text)
	case "time":
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return locale.None
		}
		return locale.Date(ctx, at)
	case "action":
		return ActionWord(ctx, text)
	case "purge_state":
		return locale.T(ctx, ui.StatusKey("purge", text))
	case "batch_state":
		return locale.T(ctx, ui.StatusKey("batch", text))
	case "inspection_state":
		return locale.T(ctx, ui.StatusKey("inspection", text))
	case "access_state":
		return locale.T(ctx, ui.StatusKey("access", text))
	case "floor":
		if text == "forever" {
			return locale.T(ctx, "report.forever")
		}
		if text == "" {
			return locale.None
		}
		return locale.T(ctx, "report.floor_days", text)
	case "months_on":
		return locale.T(ctx, "report.months_on", text)
	case "table":
		return locale.T(ctx, "report.table_"+text)
	case "votes":
		return reportVerdicts(ctx, text)
	}
	if text == "" {
		return locale.None
	}
	return text
}

func reportVerdicts(ctx context.Context, text string) string {
	var out []string
	for v := range strings.SplitSeq(text, ";") {
		if verdict, name, ok := strings.Cut(v, ":"); ok {
			out = append(out, name+" "+locale.T(ctx, "report.verdict_"+verdict))
		}
	}
	return strings.Join(out, locale.T(ctx, "common.list_mark"))
}

// statementFigures are the numbers with their definitions.
func statementFigures(ctx context.Context, v StatementView) paper.Section {
	t := &paper.Table{Caption: locale.T(ctx, "report.section_figures"), Head: []paper.Column{
		{Text: locale.T(ctx, "report.col_figure"), Weight: 3}, {Text: locale.T(ctx, "report.col_value"), Weight: 1.6, Number: true}, {Text: locale.T(ctx, "report.col_definition"), Weight: 6},
	}}
	for _, f := range v.Figures {
		t.Rows = append(t.Rows, []paper.Cell{{Text: locale.T(ctx, "report.num_"+f.Key)}, {Text: reportNumber(ctx, f.Unit, f.Value)}, {Text: locale.T(ctx, "report.def_"+f.Key)}})
	}
	return paper.Section{Title: locale.T(ctx, "report.section_figures"), Table: t}
}

// statementGrid is a table; numbers whose definition does not stand above have it below.
func statementGrid(ctx context.Context, v StatementView, g ReportGrid) paper.Section {
	s := paper.Section{Title: locale.T(ctx, "report.grid_"+g.Key)}
	if len(g.Rows) == 0 {
		s.Lines = []string{locale.T(ctx, "report.none")}
		return s
	}
	t := &paper.Table{Caption: s.Title}
	for _, c := range g.Texts {
		weight := map[string]float64{"department": 4, "plain": 2.6, "votes": 3, "time": 2.4, "action": 3, "table": 4}[c.Unit]
		t.Head = append(t.Head, paper.Column{Text: locale.T(ctx, "report.col_"+c.Key), Weight: max(weight, 2)})
	}
	for _, c := range g.Numbers {
		t.Head = append(t.Head, paper.Column{Text: locale.T(ctx, "report.num_"+c.Key), Weight: 1.4, Number: true})
		if !slices.ContainsFunc(v.Figures, func(f ReportFigure) bool { return f.Key == c.Key }) && locale.Has("report.def_"+c.Key) {
			s.Lines = append(s.Lines, locale.T(ctx, "report.defined", locale.Key("report.num_"+c.Key), locale.Key("report.def_"+c.Key)))
		}
	}
	for _, r := range g.Rows {
		var cells []paper.Cell
		for i, text := range r.Texts {
			cells = append(cells, paper.Cell{Text: reportText(ctx, g.Texts[i].Unit, text)})
		}
		for i, n := range r.Numbers {
			cells = append(cells, paper.Cell{Text: reportNumber(ctx, g.Numbers[i].Unit, n)})
		}
		t.Rows = append(t.Rows, cells)
	}
	s.Table = t
	if g.Of > int64(len(g.Rows)) {
		s.Lines = append(s.Lines, locale.T(ctx, "report.cut", len(g.Rows), g.Of))
	}
	return s
}

// statementChart draws a table of months: its first count as bars, the others as lines, since they are not parts of
// one whole. Bytes have a scale of their own and are left to the table.
func statementChart(ctx context.Context, g ReportGrid) (ui.FlowView, bool) {
	if len(g.Rows) < 2 || len(g.Texts) != 1 || g.Texts[0].Unit != "month" {
		return ui.FlowView{}, false
	}
	h := ui.FlowView{}
	classes := []string{"chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-quiet"}
	for _, r := range g.Rows {
		h.Labels = append(h.Labels, r.Texts[0])
	}
	highest, where, what, drawn := int64(0), 0, "", 0
	for i, c := range g.Numbers {
		if c.Unit == "bytes" || drawn == len(classes) {
			continue
		}
		s := ui.Series{Label: locale.T(ctx, "report.num_"+c.Key), Class: classes[drawn], Dashed: drawn%2 == 0}
		for row, r := range g.Rows {
			s.Values = append(s.Values, r.Numbers[i])
			if r.Numbers[i] > highest {
				highest, where, what = r.Numbers[i], row, s.Label
			}
		}
		if drawn == 0 {
			h.Bars = append(h.Bars, s)
		} else {
			h.Lines = append(h.Lines, s)
		}
		drawn++
	}
	if highest == 0 {
		return h, false
	}
	h.Title = locale.T(ctx, "report.chart_title", locale.Key("report.grid_"+g.Key), h.Labels[where], what, highest)
	h.Desc = locale.T(ctx, "report.chart_desc", locale.Key("report.grid_"+g.Key), len(h.Labels), drawn)
	return h, true
}

// statementBars are the departments or classes of a table, by its first number.
func statementBars(ctx context.Context, g ReportGrid) (ui.BarsView, bool) {
	if len(g.Rows) < 2 || len(g.Texts) == 0 || g.Texts[0].Unit != "department" && g.Texts[0].Unit != "class" {
		return ui.BarsView{}, false
	}
	rows := slices.Clone(g.Rows)
	slices.SortStableFunc(rows, func(a, b ReportLine) int { return int(b.Numbers[0] - a.Numbers[0]) })
	const most = 8
	b := ui.BarsView{Label: locale.T(ctx, "report.bars", locale.Key("report.num_"+g.Numbers[0].Key))}
	for _, r := range rows[:min(len(rows), most)] {
		if r.Numbers[0] > 0 {
			name := shortest(r.Texts[0], g.Rows)
			b.Rows = append(b.Rows, ui.BarRow{Label: reportText(ctx, g.Texts[0].Unit, name), Value: r.Numbers[0]})
		}
	}
	return b, len(b.Rows) > 1
}

// shortest is the end of a path by which it is told from the others; whole paths stand in the table.
func shortest(path string, others []ReportLine) string {
	for i := strings.LastIndexByte(path, '/'); i >= 0; i = strings.LastIndexByte(path[:i], '/') {
		if !slices.ContainsFunc(others, func(o ReportLine) bool { return o.Texts[0] != path && strings.HasSuffix("/"+o.Texts[0], path[i:]) }) {
			return path[i+1:]
		}
	}
	return path
}

// inspectionsOf are the inspections that a table names, for their links.
func inspectionsOf(g ReportGrid) (codes []string) {
	if g.Key != "bin_inspections" {
		return nil
	}
	for _, r := range g.Rows {
		codes = append(codes, r.Texts[0])
	}
	return codes
}

func compareSection(ctx context.Context, list []ReportCompare) paper.Section {
	t := &paper.Table{Caption: locale.T(ctx, "report.section_reconciliation"), Head: []paper.Column{
		{Text: locale.T(ctx, "report.col_figure"), Weight: 4},
		{Text: locale.T(ctx, "report.col_object"), Weight: 2.4},
		{Text: locale.T(ctx, "report.col_log"), Weight: 1.2, Number: true},
		{Text: locale.T(ctx, "report.col_tables"), Weight: 1.2, Number: true},
		{Text: locale.T(ctx, "report.col_agrees"), Weight: 1.4},
	}}
	for _, c := range list {
		badge := paper.Badge{Kind: ui.Success, Icon: "check", Text: locale.T(ctx, "report.agrees")}
		if c.Log != c.Tables {
			badge = paper.Badge{Kind: ui.Danger, Icon: "alert-triangle", Text: locale.T(ctx, "report.differs")}
		}
		object := c.Object
		if object == "" {
			object = locale.None
		}
		t.Rows = append(t.Rows, []paper.Cell{{Text: locale.T(ctx, "report.compare_"+c.What)}, {Text: object}, {Text: locale.N(ctx, c.Log)}, {Text: locale.N(ctx, c.Tables)}, {Badge: &badge}})
	}
	return paper.Section{Title: t.Caption, Table: t}
}

func (v ReportHead) title(ctx context.Context) string {
	return locale.T(ctx, "report.kind_"+v.Kind)
}

func (v ReportHead) otherTitle(ctx context.Context) string {
	other := locale.English
	if locale.Of(ctx) == locale.English {
		other = locale.Chinese
	}
	return locale.T(locale.With(ctx, other, nil), "report.kind_"+v.Kind)
}

func (v ReportHead) under(ctx context.Context) string {
	if v.Department == "" {
		return locale.T(ctx, "report.whole")
	}
	return departmentPath(v.Department)
}

func (v ReportHead) lead(ctx context.Context) string {
	return locale.T(ctx, "report.statement_lead", v.First, v.Last, v.under(ctx))
}

// verdicts say first of all whether the figures can be relied on.
func (v ReportHead) verdicts(ctx context.Context) (lines []string) {
	if v.LogOK && v.Differ == 0 {
		return []string{locale.T(ctx, "report.all_agree") + " " + locale.T(ctx, "report.log_ok", v.LogChecked)}
	}
	if v.Differ > 0 {
		lines = append(lines, locale.T(ctx, "report.some_differ", v.Differ))
	}
	if !v.LogOK {
		lines = append(lines, locale.T(ctx, "report.log_bad", locale.Key("audit.what_"+v.LogWhat), entry(v.LogBad)))
	}
	return lines
}

func (v ReportHead) proofFacts(ctx context.Context) []paper.Fact {
	return []paper.Fact{
		{Term: locale.T(ctx, "report.period"), Text: locale.Span(ctx, v.First, v.Last) + "  " + v.Zone},
		{Term: locale.T(ctx, "report.department"), Text: v.under(ctx)},
		{Term: locale.T(ctx, "report.made_by"), Text: v.By.in(ctx)},
		{Term: locale.T(ctx, "report.entry"), Text: "#" + entry(v.Leaf), Mono: true},
		{Term: locale.T(ctx, "report.log_size"), Text: locale.N(ctx, v.LogSize)},
		{Term: locale.T(ctx, "report.log_root"), Text: fingerprint(v.LogRoot), Mono: true},
		{Term: locale.T(ctx, "report.digest"), Text: fingerprint(v.Digest), Mono: true},
		{Term: locale.T(ctx, "report.offline"), Text: "qingdang verify " + v.Code + ".json", Mono: true},
	}
}

func (v ReportHead) notes(ctx context.Context) (lines []string) {
	for _, n := range v.Notes {
		lines = append(lines, locale.T(ctx, "report.note_"+n))
	}
	return append(lines, locale.T(ctx, "report.foot"))
}
