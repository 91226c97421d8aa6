package hold_test

import (
	"errors"
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
