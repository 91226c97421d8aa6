package index

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// Every call to the database fails once, in each way: the answer stays exact, and what is repeated comes
// to the same end as if nothing had happened.
func TestAFoldMayFailAtEveryCall(t *testing.T) {
	modes := map[string]int{"before": dbtest.Before, "after": dbtest.After, "deadlock": dbtest.Deadlock}
	for name, mode := range modes {
		for _, engine := range []string{db.SQLite, db.MySQL} {
			if engine == db.SQLite && mode != dbtest.After {
				continue
			}
			t.Run(name+"/"+engine, func(t *testing.T) {
				d, faults := dbtest.FaultyOn(t, engine, dbtest.NewClock())
				w := newWorld(t, faults.Plain(t))
				x := w.open(d)
				x.shards, x.heads = newCache[shardKey, *shard](1), newCache[headKey, *head](1) // nothing is remembered
				w.add(60)
				var erased []id.Conversation
				misses := 0
				for call := 1; misses < 2; call++ {
					w.add(3)
					w.grow(w.some(2)...)
					w.turn(w.some(3)...)
					erased = w.some(2)
					w.erase(erased...)
					faults.FailAt(call, mode)
					_, foldErr := x.Fold(t.Context())
					_, scrubErr := x.Scrub(t.Context(), erased, nil)
					fired := faults.Fired()
					faults.FailAt(0, mode)
					if fired > 0 && mode != dbtest.Deadlock && foldErr == nil && scrubErr == nil && call > 400 {
						t.Fatal("it does not end")
					}
					if fired == 0 {
						misses++
					} else if mode != dbtest.Deadlock && errors.Join(foldErr, scrubErr) == nil {
						t.Logf("call %d failed and nobody noticed", call)
					}
					w.check()
					if _, err := x.Scrub(t.Context(), erased, nil); err != nil {
						t.Fatal(err)
					}
					w.tight(erased)
					if n := w.holds(erased...); n != 0 {
						t.Fatalf("call %d: %d entries are left", call, n)
					}
					if _, err := x.Fold(t.Context()); err != nil {
						t.Fatal(err)
					}
					if n := w.check(); n != len(w.truth) {
						t.Fatalf("call %d: %d of %d are settled", call, n, len(w.truth))
					}
					if t.Failed() {
						t.Fatalf("after call %d", call)
					}
				}
				dbtest.Exec(t, w.d, "UPDATE index_segment SET created_at = ? WHERE state = 1", dbtest.Start.AddDate(0, 0, -1))
				w.clean()
			})
		}
	}
}

// A segment whose key is gone (a backup was restored) is noticed, and what was in it is read again.
func TestASegmentThatDoesNotOpenIsMended(t *testing.T) {
	tests := map[string]func(w *world, s uint64){
		"its key destroyed": func(w *world, s uint64) {
			if err := w.store.Destroy(s); err != nil {
				w.t.Fatal(err)
			}
		},
		"its key never there": func(w *world, s uint64) {
			w.exec("UPDATE index_segment SET id = id + 1000 WHERE id = ?", s)
			w.exec("UPDATE index_part SET segment_id = segment_id + 1000 WHERE segment_id = ?", s)
			w.exec("UPDATE index_key SET bucket_id = bucket_id + 1000 WHERE bucket_id = ?", s)
			if err := w.store.Destroy(s); err != nil {
				w.t.Fatal(err)
			}
		},
		"its head altered": func(w *world, s uint64) {
			w.exec("UPDATE index_part SET body = wrapped WHERE segment_id = ? AND part = 0", s)
		},
		"its head taken from another": func(w *world, s uint64) {
			w.exec("UPDATE index_part SET wrapped = (SELECT w FROM (SELECT MIN(wrapped) w FROM index_part) o) WHERE segment_id = ? AND part = 0", s)
		},
		"its head missing": func(w *world, s uint64) { w.exec("DELETE FROM index_part WHERE segment_id = ? AND part = 0", s) },
		"its shards altered": func(w *world, s uint64) {
			w.exec("UPDATE index_part SET body = wrapped WHERE segment_id = ? AND part > 0", s)
		},
		"its shards missing": func(w *world, s uint64) { w.exec("DELETE FROM index_part WHERE segment_id = ? AND part > 0", s) },
	}
	for name, breaks := range tests {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
				w := newWorld(t, d)
				for range mixedFanIn - 1 {
					w.add(10)
					w.fold()
				}
				segments := w.segmentIDs()
				breaks(w, segments[2])
				breaks(w, segments[4])
				w.x = w.open(d)
				w.add(10) // the eighth: the others are merged
				look := func() error {
					return d.Read(t.Context(), func(tx *db.Tx) error {
						v, err := w.x.View(tx)
						if err == nil {
							_, err = v.Postings(w.x.Tokens(someWords), v.Segments...)
						}
						return err
					})
				}
				if err := look(); !errors.Is(err, ErrUnreadable) {
					t.Errorf("%v", err)
				}
				erased := w.some(5)
				w.erase(erased...)
				w.scrub(erased...)
				w.fold()
				for look() != nil {
					w.fold()
				}
				if n := w.check(); n != len(w.truth) {
					t.Errorf("%d of %d are settled", n, len(w.truth))
				}
				w.exec("DELETE FROM index_part WHERE NOT EXISTS (SELECT 1 FROM index_segment s WHERE s.id = index_part.segment_id)")
				w.clean()
			})
		})
	}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	dbtest.Exec(w.t, w.d, query, args...)
}

