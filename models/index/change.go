package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Change says what of a conversation the segments do not know. Where it is false only attributes are
// out of date, and the shards are right, if a segment has the conversation at all.
type Change struct{ Content bool }

// changeRow notes a change. The stamp is another one after every change, so that Fold removes exactly
// the notes that it has read.
type changeRow struct {
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	Content        int
	Stamp          int64
	ChangedAt      time.Time
}

// TableName is index_change.
func (changeRow) TableName() string { return "index_change" }

// changesAtOnce bounds the rows of one statement.
const changesAtOnce = 1000

// Changed notes, in the transaction that makes the change, that conversations are new or were changed:
// their content (messages, time, version) or only their attributes (state, department, tags …). A note
// of a changed content stays one. Nobody waits for it but who changes the same conversation.
func Changed(tx *db.Tx, content bool, ids ...id.Conversation) error {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	stamp := newStamp()
	for part := range slices.Chunk(ids, changesAtOnce) {
		args := make([]any, 0, 4*len(part))
		for _, c := range part {
			args = append(args, c, flag(content), stamp, tx.Now)
		}
		values := strings.Repeat(", (?, ?, ?, ?)", len(part))[2:]
		if err := tx.Exec("INSERT INTO index_change (conversation_id, content, stamp, changed_at) VALUES "+values+again(tx), args...).Error; err != nil {
			return fmt.Errorf("note changes for the index: %w", err)
		}
	}
	return nil
}

// again is what happens to a note that is there.
func again(tx *db.Tx) string {
	if tx.Engine() == db.SQLite {
		return " ON CONFLICT (conversation_id) DO UPDATE SET content = MAX(content, excluded.content), stamp = excluded.stamp, changed_at = excluded.changed_at"
	}
	return " ON DUPLICATE KEY UPDATE content = GREATEST(content, VALUES(content)), stamp = VALUES(stamp), changed_at = VALUES(changed_at)"
}

// Waiting counts the changes that no segment has yet.
func Waiting(tx *db.Tx) (n int64, err error) {
	if err := tx.Model(&changeRow{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count waiting changes: %w", err)
	}
	return n, nil
}

// newStamp is random, not counted: a count would begin anew after Fold has removed the note, and a Fold
// that slept meanwhile would take the new note for the one it has read.
func newStamp() int64 { return rand.Int64() }

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
