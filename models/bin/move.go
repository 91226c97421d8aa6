package bin

import (
	"fmt"
	"time"

	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// verdict says why a conversation must not go into the bin now, "" if it may. Version is that
// of the content that was chosen. What is sealed goes with a batch of its own kind, and nothing else does.
func verdict(kind string, c *conversation.Conversation, held bool, policy *retention.Policy, now time.Time, version uint32) string {
	switch {
	case kind == KindSubject && c.State != conversation.Sealed:
		return Elsewhere
	case kind != KindSubject && c.State != conversation.Active && c.State != conversation.Hidden:
		return Elsewhere
	case held:
		return Held
	case policy.Within(c.ServiceType, c.LastAt, now):
		return Floor
	case c.OrderState == conversation.OrderOpen:
		return Order
	case c.Version != version:
		return Changed
	}
	return ""
}

// moveNext moves up to n of a batch's waiting items behind a conversation and gives the last
// one it looked at; when none waits any more the batch is finished. Where it starts saves
// reading what was done before, and decides nothing: before the end it looks at all of the
// batch. The caller has shared the hold epoch. Rows are locked in ascending order, holds are
// read after that (invariant I3).
func moveNext(tx *db.Tx, k approval.Keys, batch *Batch, after id.Conversation, n int) (last id.Conversation, err error) {
	items, err := waiting(tx, batch, after, n)
	if err == nil && len(items) == 0 && after > 0 {
		items, err = waiting(tx, batch, 0, n)
	}
	switch {
	case err != nil:
		return 0, err
	case len(items) == 0:
		return after, finish(tx, k, batch)
	}
	return items[len(items)-1].ConversationID, moveItems(tx, batch, items)
}

func waiting(tx *db.Tx, batch *Batch, after id.Conversation, n int) (items []Item, err error) {
	err = tx.Where("batch_id = ? AND conversation_id > ? AND state = ?", batch.ID, after, ItemPending).Order("conversation_id").Limit(n).Find(&items).Error
	if err != nil {
		return nil, fmt.Errorf("next items: %w", err)
	}
	return items, nil
}

func moveItems(tx *db.Tx, batch *Batch, items []Item) error {
	chosen := make(map[id.Conversation]Item, len(items))
	ids := make([]id.Conversation, len(items))
	for i, it := range items {
		ids[i], chosen[it.ConversationID] = it.ConversationID, it
	}
	all, err := id.NewSet(ids...)
	if err != nil {
		return err
	}
	rows, err := conversation.Lock(tx, all)
	if err != nil {
		return err
	}
	held, err := hold.Covering(tx, all, true)
	if err != nil {
		return err
	}
	policy, err := retention.Load(tx)
	if err != nil {
		return err
	}
	out := decisions{moves: map[conversation.State][]id.Conversation{}, skips: map[string][]id.Conversation{}}
	for i := range rows {
		c := &rows[i]
		out.put(c, verdict(batch.Kind, c, len(held[c.ID]) > 0, policy, tx.Now, chosen[c.ID].Version))
		delete(chosen, c.ID)
	}
	for c := range chosen {
		out.skips[Elsewhere] = append(out.skips[Elsewhere], c)
	}
	return out.settle(tx, batch)
}

// decisions are what is to become of a page of items.
type decisions struct {
	moves map[conversation.State][]id.Conversation // by the state they are in
	skips map[string][]id.Conversation             // by reason
}

func (d *decisions) put(c *conversation.Conversation, why string) {
	if why == "" {
		d.moves[c.State] = append(d.moves[c.State], c.ID)
		return
	}
	d.skips[why] = append(d.skips[why], c.ID)
}

// settle writes the decisions: states, items, counters.
func (d *decisions) settle(tx *db.Tx, batch *Batch) error {
	for from, ids := range d.moves {
		all, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		n, err := conversation.Move(tx, all, from, conversation.Binned, &batch.ID)
		if err != nil {
			return err
		}
		if n != int64(len(ids)) {
			return fmt.Errorf("%d of %d locked conversations moved", n, len(ids))
		}
		if err := mark(tx, batch.ID, all, map[string]any{"state": ItemBinned, "was_state": from}); err != nil {
			return err
		}
		batch.Moved += n
	}
	for reason, ids := range d.skips {
		all, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		if err := mark(tx, batch.ID, all, map[string]any{"state": ItemSkipped, "reason": reason}); err != nil {
			return err
		}
		batch.Skipped += int64(len(ids))
	}
	err := tx.Model(&Batch{}).Where("id = ?", batch.ID).Updates(map[string]any{"moved": batch.Moved, "skipped": batch.Skipped}).Error
	if err != nil {
		return fmt.Errorf("count batch: %w", err)
	}
	return nil
}

// mark changes items of a batch, all of them or it fails.
func mark(tx *db.Tx, batch id.Batch, all id.Set[id.Conversation], changes map[string]any) error {
	changes["changed_at"] = tx.Now
	res := tx.Model(&Item{}).Where("batch_id = ? AND conversation_id IN ?", batch, all.Values()).Updates(changes)
	if res.Error != nil {
		return fmt.Errorf("mark items: %w", res.Error)
	}
	if res.RowsAffected != int64(all.Len()) {
		return fmt.Errorf("mark items: %d of %d", res.RowsAffected, all.Len())
	}
	return nil
}

// finish ends a batch. The last conversation has just moved: all of it rests its full time from
// now on.
func finish(tx *db.Tx, k approval.Keys, batch *Batch) error {
	batch.State, batch.KeepUntil = Done, tx.Now.Add(Keep)
	if batch.Skipped > 0 {
		batch.State = PartlyDone
	}
	batch.Seal(k)
	err := tx.Model(&Batch{}).Where("id = ?", batch.ID).Updates(map[string]any{"state": batch.State, "keep_until": batch.KeepUntil, "mac": batch.MAC}).Error
	if err != nil {
		return fmt.Errorf("finish batch: %w", err)
	}
	return nil
}

// storeSeal seals a batch whose job moves it later.
func storeSeal(tx *db.Tx, k approval.Keys, batch *Batch) error {
	batch.Seal(k)
	if err := tx.Model(&Batch{}).Where("id = ?", batch.ID).Update("mac", batch.MAC).Error; err != nil {
		return fmt.Errorf("seal batch: %w", err)
	}
	return nil
}