// cut cuts the oldest segments into divisions, as a merge of large segments does, by another tree every time: a
// department that was moved is in a segment of its old division and in one of its new one.
func (w *world) cut() (cut int) {
	w.t.Helper()
	var segments []*Segment
	err := w.d.Read(w.t.Context(), func(tx *db.Tx) (err error) {
		segments, err = w.x.segments(tx)
		return err
	})
	if err == nil && len(segments) > 0 {
		segments = segments[:min(len(segments), 2)]
		tree := id.Department(w.rnd.IntN(3))
		err = w.x.rewrite(w.t.Context(), segments, shape{division: func(d id.Department) id.Department { return 1 + (d^tree)%3 }}, idle)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return len(segments)
}

// Random changes, folds, scrubs, rebuilds and cuts, against a plain map.
func TestTheIndexSaysWhatIsTrue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		w.add(30)
		merged, rebuilt, cut := 0, 0, 0
		for step := range 150 {
			switch w.rnd.IntN(13) {
			case 0, 1, 2:
				w.add(1 + w.rnd.IntN(25))
			case 3, 4:
				w.grow(w.some(1 + w.rnd.IntN(6))...)
			case 5:
				w.turn(w.some(1 + w.rnd.IntN(20))...)
			case 6:
				erased := w.some(1 + w.rnd.IntN(6))
				w.erase(erased...)
				w.check()
				w.scrub(erased...)
			case 7:
				if step%5 == 0 {
					if _, err := w.x.Rebuild(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
					rebuilt++
				}
			case 8:
				w.x = w.open(d)
			case 9:
				if step%2 == 0 {
					cut += w.cut()
				}
			default:
				merged += w.fold().Merged
			}
			w.check()
			if t.Failed() {
				t.Fatalf("after step %d", step)
			}
		}
		w.fold()
		if n := w.check(); n != len(w.truth) || merged == 0 || cut == 0 {
			t.Errorf("%d of %d are settled, %d merged, %d rebuilt, %d cut", n, len(w.truth), merged, rebuilt, cut)
		}
		w.clean()
		c, err := w.x.Census(t.Context())
		if err != nil || c.Docs != len(w.truth) || c.Changes != 0 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

func TestLargeSegmentsAreCutIntoDivisions(t *testing.T) {
	row := func(n, dead, division int) segmentRow {
		row := segmentRow{N: n, Dead: dead, Division: id.Department(division), Tier: tierOf(n)}
		return row
	}
	many := func(n int, r segmentRow) (rows []segmentRow) {
		for i := range n {
			r.ID = uint64(i + 1)
			rows = append(rows, r)
		}
		return rows
	}
	tests := []struct {
		name string
		rows []segmentRow
		want string
	}{
		{"seven small ones wait", many(7, row(10, 0, 0)), "none"},
		{"eight small ones become one", many(8, row(10, 0, 0)), "8 split false"},
		{"eight large ones are cut", many(8, row(4096, 0, 0)), "8 split true"},
		{"four of a division", many(4, row(5000, 0, 3)), "4 split false"},
		{"three of a division wait", many(3, row(5000, 0, 3)), "none"},
		{"three that fill one", many(3, row(30_000, 0, 3)), "3 split false"},
		{"full ones stay", many(9, row(40_000, 0, 3)), "none"},
		{"one that is mostly dead", many(1, row(100, 51, 3)), "1 split false"},
		{"one that is half dead", many(1, row(100, 50, 3)), "none"},
	}
	for _, tt := range tests {
		got := "none"
		if m := nextMerging(tt.rows); m != nil {
			got = fmt.Sprint(len(m.segments), " split ", m.split)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if tiers := []int{tierOf(1), tierOf(7), tierOf(8), tierOf(4095), tierOf(4096), tierOf(32_767), tierOf(32_768), tierOf(65_536)}; !slices.Equal(tiers, []int{0, 0, 1, 3, 4, 4, 5, 5}) {
		t.Errorf("%v", tiers)
	}
}
