package hold

import (
	"context"
	"fmt"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// ReleaseState says how far a release is.
type ReleaseState string

// The states of a release. In all but Ended the hold is in force.
const (
	Asked     ReleaseState = "asked"     // waits for the second person of legal
	Approved  ReleaseState = "approved"  // the buffer runs
	Rejected  ReleaseState = "rejected"  //
	Cancelled ReleaseState = "cancelled" // by legal, before it ended
	Lapsed    ReleaseState = "lapsed"    // nobody decided in time, or the consent no longer stood
	Ended     ReleaseState = "ended"     // the hold is released
)

// Buffer is how long a hold stays in force after its release was approved. It is the same for
// all, and no setting shortens it.
const Buffer = 7 * 24 * time.Hour

// releaseVote is how long a request for release waits for its decision; a release that nobody
// decided is none.
const releaseVote = 7 * 24 * time.Hour

// endTime is how long after the buffer the consent still counts, for a worker that stood still.
const endTime = 30 * 24 * time.Hour

// Release is one request to release a hold, and what became of it. MAC covers all of it, so that a
// row that was written or changed past this program releases nothing.
type Release struct {
	ID               uint64 `gorm:"primaryKey"`
	HoldID           id.Hold
	OpenHold         *id.Hold // the hold while this is asked or approved: there is one at a time
	State            ReleaseState
	Root             []byte // of what is to be released and why; its fingerprint is typed by whoever approves
	ApprovalID       id.Approval
	Reason           string
	RequesterID      id.User
	RequesterPerson  id.Person
	RequesterName    string
	RequesterStaffNo string
	RequestedAt      time.Time
	ExpiresAt        time.Time // no decision is taken from then on
	ApproverID       id.User   // who decided, also when it was against
	ApproverPerson   id.Person
	ApproverName     string
	ApproverStaffNo  string
	Opinion          string
	DecidedAt        *time.Time
	EndsAt           *time.Time // of the buffer
	ClosedBy         id.User    // who cancelled; 0: the system
	ClosedName       string
	ClosedReason     string
	ClosedAt         *time.Time // when it was rejected, cancelled, lapsed or ended
	MAC              []byte     `gorm:"column:mac"`
}

// TableName is hold_release.
func (Release) TableName() string { return "hold_release" }

// Fingerprint is Root as pages show it.
func (r *Release) Fingerprint() string { return fmt.Sprintf("%x", r.Root) }

// Open tells whether it may still lead to a release.
func (r *Release) Open() bool { return r.State == Asked || r.State == Approved }

// RequestRelease asks another person of legal to release one hold; there is no request for
// several. The fault is not-found, forbidden for somebody whose role is not confirmed, invalid
// without a reason, and a conflict when the hold is released or somebody asked before.
func (h *Holds) RequestRelease(ctx context.Context, by account.Actor, hold id.Hold, reason string) (*Release, error) {
	if err := h.mayRelease(by); err != nil {
		return nil, err
	}
	if f := reasonFault(reason); f != nil {
		return nil, f
	}
	var r *Release
	err := h.DB.Write(ctx, func(tx *db.Tx) (err error) {
		found, err := visible(tx, by, hold)
		if err != nil {
			return err
		}
		// The request is one of the two words that a release takes.
		if err := account.CheckVoter(tx, by.ID, account.Legal); err != nil {
			return err
		}
		r, err = h.ask(tx, by, found, strings.TrimSpace(reason))
		return err
	})
	if db.Duplicate(err) {
		return nil, fault.Conflict("hold.release_open")
	}
	if err != nil {
		return nil, h.unseen(ctx, by, hold, err)
	}
	return r, nil
}

func (h *Holds) mayRelease(by account.Actor) error {
	if err := by.Require(account.HoldRelease); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

func (h *Holds) ask(tx *db.Tx, by account.Actor, found *Hold, reason string) (*Release, error) {
	r := &Release{
		HoldID: found.ID, OpenHold: &found.ID, State: Asked, Reason: reason,
		RequesterID: by.ID, RequesterPerson: by.PersonID, RequesterName: by.Name, RequesterStaffNo: by.StaffNo,
		RequestedAt: tx.Now, ExpiresAt: tx.Now.Add(releaseVote), MAC: make([]byte, 32),
	}
	root, err := h.root(tx, found, r)
	if err != nil {
		return nil, err
	}
	r.Root = root
	// The row comes first: of two requests the second waits here, and then finds the first.
	if err := tx.Create(r).Error; err != nil {
		return nil, fmt.Errorf("store release: %w", err)
	}
	if released, err := isReleased(tx, found.ID); err != nil {
		return nil, err
	} else if released {
		return nil, fault.Conflict("hold.released_already")
	}
	if r.ApprovalID, err = approval.Start(tx, approval.New{
		Kind: approval.HoldRelease, Subject: r.ID, Root: [32]byte(r.Root), Stages: []approval.Stage{{Role: account.Legal}},
		Requester: by.ID, RequesterPerson: by.PersonID, ExpiresAt: r.ExpiresAt,
	}); err != nil {
		return nil, err
	}
	if err := h.store(tx, r, Asked); err != nil {
		return nil, err
	}
	return r, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "hold.release_requested", ObjectKind: "hold", Object: found.Code, Department: found.DepartmentID,
		Data: map[string]any{"reason": r.Reason, "root": r.Fingerprint(), "expires_at": r.ExpiresAt},
	})
}

func isReleased(tx *db.Tx, hold id.Hold) (bool, error) {
	var n int64
	err := tx.Model(&Hold{}).Where("id = ? AND released_at IS NOT NULL", hold).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look at hold: %w", err)
	}
	return n > 0, nil
}

// store writes a release that was in a state and was genuine, sealed anew.
func (h *Holds) store(tx *db.Tx, r *Release, from ReleaseState) error {
	if !r.Open() {
		r.OpenHold = nil
	}
	r.MAC = h.seal(r)
	return update(tx, r, from)
}

func update(tx *db.Tx, r *Release, from ReleaseState) error {
	res := tx.Model(&Release{}).Where("id = ? AND state = ?", r.ID, from).Select("*").Omit("id", "hold_id").Updates(r)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store release: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("hold.release_changed")
	}
	return nil
}

// open locks the open release of a hold. Whoever ends, decides or cancels it waits here, so that
// one of them wins. The fault is a conflict when there is none.
func open(tx *db.Tx, hold id.Hold) (*Release, error) {
	var r Release
	err := tx.ForUpdate().Where("open_hold = ?", hold).Take(&r).Error
	if db.NotFound(err) {
		return nil, fault.Conflict("hold.no_release")
	}
	if err != nil {
		return nil, fmt.Errorf("lock release: %w", err)
	}
	return &r, nil
}
