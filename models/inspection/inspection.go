// Package inspection owns the quarterly inspection of the recycle bin (季度回收站巡检): a sample that
// anybody can recompute, the look at each item of it, the findings, and the report that audit and
// legal sign.
package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// State says how far an inspection is. What is stored is coarser than what people see: see Shown.
type State string

// The states that are stored, and those that only pages show.
const (
	Opened  State = "not_started"      // the seed is committed, the sample not drawn
	Drawn   State = "checking"         // the sample is there
	Signing State = "awaiting_signoff" // audit has signed: nothing changes until legal has decided
	Signed  State = "signed"

	Remediation State = "remediation" // shown: everything is checked, a grave finding has no answer
)

// Inspection is one quarter's inspection. Seed is empty until the sample is drawn.
type Inspection struct {
	ID             id.Inspection `gorm:"primaryKey"`
	Code           string
	State          State
	FirstAt        time.Time // the quarter is [FirstAt, EndAt)
	EndAt          time.Time
	DueAt          time.Time
	SeedSealed     []byte
	Seed           string
	Commitment     string
	CommitLeaf     int64
	OpenedBy       id.User // 0: the timer
	OpenedName     string
	OpenedAt       time.Time
	FromAt         *time.Time // the population is what entered the bin in [FromAt, CutAt)
	CutAt          *time.Time
	Population     int64
	Batches        int64
	PopulationRoot string
	Sample         int64
	SampleRoot     string
	Strata         string // JSON of []Stratum
	Scans          string // JSON of []Scan
	DrawnBy        id.User
	DrawnName      string
	DrawnAt        *time.Time
	SignRound      int
	Result         string // JSON of Body without signatures: what audit signed
	ResultRoot     string
	SignedAt       *time.Time
	Leaf           int64
	Digest         string
	Body           string
	File           []byte
}

// TableName is inspection.
func (Inspection) TableName() string { return "inspection" }

// StrataList reads the strata.
func (i *Inspection) StrataList() (out []Stratum, err error) {
	if i.Strata == "" {
		return nil, nil
	}
	return out, json.Unmarshal([]byte(i.Strata), &out)
}

// ScanList reads what the automatic checks found.
func (i *Inspection) ScanList() (out []Scan, err error) {
	if i.Scans == "" {
		return nil, nil
	}
	return out, json.Unmarshal([]byte(i.Scans), &out)
}

// The verdicts on an item. An empty one: nobody looked yet.
const (
	OK      = "ok"
	Problem = "problem"
	Later   = "later"
)

// The levels of findings.
const (
	High   = "high"
	Medium = "medium"
	Low    = "low"
)

// Levels lists the levels, the gravest first.
func Levels() []string { return []string{High, Medium, Low} }

// Item is one conversation of the sample.
type Item struct {
	InspectionID   id.Inspection `gorm:"primaryKey;autoIncrement:false"`
	Seq            int           `gorm:"primaryKey;autoIncrement:false"`
	BatchID        id.Batch
	BatchCode      string
	ConversationID id.Conversation
	Platform       string // for its code; empty: not known any more
	DepartmentID   id.Department
	Verdict        string
	Level          string
	Words          string // of the finding, or a draft
	ItemState      string // of the bin's item when it was checked
	CheckedBy      id.User
	CheckedName    string
	CheckedAt      *time.Time
}

// TableName is inspection_item.
func (Item) TableName() string { return "inspection_item" }

// Name is the item as the sample is drawn from it: batch/conversation.
func (i *Item) Name() string { return itemName(i.BatchCode, i.ConversationID) }

// hold says who is looking at an item.
type hold struct {
	InspectionID id.Inspection `gorm:"primaryKey;autoIncrement:false"`
	Seq          int           `gorm:"primaryKey;autoIncrement:false"`
	UserID       id.User
	UserName     string
	UntilAt      time.Time
}

// TableName is inspection_lock.
func (hold) TableName() string { return "inspection_lock" }

// The states of findings.
const (
	FindingOpen        = "open"        // nobody is to answer yet
	FindingRemediation = "remediation" // waits for its owner
	FindingRecheck     = "recheck"     // waits for audit
	FindingClosed      = "closed"
)

