package handlers

import (
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/report"
	"qingdang/templates"
)

func reportRows(v *templates.ReportsView, rows []report.PeriodHead, tree *department.Tree) {
	if len(rows) > reportsPerPage {
		rows = rows[:reportsPerPage]
		v.Next = uint64(rows[len(rows)-1].ID)
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, templates.ReportRow{
			ID: uint64(r.ID), Kind: string(r.Kind), Department: tree.Path(r.DepartmentID), Code: r.Code, By: r.OwnerName, From: r.FromAt, To: r.ToAt.Add(-time.Second), At: r.CreatedAt, Reconciled: r.Reconciled,
		})
	}
}

// reportHead is what the page of every kind shows around its figures.
func reportHead(r *report.PeriodReport) (templates.ReportHead, error) {
	b := &r.Body
	by, org, period, under, log, compared := b.CreatedBy, b.Organisation, b.Period, b.Department, b.Log, b.Reconciliation
	at, notes := b.CreatedAt, b.Notes
	if s := r.Statement; s != nil {
		by, org, period, under, log, compared = s.CreatedBy, s.Organisation, s.Period, s.Department, s.Log, s.Reconciliation
		at, notes = s.CreatedAt, s.Notes
	}
	h := templates.ReportHead{
		ID: uint64(r.ID), Kind: string(r.Kind), Code: r.Code, Organisation: org, First: period.First, Last: period.Last, Zone: period.Zone, At: at, By: reportPerson(by), Notes: notes,
		LogOK: log.OK, LogFull: log.Full, LogWhat: log.What, LogRoot: log.Root, LogSize: log.Size, LogChecked: log.Checked, LogBad: log.FirstBad,
		Digest: r.DigestText(), Leaf: r.Leaf, Sealed: r.File != nil,
	}
	if under != nil {
		h.Department = under.Path
	}
	for _, c := range compared {
		h.Compared = append(h.Compared, templates.ReportCompare(c))
		if c.Differs() {
			h.Differ++
		}
	}
	var err error
	h.QR, err = modules(h.Code + " " + h.Digest)
	return h, err
}

func statementView(r *report.PeriodReport) (templates.StatementView, error) {
	h, err := reportHead(r)
	v := templates.StatementView{ReportHead: h}
	for _, f := range r.Statement.Figures {
		v.Figures = append(v.Figures, templates.ReportFigure{Key: f.Key, Unit: f.Unit, Value: f.Value})
	}
	for _, g := range r.Statement.Tables {
		grid := templates.ReportGrid{Key: g.Key, Of: g.Of}
		for _, c := range g.Texts {
			grid.Texts = append(grid.Texts, templates.ReportColumn{Key: c.Key, Unit: c.Unit})
		}
		for _, c := range g.Numbers {
			grid.Numbers = append(grid.Numbers, templates.ReportColumn{Key: c.Key, Unit: c.Unit})
		}
		for _, row := range g.Rows {
			grid.Rows = append(grid.Rows, templates.ReportLine(row))
		}
		v.Grids = append(v.Grids, grid)
	}
	return v, err
}

func reportView(r *report.PeriodReport) (templates.ReportView, error) {
	b := &r.Body
	h, err := reportHead(r)
	v := templates.ReportView{
		ReportHead: h,
		Entries:    b.Total.Entries, OK: b.Total.OK, Refused: b.Total.Refused, Failed: b.Total.Failed, People: b.Total.People, Purged: b.Total.Purged,
		Acts: reportActs(b.Acts), Exports: reportActs(b.Exports),
	}
	for _, d := range b.Departments {
		v.Departments = append(v.Departments, templates.ReportDepartment{Path: d.Path, Entries: d.Entries, Refused: d.Refused, Opened: d.Opened, Discarded: d.Discarded, Restored: d.Restored})
	}
	for _, p := range b.Purges {
		v.Purges = append(v.Purges, reportPurge(p))
	}
	for _, f := range b.Refusals {
		v.Refusals = append(v.Refusals, templates.ReportRefusal{Action: f.Action, Person: f.Person, RoleKey: knownRole(f.Role), Times: f.Times, Last: f.LastEntry})
	}
	for _, h := range b.Holds {
		v.Holds = append(v.Holds, templates.ReportHold{Code: h.Code, Department: h.Department, By: h.By, At: h.At, ReleasedAt: instant(h.ReleasedAt), Conversations: h.Conversations})
	}
	for _, i := range b.Imports {
		v.Imports = append(v.Imports, templates.ReportImport(i))
	}
	return v, err
}

func reportActs(acts []report.BodyAct) (out []templates.ReportAct) {
	for _, a := range acts {
		out = append(out, templates.ReportAct(a))
	}
	return out
}

func reportPurge(p report.BodyPurge) templates.ReportPurge {
	out := templates.ReportPurge{
		Code: p.Code, State: p.State, Certificate: p.Certificate, Scope: p.Scope, Requester: reportPerson(p.Requester),
		RequestedAt: instant(p.RequestedAt), StartedAt: instant(p.StartedAt), FinishedAt: instant(p.FinishedAt),
		Size: p.Size, Messages: p.Messages, Bytes: p.Bytes, PurgedHere: p.PurgedHere, Skipped: p.Skipped,
	}
	for _, v := range p.Approvals {
		out.Votes = append(out.Votes, templates.ReportVote{Person: reportPerson(v.Person), At: v.At, Verdict: v.Verdict, Logged: v.InLog})
	}
	return out
}

func reportPerson(p report.BodyPerson) templates.ReportPerson {
	return templates.ReportPerson{Name: p.Name, StaffNo: p.StaffNo, RoleKey: knownRole(p.Role)}
}

// knownRole is the key of a role's word; the system has none.
func knownRole(role string) string {
	if r := account.Role(role); slices.Contains(account.Roles(), r) {
		return roleKey(r)
	}
	return ""
}
