package hold_test

import (
	"slices"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// stripped names the holds that are not as the program left them.
func (w *world) stripped() (codes []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		codes, err = hold.Stripped(tx, w.vault.Store)
		return err
	}))
	return codes
}

// What a hold covers cannot be exchanged for something else of the same number: not what it was placed with, not what came
// under it later, not with the codes of other items, and not behind what it won since.
func TestWhatAHoldCoversCannotBeExchanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.store(w.city, w.city, w.city)
		other := w.store(w.north, w.north)
		h := w.place(hold.Order{Kind: hold.OnDepartment, Department: w.city})
		single := w.place(hold.Order{Kind: hold.OnConversations, Conversations: other[:1]})
		grown := w.store(w.city, w.city)
		w.wantCovered(slices.Concat(first, grown, other[:1])...)
		if codes := w.stripped(); len(codes) != 0 {
			t.Fatalf("as the program left them: %v", codes)
		}
		all := "INSERT INTO hold_item (conversation_id, hold_id, mac) SELECT conversation_id, hold_id, mac FROM kept"
		dbtest.Exec(t, w.d, "CREATE TABLE kept AS SELECT conversation_id, hold_id, mac FROM hold_item")
		defer dbtest.Exec(t, w.d, "DROP TABLE kept")
		move := "UPDATE hold_item SET conversation_id = ? WHERE conversation_id = ?"
		for _, c := range []struct {
			name  string
			query string
			args  []any
			want  []string
		}{
			{"the first ones", move, []any{other[1], first[0]}, []string{h.Code}},
			{"later ones", move, []any{other[1], grown[1]}, []string{h.Code}},
			{"to another hold", "UPDATE hold_item SET hold_id = ? WHERE conversation_id = ?", []any{h.ID, other[0]}, []string{h.Code, single.Code}},
			{"with another's code", "UPDATE hold_item SET conversation_id = ?, mac = (SELECT k.mac FROM kept k WHERE k.conversation_id = ?) WHERE conversation_id = ?", []any{other[1], grown[0], first[0]}, []string{h.Code}},
			{"taken off behind later ones", "DELETE FROM hold_item WHERE conversation_id = ?", []any{first[2]}, []string{h.Code}},
			{"put under it", "INSERT INTO hold_item (conversation_id, hold_id) VALUES (?, ?)", []any{other[1], h.ID}, []string{h.Code}},
			{"without codes", "UPDATE hold_item SET mac = NULL WHERE hold_id = ?", []any{single.ID}, []string{single.Code}},
		} {
			if dbtest.Exec(t, w.d, c.query, c.args...) == 0 {
				t.Fatalf("%s: nothing was changed", c.name)
			}
			if codes := w.stripped(); !slices.Equal(codes, c.want) {
				t.Errorf("%s: %v, want %v", c.name, codes, c.want)
			}
			dbtest.Exec(t, w.d, "DELETE FROM hold_item")
			dbtest.Exec(t, w.d, all)
		}
		if codes := w.stripped(); len(codes) != 0 {
			t.Errorf("mended: %v", codes)
		}
	})
}

// A hold that an earlier version placed has no codes: its number is what is known.
func TestAnOldHoldIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city)
		h := w.place(hold.Order{Kind: hold.OnDepartment, Department: w.city})
		dbtest.Exec(t, w.d, "UPDATE hold_item SET mac = NULL")
		dbtest.Exec(t, w.d, `UPDATE audit_leaf SET leaf = REPLACE(leaf, '"coded":true,', '') WHERE action = 'hold.placed'`)
		w.store(w.city)
		if codes := w.stripped(); len(codes) != 0 {
			t.Errorf("as it was: %v", codes)
		}
		dbtest.Exec(t, w.d, "DELETE FROM hold_item WHERE conversation_id IN ?", []id.Conversation{ids[0], ids[1]})
		if codes := w.stripped(); !slices.Equal(codes, []string{h.Code}) {
			t.Errorf("it lost two: %v", codes)
		}
	})
}

// What came under a hold later cannot be taken off it either, though it no longer is what the hold takes.
func TestWhatAHoldTookLaterCannotBeTakenOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.bring(chat{}, chat{}, chat{})
		h := w.place(hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Tags: []string{"诉讼"}}})
		for _, c := range ids {
			for _, e := range []conversation.TagEdit{{Add: []string{"诉讼"}}, {Remove: []string{"诉讼"}}} {
				_, err := w.tagging().Edit(w.ctx(), w.supervisor, c, e)
				w.must(err)
			}
		}
		w.wantCovered(ids...)
		if codes := w.stripped(); len(codes) != 0 {
			t.Fatalf("as the program left it: %v", codes)
		}
		dbtest.Exec(t, w.d, "DELETE FROM hold_item WHERE conversation_id = ?", ids[1])
		if codes := w.stripped(); !slices.Equal(codes, []string{h.Code}) {
			t.Errorf("it lost one: %v", codes)
		}
		// An entry of an earlier version does not tell under which hold.
		dbtest.Exec(t, w.d, `UPDATE audit_leaf SET leaf = REPLACE(leaf, '"held_by":{', '"was_held":{') WHERE action = 'conversation.tagged'`)
		if codes := w.stripped(); len(codes) != 0 {
			t.Errorf("by entries of an earlier version: %v", codes)
		}
	})
}
