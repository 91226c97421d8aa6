package purge

import (
	"context"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Withdraw ends a request before its execution starts and gives the conversations back to the
// bin. The requester may, whoever approved it may, and legal may. The fault is a conflict
// once the execution has begun.
func (d *Desk) Withdraw(ctx context.Context, by account.Actor, p id.Purge, reason string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "":
		return fault.Invalid("purge.withdraw_reason").On("reason")
	case utf8.RuneCountInString(reason) > longReason:
		return fault.Invalid("purge.reason_long", longReason).On("reason")
	}
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := visible(tx, by, p); err != nil {
			return err
		}
		r, err := lockRequest(tx, p)
		if err != nil {
			return err
		}
		if err := mayWithdraw(tx, by, r); err != nil {
			return err
		}
		if err := r.close(tx, Withdrawn, by.Name, reason); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "purge.withdrawn", ObjectKind: "purge", Object: r.Code, Count: r.Size,
			Data: map[string]any{"root": hexOf(r.Root), "reason": reason},
		})
	})
	return d.unseen(ctx, by, p, err)
}

func mayWithdraw(tx *db.Tx, by account.Actor, r *Request) error {
	switch {
	case !by.Natural():
		return fault.Forbidden("approval.not_a_person")
	case r.State.Executing() || r.State.Finished():
		return fault.Conflict("purge.started")
	case !r.State.Open():
		return fault.Conflict("purge.closed")
	case by.PersonID == r.RequesterPerson, by.Role == account.Legal && by.May(account.PurgeWithdraw):
		return nil
	}
	_, votes, err := approval.Find(tx, r.ApprovalID)
	if err != nil {
		return err
	}
	for _, v := range votes {
		if v.PersonID == by.PersonID && by.May(account.PurgeWithdraw) {
			return nil
		}
	}
	return fault.Forbidden("purge.not_yours")
}

// close ends a request of which nothing was destroyed: withdrawn by a person, or lapsed. The
// list goes back to the bin and the queue forgets it.
func (r *Request) close(tx *db.Tx, to State, who, reason string) error {
	consent := approval.Withdrawn
	if to == Lapsed {
		consent = approval.Lapsed
	}
	queued := r.JobID
	if err := r.move(tx, to, map[string]any{"closed_at": tx.Now, "closed_by": who, "closed_reason": reason}); err != nil {
		return err
	}
	// A consent that does not stand may be closed already; then the request follows.
	if err := approval.Close(tx, r.ApprovalID, consent); err != nil && (to != Lapsed || fault.KindOf(err) != fault.KindConflict) {
		return err
	}
	if queued != 0 && to == Withdrawn {
		// A job that is over already has nothing left to cancel.
		if err := job.Cancel(tx, queued); err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	return bin.GiveBack(tx, r.ID)
}
