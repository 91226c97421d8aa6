package conversation

import (
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
)

// Lock reads and locks the rows of the conversations in ascending order, so that two
// callers never wait for each other in a circle. What is gone is left out.
func Lock(tx *db.Tx, ids id.Set[id.Conversation]) ([]Conversation, error) {
	var rows []Conversation
	if err := tx.ForUpdate().Where("id IN ?", ids.Values()).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock conversations: %w", err)
	}
	return rows, nil
}

// Move takes conversations that are in state from to state to and puts them into the batch
// (nil: into none). It tells how many it moved; the caller compares.
func Move(tx *db.Tx, ids id.Set[id.Conversation], from, to State, batch *id.Batch) (int64, error) {
	res := tx.Model(&Conversation{}).Where("id IN ? AND state = ?", ids.Values(), from).
		Updates(map[string]any{"state": to, "batch_id": batch})
	if res.Error != nil {
		return 0, fmt.Errorf("move conversations: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return 0, nil
	}
	return res.RowsAffected, index.Changed(tx, false, ids.Values()...)
}

// Erase destroys the n conversations of a list for good, inside a purge's step: key first, then
// body, tags and row. In their place it leaves tombstones. Every one must be there and locked;
// otherwise it fails and nothing is erased. Only models/purge calls it.
func Erase(tx *db.Tx, list db.List, n int, purge id.Purge) error {
	args := append([]any{purge, tx.Now}, list.Args...)
	err := tx.Exec("INSERT INTO tombstone (platform, external_mac, conversation_id, department_id, purge_id, created_at) "+
		"SELECT conversation.platform, conversation.external_mac, conversation.id, conversation.department_id, ?, ? "+
		list.Join(tx, "conversation", "id")+" WHERE "+list.Where, args...).Error
	if err != nil {
		return fmt.Errorf("write tombstones: %w", err)
	}
	for _, part := range []struct {
		table, column string
		each          bool // exactly one row per conversation
	}{
		{"conversation_key", "id", true},
		{"conversation_body", "id", true},
		{"conversation_tag", "conversation_id", false},
		{"removed_tag", "conversation_id", false},
		{"tagged_list", "conversation_id", false},
		{"conversation", "id", true},
	} {
		erased, err := tx.DeleteListed(part.table, part.column, list)
		switch {
		case err != nil:
			return fmt.Errorf("erase: %w", err)
		case part.each && erased != int64(n):
			return fmt.Errorf("erase %s: %d rows for %d conversations", part.table, erased, n)
		}
	}
	return nil
}
