package fsck

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// Compared is what of the search index was held against bodies.
type Compared struct{ Segments, Conversations int }

// Words compares the terms that the search index has of each conversation with those of its body, in the
// segments that which chooses, and adds what it finds to r. It opens the bodies, which takes about 150 µs
// each. With mend, what is wrong is noted, and the next fold takes it in anew.
func (c *Checker) Words(ctx context.Context, r *Report, which func(segment uint64) bool, mend bool) error {
	done, err := c.Index.CheckWords(ctx, which, mend)
	if err != nil {
		return fmt.Errorf("words of the search index: %w", err)
	}
	r.Checks++
	r.Findings = append(r.Findings, flawed("I5", done.Flaws)...)
	r.Compared = Compared{done.Segments, done.Docs}
	return nil
}

// EverySegment chooses all segments.
func EverySegment(uint64) bool { return true }

// wordDays is in how many days every segment's words are compared once.
const wordDays = 30

// sliceSince chooses the segments whose turn came since the day of the last check: each has one day in
// wordDays, by its number, which it keeps as long as it lives.
func sliceSince(last, now time.Time) func(segment uint64) bool {
	const day = 24 * 60 * 60
	today, missed := now.Unix()/day, int64(wordDays)
	if !last.IsZero() {
		missed = min(missed, today-last.Unix()/day)
	}
	return func(segment uint64) bool {
		ago := (today - int64(segment%wordDays)) % wordDays
		return ago < missed
	}
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
