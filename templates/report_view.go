package templates

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ReportsView is the list of audit reports, with the form for a new one.
type ReportsView struct {
	Kind            string
	Kinds           []string
	Dept            uint64
	From, To        string
	Period          string // which of ReportPeriods From and To are, if they were not typed
	Tree            []BinDepartment
	Problems        Problems
	CanCreate       bool
	CanCertificates bool
	CanSee          bool // audit reports are for those who may see every department's acts
	Rows            []ReportRow
	First           bool
	Next            uint64
}

// ReportPeriods are the periods that reports are usually about.
var ReportPeriods = []string{"this_month", "last_month", "this_quarter", "last_quarter", "this_year", "last_year"}

// ReportPeriodPath is the form for a report with the days of a period.
func ReportPeriodPath(kind string, department uint64, period string) string {
	q := url.Values{"period": {period}}
	if kind != "" {
		q.Set("kind", kind)
	}
	if department != 0 {
		q.Set("department", strconv.FormatUint(department, 10))
	}
	return withQuery(ReportsPath, q)
}

// ReportRow is one report in the list.
type ReportRow struct {
	ID         uint64
	Kind       string
	Department string // empty for the whole organisation
	Code, By   string
	From, To   time.Time // both days are included
	At         time.Time
	Reconciled bool
}

// ReportView is one operations report. Codes stand for sentences; the page writes them out.
type ReportView struct {
	ReportHead
	Entries, OK, Refused, Failed int64
	People, Purged               int64
	Acts, Exports                []ReportAct
	Departments                  []ReportDepartment
	Purges                       []ReportPurge
	Refusals                     []ReportRefusal
	Holds                        []ReportHold
	Imports                      []ReportImport
}

// ReportPerson is a person as of the act.
type ReportPerson struct{ Name, StaffNo, RoleKey string }

// ReportAct is one kind of act.
type ReportAct struct {
	Action                     string
	OK, Refused, Failed, Items int64
}

// ReportDepartment is the acts in one department; an empty path is none, or several.
type ReportDepartment struct {
	Path                                          string
	Entries, Refused, Opened, Discarded, Restored int64
}

// ReportPurge is a purge request about which something was done.
type ReportPurge struct {
	Code, State, Certificate                   string
	Scope                                      []string
	Requester                                  ReportPerson
	RequestedAt, StartedAt, FinishedAt         time.Time
	Votes                                      []ReportVote
	Size, Messages, Bytes, PurgedHere, Skipped int64
}

// ReportVote is one vote; Logged tells whether the audit log knows of it.
type ReportVote struct {
	Person  ReportPerson
	At      time.Time
	Verdict string
	Logged  bool
}

// ReportRefusal is how often one person was refused one kind of act.
type ReportRefusal struct {
	Action, Person, RoleKey string
	Times, Last             int64
}

// ReportHold is a legal hold that was placed.
type ReportHold struct {
	Code, Department, By string
	At, ReleasedAt       time.Time
	Conversations        int64
}

// ReportImport is what one person, or the command line, brought in.
type ReportImport struct {
	By, Source           string
	Steps, Conversations int64
}

// ReportCompare is one figure as the log and as the tables know it.
type ReportCompare struct {
	What, Object string
	Log, Tables  int64
}

func (p ReportPerson) in(ctx context.Context) string {
	if p.Name == "" {
		return locale.T(ctx, "common.system")
	}
	out := p.Name
	if p.StaffNo != "" {
		out += " (" + p.StaffNo + ")"
	}
	if p.RoleKey != "" {
		out += " " + locale.T(ctx, p.RoleKey)
	}
	return out
}

func (v ReportView) counts(ctx context.Context) []struct{ Key, Value string } {
	var out []struct{ Key, Value string }
	for _, f := range []struct {
		key string
		n   int64
	}{{"entries", v.Entries}, {"ok", v.OK}, {"refused", v.Refused}, {"failed", v.Failed}, {"people", v.People}, {"purged", v.Purged}} {
		out = append(out, struct{ Key, Value string }{"report.col_" + f.key, locale.N(ctx, f.n)})
	}
	return out
}

// entry is a number of the log, which is a name and is not grouped.
func entry(n int64) string { return strconv.FormatInt(n, 10) }

func (v ReportsView) kinds(ctx context.Context) (out []ui.Option) {
	for _, k := range v.Kinds {
		out = append(out, ui.Option{Value: k, Label: locale.T(ctx, "report.kind_"+k), Chosen: k == v.Kind})
	}
	return out
}

func (v ReportsView) kindFacts(ctx context.Context) (out []ui.Fact) {
	for _, k := range v.Kinds {
		out = append(out, ui.Fact{Term: locale.T(ctx, "report.kind_"+k), Text: locale.T(ctx, "report.about_"+k)})
	}
	return out
}

func (v ReportsView) departments(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "", Label: locale.T(ctx, "report.whole"), Chosen: v.Dept == 0}}
	for _, d := range v.Tree {
		out = append(out, ui.Option{Value: strconv.FormatUint(d.ID, 10), Label: d.Name, Depth: d.Depth, Chosen: d.ID == v.Dept})
	}
	return out
}
