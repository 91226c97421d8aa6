package index

import (
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/seal"
)

// stray makes a key of a segment, so long ago, that no database knows.
func (w *world) stray(ago time.Duration) uint64 {
	w.t.Helper()
	s, err := seal.OpenStore(seal.Options{Dir: w.store.Dir(), Now: func() time.Time { return time.Now().Add(ago) }})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	ids, err := s.NewBucketsFor(seal.ForIndex, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids[0]
}

// An older database is restored beside the present key store: of the segments that were made since, other
// copies may tell, so that their keys go; those of conversations stay.
func TestKeysOfSegmentsThatNobodyKnowsGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		w.add(20)
		w.fold()
		old := w.segmentIDs()[0]
		later := w.add(20)
		w.fold()
		lost := w.segmentIDs()[1]
		for _, from := range []string{"index_segment WHERE id", "index_part WHERE segment_id", "index_key WHERE bucket_id"} {
			w.exec("DELETE FROM "+from+" = ?", lost)
		}
		w.erase(later...) // the database is as it was before
		w.tight(later)
		others, err := w.store.NewBuckets(1)
		if err != nil {
			t.Fatal(err)
		}
		before, now := w.stray(-time.Hour), w.stray(0)
		state := func(key uint64, want seal.State) {
			t.Helper()
			if st, err := w.store.State(key); err != nil || st.State != want {
				t.Errorf("key %d is %v, %v, want %v", key, st.State, err, want)
			}
		}
		w.fold() // what is young may belong to a segment that somebody is about to write
		state(before, seal.Destroyed)
		state(now, seal.Live)
		state(lost, seal.Live)
		if n, err := w.x.Stray(t.Context(), 0); err != nil || n != 2 {
			t.Errorf("%d strays, %v", n, err)
		}
		state(now, seal.Destroyed)
		state(lost, seal.Destroyed)
		state(old, seal.Live)
		state(others[0], seal.Live)
		w.check()
	})
}
