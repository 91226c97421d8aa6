package hold

import (
	"fmt"
	"slices"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// OnStore puts conversations that were just stored, or given something new, under the holds that
// they match now, and takes those out of the bin that came under one. What a hold covers it keeps,
// also when it no longer matches. The caller has shared the epoch and locked the rows, and calls
// this in the transaction that stores: whoever places a hold comes before all of it or after all
// of it. It tells how many items that made.
func OnStore(tx *db.Tx, ids []id.Conversation, rescue Rescue) (covered int64, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var holds []Hold
	if err := tx.Where("released_at IS NULL AND continuing = ?", true).Order("id").Find(&holds).Error; err != nil {
		return 0, fmt.Errorf("find holds: %w", err)
	}
	if len(holds) == 0 {
		return 0, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return 0, fmt.Errorf("load departments: %w", err)
	}
	for i := range holds {
		m, err := holds[i].match(tree)
		if err != nil {
			return 0, err
		}
		if m == nil {
			continue
		}
		for part := range slices.Chunk(ids, perStatement) {
			n, err := cover(tx, holds[i].ID, m.and("conversation.id IN ?", part))
			if err != nil {
				return 0, err
			}
			covered += n
		}
	}
	if covered == 0 {
		return 0, nil
	}
	return covered, giveBack(tx, ids, rescue)
}

// giveBack takes what is held out of the bin.
func giveBack(tx *db.Tx, ids []id.Conversation, rescue Rescue) error {
	for part := range slices.Chunk(ids, perStatement) {
		var binned []id.Conversation
		err := tx.ForUpdate().Model(&conversation.Conversation{}).Where("id IN ? AND state NOT IN ?", part, outOfBin).Where(Covers).
			Order("id").Pluck("id", &binned).Error
		if err != nil {
			return fmt.Errorf("find binned conversations: %w", err)
		}
		if len(binned) == 0 {
			continue
		}
		if rescue == nil {
			return errNoRescue
		}
		if err := rescue(tx, binned); err != nil {
			return err
		}
	}
	return nil
}
