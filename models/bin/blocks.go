package bin

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/retention"
)

// Frozen is one conversation on its way onto a purge's list.
type Frozen struct {
	Conversation id.Conversation
	Batch        id.Batch
}

// page bounds the ids of one statement.
const page = 1000

// Batches locks batches and gives them in ascending order; unknown ones are left out.
func Batches(tx *db.Tx, ids ...id.Batch) ([]Batch, error) {
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil, nil
	}
	var out []Batch
	if err := tx.ForUpdate().Where("id IN ?", all.Values()).Order("id").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("lock batches: %w", err)
	}
	return out, nil
}

// Freeze takes everything that rests in the batches, which the caller has locked, onto the list
// of a purge and gives it in ascending order of conversation. Frozen conversations stay in the
// bin but for a restore within their time. The fault is a conflict while a batch is still
// being moved.
func Freeze(tx *db.Tx, batches []id.Batch, p id.Purge) ([]Frozen, error) {
	all, err := id.NewSet(batches...)
	if err != nil {
		return nil, nil
	}
	var running int64
	if err := tx.Model(&Batch{}).Where("id IN ? AND state = ?", all.Values(), Running).Count(&running).Error; err != nil {
		return nil, fmt.Errorf("look at batches: %w", err)
	}
	if running > 0 {
		return nil, fault.Conflict("bin.still_running")
	}
	var out []Frozen
	err = tx.Model(&Item{}).Where("batch_id IN ? AND state = ?", all.Values(), ItemBinned).Order("conversation_id").
		Select("conversation_id AS conversation, batch_id AS batch").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("find binned items: %w", err)
	}
	// Rows are locked in ascending order across all batches.
	for part := range slices.Chunk(out, page) {
		of := map[id.Batch][]id.Conversation{}
		ids := make([]id.Conversation, len(part))
		for i, f := range part {
			ids[i] = f.Conversation
			of[f.Batch] = append(of[f.Batch], f.Conversation)
		}
		together, err := id.NewSet(ids...)
		if err != nil {
			return nil, err
		}
		if _, err := conversation.Lock(tx, together); err != nil {
			return nil, err
		}
		for b, ids := range of {
			if err := shift(tx, b, ids, conversation.Binned, conversation.Frozen, map[string]any{"state": ItemFrozen, "purge_id": p}); err != nil {
				return nil, fmt.Errorf("freeze: %w", err)
			}
		}
	}
	return out, nil
}

// shift moves locked conversations of a batch between two places of the bin.
func shift(tx *db.Tx, batch id.Batch, ids []id.Conversation, from, to conversation.State, item map[string]any) error {
	all, err := id.NewSet(ids...)
	if err != nil {
		return nil // nothing to move
	}
	n, err := conversation.Move(tx, all, from, to, &batch)
	if err != nil {
		return err
	}
	if n != int64(all.Len()) {
		return fmt.Errorf("%d of %d conversations moved", n, all.Len())
	}
	return mark(tx, batch, all, item)
}

// GiveBack puts what a closed purge request had frozen back into the bin.
func GiveBack(tx *db.Tx, p id.Purge) error {
	var items []Item
	if err := tx.Where("purge_id = ? AND state = ?", p, ItemFrozen).Order("conversation_id").Find(&items).Error; err != nil {
		return fmt.Errorf("find frozen items: %w", err)
	}
	return giveBack(tx, items)
}

// Release puts single conversations that a purge skipped back into the bin. What was restored
// meanwhile, or is gone, stays as it is.
func Release(tx *db.Tx, p id.Purge, ids id.Set[id.Conversation]) error {
	var items []Item
	err := tx.Where("purge_id = ? AND state = ? AND conversation_id IN ?", p, ItemFrozen, ids.Values()).Order("conversation_id").Find(&items).Error
	if err != nil {
		return fmt.Errorf("find frozen items: %w", err)
	}
	return giveBack(tx, items)
}

func giveBack(tx *db.Tx, items []Item) error {
	for part := range slices.Chunk(items, page) {
		ids, batchOf := make([]id.Conversation, len(part)), make(map[id.Conversation]id.Batch, len(part))
		for i, it := range part {
			ids[i], batchOf[it.ConversationID] = it.ConversationID, it.BatchID
		}
		all, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		rows, err := conversation.Lock(tx, all)
		if err != nil {
			return err
		}
		type place struct {
			batch id.Batch
			state conversation.State
		}
		at := map[place][]id.Conversation{}
		for _, c := range rows {
			if c.BatchID != nil && *c.BatchID == batchOf[c.ID] && (c.State == conversation.Frozen || c.State == conversation.Purging) {
				at[place{*c.BatchID, c.State}] = append(at[place{*c.BatchID, c.State}], c.ID)
			}
		}
		for where, ids := range at {
			if err := shift(tx, where.batch, ids, where.state, conversation.Binned, map[string]any{"state": ItemBinned, "purge_id": nil}); err != nil {
				return fmt.Errorf("give back: %w", err)
			}
		}
	}
	return nil
}

