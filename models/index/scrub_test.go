package index

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/seal"
)

func TestScrubLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		first := w.add(150)
		w.fold()
		w.add(100)
		w.grow(first[:50]...) // dead in the first segment, alive in the second
		w.fold()
		erased := append(slices.Clone(first[:10]), first[60:70]...)
		w.turn(first[60], first[61])
		w.erase(erased...)
		before := w.segmentIDs()
		if n := w.holds(erased...); n != 32 {
			t.Errorf("%d entries before", n)
		}
		if done := w.scrub(erased...); done.Rewritten != 2 || done.Dropped != 0 {
			t.Errorf("%+v", done)
		}
		w.check()
		w.clean()
		for _, s := range before {
			if st, _ := w.store.State(s); st.State != seal.Destroyed {
				t.Errorf("the key of segment %d is %v", s, st.State)
			}
		}
		if done := w.scrub(erased...); done != (Scrubbed{}) {
			t.Errorf("again: %+v", done)
		}
		rest := w.some(1000)
		w.erase(rest...)
		if done := w.scrub(rest...); done.Dropped != 2 || done.Rewritten != 0 {
			t.Errorf("all: %+v", done)
		}
		w.clean()
		if n := dbtest.Count(t, d, &partRow{}); n != 0 {
			t.Errorf("%d parts are left", n)
		}
	})
}

func (w *world) segmentIDs() (ids []uint64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		return tx.Model(&segmentRow{}).Where("state = ?", ready).Order("id").Pluck("id", &ids).Error
	})
	return ids
}

// While a fold, a merge or a scrub is between its first look and its last transaction, anything may
// happen: nothing is lost, doubled or comes back.
func TestWhatHappensBesideAnOperation(t *testing.T) {
	beside := map[string]func(w *world, other *Index, victims []id.Conversation){
		"attributes change": func(w *world, _ *Index, v []id.Conversation) { w.turn(v...) },
		"content changes":   func(w *world, _ *Index, v []id.Conversation) { w.grow(v...) },
		"erased":            func(w *world, _ *Index, v []id.Conversation) { w.erase(v...) },
		"erased and scrubbed": func(w *world, other *Index, v []id.Conversation) {
			w.erase(v...)
			if _, err := other.Scrub(w.t.Context(), v, nil); err != nil {
				w.t.Error(err)
			}
			w.tight(v)
			if n := w.holds(v...); n != 0 {
				w.t.Errorf("after the scrub beside it %d entries", n)
			}
		},
		"another fold": func(w *world, other *Index, v []id.Conversation) {
			if _, err := other.Fold(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		},
		"changed and folded": func(w *world, other *Index, v []id.Conversation) {
			w.turn(v...)
			w.grow(v[0])
			if _, err := other.Fold(w.t.Context()); err != nil {
				w.t.Error(err)
			}
			w.turn(v[1])
		},
		"changed and caught": func(w *world, other *Index, v []id.Conversation) {
			w.turn(v...)
			if _, err := other.Catch(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		},
		"its segments taken for orphans": func(w *world, other *Index, _ []id.Conversation) {
			dbtest.Exec(w.t, w.d, "UPDATE index_segment SET created_at = ? WHERE state = 1", dbtest.Start.Add(-time.Hour))
			if err := other.tidy(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		},
	}
	operations := map[string]func(w *world, old []id.Conversation) error{
		"fold": func(w *world, _ []id.Conversation) error { _, err := w.x.Catch(w.t.Context()); return err },
		"merge": func(w *world, _ []id.Conversation) error {
			_, err := w.x.merging(w.t.Context(), idle)
			return err
		},
		"scrub": func(w *world, old []id.Conversation) error {
			w.erase(old[8:10]...)
			_, err := w.x.Scrub(w.t.Context(), old[8:10], nil)
			w.tight(old[8:10])
			return err
		},
	}
	for what, happens := range beside {
		for name, operate := range operations {
			for _, step := range []string{"read", "begun", "written"} {
				t.Run(name+" "+step+" "+what, func(t *testing.T) {
					dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
						if d.Engine() == db.SQLite && step != "written" {
							return // its transactions follow one another anyway
						}
						w := newWorld(t, d)
						var old []id.Conversation
						for range mixedFanIn {
							old = append(old, w.add(9)...)
							if _, err := w.x.Catch(t.Context()); err != nil {
								t.Fatal(err)
							}
						}
						fresh := w.add(20)
						w.turn(old[:5]...)
						w.grow(old[20:25]...)
						other := w.open(d)
						victims := append(slices.Clone(fresh[:4]), old[0], old[1], old[20], old[21], old[30], old[31])
						done := false
						w.x.at = func(s string) {
							if s == step && !done {
								done = true
								happens(w, other, victims)
							}
							if s == "begun" && done && what == "erased and scrubbed" {
								if n := w.holds(victims...); n != 0 {
									t.Errorf("%d entries come back, if for a moment", n)
								}
							}
						}
						if err := operate(w, old); err != nil {
							t.Fatal(err)
						}
						if !done {
							t.Fatal("nothing happened beside it")
						}
						w.check()
						if n := w.holds(fresh[:4]...); what == "erased" && name == "fold" && n != 0 {
							t.Errorf("%d entries of what was erased meanwhile", n)
						}
						if what == "erased and scrubbed" {
							if n := w.holds(victims...); n != 0 {
								t.Errorf("%d entries came back", n)
							}
						}
						w.fold()
						if n := w.check(); what != "erased" && n != len(w.truth) {
							t.Errorf("%d of %d are settled", n, len(w.truth))
						}
						if what == "erased" {
							w.scrub(victims...)
							w.check()
						}
						dbtest.Exec(t, d, "UPDATE index_segment SET created_at = ? WHERE state = 1", dbtest.Start.Add(-time.Hour))
						w.clean()
					})
				})
			}
		}
	}
}

// A segment may tell of an older state of what is erased: the note that keeps it from being believed goes
// last.
func TestWhatIsBeingScrubbedDoesNotComeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		ids := w.add(20)
		w.fold()
		w.turn(ids...)
		w.erase(ids[:5]...)
		w.x.at = func(string) {
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				v, err := w.open(d).View(tx)
				if err != nil {
					return err
				}
				for _, c := range ids[:5] {
					_, _, alive := v.Find(c)
					if _, waits := v.Changes[c]; alive && !waits {
						t.Errorf("%d is believed", c)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		w.scrub(ids[:5]...)
	})
}
