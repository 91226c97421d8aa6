// Package approval owns the consent of several people: who must agree in which order, their
// votes, and the look again whether the consent still stands. It does not know what for.
package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Kind names what is agreed to.
type Kind string

// The kinds: Purge is the consent to destroy a list of conversations, HoldRelease the one to
// release a legal hold, Export the one to give conversations out unmasked, outside or in great number,
// Access the one to let somebody read conversations of another department, Retention the one to change
// how long conversations are kept.
const (
	Purge       Kind = "purge"
	HoldRelease Kind = "hold_release"
	Export      Kind = "export"
	Access      Kind = "access"
	Retention   Kind = "retention"
)

// State says how far an approval is.
type State string

// The states. Only an Open approval takes votes.
const (
	Open      State = "open"
	Approved  State = "approved"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn"
	Lapsed    State = "lapsed"
)

// Verdict is what a vote says.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Reject  Verdict = "reject"
)

// Stage is one step of consent: one person in this role, or in Or where there is one.
type Stage struct{ Role, Or account.Role }

// either divides the roles of a stage.
const either = "|"

func (s Stage) spell() string {
	if s.Or == "" {
		return string(s.Role)
	}
	return string(s.Role) + either + string(s.Or)
}

// admits tells whether somebody in a role votes at a stage as it is spelt.
func admits(stage, role account.Role) bool {
	return role != "" && slices.Contains(strings.Split(string(stage), either), string(role))
}

// Approval is one request for consent, bound to exactly one state of its subject by a root
// hash. Stage is the index of the next stage to vote.
type Approval struct {
	ID              id.Approval `gorm:"primaryKey"`
	Kind            Kind
	Subject         uint64
	Root            []byte
	PolicyVersion   []byte
	Stages          string // roles in order, joined by commas; "supervisor|legal" is either
	Stage           int
	State           State
	RequesterID     id.User
	RequesterPerson id.Person
	CreatedAt       time.Time
	ExpiresAt       time.Time
	ClosedAt        *time.Time
}

// TableName is approval.
func (Approval) TableName() string { return "approval" }

// Roles gives the roles of the stages in order, as they are spelt.
func (a *Approval) Roles() []account.Role {
	parts := strings.Split(a.Stages, ",")
	roles := make([]account.Role, len(parts))
	for i, p := range parts {
		roles[i] = account.Role(p)
	}
	return roles
}

// Next gives the role whose vote is awaited, empty if none is.
func (a *Approval) Next() account.Role {
	if roles := a.Roles(); a.State == Open && a.Stage < len(roles) {
		return roles[a.Stage]
	}
	return ""
}

// Vote is one person's vote as stored. MAC covers all of it and what it was given for.
type Vote struct {
	ID            uint64 `gorm:"primaryKey"`
	ApprovalID    id.Approval
	Stage         int
	UserID        id.User
	PersonID      id.Person
	Name          string
	StaffNo       string
	Role          account.Role
	Verdict       Verdict
	Opinion       string
	Terms         string // what else the person agreed to or looked at, one a line
	Root          []byte
	PolicyVersion []byte
	TOTPStep      int64 `gorm:"column:totp_step"`
	At            time.Time
	ExpiresAt     time.Time
	MAC           []byte `gorm:"column:mac"`
}

// TableName is vote.
func (Vote) TableName() string { return "vote" }

// Has tells whether the person agreed to a term.
func (v *Vote) Has(term string) bool { return slices.Contains(strings.Split(v.Terms, "\n"), term) }

// New is what Start opens.
type New struct {
	Kind            Kind
	Subject         uint64
	Root            [32]byte
	PolicyVersion   [32]byte
	Stages          []Stage
	Requester       id.User
	RequesterPerson id.Person
	ExpiresAt       time.Time // no vote is taken from then on
}

// Start opens the one approval of a subject. The requester must be a person: consent among
// several people needs to know the first.
func Start(tx *db.Tx, n New) (id.Approval, error) {
	if n.Requester == 0 || n.RequesterPerson == 0 {
		return 0, fault.Forbidden("approval.not_a_person")
	}
	roles := make([]string, len(n.Stages))
	for i, s := range n.Stages {
		if !s.Role.Votes() || s.Or != "" && !s.Or.Votes() {
			return 0, fmt.Errorf("approval: stage %q does not vote", s.spell())
		}
		roles[i] = s.spell()
	}
	if len(roles) == 0 {
		return 0, fmt.Errorf("approval: no stages")
	}
	a := Approval{
		Kind: n.Kind, Subject: n.Subject, Root: n.Root[:], PolicyVersion: n.PolicyVersion[:], Stages: strings.Join(roles, ","),
		State: Open, RequesterID: n.Requester, RequesterPerson: n.RequesterPerson, CreatedAt: tx.Now, ExpiresAt: db.Instant(n.ExpiresAt),
	}
	if err := tx.Create(&a).Error; err != nil {
		return 0, fmt.Errorf("open approval: %w", err)
	}
	return a.ID, nil
}

// Find gives an approval and its votes in the order of the stages.
func Find(tx *db.Tx, a id.Approval) (Approval, []Vote, error) {
	var row Approval
	switch err := tx.Where("id = ?", a).Take(&row).Error; {
	case db.NotFound(err):
		return Approval{}, nil, fault.NotFound("approval.not_found")
	case err != nil:
		return Approval{}, nil, fmt.Errorf("find approval: %w", err)
	}
	votes, err := votesOf(tx, a)
	return row, votes, err
}

func votesOf(tx *db.Tx, a id.Approval) ([]Vote, error) {
	var votes []Vote
	if err := tx.Where("approval_id = ?", a).Order("stage").Find(&votes).Error; err != nil {
		return nil, fmt.Errorf("read votes: %w", err)
	}
	return votes, nil
}

func lock(tx *db.Tx, a id.Approval) (Approval, error) { return take(tx.ForUpdate(), a) }

func take(q *gorm.DB, a id.Approval) (Approval, error) {
	var row Approval
	switch err := q.Where("id = ?", a).Take(&row).Error; {
	case db.NotFound(err):
		return Approval{}, fault.NotFound("approval.not_found")
	case err != nil:
		return Approval{}, fmt.Errorf("lock approval: %w", err)
	}
	return row, nil
}

// Close ends an approval without a vote: it was withdrawn or its time is over. What was
// approved can be closed too, as long as nothing was done with it; the caller sees to
// that. The fault is a conflict if it is closed already.
func Close(tx *db.Tx, a id.Approval, s State) error {
	if s != Withdrawn && s != Lapsed {
		return fmt.Errorf("approval: cannot close as %q", s)
	}
	res := tx.Model(&Approval{}).Where("id = ? AND state IN ?", a, []State{Open, Approved}).
		Updates(map[string]any{"state": s, "closed_at": tx.Now})
	switch {
	case res.Error != nil:
		return fmt.Errorf("close approval: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("approval.closed")
	}
	return nil
}
