package index

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

func TestEveryFlawIsSeen(t *testing.T) {
	tests := []struct {
		want  string
		plant func(w *world, c id.Conversation, s uint64)
	}{
		{"", func(*world, id.Conversation, uint64) {}},
		{"fsck.index_key_alive", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_key SET state = 3 WHERE bucket_id = ?", s)
		}},
		{"fsck.index_key_lost", func(w *world, _ id.Conversation, s uint64) {
			if err := w.store.Destroy(s); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"fsck.index_key_stray", func(w *world, _ id.Conversation, _ uint64) {
			w.stray(-25 * time.Hour)
		}},
		{"fsck.index_part_loose", func(w *world, _ id.Conversation, _ uint64) {
			w.exec("INSERT INTO index_part (segment_id, part, wrapped, body) VALUES (7777, 1, 'w', 'b')")
		}},
		{"fsck.index_unreadable", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_part SET body = wrapped WHERE segment_id = ? AND part = 1", s)
		}},
		{"fsck.index_unreadable", func(w *world, _ id.Conversation, s uint64) {
			w.exec("DELETE FROM index_part WHERE segment_id = ? AND part = 2", s)
		}},
		{"fsck.index_row_differs", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET parts = parts / 2 WHERE id = ?", s)
		}},
		{"fsck.index_row_differs", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET first_at = last_at WHERE id = ?", s)
		}},
		{"fsck.index_row_differs", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET last_at = first_at WHERE id = ?", s)
		}},
		{"fsck.index_row_differs", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET dead = 90 WHERE id = ?", s)
		}},
		{"fsck.index_row_differs", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET tier = tier + 1 WHERE id = ?", s)
		}},
		{"fsck.index_unreadable", func(w *world, _ id.Conversation, s uint64) {
			w.exec("UPDATE index_segment SET n = n - 1 WHERE id = ?", s)
		}},
		{"fsck.index_missing", func(w *world, _ id.Conversation, _ uint64) {
			w.write(func(tx *db.Tx) error { return insertRow(tx, w.doc()) })
		}},
		{"fsck.index_differs", func(w *world, c id.Conversation, _ uint64) {
			w.exec("UPDATE conversation SET state = state + 1 WHERE id = ?", c)
		}},
		{"fsck.index_differs", func(w *world, c id.Conversation, _ uint64) {
			w.exec("UPDATE conversation SET version = version + 1 WHERE id = ?", c)
		}},
		{"fsck.index_differs", func(w *world, c id.Conversation, _ uint64) {
			w.exec("INSERT INTO conversation_tag (tag_id, conversation_id) VALUES (99, ?)", c)
		}},
		{"fsck.index_differs", func(w *world, c id.Conversation, _ uint64) {
			w.exec("DELETE FROM conversation_tag WHERE conversation_id = ?", c)
		}},
		{"gone", func(w *world, c id.Conversation, _ uint64) { w.erase(c) }},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			d, _ := dbtest.New(t)
			w := newWorld(t, d)
			ids := w.add(100)
			w.fold()
			tagged := ids[slices.IndexFunc(ids, func(c id.Conversation) bool { return len(w.truth[c].Tags) > 0 })]
			tt.plant(w, tagged, w.segmentIDs()[0])
			x := w.open(d)
			flaws, gone, err := x.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				keys, err := Keys(tx, w.store)
				flaws = append(keys, flaws...)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			got := ""
			switch {
			case len(flaws) > 0:
				got = flaws[0].Key
			case len(gone) == 1 && gone[0] == tagged:
				got = "gone"
			}
			if got != tt.want {
				t.Errorf("%q: %v, gone %v", got, flaws, gone)
			}
			if tt.want == "" || tt.want == "fsck.index_key_alive" || tt.want == "fsck.index_key_stray" || tt.want == "fsck.index_part_loose" {
				return
			}
			if tt.want == "gone" {
				w.tight(ids)
			}
			if _, err := x.Rebuild(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if flaws, gone, err := x.Check(t.Context()); err != nil || len(flaws)+len(gone) > 0 {
				t.Errorf("after a rebuild: %v %v %v", flaws, gone, err)
			}
		})
	}
}
