package bin_test

import (
	"slices"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

const purge id.Purge = 7

// wantItems compares how many items are in each state.
func (w *world) wantItems(want map[string]int64) {
	w.t.Helper()
	var total int64
	for state, n := range want {
		total += n
		if got := w.count(&bin.Item{}, "state = ?", state); got != n {
			w.t.Errorf("%d items are %s, want %d", got, state, n)
		}
	}
	if n := w.count(&bin.Item{}); n != total {
		w.t.Errorf("%d items, want %d", n, total)
	}
}

func TestFreezeTakesWhatRestsAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, one := w.binned(4)
		b, two := w.binned(3)
		c, other := w.binned(2)
		_, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(a[1]))
		w.must(err)
		got := w.toThePurge(purge, two.ID, one.ID)
		var ids []id.Conversation
		for _, f := range got {
			ids = append(ids, f.Conversation)
			if want := map[bool]id.Batch{true: one.ID, false: two.ID}[slices.Contains(a, f.Conversation)]; f.Batch != want {
				t.Errorf("%d came from batch %d, want %d", f.Conversation, f.Batch, want)
			}
		}
		want := slices.Sorted(slices.Values(append([]id.Conversation{a[0], a[2], a[3]}, b...)))
		if !slices.Equal(ids, want) {
			t.Errorf("frozen are %v, want %v in ascending order", ids, want)
		}
		w.wantStates(ids, conversation.Frozen)
		w.wantStates(c, conversation.Binned)
		w.wantStates(a[1:2], conversation.Active)
		w.wantItems(map[string]int64{bin.ItemFrozen: 6, bin.ItemBinned: 2, bin.ItemRestored: 1})
		// A second purge finds nothing in them.
		if again := w.toThePurge(purge+1, one.ID, two.ID); len(again) != 0 {
			t.Errorf("a second purge froze %v", again)
		}
		w.write(func(tx *db.Tx) error {
			if none, err := bin.Freeze(tx, nil, purge); err != nil || len(none) != 0 {
				t.Errorf("no batches froze %v, %v", none, err)
			}
			rows, err := bin.Batches(tx, other.ID, one.ID, 99_999)
			if err != nil || len(rows) != 2 || rows[0].ID != one.ID {
				t.Errorf("Batches = %v, %v", rows, err)
			}
			return nil
		})
	})
}

func TestWhatAClosedPurgeHadGoesBackToTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, one := w.binned(3)
		b, two := w.binned(2)
		w.toThePurge(purge, one.ID)
		w.toThePurge(purge+1, two.ID)
		_, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(a[0]))
		w.must(err)
		w.write(func(tx *db.Tx) error { return bin.GiveBack(tx, purge) })
		w.wantStates(a[:1], conversation.Active)
		w.wantStates(a[1:], conversation.Binned)
		w.wantStates(b, conversation.Frozen)
		w.wantItems(map[string]int64{bin.ItemFrozen: 2, bin.ItemBinned: 2, bin.ItemRestored: 1})
		before := w.snapshot()
		w.write(func(tx *db.Tx) error { return bin.GiveBack(tx, purge) })
		w.wantUntouched(before, "giving back twice")
		if again := w.toThePurge(purge+2, one.ID); len(again) != 2 {
			t.Errorf("the next purge froze %v, want the two that are left", again)
		}
	})
}

func TestReleaseGivesBackSingleOnesWhereverThePurgeHasThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids, batch := w.binned(5)
		w.toThePurge(purge, batch.ID)
		dbtest.Exec(t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Purging, ids[1])
		_, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(ids[2]))
		w.must(err)
		w.write(func(tx *db.Tx) error { return bin.Release(tx, purge, w.set(ids[0], ids[1], ids[2])) })
		w.wantStates(ids[:2], conversation.Binned)
		w.wantStates(ids[2:3], conversation.Active)
		w.wantStates(ids[3:], conversation.Frozen)
		w.wantItems(map[string]int64{bin.ItemFrozen: 2, bin.ItemBinned: 2, bin.ItemRestored: 1})
		before := w.snapshot()
		w.write(func(tx *db.Tx) error { return bin.Release(tx, purge+1, w.set(ids...)) })
		w.wantUntouched(before, "releasing what another purge has")
	})
}

// listed is a list of conversations of a batch, as a purge has one.
func listed(b id.Batch, ids ...id.Conversation) db.List {
	return db.List{Table: "bin_item", Column: "conversation_id", Where: "l.batch_id = ? AND l.conversation_id IN ?", Args: []any{b, ids}}
}

func TestPurgedCountsExactlyWhatThePurgeHad(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.binned(3)
		w.toThePurge(purge, batch.ID)
		_, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(ids[2]))
		w.must(err)
		purged := func(p id.Purge, which ...id.Conversation) error {
			return d.Write(w.ctx(), func(tx *db.Tx) error {
				tx.MarkAudited()
				return bin.Purged(tx, p, listed(batch.ID, which...), len(which))
			})
		}
		before := w.snapshot()
		for name, err := range map[string]error{
			"what was restored": purged(purge, ids...), "what another purge has": purged(purge+1, ids[0]), "what is not there": purged(purge, ids[0], 99_999),
		} {
			if err == nil {
				t.Errorf("%s was marked purged", name)
			}
		}
		w.wantUntouched(before, "refused marks")
		w.must(purged(purge, ids[:2]...))
		w.wantItems(map[string]int64{bin.ItemPurged: 2, bin.ItemRestored: 1})
		if err := purged(purge, ids[0]); err == nil {
			t.Error("one was purged twice")
		}
	})
}

func TestRescueTakesOutOfWhateverPlaceInTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{hidden: true}, chat{}, chat{dep: w.north}, chat{dep: w.east})
		batch := w.discard(w.boss, w.all())
		second := w.store(chat{}, chat{})
		frozen := w.discard(w.local, w.in(w.city))
		w.toThePurge(purge, frozen.ID)
		dbtest.Exec(t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Purging, second[1])
		w.hold(w.east, true)
		w.wantStates([]id.Conversation{ids[0], ids[2], ids[4], second[0], second[1]}, conversation.Active)
		w.wantStates(ids[1:2], conversation.Hidden)
		w.wantStates(ids[3:4], conversation.Binned)
		w.wantItems(map[string]int64{bin.ItemRestored: 6, bin.ItemBinned: 1})
		if n := w.count(&bin.Item{}, "state = ? AND reason = ? AND purge_id IS NULL", bin.ItemRestored, bin.Held); n != 6 {
			t.Errorf("%d items say that a hold took them out, want 6", n)
		}
		row, err := w.bin.Get(w.ctx(), w.boss, batch.ID)
		if err != nil || row.Rescued != 4 || row.Resting != 1 {
			t.Errorf("the batch shows %+v, %v", row, err)
		}
		// What was rescued cannot go again, and the purge has nothing to give back.
		before := w.snapshot()
		w.write(func(tx *db.Tx) error { return bin.GiveBack(tx, purge) })
		w.wantUntouched(before, "giving back what was rescued")
		_, err = w.bin.DiscardOne(w.ctx(), w.local, ids[0], reason, w.key())
		wantFault(t, err, "bin.one_held", "")
	})
}

func TestRescueOfWhatIsNotInTheBinFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(2)
		before := w.snapshot()
		err := w.d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return bin.Rescue(tx, ids) })
		if err == nil {
			t.Error("conversations of the archive were rescued")
		}
		w.wantUntouched(before, "the failed rescue")
	})
}
