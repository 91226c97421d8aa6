package templates

import (
	"context"
	"strconv"
	"time"

	"qingdang/templates/locale"
)

// ReportsView is the list of audit reports, with the form for a new one.
type ReportsView struct {
	From, To  string
	Problems  Problems
	CanCreate bool
	CanSee    bool // audit reports are for those who may see every department's acts
	Rows      []ReportRow
	First     bool
	Next      uint64
}

// ReportRow is one report in the list.
type ReportRow struct {
	ID         uint64
	Code, By   string
	From, To   time.Time // both days are included
	At         time.Time
	Reconciled bool
}

// ReportView is one audit report. Codes stand for sentences; the page writes them out.
type ReportView struct {
	ID                                    uint64
	Code, Organisation, First, Last, Zone string
	At                                    time.Time
	By                                    ReportPerson
	Entries, OK, Refused, Failed          int64
	People, Purged                        int64
	Acts, Exports                         []ReportAct
	Departments                           []ReportDepartment
	Purges                                []ReportPurge
	Refusals                              []ReportRefusal
	Holds                                 []ReportHold
	Imports                               []ReportImport
	Compared                              []ReportCompare
	Differ                                int
	Reconciled                            bool
	Notes                                 []string
	LogOK, LogFull                        bool
	LogWhat, LogRoot, Digest              string
	LogSize, LogChecked, LogBad, Leaf     int64
	Sealed                                bool
	QR                                    [][]bool
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
