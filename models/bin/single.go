package bin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// DiscardOne moves one conversation into the bin, as a batch of its own. The key makes a repeated
// submit give the first batch. The fault is not-found outside the actor's scope, forbidden for
// an agent's colleague's conversation, invalid without a reason, busy when an agent's quota
// is used up, and a conflict naming what protects it.
func (b *Bin) DiscardOne(ctx context.Context, by account.Actor, c id.Conversation, reason, key string) (*Batch, error) {
	if err := by.Require(account.ConversationDiscard); err != nil {
		return nil, err
	}
	if f := reasonFault(reason, "reason"); f != nil {
		return nil, f
	}
	if len(key) < leastKey || len(key) > mostKey {
		return nil, fault.Invalid("bin.form_stale")
	}
	var batch *Batch
	var hidden string
	err := b.Clock.Write(ctx, b.DB, func(tx *db.Tx) (err error) {
		hidden = ""
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		row, err := lockOne(tx, c)
		if err != nil {
			return err
		}
		if !by.Scope.Has(row.DepartmentID) || !conversation.Knows(by, row.State) {
			hidden = row.Code()
			return fault.NotFound("bin.conversation_not_found")
		}
		// The row's lock puts a double submit behind the first one.
		if batch, err = ofKey(tx, key); err != nil {
			return err
		}
		if batch != nil {
			return sameSubmit(tx, by, batch, c)
		}
		batch, err = b.one(tx, by, row, strings.TrimSpace(reason), key)
		return err
	})
	if hidden != "" {
		return nil, errors.Join(err, audit.Refused(ctx, b.DB, audit.Entry{Actor: by.Audit(), Action: "conversation.discarded", ObjectKind: "conversation", Object: hidden}))
	}
	if err != nil {
		return nil, stale(err)
	}
	return batch, nil
}

// sameSubmit refuses the key of a form that was about something else or somebody else's.
func sameSubmit(tx *db.Tx, by account.Actor, batch *Batch, c id.Conversation) error {
	var n int64
	if err := tx.Model(&Item{}).Where("batch_id = ? AND conversation_id = ?", batch.ID, c).Count(&n).Error; err != nil {
		return fmt.Errorf("look at the first submit: %w", err)
	}
	if n == 0 || batch.OwnerID != by.ID || batch.Kind != KindSingle {
		return fault.Invalid("bin.form_stale")
	}
	return nil
}

func lockOne(tx *db.Tx, c id.Conversation) (*conversation.Conversation, error) {
	only, err := id.NewSet(c)
	if err != nil {
		return nil, fault.NotFound("bin.conversation_not_found")
	}
	rows, err := conversation.Lock(tx, only)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fault.NotFound("bin.conversation_not_found")
	}
	return &rows[0], nil
}

func (b *Bin) one(tx *db.Tx, by account.Actor, row *conversation.Conversation, reason, key string) (*Batch, error) {
	if by.Role == account.Agent && row.AgentID != by.StaffNo {
		return nil, fault.Forbidden("bin.own_only")
	}
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	only, err := id.NewSet(row.ID)
	if err != nil {
		return nil, err
	}
	held, err := hold.Covering(tx, only, true)
	if err != nil {
		return nil, err
	}
	if why := verdict(KindSingle, row, len(held[row.ID]) > 0, policy, tx.Now, row.Version); why != "" {
		return nil, fault.Conflict("bin.one_" + why)
	}
	if err := b.quota(tx, by); err != nil {
		return nil, err
	}
	batch, err := b.newBatch(tx, by, KindSingle)
	if err != nil {
		return nil, err
	}
	batch.RequestKey, batch.Reason, batch.DepartmentID, batch.Size, batch.Bytes = key, reason, row.DepartmentID, 1, row.Bytes
	batch.Scope = asJSON(Scope{Departments: []id.Department{row.DepartmentID}})
	batch.Fingerprint = fingerprint([]version{{row.ID, row.Version}})
	if err := tx.Create(batch).Error; err != nil {
		return nil, fmt.Errorf("create batch: %w", err)
	}
	item := Item{
		BatchID: batch.ID, ConversationID: row.ID, DepartmentID: row.DepartmentID, State: ItemPending, WasState: row.State,
		Version: row.Version, Bytes: row.Bytes, ChangedAt: tx.Now,
	}
	if err := tx.Create(&item).Error; err != nil {
		return nil, fmt.Errorf("create item: %w", err)
	}
	for batch.State == Running {
		if _, err := moveNext(tx, b.Keys, batch, 0, 1); err != nil {
			return nil, err
		}
	}
	if batch.Moved != 1 {
		return nil, fmt.Errorf("batch %s: the conversation did not move", batch.Code)
	}
	return batch, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "conversation.discarded", ObjectKind: "conversation", Object: row.Code(), Department: row.DepartmentID, Count: 1,
		Data: map[string]any{"batch": batch.Code, "reason": reason, "keep_until": batch.KeepUntil, "sealed": true},
	})
}
