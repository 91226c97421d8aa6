package hold_test

import (
	"errors"
	"slices"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// TestTheDatabaseItselfRefusesToDeleteWhatIsHeld deletes as somebody with the database's password
// would, past every check of the program.
func TestTheDatabaseItselfRefusesToDeleteWhatIsHeld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.north)
		h := w.place(hold.Order{Department: w.city})
		try := func(query string, args ...any) error {
			return w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return tx.Exec(query, args...).Error })
		}
		count := func() (n int64) {
			for _, m := range []any{&conversation.Conversation{}, &conversation.Body{}, &conversation.Key{}} {
				n += dbtest.Count(t, w.d, m)
			}
			return n
		}
		for _, table := range []string{"conversation", "conversation_body", "conversation_key"} {
			for _, where := range []string{" WHERE id = " + id.String(ids[0]), " WHERE id > 0", ""} {
				if err := try("DELETE FROM " + table + where); !errors.Is(err, db.ErrHeld) {
					t.Errorf("DELETE FROM %s%s: %v", table, where, err)
				}
			}
		}
		if n := count(); n != 6 {
			t.Fatalf("%d of 6 rows are left", n)
		}
		// The program's own erasing, called by mistake, ends there too.
		err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
			tx.MarkAudited()
			all := db.List{Table: "conversation", Column: "id", Where: "l.id IN ?", Args: []any{ids}}
			return conversation.Erase(tx, all, len(ids), 1)
		})
		if !errors.Is(err, db.ErrHeld) || count() != 6 || dbtest.Count(t, w.d, &conversation.Tombstone{}) != 0 {
			t.Errorf("erased by mistake: %v", err)
		}
		w.must(try("DELETE FROM conversation_key WHERE id = ?", ids[1]))
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), h.ID)
		w.must(try("DELETE FROM conversation WHERE id = ?", ids[0]))
	})
}

// TestTheDatabaseLooksAtEveryRowOfAStatement has held conversations between free ones: what was found free for some
// rows must not be taken for the others, nor for the next statement of the connection.
func TestTheDatabaseLooksAtEveryRowOfAStatement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := make([]id.Conversation, 9)
		for i := range ids {
			ids[i] = w.store(w.city)[0]
		}
		slices.Sort(ids)
		place := func(c id.Conversation) *hold.Hold { return w.place(hold.Order{Conversations: []id.Conversation{c}}) }
		for _, table := range []string{"conversation", "conversation_body", "conversation_key"} {
			err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
				tx.MarkAudited()
				return tx.Exec("DELETE FROM "+table+" WHERE id IN ?", ids[:2]).Error // nothing is held yet
			})
			w.must(err)
		}
		place(ids[5])
		released := place(ids[3])
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), released.ID)
		for _, table := range []string{"conversation", "conversation_body", "conversation_key"} {
			for _, order := range []string{"", " ORDER BY id", " ORDER BY id DESC"} {
				if order != "" && w.d.Engine() == db.SQLite {
					continue // has no order there
				}
				err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
					tx.MarkAudited()
					return tx.Exec("DELETE FROM "+table+" WHERE id > ?"+order, ids[1]).Error
				})
				if !errors.Is(err, db.ErrHeld) {
					t.Errorf("DELETE FROM %s%s with one held between: %v", table, order, err)
				}
			}
			err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
				tx.MarkAudited()
				if err := tx.Exec("DELETE FROM "+table+" WHERE id IN ?", ids[2:5]).Error; err != nil {
					return err
				}
				return tx.Exec("DELETE FROM "+table+" WHERE id = ?", ids[5]).Error
			})
			if !errors.Is(err, db.ErrHeld) {
				t.Errorf("DELETE FROM %s of the held one behind a statement that was free: %v", table, err)
			}
			w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error {
				tx.MarkAudited()
				return tx.Exec("DELETE FROM "+table+" WHERE id IN ?", slices.Concat(ids[2:5], ids[6:])).Error
			}))
			if n := dbtest.Count(t, w.d, map[string]any{"conversation": &conversation.Conversation{}, "conversation_body": &conversation.Body{}, "conversation_key": &conversation.Key{}}[table]); n != 1 {
				t.Errorf("%d rows are left in %s, want the held one", n, table)
			}
		}
	})
}

// TestAHoldBetweenTwoStatementsOfATransactionIsSeen places a hold while another connection is in the middle of a
// transaction, past the locks of the program.
func TestAHoldBetweenTwoStatementsOfATransactionIsSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if w.d.Engine() == db.SQLite {
			t.Skip("one writer: nothing comes between")
		}
		first, second := w.store(w.city)[0], w.store(w.city)[0]
		h := w.place(hold.Order{Conversations: w.store(w.north)})
		err := w.d.Write(w.ctx(), func(tx *db.Tx) error {
			tx.MarkAudited()
			if err := tx.Exec("DELETE FROM conversation_key WHERE id = ?", first).Error; err != nil {
				return err
			}
			dbtest.Exec(t, w.d, "INSERT INTO hold_item (hold_id, conversation_id) VALUES (?, ?)", h.ID, second)
			return tx.Exec("DELETE FROM conversation_key WHERE id = ?", second).Error
		})
		if !errors.Is(err, db.ErrHeld) {
			t.Errorf("deleted what came under a hold meanwhile: %v", err)
		}
	})
}
