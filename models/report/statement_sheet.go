package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// WriteXLSX writes the same rows as WriteCSV as a workbook of one sheet; numbers stay numbers and texts
// are never formulas.
func (r *PeriodReport) WriteXLSX(w io.Writer, words func(key string) string, zone *time.Location) (err error) {
	book := excelize.NewFile()
	defer book.Close() // it holds nothing but memory
	const name = "Sheet1"
	stream, err := book.NewStreamWriter(name)
	if err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	if err := stream.SetColWidth(1, 1, 36); err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	n := 0
	s := &sheet{words: words, zone: zone, write: func(cells []any) {
		if n++; err == nil {
			err = stream.SetRow(fmt.Sprintf("A%d", n), cells)
		}
	}}
	s.report(r)
	if err != nil {
		return fmt.Errorf("write row %d: %w", n, err)
	}
	if err := stream.Flush(); err != nil {
		return fmt.Errorf("end workbook: %w", err)
	}
	if _, err := book.WriteTo(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// statement writes head, figures with their definitions, tables, and how they agree with the log.
func (s *sheet) statement(r *PeriodReport) {
	t := r.Statement
	s.row(s.words("report.kind_"+string(t.Kind)), t.Code)
	s.row(s.words("report.organisation"), t.Organisation)
	if t.Department != nil {
		s.row(s.words("report.department"), t.Department.Path)
	}
	s.row(s.words("report.period"), t.Period.First, t.Period.Last, t.Period.Zone)
	s.row(s.words("report.made"), t.CreatedAt, t.CreatedBy.Name, t.CreatedBy.StaffNo)
	s.row(s.words("report.log_size"), t.Log.Size)
	s.row(s.words("report.log_root"), t.Log.Root)
	s.row(s.words("report.digest"), r.DigestText())
	s.row(s.words("report.entry"), r.Leaf)
	s.row(s.words("report.reconciled"), t.Reconciled)
	s.title("figures", "figure", "value", "definition", "query")
	for _, f := range t.Figures {
		s.row(s.words("report.num_"+f.Key), f.Value, s.words("report.def_"+f.Key), f.Definition)
	}
	for _, g := range t.Tables {
		s.grid(g)
	}
	s.title("reconciliation", "figure", "object", "log", "tables", "agrees")
	for _, c := range t.Reconciliation {
		s.row(s.words("report.compare_"+c.What), c.Object, c.Log, c.Tables, !c.Differs())
	}
	s.title("check", "check_ok", "check_full", "checked", "found", "first_bad", "last_bad", "proven")
	l := t.Log
	s.row(l.OK, l.Full, l.Checked, l.What, l.FirstBad, l.LastBad, l.Proven)
}

func (s *sheet) grid(g Grid) {
	s.row("")
	s.row(s.words("report.grid_" + g.Key))
	var heads []any
	for _, c := range g.Texts {
		heads = append(heads, s.words("report.col_"+c.Key))
	}
	for _, c := range g.Numbers {
		heads = append(heads, s.words("report.num_"+c.Key))
	}
	s.row(heads...)
	for _, r := range g.Rows {
		var cells []any
		for i, text := range r.Texts {
			cells = append(cells, s.text(g.Texts[i].Unit, text))
		}
		for _, n := range r.Numbers {
			cells = append(cells, n)
		}
		s.row(cells...)
	}
}

func (s *sheet) text(unit, text string) string {
	switch unit {
	case UnitTime:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return s.at(&at)
		}
	case UnitRole:
		return s.role(text)
	case UnitAction:
		return s.words("action." + text)
	case UnitPurge:
		return s.words("status.purge." + text)
	case UnitBatch:
		return s.words("status.batch." + text)
	case UnitInspection:
		return s.words("status.inspection." + text)
	case UnitAccess:
		return s.words("status.access." + text)
	case UnitDepartment:
		if text == "" {
			return s.words("report.no_department")
		}
	case UnitClass:
		if text == "" {
			return s.words("report.no_class")
		}
	case UnitFloor:
		if text == "forever" {
			return s.words("report.forever")
		}
	case UnitVotes:
		return s.votes(text)
	}
	return text
}

// votes writes "approve:name;reject:name" as people read it.
func (s *sheet) votes(text string) string {
	var out []string
	for v := range strings.SplitSeq(text, ";") {
		if verdict, name, ok := strings.Cut(v, ":"); ok {
			out = append(out, name+" "+s.words("report.verdict_"+verdict))
		}
	}
	return strings.Join(out, "; ")
}
