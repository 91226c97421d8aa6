package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"qingdang/models/mask"
)

// WriteCSV writes the report's figures as a table for spreadsheets: a head with code, size of
// the log and roots, so that it can be held against the evidence file, then one section after the
// other. Words says the catalogue's words for a key.
func (r *PeriodReport) WriteCSV(w io.Writer, words func(key string) string, zone *time.Location) error {
	if _, err := io.WriteString(w, BOM); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	s := &sheet{words: words, zone: zone, write: func(cells []any) {
		row := make([]string, len(cells))
		for i, c := range cells {
			row[i] = fmt.Sprint(c)
		}
		_ = out.Write(row) // the writer keeps its error until Flush
	}}
	s.report(r)
	out.Flush()
	return out.Error()
}

// sheet writes rows whose cells are safe in a spreadsheet: write gets texts and whole numbers.
type sheet struct {
	write func([]any)
	words func(string) string
	zone  *time.Location
}

func (s *sheet) report(r *PeriodReport) {
	if r.Statement != nil {
		s.statement(r)
		return
	}
	s.head(r)
	s.sections(&r.Body)
}

func (s *sheet) row(cells ...any) {
	row := make([]any, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case string:
			row[i] = mask.Cell(v)
		case bool:
			row[i] = s.words(map[bool]string{true: "common.yes", false: "common.no"}[v])
		case time.Time:
			row[i] = s.at(&v)
		case *time.Time:
			row[i] = s.at(v)
		default:
			row[i] = v
		}
	}
	s.write(row)
}

func (s *sheet) at(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.In(s.zone).Format(time.RFC3339)
}

func (s *sheet) title(section string, columns ...string) {
	s.row("")
	s.row(s.words("report.section_" + section))
	heads := make([]any, len(columns))
	for i, c := range columns {
		heads[i] = s.words("report.col_" + c)
	}
	s.row(heads...)
}

func (s *sheet) head(r *PeriodReport) {
	b := &r.Body
	s.row(s.words("report.title"), b.Code)
	if b.Department != nil {
		s.row(s.words("report.department"), b.Department.Path)
	}
	s.row(s.words("report.organisation"), b.Organisation)
	s.row(s.words("report.period"), b.Period.First, b.Period.Last, b.Period.Zone)
	s.row(s.words("report.made"), b.CreatedAt, b.CreatedBy.Name, b.CreatedBy.StaffNo)
	s.row(s.words("report.log_size"), b.Log.Size)
	s.row(s.words("report.log_root"), b.Log.Root)
	s.row(s.words("report.digest"), r.DigestText())
	s.row(s.words("report.entry"), r.Leaf)
	s.row(s.words("report.reconciled"), b.Reconciled)
}

func (s *sheet) sections(b *Body) {
	t := b.Total
	s.title("total", "entries", "ok", "refused", "failed", "people", "purged")
	s.row(t.Entries, t.OK, t.Refused, t.Failed, t.People, t.Purged)
	s.title("acts", "action", "action_code", "ok", "refused", "failed", "items")
	for _, a := range b.Acts {
		s.row(s.words("action."+a.Action), a.Action, a.OK, a.Refused, a.Failed, a.Items)
	}
	s.title("departments", "department", "entries", "refused", "opened", "discarded", "restored")
	for _, d := range b.Departments {
		path := d.Path
		if path == "" {
			path = s.words("report.no_department")
		}
		s.row(path, d.Entries, d.Refused, d.Opened, d.Discarded, d.Restored)
	}
	s.purges(b.Purges)
	s.title("refusals", "action", "action_code", "person", "role", "times", "last_entry")
	for _, f := range b.Refusals {
		s.row(s.words("action."+f.Action), f.Action, f.Person, s.role(f.Role), f.Times, f.LastEntry)
	}
	s.title("holds", "code", "department", "person", "at", "conversations", "released_at")
	for _, h := range b.Holds {
		s.row(h.Code, h.Department, h.By, h.At, h.Conversations, h.ReleasedAt)
	}
	s.title("imports", "person", "source", "steps", "conversations")
	for _, i := range b.Imports {
		s.row(i.By, i.Source, i.Steps, i.Conversations)
	}
	s.title("exports", "action", "action_code", "ok", "refused", "failed", "items")
	for _, a := range b.Exports {
		s.row(s.words("action."+a.Action), a.Action, a.OK, a.Refused, a.Failed, a.Items)
	}
	s.title("reconciliation", "figure", "object", "log", "tables", "agrees")
	for _, c := range b.Reconciliation {
		s.row(s.words("report.compare_"+c.What), c.Object, c.Log, c.Tables, !c.Differs())
	}
	s.title("check", "check_ok", "check_full", "checked", "found", "first_bad", "last_bad", "proven")
	s.row(b.Log.OK, b.Log.Full, b.Log.Checked, b.Log.What, b.Log.FirstBad, b.Log.LastBad, b.Log.Proven)
}

func (s *sheet) purges(purges []BodyPurge) {
	s.title("purges", "code", "state", "department", "manifest_root", "requester", "requested_at", "approvals", "started_at", "finished_at",
		"size", "messages", "attachments", "bytes", "purged_here", "purged", "skipped", "certificate")
	for _, p := range purges {
		var votes []string
		for _, v := range p.Approvals {
			votes = append(votes, strings.Join([]string{s.person(v.Person), s.at(&v.At), s.words("report.verdict_" + v.Verdict)}, " "))
		}
		s.row(p.Code, s.words("status.purge."+p.State), strings.Join(p.Scope, "; "), p.Root, s.person(p.Requester), p.RequestedAt, strings.Join(votes, "; "),
			p.StartedAt, p.FinishedAt, p.Size, p.Messages, p.Attachments, p.Bytes, p.PurgedHere, p.Purged, p.Skipped, p.Certificate)
	}
}

func (s *sheet) person(p BodyPerson) string {
	if p.Name == "" {
		return s.words("common.system")
	}
	return p.Name + " (" + p.StaffNo + ") " + s.role(p.Role)
}

func (s *sheet) role(code string) string {
	switch code {
	case "":
		return ""
	case "system":
		return s.words("common.system")
	}
	return s.words("role." + code)
}
