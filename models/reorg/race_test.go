package reorg_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

const rounds = 14

// together starts both acts. From round to round the one begins a little earlier or later than the other.
func together(round int, a, b func() error) (first, second error) {
	shift := time.Duration(round%13-6) * time.Millisecond
	var wg sync.WaitGroup
	wg.Go(func() { time.Sleep(shift); first = a() })
	wg.Go(func() { time.Sleep(-shift); second = b() })
	wg.Wait()
	return first, second
}

// A move under a hold beside what bins, imports, holds or moves: whoever comes first, what is under a hold is
// covered and not in the bin, and no two moves make a circle.
func TestAMoveBesideOtherActs(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := dbtest.NewClock()
			d, faults := dbtest.FaultyOn(t, engine, clock)
			w := newWorld(t, d, clock)
			faults.Slow("(UPDATE `department`|INSERT INTO hold_item|FROM `legal_hold`|UPDATE `conversation`)", 2*time.Millisecond)
			w.place(hold.Order{Department: w.north, Sub: true})
			shops := make([]id.Department, rounds)
			for i := range shops {
				shops[i] = w.department(fmt.Sprint("集团/华东/店", i))
			}
			others := map[string]func(c id.Conversation, shop id.Department, round int) error{
				"a discard": func(c id.Conversation, _ id.Department, _ int) error { return w.discard(c) },
				"an import": func(_ id.Conversation, shop id.Department, _ int) error { _, err := w.store(shop); return err },
				"a hold": func(_ id.Conversation, shop id.Department, _ int) error {
					_, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "保全", Reason: reason, Department: shop, Sub: true})
					return err
				},
				"a move of its parent": func(_ id.Conversation, _ id.Department, round int) error {
					on := w.city
					if round%2 > 0 {
						on = w.root
					}
					_, err := w.reorg.Move(w.ctx(), w.admin, w.order(w.shop, on))
					return err
				},
			}
			for name, other := range others {
				for i, shop := range shops {
					if dep, _ := w.tree().Get(shop); dep.ParentID != w.east {
						w.move(shop, w.east)
					}
					c := w.add(shop)[0]
					to := w.order(shop, w.north)
					moved, did := together(i, func() error {
						_, err := w.reorg.Move(w.ctx(), w.admin, to)
						return err
					}, func() error { return other(c, shop, i) })
					if moved != nil || did != nil && fault.KindOf(did) != fault.KindConflict && fault.KindOf(did) != fault.KindInvalid {
						t.Fatalf("%s in round %d: the move %v, the other %v", name, i, moved, did)
					}
					if n := dbtest.Count(t, d, &hold.Item{}, "conversation_id = ?", c); n == 0 {
						t.Errorf("%s in round %d: what was moved is not covered", name, i)
					}
				}
				w.sound()
			}
			w.circles(faults, shops)
		})
	}
}

// circles lets two moves loose of which each alone is right and both together are a circle.
func (w *world) circles(faults *dbtest.Faults, shops []id.Department) {
	w.t.Helper()
	faults.Slow("(UPDATE `department`|FROM `department`)", 3*time.Millisecond)
	for i := range shops[1:] {
		a, b := shops[i], shops[i+1]
		under := func(d, on id.Department) func() error {
			o := w.order(d, on)
			return func() error { _, err := w.reorg.Move(w.ctx(), w.admin, o); return err }
		}
		first, second := together(i, under(a, b), under(b, a))
		if (first == nil) == (second == nil) {
			w.t.Fatalf("round %d: %v and %v", i, first, second)
		}
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { _, err := department.Load(tx); return err }))
		if first == nil {
			w.move(a, w.north)
		} else {
			w.move(b, w.north)
		}
	}
}
