package index

import (
	"database/sql"
	"errors"
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

// ChangedListed is Changed for the conversations of a list.
func ChangedListed(tx *db.Tx, content bool, list db.List) error {
	args := append([]any{flag(content), newStamp(), tx.Now}, list.Args...)
	query := fmt.Sprintf("INSERT INTO index_change (conversation_id, content, stamp, changed_at) SELECT l.%s, ?, ?, ? FROM %s l WHERE %s", list.Column, list.Table, list.Where)
	if err := tx.Exec(query+again(tx), args...).Error; err != nil {
		return fmt.Errorf("note changes for the index: %w", err)
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

// waiting reads what waits. The error is ErrBehind: as long as it was given the last time, it is found out by counting,
// since reading so much in vain, at every search, would take more than what is done in its place.
func (x *Index) waiting(tx *db.Tx) (map[id.Conversation]Change, error) {
	if x.behind.Load() {
		var one []int
		if err := tx.Raw("SELECT 1 FROM index_change LIMIT 1 OFFSET ?", x.mostChanges).Scan(&one).Error; err != nil {
			return nil, fmt.Errorf("count waiting changes: %w", err)
		}
		if len(one) > 0 {
			return nil, ErrBehind
		}
	}
	all, err := changes(tx, x.mostChanges)
	x.behind.Store(errors.Is(err, ErrBehind))
	return all, err
}

// changes reads what waits. More than most are ErrBehind.
func changes(tx *db.Tx, most int) (map[id.Conversation]Change, error) {
	out := map[id.Conversation]Change{}
	err := db.EachRow(tx.Table("index_change").Select("conversation_id, content").Limit(most+1), func(r *sql.Rows) error {
		var c uint64
		var content int
		err := r.Scan(&c, &content)
		out[id.Conversation(c)] = Change{Content: content != 0}
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read waiting changes: %w", err)
	case len(out) > most:
		return nil, ErrBehind
	}
	return out, nil
}
