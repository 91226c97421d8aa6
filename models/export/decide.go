package export

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// voteTime is how long a yes counts: it is looked at again when the making begins, and the longest
// queue and life are shorter.
const voteTime = 30 * day

// Approve lets an export that waits be made. It is for another person of legal, confirmed by a
// one-time code. The faults are approval.Cast's and those of one-time codes, not-found, and a conflict
// when nobody waits for an answer or the page showed another wish.
func (d *Desk) Approve(ctx context.Context, by account.Actor, b Ballot) (*Export, error) {
	return d.decide(ctx, by, b, approval.Approve)
}

// Reject answers no. It asks for the same as Approve.
func (d *Desk) Reject(ctx context.Context, by account.Actor, b Ballot) (*Export, error) {
	return d.decide(ctx, by, b, approval.Reject)
}

func (d *Desk) decide(ctx context.Context, by account.Actor, b Ballot, v approval.Verdict) (e *Export, err error) {
	if err := mayDecide(by); err != nil {
		return nil, err
	}
	b.Opinion = strings.TrimSpace(b.Opinion)
	// Before the code is looked at: a form that is not complete must not cost a try.
	err = d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if e, err = d.seen(tx, by, b.Export); err != nil {
			return err
		}
		return d.mayAnswer(tx, by, e, b)
	})
	if err != nil {
		return nil, d.unseen(ctx, by, b.Export, err)
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	err = d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error { return d.answer(tx, by, e, b, v) })
	if err := d.Accounts.NoteWrongCode(ctx, by, e.Code, err); err != nil {
		return nil, err
	}
	return e, nil
}

func mayDecide(by account.Actor) error {
	if err := by.Require(account.ExportApprove); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	return nil
}

func (d *Desk) mayAnswer(tx *db.Tx, by account.Actor, e *Export, b Ballot) error {
	if e.State != Waiting {
		return fault.Conflict("approval.closed")
	}
	if err := approval.Check(tx, e.ApprovalID, by); err != nil {
		return err
	}
	switch {
	case b.SeenRoot != e.WishRoot():
		return fault.Conflict("approval.root_changed")
	case b.Opinion == "":
		return fault.Invalid("approval.opinion_missing").On("opinion")
	}
	return nil
}

func (d *Desk) answer(tx *db.Tx, by account.Actor, e *Export, b Ballot, v approval.Verdict) error {
	now, err := d.lock(tx, e)
	if err != nil {
		return err
	}
	*e = *now
	if err := d.mayAnswer(tx, by, e, b); err != nil {
		return err
	}
	step, err := d.Accounts.ConsumeTOTP(tx, by.ID, b.Code)
	if err != nil {
		return err
	}
	seen, err := hex.DecodeString(b.SeenRoot)
	if err != nil || len(seen) != 32 {
		return fault.Conflict("approval.root_changed")
	}
	a, err := approval.Cast(tx, d.Vault.Store, approval.Ballot{
		Approval: e.ApprovalID, By: by, Verdict: v, Opinion: b.Opinion, SeenRoot: [32]byte(seen), Step: step, ValidUntil: tx.Now.Add(voteTime),
	})
	if err != nil {
		return err
	}
	action := "export.approved"
	switch a.State {
	case approval.Approved:
		e.State = Queued
		err = d.enqueue(tx, e)
	case approval.Rejected:
		action, e.State = "export.rejected", Rejected
		e.close(tx.Now, by, b.Opinion)
	}
	if err != nil {
		return err
	}
	if err := d.store(tx, e, Waiting); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: action, ObjectKind: "export", Object: e.Code, Count: e.Asked, Data: map[string]any{"root": e.WishRoot(), "opinion": b.Opinion},
	})
}

// close notes who ended an export and why.
func (e *Export) close(at time.Time, by account.Actor, reason string) {
	e.ClosedAt, e.ClosedBy, e.ClosedName, e.ClosedReason = &at, by.ID, by.Name, reason
}

// consent looks whether the second person's yes still stands, where one was needed.
func (d *Desk) consent(tx *db.Tx, e *Export) error {
	if len(e.NeedsApproval()) == 0 {
		return nil
	}
	if e.ApprovalID == 0 {
		return fault.Conflict("export.not_approved")
	}
	_, err := approval.Recheck(tx, d.Vault.Store, approval.Want{
		Approval: e.ApprovalID, Kind: approval.Export, Subject: uint64(e.ID), Root: [32]byte(e.Root), RequesterPerson: e.OwnerPerson,
	})
	if broken, ok := err.(*approval.Broken); ok {
		return fault.Conflict("export.consent_broken", broken.Reason)
	}
	return err
}

// visible keeps the exports that the actor may see: one's own; legal and supervisors also those of
// others that lie in their departments as a whole.
func visible(tx *db.Tx, by account.Actor) (where string, args []any) {
	if !by.May(account.ExportApprove) && !by.May(account.PurgeApproveSupervisor) {
		return "owner_id = ?", []any{by.ID}
	}
	if by.Scope.All {
		return "1 = 1", nil
	}
	return "(owner_id = ? OR NOT EXISTS (SELECT 1 FROM export_department ed WHERE ed.export_id = export.id AND ed.department_id NOT IN ?))",
		[]any{by.ID, by.Scope.Listed()}
}

// seen finds an export that the actor may see.
func (d *Desk) seen(tx *db.Tx, by account.Actor, which id.Export) (*Export, error) {
	where, args := visible(tx, by)
	var rows []Export
	if err := tx.Where("id = ?", which).Where(where, args...).Find(&rows).Error; err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, notFound()
	}
	return &rows[0], nil
}

// unseen writes down that somebody reached for an export that is hidden from them.
func (d *Desk) unseen(ctx context.Context, by account.Actor, which id.Export, err error) error {
	return audit.Unseen(ctx, d.DB, err, &Export{}, which, audit.Entry{Actor: by.Audit(), Action: "export.look_refused", ObjectKind: "export", Data: map[string]any{"why": "export.not_found"}})
}
