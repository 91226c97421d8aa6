// Package purge owns the destruction of conversations for good: the request with its frozen
// manifest, the consent, the execution, the look back afterwards and the certificate.
package purge

import (
	"encoding/json"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// State says how far a request is. The words are those of the console's catalogue.
type State string

// The states. Nothing was destroyed before Running.
const (
	Draft              State = "draft" // the system asks; nobody requested yet
	AwaitingSupervisor State = "awaiting_supervisor"
	AwaitingLegal      State = "awaiting_legal"
	CoolingOff         State = "cooling_off"
	AwaitingCodes      State = "awaiting_codes" // whole organisation: legal confirms once more
	Scheduled          State = "scheduled"      // confirmed, waits for its time
	Running            State = "running"
	Verifying          State = "verifying"
	Done               State = "done"
	DoneWithExceptions State = "done_with_exceptions"
	Rejected           State = "rejected"
	Withdrawn          State = "withdrawn"
	Lapsed             State = "lapsed"
	// Replayed: carried out before this database was restored from a backup, and again by the
	// outside ledger. Its certificate was issued then.
	Replayed State = "replayed"
)

var openStates = []State{AwaitingSupervisor, AwaitingLegal, CoolingOff, AwaitingCodes, Scheduled}

// Open tells whether a request in this state holds conversations and waits for people or time.
func (s State) Open() bool { return slices.Contains(openStates, s) }

// Emergency tells whether the request is about a leak: nothing is waited for, everything else
// is as always.
//
// It is the one exception from "while its time in the bin runs, nothing is purged" (invariant I10), and from nothing
// else of it: the end of the window stays where it is, and until the first chunk is erased each conversation can be
// restored and is skipped then. The exception does not rest on a flag: the incident's number is under the request's
// code and, as a term, under the code of either vote, so that neither a row nor one person makes it. Holds, floors
// and open orders keep what they keep. fsck takes a conversation that was purged inside its window for a finding
// unless its request is such an emergency.
func (r *Request) Emergency() bool { return r.Incident != "" }

// Executing tells whether conversations are being destroyed.
func (s State) Executing() bool { return s == Running || s == Verifying }

// Finished tells whether the request was carried out.
func (s State) Finished() bool { return s == Done || s == DoneWithExceptions }

// ScopeKind is how much a request covers; it decides the cooling-off.
type ScopeKind string

// The kinds, smallest first.
const (
	Self         ScopeKind = "self"
	Department   ScopeKind = "department"
	Organisation ScopeKind = "organisation"
)

// Request is a purge request. Root binds every consent to exactly its items.
type Request struct {
	ID               id.Purge `gorm:"primaryKey"`
	Code             string
	RequestKey       string
	State            State
	Phase            Phase
	RequesterID      id.User // 0: the system's draft
	RequesterPerson  id.Person
	RequesterName    string
	RequesterStaffNo string
	RequesterRole    account.Role
	Reason           string
	Incident         string // number of the leak that makes this an emergency, empty otherwise
	ScopeKind        ScopeKind
	Excluded         string // JSON: how many were left out when the list was frozen, by reason
	CoolingHours     int
	AtOnce           bool // the requester asks to run outside the maintenance window
	LegalAtOnce      bool // and legal agreed
	Root             []byte
	Size             int64
	Messages         int64
	Attachments      int64
	Bytes            int64
	FirstAt, LastAt  *time.Time // of the last messages
	PolicyVersion    []byte
	MAC              []byte `gorm:"column:mac"`
	ApprovalID       id.Approval
	JobID            id.Job
	Worker           string
	Purged, Skipped  int64
	CreatedAt        time.Time
	RequestedAt      *time.Time
	ExpiresAt        *time.Time // votes are taken until then
	CoolingFrom      *time.Time
	CoolingUntil     *time.Time
	DueAt            *time.Time // when it is to run
	ConfirmedAt      *time.Time
	ConfirmedBy      id.User
	ConfirmedPerson  id.Person
	ConfirmedName    string
	ConfirmedStaffNo string
	ConfirmedMAC     []byte `gorm:"column:confirmed_mac"`
	StartedAt        *time.Time
	FinishedAt       *time.Time
	ClosedAt         *time.Time
	ClosedBy         string // empty: the system
	ClosedReason     string // of a person in words, of the system a code
}

// TableName is purge_request: PURGE is a reserved word in MariaDB.
func (Request) TableName() string { return "purge_request" }

// ExcludedCounts tells how many conversations were left out of the list, by reason.
func (r *Request) ExcludedCounts() map[Reason]int64 {
	counts := map[Reason]int64{}
	_ = json.Unmarshal([]byte(r.Excluded), &counts)
	return counts
}

// Shown is the state as people see it at now: a cooling-off that has ended waits for a code or
// for its time.
func (r *Request) Shown(now time.Time) State {
	if r.State != CoolingOff || r.CoolingUntil == nil || now.Before(*r.CoolingUntil) {
		return r.State
	}
	if r.ScopeKind == Organisation {
		return AwaitingCodes
	}
	return Scheduled
}

// ConfirmUntil is the end of the time for legal's second code; zero before the cooling-off.
func (r *Request) ConfirmUntil() time.Time {
	if r.CoolingUntil == nil {
		return time.Time{}
	}
	return r.CoolingUntil.Add(confirmTime)
}

// Desk is where purges are requested, agreed to and followed.
type Desk struct {
	DB       *db.DB
	Accounts *account.Accounts
	Keys     approval.Keys
	Copies   KeyCopies         // says how long copies of destroyed keys live; nil = nobody says
	Exports  Exports           // says which exported files hold conversations; nil = there are none
	Zone     *time.Location    // of the organisation; nil = Asia/Shanghai
	Clock    *audit.ClockGuard // nil: the clock is trusted
	Window   Window            // zero = 22:00–06:00
	Cooling  Cooling           // lengthens the cooling-off, never shortens it
}

// The deadlines of a request.
const (
	voteTime     = 7 * 24 * time.Hour // for both votes, and from the first possible run on for running
	confirmTime  = 72 * time.Hour     // for legal's second code
	shortReason  = 8
	longReason   = 1000
	codeOfDay    = "20060102"
	tailOfRoot   = 6
	requestLimit = 20 // batches in one request
)

// Cooling is the time between the last approval and the execution.
type Cooling struct{ Self, Department, Organisation time.Duration }

func (c Cooling) of(k ScopeKind) time.Duration {
	switch k {
	case Self:
		return max(0, c.Self)
	case Organisation:
		return max(72*time.Hour, c.Organisation)
	}
	return max(24*time.Hour, c.Department)
}

var shanghai = time.FixedZone("UTC+8", 8*60*60)

func (d *Desk) zone() *time.Location {
	if d.Zone == nil {
		return shanghai
	}
	return d.Zone
}
