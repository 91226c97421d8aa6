package fsck

import (
	"context"
	"fmt"
	"slices"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
)

// indexKeys compares the keys of the search index with the key store.
func (c *Checker) indexKeys(tx *db.Tx) ([]Finding, error) {
	flaws, err := index.Keys(tx, c.Store)
	return flawed("I9", flaws), err
}

func flawed(promise string, flaws []index.Flaw) []Finding {
	var out []Finding
	for _, f := range flaws[:min(len(flaws), perCheck)] {
		out = append(out, Finding{promise, f.Key, f.Object})
	}
	return out
}

// indexSound compares the search index with the conversations. What a purge that is under way has
// erased and not scrubbed yet is no finding.
func (c *Checker) indexSound(ctx context.Context) ([]Finding, error) {
	flaws, gone, err := c.Index.Check(ctx)
	if err != nil {
		return nil, fmt.Errorf("search index: %w", err)
	}
	out := flawed("I5", flaws)
	slices.Sort(gone)
	for part := range slices.Chunk(gone, bodyPage) {
		var pending []id.Conversation
		err := c.DB.Read(ctx, func(tx *db.Tx) error {
			return tx.Model(&conversation.Tombstone{}).Joins("JOIN purge_request p ON p.id = tombstone.purge_id").
				Where("tombstone.conversation_id IN ? AND p.state NOT IN ?", part, []string{"done", "done_with_exceptions", "replayed"}).
				Pluck("tombstone.conversation_id", &pending).Error
		})
		if err != nil {
			return nil, fmt.Errorf("purges under way: %w", err)
		}
		for _, g := range part {
			if !slices.Contains(pending, g) && len(out) < perCheck {
				out = append(out, Finding{"I9", "fsck.index_without_row", id.String(g)})
			}
		}
	}
	return out, nil
}
