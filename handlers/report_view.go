package handlers

import (
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/report"
	"qingdang/templates"
)

func reportRows(v *templates.ReportsView, rows []report.PeriodHead) {
	if len(rows) > reportsPerPage {
		rows = rows[:reportsPerPage]
		v.Next = uint64(rows[len(rows)-1].ID)
	}
	for _, r := range rows {
		v.Rows = append(v.Rows, templates.ReportRow{
			ID: uint64(r.ID), Code: r.Code, By: r.OwnerName, From: r.FromAt, To: r.ToAt.Add(-time.Second), At: r.CreatedAt, Reconciled: r.Reconciled,
		})
	}
}

func reportView(r *report.PeriodReport) (templates.ReportView, error) {
	b := &r.Body
	v := templates.ReportView{
		ID: uint64(r.ID), Code: b.Code, Organisation: b.Organisation, First: b.Period.First, Last: b.Period.Last, Zone: b.Period.Zone, At: b.CreatedAt, By: reportPerson(b.CreatedBy),
		Entries: b.Total.Entries, OK: b.Total.OK, Refused: b.Total.Refused, Failed: b.Total.Failed, People: b.Total.People, Purged: b.Total.Purged,
		Acts: reportActs(b.Acts), Exports: reportActs(b.Exports), Reconciled: b.Reconciled, Notes: b.Notes,
		LogOK: b.Log.OK, LogFull: b.Log.Full, LogWhat: b.Log.What, LogRoot: b.Log.Root, LogSize: b.Log.Size, LogChecked: b.Log.Checked, LogBad: b.Log.FirstBad,
		Digest: r.DigestText(), Leaf: r.Leaf, Sealed: r.File != nil,
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
	for _, c := range b.Reconciliation {
		v.Compared = append(v.Compared, templates.ReportCompare(c))
		if c.Differs() {
			v.Differ++
		}
	}
	var err error
	v.QR, err = modules(v.Code + " " + v.Digest)
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
