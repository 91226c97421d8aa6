package bin

import (
	"fmt"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// takeOut puts items' conversations back where they were before the bin. They are locked.
func takeOut(tx *db.Tx, items []Item, reason string) error {
	type group struct {
		batch id.Batch
		was   conversation.State
	}
	groups := map[group][]id.Conversation{}
	for _, it := range items {
		g := group{it.BatchID, it.WasState}
		groups[g] = append(groups[g], it.ConversationID)
	}
	var done int64
	for g, ids := range groups {
		all, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		for _, from := range []conversation.State{conversation.Binned, conversation.Frozen, conversation.Purging} {
			n, err := conversation.Move(tx, all, from, g.was, nil)
			if err != nil {
				return err
			}
			done += n
		}
		if err := mark(tx, g.batch, all, map[string]any{"state": ItemRestored, "reason": reason, "purge_id": nil}); err != nil {
			return err
		}
	}
	if done != int64(len(items)) {
		return fmt.Errorf("restore: %d of %d conversations moved", done, len(items))
	}
	return nil
}

// noteUndone notes that nothing of a batch is left in the bin. One that is still being moved ends by itself.
func noteUndone(tx *db.Tx, b *Batch) error {
	if b.State == Running {
		return nil
	}
	var left []id.Conversation
	err := tx.Model(&Item{}).Where("state IN ? AND batch_id = ?", []string{ItemPending, ItemBinned, ItemFrozen, ItemPurged}, b.ID).Limit(1).Pluck("conversation_id", &left).Error
	if err != nil || len(left) > 0 {
		return err
	}
	return tx.Model(&Batch{}).Where("id = ?", b.ID).Update("state", Undone).Error
}

// lockVisible locks a batch that has anything in the actor's scope. Absent and forbidden are
// answered alike.
func lockVisible(tx *db.Tx, by account.Actor, batch id.Batch) (*Batch, error) {
	var b Batch
	err := visible(tx.ForUpdate().Model(&Batch{}), by).Where("bin_batch.id = ?", batch).Take(&b).Error
	if db.NotFound(err) {
		return nil, fault.NotFound("bin.batch_not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find batch: %w", err)
	}
	return &b, nil
}
