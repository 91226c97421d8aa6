package index

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// Sealing takes time, and SQLite has one writer: while a fold, a merge or a scrub seals, others write, and
// what they change of what is being folded is not lost.
func TestOthersWriteWhileTheIndexSeals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		for range mixedFanIn {
			w.add(9)
			if _, err := w.x.Catch(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		old := w.some(1000)
		slices.Sort(old)
		other := w.open(d)
		run := func(name string, meanwhile func(), operate func() error) {
			t.Helper()
			sealed, written := 0, false
			var one sync.Mutex
			w.x.at = func(step string) {
				one.Lock()
				defer one.Unlock()
				switch {
				case step == "written" && !written: // from here on only the last transactions
					written = true
					meanwhile()
				case step == "seal":
					sealed++
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					if err := d.Write(ctx, func(tx *db.Tx) error { return Changed(tx, false, old...) }); err != nil {
						t.Errorf("%s: nobody can write while it seals: %v", name, err)
					}
				}
			}
			if err := operate(); err != nil {
				t.Fatal(name, err)
			}
			w.x.at = func(string) {}
			if sealed == 0 || !written {
				t.Errorf("%s: sealed %d", name, sealed)
			}
			w.check()
		}
		w.add(20)
		w.turn(old[:20]...)
		w.grow(old[20:30]...)
		run("fold", func() {}, func() error { _, err := w.x.Catch(t.Context()); return err })
		run("merge", func() {
			w.turn(old[30:40]...)
			if _, err := other.Catch(t.Context()); err != nil { // changes the heads of what is being merged
				t.Error(err)
			}
		}, func() error { _, err := w.x.merging(t.Context(), idle); return err })
		erased := old[40:45]
		w.erase(erased...)
		run("scrub", func() {
			w.turn(old[50:60]...)
			if _, err := other.Catch(t.Context()); err != nil {
				t.Error(err)
			}
		}, func() error { _, err := w.x.Scrub(t.Context(), erased, nil); return err })
		w.tight(erased)
		old = slices.DeleteFunc(old, func(c id.Conversation) bool { return slices.Contains(erased, c) })
		w.fold()
		if n := w.check(); n != len(w.truth) {
			t.Errorf("%d of %d are settled", n, len(w.truth))
		}
		w.clean()
	})
}
