package templates

import (
	"context"
	"strings"

	"qingdang/paper"
	"qingdang/templates/locale"
)

// StatementPDF draws a statement in the language of ctx. The same report gives the same bytes.
func StatementPDF(ctx context.Context, v StatementView) ([]byte, error) {
	sections := []paper.Section{statementFigures(ctx, v)}
	for _, g := range v.Grids {
		sections = append(sections, statementGrid(ctx, v, g))
	}
	return v.doc(ctx, []string{v.lead(ctx)}, sections).PDF()
}

// ReportPDF draws an operations report.
func ReportPDF(ctx context.Context, v ReportView) ([]byte, error) {
	lead := locale.T(ctx, "report.lead", v.First, v.Last, v.Entries, v.People, v.Purged, v.Refused)
	return v.doc(ctx, []string{lead}, reportSections(ctx, v)).PDF()
}

func (v ReportHead) doc(ctx context.Context, lead []string, sections []paper.Section) paper.Doc {
	stamp := locale.T(ctx, "report.agrees")
	if !v.LogOK || v.Differ > 0 {
		stamp = locale.T(ctx, "report.differs")
	}
	sections = append(sections, compareSection(ctx, v.Compared),
		paper.Section{Title: locale.T(ctx, "report.section_proof"), Facts: v.proofFacts(ctx), Lines: v.notes(ctx)})
	return paper.Doc{
		Owner: locale.T(ctx, "common.app") + " · " + v.Organisation, OwnerNote: locale.T(ctx, "common.tagline"),
		Code: v.Code, CodeNote: locale.T(ctx, "report.issued", locale.DateSec(ctx, v.At), locale.ZoneName(ctx, v.At)),
		Title: v.title(ctx), Subtitle: v.otherTitle(ctx), Stamp: locale.T(ctx, "report.section_reconciliation") + " · " + stamp,
		Lead: append(lead, v.verdicts(ctx)...), Sections: sections,
		Foot: []string{locale.T(ctx, "report.digest") + " " + fingerprint(v.Digest), v.Organisation + " · " + v.Code},
		Page: locale.T(ctx, "certificate.page"), Replaced: locale.T(ctx, "certificate.replaced"), Created: v.At, Lang: string(locale.Of(ctx)),
	}
}

func numberCells(ctx context.Context, text string, numbers ...int64) []paper.Cell {
	cells := []paper.Cell{{Text: text}}
	for _, n := range numbers {
		cells = append(cells, paper.Cell{Text: locale.N(ctx, n)})
	}
	return cells
}

func reportTable(ctx context.Context, title string, first string, numbers ...string) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, title), Head: []paper.Column{{Text: locale.T(ctx, "report.col_"+first), Weight: 4}}}
	for _, n := range numbers {
		t.Head = append(t.Head, paper.Column{Text: locale.T(ctx, "report.col_"+n), Weight: 1.2, Number: true})
	}
	return t
}

// orNone is a section, or the sentence that there is nothing.
func orNone(ctx context.Context, title string, t *paper.Table) paper.Section {
	s := paper.Section{Title: locale.T(ctx, title), Table: t}
	if len(t.Rows) == 0 {
		s.Table, s.Lines = nil, []string{locale.T(ctx, "report.none")}
	}
	return s
}

func reportSections(ctx context.Context, v ReportView) []paper.Section {
	total := reportTable(ctx, "report.section_total", "entries", "ok", "refused", "failed", "people", "purged")
	total.Head[0].Weight, total.Head[0].Number = 1.2, true
	total.Rows = [][]paper.Cell{numberCells(ctx, locale.N(ctx, v.Entries), v.OK, v.Refused, v.Failed, v.People, v.Purged)}
	purges := reportTable(ctx, "report.section_purges", "code", "size", "purged_here", "skipped")
	purges.Head = append(purges.Head, paper.Column{Text: locale.T(ctx, "report.col_requester"), Weight: 2}, paper.Column{Text: locale.T(ctx, "report.col_approvals"), Weight: 3.4}, paper.Column{Text: locale.T(ctx, "report.col_certificate"), Weight: 2.5})
	for _, p := range v.Purges {
		var votes []string
		for _, x := range p.Votes {
			text := x.Person.Name + " " + locale.T(ctx, "report.verdict_"+x.Verdict)
			if !x.Logged {
				text += " " + locale.T(ctx, "report.vote_not_logged")
			}
			votes = append(votes, text)
		}
		purges.Rows = append(purges.Rows, append(numberCells(ctx, p.Code+" "+locale.T(ctx, "status.purge."+p.State), p.Size, p.PurgedHere, p.Skipped),
			paper.Cell{Text: p.Requester.Name}, paper.Cell{Text: strings.Join(votes, locale.T(ctx, "common.list_mark"))}, paper.Cell{Text: p.Certificate}))
	}
	purges.Head[0].Weight = 2.8
	refusals := reportTable(ctx, "report.section_refusals", "action", "times")
	for _, f := range v.Refusals {
		refusals.Rows = append(refusals.Rows, numberCells(ctx, ActionWord(ctx, f.Action)+" · "+ReportPerson{Name: f.Person, RoleKey: f.RoleKey}.in(ctx), f.Times))
	}
	departments := reportTable(ctx, "report.section_departments", "department", "entries", "refused", "opened", "discarded", "restored")
	for _, d := range v.Departments {
		departments.Rows = append(departments.Rows, numberCells(ctx, reportText(ctx, "department", d.Path), d.Entries, d.Refused, d.Opened, d.Discarded, d.Restored))
	}
	holds := reportTable(ctx, "report.section_holds", "code", "conversations")
	for _, h := range v.Holds {
		holds.Rows = append(holds.Rows, numberCells(ctx, h.Code+" · "+departmentPath(h.Department)+" · "+h.By+" · "+locale.Date(ctx, h.At), h.Conversations))
	}
	imports := reportTable(ctx, "report.section_imports", "person", "steps", "conversations")
	for _, i := range v.Imports {
		imports.Rows = append(imports.Rows, numberCells(ctx, i.By+" · "+i.Source, i.Steps, i.Conversations))
	}
	return []paper.Section{
		orNone(ctx, "report.section_total", total), orNone(ctx, "report.section_purges", purges), orNone(ctx, "report.section_refusals", refusals),
		orNone(ctx, "report.section_departments", departments), orNone(ctx, "report.section_acts", actsTable(ctx, "report.section_acts", v.Acts)),
		orNone(ctx, "report.section_holds", holds), orNone(ctx, "report.section_imports", imports),
		orNone(ctx, "report.section_exports", actsTable(ctx, "report.section_exports", v.Exports)),
	}
}

func actsTable(ctx context.Context, title string, acts []ReportAct) *paper.Table {
	t := reportTable(ctx, title, "action", "ok", "refused", "failed", "items")
	for _, a := range acts {
		t.Rows = append(t.Rows, numberCells(ctx, ActionWord(ctx, a.Action), a.OK, a.Refused, a.Failed, a.Items))
	}
	return t
}