// Purged notes that the n conversations of a list were destroyed; the list tells of each its
// batch, too (batch_id).
func Purged(tx *db.Tx, p id.Purge, list db.List, n int) error {
	marked, err := tx.UpdateListed("bin_item", "conversation_id", list, map[string]any{"state": ItemPurged, "changed_at": tx.Now},
		"bin_item.batch_id = l.batch_id AND bin_item.purge_id = ? AND bin_item.state = ?", p, ItemFrozen)
	switch {
	case err != nil:
		return fmt.Errorf("mark purged: %w", err)
	case marked != int64(n):
		return fmt.Errorf("mark purged: %d of %d items", marked, n)
	}
	return nil
}

// undrafted are the batches whose time is over, of which nothing is on a purge's list while
// something is left that nothing protects, and for which no request was drafted yet.
func undrafted(tx *db.Tx, q *gorm.DB) (*gorm.DB, error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return nil, err
	}
	protection, args := classify(policy, tx.Now)
	free := "EXISTS (SELECT 1 FROM bin_item i JOIN conversation ON conversation.id = i.conversation_id WHERE i.batch_id = bin_batch.id AND i.state = ? AND " + protection + " = ?)"
	return q.Where("keep_until <= ? AND drafted_at IS NULL AND state <> ?", tx.Now, Running).
		Where("NOT EXISTS (SELECT 1 FROM bin_item f WHERE f.batch_id = bin_batch.id AND f.state = ?)", ItemFrozen).
		Where(free, append(append([]any{ItemBinned}, args...), classMoves)...), nil
}

// ExpiredWithoutRequest finds batches for which a purge may be drafted.
func ExpiredWithoutRequest(tx *db.Tx) ([]id.Batch, error) {
	q, err := undrafted(tx, tx.Model(&Batch{}))
	if err != nil {
		return nil, err
	}
	var ids []id.Batch
	if err := q.Order("id").Limit(100).Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("find expired batches: %w", err)
	}
	return ids, nil
}

// Drafted locks a batch, notes that a purge request is drafted for it and gives it. The fault is
// a conflict when there is nothing to draft any more.
func Drafted(tx *db.Tx, b id.Batch) (*Batch, error) {
	if _, err := Batches(tx, b); err != nil {
		return nil, err
	}
	q, err := undrafted(tx, tx.Model(&Batch{}))
	if err != nil {
		return nil, err
	}
	var found []Batch
	if err := q.Where("id = ?", b).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find expired batch: %w", err)
	}
	if len(found) == 0 {
		return nil, fault.Conflict("bin.nothing_to_restore")
	}
	if err := tx.Model(&Batch{}).Where("id = ?", b).Update("drafted_at", tx.Now).Error; err != nil {
		return nil, fmt.Errorf("note draft: %w", err)
	}
	return &found[0], nil
}

// Rescue takes conversations that came under a legal hold, and are locked, out of the bin,
// wherever in it they are. It is hold.Holds.Rescue. It locks no batch: the hold has the epoch
// alone, and batches are locked before conversations everywhere else.
func Rescue(tx *db.Tx, ids []id.Conversation) error {
	for part := range slices.Chunk(ids, page) {
		var items []Item
		err := tx.Where("conversation_id IN ? AND state IN ?", part, resting).Order("conversation_id").Find(&items).Error
		if err != nil {
			return fmt.Errorf("find binned items: %w", err)
		}
		if len(items) != len(part) {
			return fmt.Errorf("rescue: %d items for %d conversations", len(items), len(part))
		}
		if err := takeOut(tx, items, Held); err != nil {
			return err
		}
	}
	return nil
}

// AllWithin tells whether every conversation that ever was in the batches lies in the scope. A
// batch of which somebody may see only a part is, for a purge, not his.
func AllWithin(tx *db.Tx, batches []id.Batch, scope account.Scope) (bool, error) {
	set, err := id.NewSet(batches...)
	if err != nil {
		return false, nil
	}
	if scope.All {
		return true, nil
	}
	var foreign int64
	err = tx.Model(&Item{}).Where("batch_id IN ? AND department_id NOT IN ?", set.Values(), scope.Listed()).Count(&foreign).Error
	if err != nil {
		return false, fmt.Errorf("look at the batches' departments: %w", err)
	}
	return foreign == 0, nil
}
