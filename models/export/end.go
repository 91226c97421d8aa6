package export

import (
	"context"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

const (
	shortReason = 4
	longReason  = 500
)

// Cancel ends an export of one's own before it is ready. The fault is not-found, forbidden for
// somebody else's, and a conflict once it is ready or over.
func (d *Desk) Cancel(ctx context.Context, by account.Actor, which id.Export) error {
	return d.stop(ctx, by, which, Cancelled, "export.cancelled", "", mayCancel)
}

// Recall ends an export that was not fetched yet: its key is destroyed, and no copy of its parts can be
// read any more. Its owner may, legal, and a supervisor who votes on purges and in whose departments all
// of it lies. The fault is not-found, invalid without a reason, and a conflict once it was fetched or is
// over.
func (d *Desk) Recall(ctx context.Context, by account.Actor, which id.Export, reason string) error {
	reason = oneLine(reason)
	if n := utf8.RuneCountInString(reason); n < shortReason || n > longReason {
		return fault.Invalid("export.reason_needed", shortReason, longReason).On("reason")
	}
	return d.stop(ctx, by, which, Recalled, "export.recalled", reason, mayRecall)
}

func mayCancel(by account.Actor, e *Export) error {
	switch {
	case by.ID != e.OwnerID:
		return fault.Forbidden("export.not_yours")
	case e.State != Waiting && !e.State.making():
		return fault.Conflict("export.over")
	}
	return by.Require(account.ExportRead)
}

func mayRecall(by account.Actor, e *Export) error {
	switch {
	case e.State == Fetched:
		return fault.Conflict("export.fetched_already")
	case e.State.Over():
		return fault.Conflict("export.over")
	case by.ID == e.OwnerID || by.May(account.ExportApprove) || by.May(account.PurgeApproveSupervisor):
		return nil
	}
	return fault.Forbidden("export.not_yours")
}

func (d *Desk) stop(ctx context.Context, by account.Actor, which id.Export, to State, action, reason string, may func(account.Actor, *Export) error) error {
	var e *Export
	err := d.DB.Write(ctx, func(tx *db.Tx) error {
		seen, err := d.seen(tx, by, which)
		if err != nil {
			return err
		}
		if e, err = byID(tx, true, seen.ID); err != nil {
			return err
		}
		if err := may(by, e); err != nil {
			return err
		}
		switch {
		case e.State == Waiting:
			err = approval.Close(tx, e.ApprovalID, approval.Withdrawn)
		case e.State.making():
			err = job.Cancel(tx, e.JobID)
		}
		if err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
		e.close(tx.Now, by, reason)
		if err := d.end(tx, e, to); err != nil {
			return err
		}
		data := map[string]any{"written": e.Written}
		if reason != "" {
			data["reason"] = reason
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "export", Object: e.Code, Count: max(e.Size, e.Asked), Data: data})
	})
	if err != nil {
		return d.unseen(ctx, by, which, err)
	}
	return d.clear(e)
}

// like makes a text a pattern of LIKE.
func like(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
