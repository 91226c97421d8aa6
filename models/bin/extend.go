package bin

import (
	"context"
	"fmt"
	"strings"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Extend lengthens a batch's time in the bin by Extension, once. The faults are not-found,
// invalid without a reason, and a conflict when it was extended before, its time is over or it
// is still being moved; forbidden for a batch that a customer's deletion request made, but for legal.
func (b *Bin) Extend(ctx context.Context, by account.Actor, batch id.Batch, reason string) (*Batch, error) {
	if err := by.Require(account.BinExtend); err != nil {
		return nil, err
	}
	if f := reasonFault(reason, "reason"); f != nil {
		return nil, f
	}
	var out *Batch
	err := b.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if out, err = lockVisible(tx, by, batch); err != nil {
			return err
		}
		switch {
		case out.Kind == KindSubject && !by.May(account.ConversationSealed):
			return fault.Forbidden("bin.sealed_legal_only")
		case out.State == Running:
			return fault.Conflict("bin.still_running")
		case out.ExtendedAt != nil:
			return fault.Conflict("bin.extended_before")
		case out.Expired(tx.Now):
			return fault.Conflict("bin.time_over")
		}
		if err := Genuine(b.Keys, *out); err != nil {
			return err
		}
		was := out.KeepUntil
		out.KeepUntil, out.ExtendedAt = was.Add(Extension), &tx.Now
		out.Seal(b.Keys)
		err = tx.Model(&Batch{}).Where("id = ?", batch).Updates(map[string]any{"keep_until": out.KeepUntil, "extended_at": tx.Now, "mac": out.MAC}).Error
		if err != nil {
			return fmt.Errorf("extend: %w", err)
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "batch.extended", ObjectKind: "batch", Object: out.Code, Department: out.DepartmentID, Count: out.Moved,
			Data: map[string]any{"reason": strings.TrimSpace(reason), "was": was, "is": out.KeepUntil},
		})
	})
	if err != nil {
		return nil, b.noteHidden(ctx, by, "batch.extended", batch, err)
	}
	return out, nil
}