// Finding is something that is wrong. Kind is that of an automatic check, else empty.
type Finding struct {
	ID           uint64 `gorm:"primaryKey"`
	InspectionID id.Inspection
	N            int
	Kind         string
	Seq          int // of the item it was found at; 0: none
	Level        string
	Words        string
	ItemCount    int64
	Objects      string // JSON list of codes
	State        string
	OwnerID      id.User
	OwnerName    string
	DueAt        *time.Time
	Answer       string
	AnsweredName string
	AnsweredAt   *time.Time
	Remark       string
	ClosedName   string
	ClosedAt     *time.Time
	CreatedName  string
	CreatedAt    time.Time
}

// TableName is inspection_finding.
func (Finding) TableName() string { return "inspection_finding" }

// Code is F-01 and so on.
func (f *Finding) Code() string { return fmt.Sprintf("F-%02d", f.N) }

// Codes are the objects that an automatic check named.
func (f *Finding) Codes() (out []string) {
	_ = json.Unmarshal([]byte(f.Objects), &out)
	return out
}

// Answered tells whether somebody has said what was done about it.
func (f *Finding) Answered() bool { return f.Answer != "" || f.State == FindingClosed }

// Codes checks the one-time code of a person for a dangerous act; *account.Accounts does.
type Codes interface {
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

// Keys vouches for signatures and keeps seeds secret until they are revealed; *seal.Store does.
type Keys interface {
	MAC(purpose string, parts ...[]byte) [32]byte
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
}

// Desk is where inspections are run, answered and signed.
type Desk struct {
	DB           *db.DB
	Accounts     Codes
	Keys         Keys
	Log          *audit.Log
	Zone         *time.Location // nil = Asia/Shanghai
	Organisation string
}

var shanghai = time.FixedZone("UTC+8", 8*60*60)

func (d *Desk) zone() *time.Location {
	if d.Zone == nil {
		return shanghai
	}
	return d.Zone
}

// dueDays is how many days of the next quarter an inspection may take.
const dueDays = 15

// Quarter is a calendar quarter in the organisation's zone.
type Quarter struct{ Year, Number int }

// QuarterOf gives the quarter of an instant.
func QuarterOf(t time.Time, zone *time.Location) Quarter {
	t = t.In(zone)
	return Quarter{t.Year(), (int(t.Month()) + 2) / 3}
}

// Code is XJ-2026Q4 and so on.
func (q Quarter) Code() string { return fmt.Sprintf("XJ-%dQ%d", q.Year, q.Number) }

// Bounds gives the quarter as [first, end), and when its inspection must be signed.
func (q Quarter) Bounds(zone *time.Location) (first, end, due time.Time) {
	first = time.Date(q.Year, time.Month(3*q.Number-2), 1, 0, 0, 0, 0, zone)
	end = first.AddDate(0, 3, 0)
	return first.UTC(), end.UTC(), end.AddDate(0, 0, dueDays).UTC()
}

// Overdue tells whether the report should have been signed by now.
func (i *Inspection) Overdue(now time.Time) bool { return i.State != Signed && !now.Before(i.DueAt) }

// runs is asked before what only audit does.
func runs(by account.Actor) error { return by.Require(account.InspectionRun) }

// looks tells whether the actor sees the sample: those who run or sign it. Supervisors see the
// findings that they are to answer.
func looks(by account.Actor) bool {
	return by.May(account.InspectionRun) || by.May(account.InspectionSign)
}

func notFound() *fault.Fault { return fault.NotFound("inspection.not_found") }

// byCode finds an inspection.
func byCode(tx *db.Tx, code string) (*Inspection, error) { return take(tx, code, false) }

// locked is byCode with its row locked: whoever checks, signs or draws waits here.
func locked(tx *db.Tx, code string) (*Inspection, error) { return take(tx, code, true) }

func take(tx *db.Tx, code string, lock bool) (*Inspection, error) {
	q := tx.DB
	if lock {
		q = tx.ForUpdate()
	}
	var i Inspection
	switch err := q.Omit("file", "body").Where("code = ?", code).Take(&i).Error; {
	case db.NotFound(err):
		return nil, notFound()
	case err != nil:
		return nil, fmt.Errorf("find inspection: %w", err)
	}
	return &i, nil
}

// running is locked for changes of an inspection whose sample is drawn and that is not being
// signed.
func running(tx *db.Tx, code string) (*Inspection, error) {
	i, err := locked(tx, code)
	if err != nil {
		return nil, err
	}
	return i, i.changeable()
}

func (i *Inspection) changeable() error {
	switch i.State {
	case Opened:
		return fault.Conflict("inspection.not_drawn")
	case Signing:
		return fault.Conflict("inspection.being_signed")
	case Signed:
		return fault.Conflict("inspection.signed_already")
	}
	return nil
}
