package bin

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Lock says what protects a conversation now and where in the bin it is. FloorUntil is zero
// without a floor; Forever says that it never ends.
type Lock struct {
	Held       bool
	Holds      []string // their codes, for those who may read holds
	FloorUntil time.Time
	Forever    bool
	OrderOpen  bool
	KeepUntil  time.Time // end of its time in the bin; zero outside
	Batch      id.Batch
	BatchCode  string
}

// Locked tells whether it cannot go into the bin.
func (l Lock) Locked() bool { return l.Held || l.Forever || !l.FloorUntil.IsZero() || l.OrderOpen }

// Locks tells what protects conversations of the actor's scope, for lists and pages. Those
// outside it are left out.
func (b *Bin) Locks(ctx context.Context, by account.Actor, ids []id.Conversation) (map[id.Conversation]Lock, error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil, nil
	}
	var out map[id.Conversation]Lock
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := lockable(tx, all.Values())
		if err != nil {
			return err
		}
		out, err = locksOf(tx, by, all, rows)
		return err
	})
	return out, err
}

// LocksOf is Locks for conversations that the caller has just found.
func (b *Bin) LocksOf(ctx context.Context, by account.Actor, found []conversation.Row) (out map[id.Conversation]Lock, err error) {
	if err := by.Require(account.ConversationSearch); err != nil || len(found) == 0 {
		return nil, err
	}
	ids, rows := make([]id.Conversation, len(found)), make(map[id.Conversation]*conversation.Conversation, len(found))
	for i := range found {
		ids[i], rows[found[i].ID] = found[i].ID, &found[i].Conversation
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil, err
	}
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = locksOf(tx, by, all, rows)
		return err
	})
	return out, err
}

// LockOf is Locks for one conversation that the caller has read.
func LockOf(tx *db.Tx, by account.Actor, c *conversation.Conversation) (Lock, error) {
	only, err := id.NewSet(c.ID)
	if err != nil {
		return Lock{}, err
	}
	locks, err := locksOf(tx, by, only, map[id.Conversation]*conversation.Conversation{c.ID: c})
	return locks[c.ID], err
}

func locksOf(tx *db.Tx, by account.Actor, all id.Set[id.Conversation], rows map[id.Conversation]*conversation.Conversation) (map[id.Conversation]Lock, error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	held, err := hold.Covering(tx, all, false)
	if err != nil {
		return nil, err
	}
	batches, err := batchesOf(tx, rows)
	if err != nil {
		return nil, err
	}
	out := map[id.Conversation]Lock{}
	for _, c := range rows {
		if by.Scope.Has(c.DepartmentID) && conversation.Knows(by, c.State) {
			out[c.ID] = lockOf(by, c, held[c.ID], policy, tx.Now, batches)
		}
	}
	return out, nil
}

// lockable reads what lockOf asks of conversations, and nothing else of them: it is read for every list.
func lockable(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*conversation.Conversation, error) {
	out := make(map[id.Conversation]*conversation.Conversation, len(ids))
	q := tx.Raw("SELECT id, department_id, service_type, state, order_state, last_at, batch_id FROM conversation WHERE id IN ?", ids)
	err := db.EachRow(q, func(r *sql.Rows) error {
		c := &conversation.Conversation{}
		err := r.Scan(&c.ID, &c.DepartmentID, &c.ServiceType, &c.State, &c.OrderState, &c.LastAt, &c.BatchID)
		out[c.ID] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	return out, nil
}

func lockOf(by account.Actor, c *conversation.Conversation, held []hold.Hold, policy *retention.Policy, now time.Time, batches map[id.Batch]Batch) Lock {
	l := Lock{Held: len(held) > 0, OrderOpen: c.OrderState == conversation.OrderOpen}
	if by.May(account.HoldRead) {
		for _, h := range held {
			l.Holds = append(l.Holds, h.Code)
		}
	}
	if until, ends := policy.Until(c.ServiceType, c.LastAt); !ends {
		l.Forever = true
	} else if until.After(now) {
		l.FloorUntil = until
	}
	if c.BatchID != nil {
		batch := batches[*c.BatchID]
		l.Batch, l.BatchCode, l.KeepUntil = batch.ID, batch.Code, batch.KeepUntil
	}
	return l
}

func batchesOf(tx *db.Tx, rows map[id.Conversation]*conversation.Conversation) (map[id.Batch]Batch, error) {
	var ids []id.Batch
	for _, c := range rows {
		if c.BatchID != nil {
			ids = append(ids, *c.BatchID)
		}
	}
	return batchMap(tx, ids)
}

func batchMap(tx *db.Tx, ids []id.Batch) (map[id.Batch]Batch, error) {
	out := map[id.Batch]Batch{}
	all, err := id.NewSet(ids...)
	if err != nil {
		return out, nil
	}
	var found []Batch
	if err := tx.Where("id IN ?", all.Values()).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find batches: %w", err)
	}
	for _, f := range found {
		out[f.ID] = f
	}
	return out, nil
}
