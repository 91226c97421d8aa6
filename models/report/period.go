package report

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"qingdang/models/id"
)

// PeriodReportID names an audit report in addresses.
type PeriodReportID uint64

// PeriodHead is an audit report without its text.
type PeriodHead struct {
	ID           PeriodReportID `gorm:"primaryKey"`
	Code         string
	Kind         Kind
	DepartmentID id.Department // 0 = the whole organisation
	OwnerID      id.User
	OwnerName    string
	FromAt, ToAt time.Time // [FromAt, ToAt)
	Leaf         int64     // its entry in the audit log
	Reconciled   bool
	Digest       []byte
	CreatedAt    time.Time
}

// TableName is audit_report.
func (PeriodHead) TableName() string { return "audit_report" }

// periodRow is the whole row. File is written after the commit and may be missing for a moment;
// the leaf is what makes the report true.
type periodRow struct {
	PeriodHead
	Body []byte
	File []byte
}

// TableName is audit_report.
func (periodRow) TableName() string { return "audit_report" }

// PeriodReport is an audit report with its text.
type PeriodReport struct {
	PeriodHead
	Body      Body       // of an operations report
	Statement *Statement // of any other
	File      []byte     // for `qingdang verify`; nil while it is not sealed
}

// Body is what an audit report says, version 1. Every figure is counted from the entries of the
// audit log, and Reconciliation compares those that the tables know too. It holds numbers, names,
// codes and paths, never a word of a conversation. Codes stand for sentences; pages write
// them out.
type Body struct {
	Kind           Kind             `json:"kind"`
	Department     *BodyUnder       `json:"department,omitempty"`
	Code           string           `json:"code"`
	CreatedAt      time.Time        `json:"created_at"`
	CreatedBy      BodyPerson       `json:"created_by"`
	Organisation   string           `json:"organisation"`
	Period         BodyPeriod       `json:"period"`
	Log            BodyLog          `json:"log"`
	Total          BodyTotal        `json:"total"`
	Acts           []BodyAct        `json:"acts"`
	Departments    []BodyDepartment `json:"departments"`
	Purges         []BodyPurge      `json:"purges"`
	Refusals       []BodyRefusal    `json:"refusals"`
	Holds          []BodyHold       `json:"holds"`
	Imports        []BodyImport     `json:"imports"`
	Exports        []BodyAct        `json:"exports"`
	Reconciliation []BodyCompare    `json:"reconciliation"`
	Reconciled     bool             `json:"reconciled"`
	Notes          []string         `json:"notes"`
}

// BodyPerson is a person as of the act.
type BodyPerson struct {
	Name    string `json:"name"`
	StaffNo string `json:"staff_no"`
	Role    string `json:"role"`
}

// BodyPeriod is the days that the report covers, both included, and the instants they mean.
type BodyPeriod struct {
	First string    `json:"first_day"`
	Last  string    `json:"last_day"`
	Zone  string    `json:"zone"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// BodyLog is the audit log at the moment of counting, and what a check of it found.
type BodyLog struct {
	Size     int64     `json:"size"`
	Root     string    `json:"root"`
	LastAt   time.Time `json:"last_at"`
	OK       bool      `json:"check_ok"`
	Full     bool      `json:"check_full"`
	Checked  int64     `json:"checked"`
	What     string    `json:"found"`
	FirstBad int64     `json:"first_bad"`
	LastBad  int64     `json:"last_bad"`
	Proven   int64     `json:"proven_outside"`
}

// BodyTotal is all entries of the period.
type BodyTotal struct {
	Entries int64 `json:"entries"`
	OK      int64 `json:"ok"`
	Refused int64 `json:"refused"`
	Failed  int64 `json:"failed"`
	People  int64 `json:"people"`
	Purged  int64 `json:"purged"`
}

// BodyAct is one kind of act: how often it was done, refused and failed, and how many items
// those done were about.
type BodyAct struct {
	Action  string `json:"action"`
	OK      int64  `json:"ok"`
	Refused int64  `json:"refused"`
	Failed  int64  `json:"failed"`
	Items   int64  `json:"items"`
}

// BodyDepartment is the acts in one department; id 0 are those in none or in several.
type BodyDepartment struct {
	ID        string `json:"id"`
	Path      string `json:"path"`
	Entries   int64  `json:"entries"`
	Refused   int64  `json:"refused"`
	Opened    int64  `json:"opened"`
	Discarded int64  `json:"discarded"`
	Restored  int64  `json:"restored"`
}

// BodyPurge is a purge request about which something was done in the period.
type BodyPurge struct {
	Code        string         `json:"code"`
	State       string         `json:"state"`
	Scope       []string       `json:"scope"`
	Root        string         `json:"manifest_root"`
	Requester   BodyPerson     `json:"requester"`
	RequestedAt *time.Time     `json:"requested_at,omitempty"`
	Approvals   []BodyApproval `json:"approvals"`
	StartedAt   *time.Time     `json:"started_at,omitempty"`
	FinishedAt  *time.Time     `json:"finished_at,omitempty"`
	Size        int64          `json:"size"`
	Messages    int64          `json:"messages"`
	Attachments int64          `json:"attachments"`
	Bytes       int64          `json:"bytes"`
	PurgedHere  int64          `json:"purged_in_period"`
	Purged      int64          `json:"purged"`
	Skipped     int64          `json:"skipped"`
	Certificate string         `json:"certificate"`
}

// BodyApproval is one vote.
type BodyApproval struct {
	Stage   int        `json:"stage"`
	Person  BodyPerson `json:"person"`
	At      time.Time  `json:"at"`
	Verdict string     `json:"verdict"`
	InLog   bool       `json:"in_log"`
}

// BodyRefusal is how often one person was refused one kind of act. LastEntry is the newest of
// those entries.
type BodyRefusal struct {
	Action    string `json:"action"`
	Person    string `json:"person"`
	Role      string `json:"role"`
	Times     int64  `json:"times"`
	LastEntry int64  `json:"last_entry"`
}

// BodyHold is a legal hold that was placed in the period.
type BodyHold struct {
	Code          string     `json:"code"`
	Department    string     `json:"department"`
	By            string     `json:"by"`
	At            time.Time  `json:"at"`
	Conversations int64      `json:"conversations"`
	ReleasedAt    *time.Time `json:"released_at,omitempty"`
}

// BodyImport is what one person, or the command line, brought in.
type BodyImport struct {
	By            string `json:"by"`
	Source        string `json:"source"`
	Steps         int64  `json:"steps"`
	Conversations int64  `json:"conversations"`
}

// BodyCompare is one figure as the log and as the tables know it. What is a code; Object is what
// it is about, empty for the whole installation.
type BodyCompare struct {
	What   string `json:"what"`
	Object string `json:"object"`
	Log    int64  `json:"log"`
	Tables int64  `json:"tables"`
}

// Differs tells whether the two disagree.
func (c BodyCompare) Differs() bool { return c.Log != c.Tables }

// DigestText is the digest in hexadecimal digits.
func (h *PeriodHead) DigestText() string { return hex.EncodeToString(h.Digest) }

func (r *periodRow) report() (*PeriodReport, error) {
	out := &PeriodReport{PeriodHead: r.PeriodHead, File: r.File}
	if r.Kind == Operations {
		return out, json.Unmarshal(r.Body, &out.Body)
	}
	return out, json.Unmarshal(r.Body, &out.Statement)
}
