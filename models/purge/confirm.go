package purge

import (
	"context"
	"strings"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Confirmation is legal's second word on a purge of the whole organisation.
type Confirmation struct {
	Purge id.Purge
	Tail  string // the last six characters of the fingerprint, typed
	Code  string
}

// Confirm takes the confirmation that a purge of the whole organisation needs between the end
// of its cooling-off and 72 hours later, and queues the execution. Legal gives it, who is
// neither the requester nor the supervisor who approved, nor whoever put one of the batches into
// the bin. The fault is a conflict too early
// or too late, and invalid for a wrong tail or code.
func (d *Desk) Confirm(ctx context.Context, by account.Actor, c Confirmation) error {
	var r *Request
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if r, err = visible(tx, by, c.Purge); err != nil {
			return err
		}
		if err := mayConfirm(tx, by, r); err != nil {
			return err
		}
		return r.checkTail(c.Tail)
	})
	if err != nil {
		return d.unseen(ctx, by, c.Purge, err)
	}
	if err := d.Accounts.BeginCode(ctx, by); err != nil {
		return err
	}
	err = d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error {
		r, err := lockRequest(tx, c.Purge)
		if err != nil {
			return err
		}
		return d.confirm(tx, by, r, c)
	})
	return d.Accounts.NoteWrongCode(ctx, by, r.Code, err)
}

func (r *Request) checkTail(tail string) error {
	root := hexOf(r.Root)
	if !strings.EqualFold(strings.TrimSpace(tail), root[len(root)-tailOfRoot:]) {
		return fault.Invalid("purge.tail_wrong").On("tail")
	}
	return nil
}

func mayConfirm(tx *db.Tx, by account.Actor, r *Request) error {
	if err := by.Require(account.PurgeExecute); err != nil {
		return err
	}
	switch {
	case !by.Natural():
		return fault.Forbidden("approval.not_a_person")
	case r.ScopeKind != Organisation, r.Shown(tx.Now) != AwaitingCodes:
		return fault.Conflict("purge.not_awaiting_code")
	case !tx.Now.Before(r.CoolingUntil.Add(confirmTime)):
		return fault.Conflict("purge.confirm_late")
	case by.PersonID == r.RequesterPerson:
		return fault.Forbidden("approval.own_request")
	}
	if err := r.estranged(tx, by); err != nil {
		return err
	}
	switch chose, err := chosenBy(tx, r.ID, by.PersonID); {
	case err != nil:
		return err
	case chose:
		return fault.Forbidden("purge.own_batch")
	}
	_, votes, err := approval.Find(tx, r.ApprovalID)
	if err != nil {
		return err
	}
	for _, v := range votes {
		switch {
		case v.PersonID == by.PersonID && v.Role != account.Legal:
			return fault.Forbidden("approval.voted_before")
		case !tx.Now.Before(v.ExpiresAt):
			return fault.Conflict("approval.expired", v.ExpiresAt)
		}
	}
	return nil
}

func (d *Desk) confirm(tx *db.Tx, by account.Actor, r *Request, c Confirmation) error {
	if err := mayConfirm(tx, by, r); err != nil {
		return err
	}
	if err := r.checkTail(c.Tail); err != nil {
		return err
	}
	if err := d.sound(tx, r); err != nil {
		return err
	}
	keep, err := keepUntil(tx, d.Keys, r)
	if err != nil {
		return err
	}
	if _, err := d.Accounts.ConsumeTOTP(tx, by.ID, c.Code); err != nil {
		return err
	}
	who, err := account.Voter(tx, by.ID, account.Legal)
	if err != nil {
		return err
	}
	if who.Person != by.PersonID {
		return fault.Forbidden("approval.not_a_person")
	}
	r.ConfirmedAt, r.ConfirmedBy, r.ConfirmedPerson, r.ConfirmedName, r.ConfirmedStaffNo = &tx.Now, who.User, who.Person, who.Name, who.StaffNo
	if err := d.enqueue(tx, r, r.earliest(tx.Now, keep)); err != nil {
		return err
	}
	if err := r.move(tx, Scheduled, map[string]any{
		"confirmed_at": tx.Now, "confirmed_by": who.User, "confirmed_person": who.Person,
		"confirmed_name": who.Name, "confirmed_staff_no": who.StaffNo, "confirmed_mac": r.sealConfirmation(d.Keys),
		"due_at": *r.DueAt, "job_id": r.JobID,
	}); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "purge.confirmed", ObjectKind: "purge", Object: r.Code, Count: r.Size,
		Data: map[string]any{"root": hexOf(r.Root)},
	})
}
