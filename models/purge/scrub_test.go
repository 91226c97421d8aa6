package purge_test

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
	"qingdang/models/words"
)

// segments gives the keys of the index's segments: a segment's id is that of its key.
func (w *world) segments() (keys []uint64) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT id FROM index_segment WHERE state = 2 ORDER BY id").Scan(&keys).Error
	}))
	return keys
}

// finds gives what a search for words finds, of whatever state.
func (w *world) finds(text string) (ids []id.Conversation) {
	w.t.Helper()
	q, err := words.Parse(text)
	w.must(err)
	s := &conversation.Conversations{DB: w.d, Vault: w.vault, Index: w.index}
	all := conversation.Filter{Departments: account.Everywhere(), States: []conversation.State{conversation.Active, conversation.Binned, conversation.Frozen}}
	page, err := s.Search(w.ctx(), w.legal, conversation.Query{Filter: all, Words: q, Size: 100})
	w.must(err)
	for _, r := range page.Rows {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

func (w *world) folded() {
	w.t.Helper()
	_, err := w.index.Fold(w.ctx())
	w.must(err)
}

// A purge takes what it erased out of the search index before anything is certified, under new keys, and
// the old keys are gone.
func TestTheSearchIndexForgetsWhatIsPurged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbour := w.store(chat{name: "neighbour"})
		ids, batch := w.expired(6)
		w.folded()
		before := w.segments()
		if found := w.finds("canary"); len(before) == 0 || len(found) != 7 {
			t.Fatalf("%d found in %d segments", len(found), len(before))
		}
		r := w.approved(batch)
		w.folded() // their states have changed
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		if found := w.finds("canary"); !slices.Equal(found, neighbour) {
			t.Errorf("found: %v, want %v", found, neighbour)
		}
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
			n, err := w.index.Holds(tx, ids)
			if n != 0 {
				t.Errorf("the index holds %d", n)
			}
			return err
		}))
		for _, k := range before {
			if s, err := w.keys.State(k); err != nil || s.State != seal.Destroyed {
				t.Errorf("key of segment %d: %v, %v", k, s.State, err)
			}
		}
		looked := false
		for _, c := range w.certificate(r).Body.Verification {
			looked = looked || c.What == purge.CheckIndex && c.OK && c.Read == 6
		}
		if !looked {
			t.Error("the certificate says nothing of the index")
		}
	})
}

// Whatever call fails while the index is scrubbed, nothing is certified until another worker has finished it.
func TestNothingIsCertifiedBeforeTheIndexIsScrubbed(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := dbtest.NewClock()
			d, faults := dbtest.FaultyOn(t, engine, clock)
			w := newWorld(t, d, clock)
			w.store(chat{name: "neighbour"})
			ids, batch := w.expired(5)
			w.folded()
			r := w.approved(batch)
			w.folded()
			w.toTheEvening(r)
			for w.now(r).Phase != purge.PhaseVerify {
				j, err := job.Claim(w.ctx(), d, "w", []string{purge.JobRun})
				w.must(err)
				_, err = w.runner().Step(w.ctx(), j)
				w.must(err)
				clock.Advance(job.Lease + time.Second)
			}
			certified := 0
			for n := 1; ; n++ {
				j, err := job.Claim(w.ctx(), d, "w", []string{purge.JobRun})
				w.must(err)
				if j == nil {
					break // what failed did not matter
				}
				faults.FailAt(n, dbtest.Before)
				_, err = w.runner().Step(w.ctx(), j)
				fired := faults.Fired()
				faults.FailAt(0, dbtest.Before)
				clock.Advance(job.Lease + time.Second)
				w.set("UPDATE job SET attempts = 0")
				if fired == 0 {
					w.must(err)
					break
				}
				if err != nil && w.now(r).State.Finished() {
					certified++
				}
			}
			w.work()
			w.wantWhole(r)
			w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
				n, err := w.index.Holds(tx, ids)
				if n != 0 || certified != 0 {
					t.Errorf("the index holds %d, certified %d times too early", n, certified)
				}
				return err
			}))
		})
	}
}

// A database that is lost after the ledger was written and before the index was scrubbed, and restored from
// a backup of before: the replay scrubs what the backup's index knows.
func TestAReplayScrubsTheIndexOfARestoredDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbour := w.store(chat{name: "neighbour"})
		ids, batch := w.expired(5)
		w.folded()
		before := w.segments()
		_, err := w.log.Checkpoint(w.ctx())
		w.must(err)
		restore := w.dump()
		r := w.approved(batch)
		w.toTheEvening(r)
		for i := 0; w.now(r).Phase != purge.PhaseVerify; i++ {
			if i > 30 {
				t.Fatal("it never verifies")
			}
			w.steps(r, w.runner(), 1)
		}
		w.store(chat{name: "later"})
		w.folded()
		since := w.segments() // the copy that is given up may tell of what will be purged
		restore()
		done, err := w.replay().Run(w.ctx())
		w.must(err)
		if done.Strays == 0 || slices.Equal(since, before) {
			t.Errorf("segments %v, before %v, %d strays", since, before, done.Strays)
		}
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
			n, err := w.index.Holds(tx, ids)
			if n != 0 {
				t.Errorf("the index holds %d", n)
			}
			return err
		}))
		for _, k := range slices.Concat(before, since) {
			if s, err := w.keys.State(k); err != nil || s.State != seal.Destroyed {
				t.Errorf("key of segment %d: %v, %v", k, s.State, err)
			}
		}
		w.folded() // segments that were replaced since do not open any more
		if found := w.finds("canary"); !slices.Equal(found, neighbour) {
			t.Errorf("found %v, want %v", found, neighbour)
		}
	})
}
