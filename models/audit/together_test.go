package audit

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// opened is an entry that stands alone, of an object by which it is found again.
func opened(i int) Entry {
	return Entry{Actor: lin, Action: "conversation.opened", ObjectKind: "conversation", Object: "C-" + strconv.Itoa(i), Count: 1, Data: map[string]any{"masked": true}}
}

// counting is a clock that counts the transactions.
type counting struct {
	dbtest.Clock
	n     atomic.Int64
	panic atomic.Bool
}

func (c *counting) Now(ctx context.Context, engine string, q db.Queryer) (time.Time, error) {
	c.n.Add(1)
	if c.panic.CompareAndSwap(true, false) {
		panic("the clock broke")
	}
	return dbtest.Start, nil
}

// allAtOnce lets appends wait for the turn and gives it to them when all are there. It gives what each was told.
func allAtOnce(t *testing.T, g *Together, do ...func() error) []error {
	t.Helper()
	g.turn = make(chan struct{}, 1)
	g.turn <- struct{}{}
	out := make([]error, len(do))
	var wg sync.WaitGroup
	for i, f := range do {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					out[i] = errors.New("panic")
				}
			}()
			out[i] = f()
		})
	}
	arrived := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == len(do)
	}
	for range 1000 {
		if arrived() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !arrived() {
		t.Error("not all came")
	}
	<-g.turn
	wg.Wait()
	return out
}

func appends(ctx context.Context, g *Together, d *db.DB, entries ...Entry) (all []func() error) {
	for _, e := range entries {
		all = append(all, func() error { return g.Append(ctx, d, e) })
	}
	return all
}

func openings(n int) (all []Entry) {
	for i := range n {
		all = append(all, opened(i))
	}
	return all
}

// written tells how often each object is in the log, which must be whole.
func written(t *testing.T, d *db.DB) map[string]int {
	t.Helper()
	if r := check(t, newLog(t, d)); !r.OK {
		t.Errorf("the log: %+v", r)
	}
	out := map[string]int{}
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		var names []string
		err := tx.Model(&leafRow{}).Pluck("object", &names).Error
		for _, n := range names {
			out[n]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func eachFaulty(t *testing.T, f func(t *testing.T, d *db.DB, faults *dbtest.Faults, clock *counting)) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := &counting{}
			d, faults := dbtest.FaultyOn(t, engine, clock)
			f(t, d, faults, clock)
		})
	}
}

func TestEntriesThatComeTogetherShareATransaction(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, _ *dbtest.Faults, clock *counting) {
		const n = mostTogether + 7
		var g Together
		for i, err := range allAtOnce(t, &g, appends(t.Context(), &g, d, openings(n)...)...) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if got := clock.n.Load(); got != 2 {
			t.Errorf("%d transactions for %d entries", got, n)
		}
		found := written(t, d)
		for i := range n {
			if k := found[opened(i).Object]; k != 1 {
				t.Errorf("entry %d is there %d times", i, k)
			}
		}
	})
}

func TestReadersAtOnceLeaveADenseLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const readers, each = 12, 15
		var g Together
		var wg sync.WaitGroup
		for r := range readers {
			wg.Go(func() {
				for i := range each {
					if err := g.Append(t.Context(), d, opened(r*each+i)); err != nil {
						t.Errorf("reader %d: %v", r, err)
					}
				}
			})
		}
		wg.Go(func() { // acts go on beside them
			for range each {
				appendAll(t, d, discarded("SC-1"))
			}
		})
		wg.Wait()
		if found := written(t, d); len(found) != readers*each+1 || found["SC-1"] != each {
			t.Errorf("%d objects", len(found))
		}
	})
}

func TestWhatIsWrongWithOneEntryFailsNoOther(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, _ *dbtest.Faults, _ *counting) {
		entries := openings(5)
		entries[2].Data["too much"] = make([]int, leafLimit)
		var g Together
		for i, err := range allAtOnce(t, &g, appends(t.Context(), &g, d, entries...)...) {
			if (err != nil) != (i == 2) {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		if found := written(t, d); len(found) != 4 || found[entries[2].Object] != 0 {
			t.Errorf("%v", found)
		}
		if err := g.Append(t.Context(), d, Entry{Action: "conversation"}); err == nil {
			t.Error("what is no entry was written")
		}
	})
}

