package hold

import (
	"context"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Ballot is the answer of the second person of legal. SeenRoot is the fingerprint that the page
// showed, in hex; to approve, its last six characters are typed into Tail.
type Ballot struct {
	Hold     id.Hold
	SeenRoot string
	Tail     string
	Opinion  string
	Code     string // the person's one-time code
}

const tailOfRoot = 6

// ApproveRelease lets a release that was asked for take effect after Buffer, during which the
// hold stays in force. It is for somebody of legal who is another person than the requester,
// and confirmed by a one-time code. The faults are approval.Cast's and those of one-time codes;
// invalid for a wrong tail, not-found, and a conflict when nothing is asked for.
func (h *Holds) ApproveRelease(ctx context.Context, by account.Actor, b Ballot) (*Release, error) {
	return h.decide(ctx, by, b, approval.Approve)
}

// RejectRelease answers no. It asks for the same as ApproveRelease, but for the tail.
func (h *Holds) RejectRelease(ctx context.Context, by account.Actor, b Ballot) (*Release, error) {
	return h.decide(ctx, by, b, approval.Reject)
}

func (h *Holds) decide(ctx context.Context, by account.Actor, b Ballot, v approval.Verdict) (r *Release, err error) {
	if err := h.mayRelease(by); err != nil {
		return nil, err
	}
	b.Opinion = strings.TrimSpace(b.Opinion)
	seen, err := hex.DecodeString(b.SeenRoot)
	if err != nil || len(seen) != 32 {
		return nil, fault.Conflict("approval.root_changed")
	}
	var found *Hold
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if found, err = visible(tx, by, b.Hold); err != nil {
			return err
		}
		r, err := openNow(tx, b.Hold)
		if err != nil {
			return err
		}
		if err := r.mayDecide(tx, by); err != nil {
			return err
		}
		return b.check(r, v)
	})
	if err != nil {
		return nil, h.unseen(ctx, by, b.Hold, err)
	}
	if err := h.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = h.Clock.Write(ctx, h.DB, func(tx *db.Tx) (err error) {
		if r, err = open(tx, b.Hold); err != nil {
			return err
		}
		return h.vote(tx, by, found, r, b, [32]byte(seen), v)
	})
	if err := h.Accounts.NoteWrongCode(ctx, by, found.Code, err); err != nil {
		return nil, err
	}
	return r, nil
}

// openNow is open without a lock.
func openNow(tx *db.Tx, hold id.Hold) (*Release, error) {
	var rows []Release
	if err := tx.Where("open_hold = ?", hold).Find(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Conflict("hold.no_release")
	}
	return &rows[0], nil
}

func (r *Release) mayDecide(tx *db.Tx, by account.Actor) error {
	if r.State != Asked {
		return fault.Conflict("approval.closed")
	}
	return approval.Check(tx, r.ApprovalID, by)
}

func (b Ballot) check(r *Release, v approval.Verdict) error {
	root := r.Fingerprint()
	switch n := utf8.RuneCountInString(b.Opinion); {
	case n == 0:
		return fault.Invalid("approval.opinion_missing").On("opinion")
	case b.SeenRoot != root:
		return fault.Conflict("approval.root_changed")
	case v == approval.Approve && !strings.EqualFold(strings.TrimSpace(b.Tail), root[len(root)-tailOfRoot:]):
		return fault.Invalid("hold.tail_wrong").On("tail")
	}
	return nil
}

func (h *Holds) vote(tx *db.Tx, by account.Actor, found *Hold, r *Release, b Ballot, seen [32]byte, v approval.Verdict) error {
	if err := r.mayDecide(tx, by); err != nil {
		return err
	}
	if err := b.check(r, v); err != nil {
		return err
	}
	if !h.genuine(r) {
		return fault.Conflict("hold.release_forged")
	}
	step, err := h.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return err
	}
	ends := tx.Now.Add(Buffer)
	if _, err := approval.Cast(tx, h.Vault.Store, approval.Ballot{
		Approval: r.ApprovalID, By: by, Verdict: v, Opinion: b.Opinion, SeenRoot: seen, Step: step, ValidUntil: ends.Add(endTime),
	}); err != nil {
		return err
	}
	r.ApproverID, r.ApproverPerson, r.ApproverName, r.ApproverStaffNo = by.ID, by.PersonID, by.Name, by.StaffNo
	r.Opinion, r.DecidedAt = b.Opinion, &tx.Now
	action, data := "hold.release_approved", map[string]any{"opinion": b.Opinion, "root": r.Fingerprint(), "requester": r.RequesterID}
	if v == approval.Approve {
		r.State, r.EndsAt = Approved, &ends
		data["ends_at"] = ends
	} else {
		r.State, r.ClosedAt, action = Rejected, &tx.Now, "hold.release_rejected"
	}
	if err := h.store(tx, r, Asked); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "hold", Object: found.Code, Department: found.DepartmentID, Data: data,
	})
}

// CancelRelease ends a release before it takes effect: the hold stays in force. Anybody of legal
// may until the end of the buffer, the requester too. The fault is invalid without a reason, and
// a conflict when there is none or it has ended.
func (h *Holds) CancelRelease(ctx context.Context, by account.Actor, hold id.Hold, reason string) error {
	if err := h.mayRelease(by); err != nil {
		return err
	}
	if f := reasonFault(reason); f != nil {
		return f
	}
	err := h.DB.Write(ctx, func(tx *db.Tx) error {
		found, err := visible(tx, by, hold)
		if err != nil {
			return err
		}
		r, err := open(tx, hold)
		if err != nil {
			return err
		}
		if err := h.close(tx, r, Cancelled, by, strings.TrimSpace(reason)); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "hold.release_cancelled", ObjectKind: "hold", Object: found.Code, Department: found.DepartmentID,
			Data: map[string]any{"reason": r.ClosedReason, "root": r.Fingerprint()},
		})
	})
	return h.unseen(ctx, by, hold, err)
}

// close ends a release without releasing anything. A row that was forged may be closed too, which
// can only keep the hold, but keeps its wrong code: fsck must go on to tell of it.
func (h *Holds) close(tx *db.Tx, r *Release, to ReleaseState, by account.Actor, reason string) error {
	consent := approval.Withdrawn
	if to == Lapsed {
		consent = approval.Lapsed
	}
	if err := approval.Close(tx, r.ApprovalID, consent); err != nil && fault.KindOf(err) != fault.KindConflict {
		return err
	}
	from, genuine := r.State, h.genuine(r)
	r.State, r.ClosedBy, r.ClosedName, r.ClosedReason, r.ClosedAt = to, by.ID, by.Name, reason, &tx.Now
	if genuine {
		return h.store(tx, r, from)
	}
	r.OpenHold = nil
	return update(tx, r, from)
}
