package approval

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

const (
	longestOpinion = 1000
	longestTerms   = 200
)

// Keys makes the codes that tell a vote cast here from a row written into the database.
type Keys interface {
	MAC(purpose string, parts ...[]byte) [32]byte
}

// Ballot is a vote as it is handed in. Step is the time step of the one-time code that the
// caller consumed in the same transaction; SeenRoot is what the page showed.
type Ballot struct {
	Approval   id.Approval
	By         account.Actor
	Verdict    Verdict
	Opinion    string
	Terms      []string // what else the person agreed to, each on its own; kept with the vote under its code
	SeenRoot   [32]byte
	Step       int64
	ValidUntil time.Time // the vote counts until then
}

// Check tells, before any code is asked for, whether by may vote now. The faults are those of
// Cast that do not depend on the ballot.
func Check(tx *db.Tx, a id.Approval, by account.Actor) error {
	row, votes, err := Find(tx, a)
	if err != nil {
		return err
	}
	if err := row.admit(tx.Now, votes, by); err != nil {
		return err
	}
	return account.CheckVoter(tx, by.ID, by.Role)
}

// admit is the one place that says who may vote. Names are never compared: accounts are one
// person when their person is the same.
func (a *Approval) admit(now time.Time, votes []Vote, by account.Actor) error {
	switch {
	case !by.Natural():
		return fault.Forbidden("approval.not_a_person")
	case by.ID == a.RequesterID || by.PersonID == a.RequesterPerson:
		return fault.Forbidden("approval.own_request")
	}
	for _, v := range votes {
		if v.PersonID == by.PersonID || v.UserID == by.ID {
			return fault.Forbidden("approval.voted_before")
		}
	}
	switch {
	case a.State != Open:
		return fault.Conflict("approval.closed")
	case !now.Before(a.ExpiresAt):
		return fault.Conflict("approval.expired", a.ExpiresAt)
	case !admits(a.Next(), by.Role):
		return fault.Forbidden("approval.wrong_role")
	}
	return nil
}

// Cast stores a vote and moves the approval on: to the next stage, to Approved after the
// last, to Rejected at once. It gives the approval as it is afterwards. The fault is
// forbidden for the requester, for a person who voted before, for anybody who is no
// active person of the stage's role; a conflict when the approval is closed or its time
// over, when the root is not the one the person saw, or when another vote was faster;
// invalid without an opinion.
func Cast(tx *db.Tx, k Keys, b Ballot) (Approval, error) {
	a, err := lock(tx, b.Approval)
	if err != nil {
		return Approval{}, err
	}
	votes, err := votesOf(tx, a.ID)
	if err != nil {
		return Approval{}, err
	}
	if err := a.admit(tx.Now, votes, b.By); err != nil {
		return Approval{}, err
	}
	opinion := strings.TrimSpace(b.Opinion)
	switch {
	case b.Verdict != Approve && b.Verdict != Reject:
		return Approval{}, fault.Invalid("approval.verdict_missing").On("verdict")
	case opinion == "":
		return Approval{}, fault.Invalid("approval.opinion_missing").On("opinion")
	case utf8.RuneCountInString(opinion) > longestOpinion:
		return Approval{}, fault.Invalid("approval.opinion_long", longestOpinion).On("opinion")
	case !bytes.Equal(b.SeenRoot[:], a.Root):
		return Approval{}, fault.Conflict("approval.root_changed")
	case b.Step == 0:
		return Approval{}, fmt.Errorf("approval: a ballot without a consumed code")
	}
	terms := strings.Join(b.Terms, "\n")
	if utf8.RuneCountInString(terms) > longestTerms {
		return Approval{}, fmt.Errorf("approval: terms of %d bytes", len(terms))
	}
	// Looked up under lock: a session may be older than a change of the account.
	who, err := account.Voter(tx, b.By.ID, b.By.Role)
	if err != nil {
		return Approval{}, err
	}
	if who.Person != b.By.PersonID {
		return Approval{}, fault.Forbidden("approval.not_a_person")
	}
	v := Vote{
		ApprovalID: a.ID, Stage: a.Stage, UserID: who.User, PersonID: who.Person, Name: who.Name, StaffNo: who.StaffNo, Role: who.Role,
		Verdict: b.Verdict, Opinion: opinion, Terms: terms, Root: a.Root, PolicyVersion: a.PolicyVersion,
		TOTPStep: b.Step, At: tx.Now, ExpiresAt: db.Instant(b.ValidUntil),
	}
	v.MAC = a.seal(k, &v)
	if err := tx.Create(&v).Error; err != nil {
		return Approval{}, fmt.Errorf("store vote: %w", err)
	}
	return a, a.advance(tx, b.Verdict)
}

// advance moves the approval by a conditional update: one row, or somebody else was faster.
func (a *Approval) advance(tx *db.Tx, v Verdict) error {
	from := a.Stage
	a.Stage++
	switch {
	case v == Reject:
		a.State, a.ClosedAt = Rejected, &tx.Now
	case a.Stage == len(a.Roles()):
		a.State, a.ClosedAt = Approved, &tx.Now
	}
	res := tx.Model(&Approval{}).Where("id = ? AND state = ? AND stage = ?", a.ID, Open, from).
		Updates(map[string]any{"stage": a.Stage, "state": a.State, "closed_at": a.ClosedAt})
	switch {
	case res.Error != nil:
		return fmt.Errorf("move approval: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("approval.closed")
	}
	return nil
}