// Whatever call of the shared transaction fails, and however: who is told that it is written finds it once, and
// nothing is there twice.
func TestAFailureOfTheSharedTransactionLeavesEachEntryOnceOrNot(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, faults *dbtest.Faults, _ *counting) {
		next := 0
		for _, mode := range []int{dbtest.Before, dbtest.After, dbtest.Cut, dbtest.Hang, dbtest.Deadlock} {
			for n := 1; n < 9; n++ {
				entries := make([]Entry, 4)
				for i := range entries {
					entries[i] = opened(next)
					next++
				}
				var g Together
				faults.FailAt(n, mode)
				told := allAtOnce(t, &g, appends(t.Context(), &g, d, entries...)...)
				faults.FailAt(0, 0)
				found := written(t, d)
				for i, err := range told {
					if k := found[entries[i].Object]; k > 1 || err == nil && k != 1 {
						t.Errorf("mode %d, call %d: an entry is there %d times, and its reader was told %v", mode, n, k, err)
					}
				}
			}
		}
	})
}

func TestTheSharedTransactionDoesNotEndWithOneRequest(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, faults *dbtest.Faults, _ *counting) {
		ctx, cancel := context.WithCancel(t.Context())
		done := faults.Meanwhile("INSERT INTO .audit_leaf", cancel) // all have gone but one
		var g Together
		do := appends(ctx, &g, d, openings(4)...)
		told := allAtOnce(t, &g, append(do, appends(t.Context(), &g, d, opened(4))...)...)
		if told[4] != nil || !done() {
			t.Errorf("the one that stayed: %v", told[4])
		}
		for i := range 4 {
			if told[i] != nil && !errors.Is(told[i], context.Canceled) {
				t.Errorf("%d: %v", i, told[i])
			}
		}
		if found := written(t, d); len(found) != 5 {
			t.Errorf("%v", found)
		}
	})
}

func TestWhoDoesNotWaitAnyMoreIsLeftOut(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, _ *dbtest.Faults, _ *counting) {
		ctx, cancel := context.WithCancel(t.Context())
		var g Together
		left := func() error {
			time.AfterFunc(10*time.Millisecond, cancel)
			return g.Append(ctx, d, opened(1))
		}
		g.turn = make(chan struct{}, 1)
		g.turn <- struct{}{}
		if err := left(); !errors.Is(err, context.Canceled) {
			t.Errorf("who left was told %v", err)
		}
		<-g.turn
		if err := g.Append(t.Context(), d, opened(2)); err != nil {
			t.Error(err)
		}
		if err := g.Append(ctx, d, opened(3)); !errors.Is(err, context.Canceled) {
			t.Errorf("who had left before was told %v", err)
		}
		if found := written(t, d); len(found) != 1 || found["C-2"] != 1 {
			t.Errorf("%v", found)
		}
	})
}

func TestNobodyWaitsForOneThatPanicked(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, _ *dbtest.Faults, clock *counting) {
		var g Together
		clock.panic.Store(true)
		for i, err := range allAtOnce(t, &g, appends(t.Context(), &g, d, openings(4)...)...) {
			if err == nil {
				t.Errorf("%d was told that it is written", i)
			}
		}
		if err := g.Append(t.Context(), d, opened(9)); err != nil {
			t.Error(err)
		}
		if found := written(t, d); len(found) != 1 {
			t.Errorf("%v", found)
		}
	})
}

func TestEachIsToldThatTheDatabaseIsAway(t *testing.T) {
	eachFaulty(t, func(t *testing.T, d *db.DB, _ *dbtest.Faults, _ *counting) {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		var g Together
		for i, err := range allAtOnce(t, &g, appends(t.Context(), &g, d, openings(4)...)...) {
			if err == nil {
				t.Errorf("%d was told that it is written", i)
			}
		}
	})
}

func TestLatestGivesWhatIsSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for i := range 40 {
			e := opened(1)
			e.Department, e.Count = sales, int64(i)
			if i%10 != 3 {
				e.Department = support
			}
			appendAll(t, d, e, opened(2))
		}
		latest := func(s Seen, most int) (out []int64) {
			t.Helper()
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				found, err := Latest(tx, Filter{Seen: s, Object: "C-1"}, most)
				for _, l := range found {
					out = append(out, l.Count)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		mine := Seen{Departments: departments(t, sales)}
		if got := latest(mine, 3); len(got) != 3 || got[0] != 33 || got[2] != 13 {
			t.Errorf("the latest three: %v", got)
		}
		if got := latest(mine, 9); len(got) != 4 || got[3] != 3 {
			t.Errorf("all: %v", got)
		}
		if got := latest(Seen{All: true}, 5); len(got) != 5 || got[0] != 39 {
			t.Errorf("of everybody: %v", got)
		}
		if got := latest(Seen{}, 5); len(got) != 0 {
			t.Errorf("who sees nothing sees %v", got)
		}
	})
}
