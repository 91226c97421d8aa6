package hold

import (
	"fmt"
	"slices"

	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// OnStore puts conversations that were just stored, or given something new, under the holds that
// they match now, and takes those out of the bin that came under one. What a hold covers it keeps,
// also when it no longer matches. The caller has shared the epoch and locked the rows, and calls
// this in the transaction that stores: whoever places a hold comes before all of it or after all
// of it. It tells how many came under which holds, by their codes; the caller's entry in the log has that as held_by.
func OnStore(tx *db.Tx, k approval.Keys, ids []id.Conversation, rescue Rescue) (covered map[string]int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var holds []Hold
	if err := tx.Where("released_at IS NULL AND continuing = ?", true).Order("id").Find(&holds).Error; err != nil {
		return nil, fmt.Errorf("find holds: %w", err)
	}
	if len(holds) == 0 {
		return nil, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	covered = map[string]int64{}
	for part := range slices.Chunk(ids, perStatement) {
		if err := coverNew(tx, k, holds, tree, part, covered, rescue); err != nil {
			return nil, err
		}
	}
	return covered, nil
}

func coverNew(tx *db.Tx, k approval.Keys, holds []Hold, tree *department.Tree, ids []id.Conversation, covered map[string]int64, rescue Rescue) error {
	var rows []conversation.Conversation
	err := tx.Select("id", "platform", "department_id", "service_type", "state", "agent_id", "last_at").Where("id IN ?", ids).Order("id").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("find stored conversations: %w", err)
	}
	more := false
	for i := range holds {
		m, f, err := holds[i].match(tree)
		if err != nil {
			return err
		}
		// Most holds are about something else altogether: only what may match is asked for.
		likely := candidates(rows, f)
		if m == nil || len(likely) == 0 {
			continue
		}
		n, err := cover(tx, k, holds[i].ID, m.and("conversation.id IN ?", likely), later)
		if err != nil {
			return err
		}
		if n > 0 {
			covered[holds[i].Code] += n
			more = true
		}
	}
	if !more {
		return nil
	}
	return giveBack(tx, rows, rescue)
}

func candidates(rows []conversation.Conversation, f conversation.Filter) (ids []id.Conversation) {
	for i := range rows {
		if f.May(&rows[i]) {
			ids = append(ids, rows[i].ID)
		}
	}
	return ids
}

// giveBack takes what is held out of the bin. The rows are locked since before they were stored.
func giveBack(tx *db.Tx, rows []conversation.Conversation, rescue Rescue) error {
	var binned []id.Conversation
	for _, c := range rows {
		if !slices.Contains(outOfBin, c.State) {
			binned = append(binned, c.ID)
		}
	}
	if len(binned) == 0 {
		return nil
	}
	var held []id.Conversation
	err := tx.Model(&conversation.Conversation{}).Where("id IN ?", binned).Where(Covers).Order("id").Pluck("id", &held).Error
	if err != nil {
		return fmt.Errorf("find held conversations: %w", err)
	}
	if len(held) == 0 {
		return nil
	}
	if rescue == nil {
		return errNoRescue
	}
	return rescue(tx, held)
}
