package drill_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

var silent = slog.New(slog.DiscardHandler)

// modes are the ways in which a call to the database fails.
var modes = map[string]int{"before": dbtest.Before, "after": dbtest.After, "cut": dbtest.Cut, "hang": dbtest.Hang, "deadlock": dbtest.Deadlock}

// eachMode runs f on both engines in every mode that the engine has.
func eachMode(t *testing.T, f func(t *testing.T, w *world, mode int)) {
	t.Helper()
	for _, engine := range []string{db.SQLite, db.MySQL} {
		for name, mode := range modes {
			switch {
			case engine == db.MySQL:
			case mode == dbtest.Deadlock:
				continue // its one writer waits for nobody
			case !long() && mode != dbtest.Before && mode != dbtest.After:
				continue // a file's connection breaks as the server's does
			}
			t.Run(engine+"/"+name, func(t *testing.T) {
				t.Parallel()
				f(t, withNeighbour(t, engine), mode)
			})
		}
	}
}

// try is one act that is about to be done.
type try struct {
	do    func(ctx context.Context) error // again: what a person does who saw an error
	done  func() bool
	again string // fault that tells whoever tries again that it had happened
}

// TestAFaultAtAnyCallOfAnAct lets the first, second, … call of every act of a person fail, until
// an act needs no further call. Whatever fails: all or nothing has happened, the person sees an
// error, and doing the same again ends with the act done once.
func TestAFaultAtAnyCallOfAnAct(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world, mode int) {
		total := 0
		for _, a := range acts {
			var calls int
			if mode == dbtest.Deadlock {
				calls = w.deadlocks(a)
			} else {
				calls = w.walk(a, mode)
			}
			if calls < 5 {
				t.Errorf("%s: only %d calls were counted", a.name, calls)
			}
			total += calls
		}
		w.wantClean("at the end")
		t.Logf("%d acts, %d calls", len(acts), total)
	})
}

// walk lets each call of an act fail once and gives how many there are.
func (w *world) walk(a act, mode int) (calls int) {
	w.t.Helper()
	var cur try
	var before string
	for n := 1; ; n++ {
		if cur.do == nil {
			cur = a.begin(w)
			before = w.digest()
		}
		w.faults.FailAt(n, mode)
		err := cur.do(w.faults.Deadline(w.ctx()))
		fired := w.faults.Fired() > 0
		w.faults.FailAt(0, 0)
		where := fmt.Sprintf("%s, call %d", a.name, n)
		if !fired {
			w.must(err)
			if !cur.done() {
				w.t.Fatalf("%s: without a fault it did nothing", a.name)
			}
			return n - 1
		}
		if w.settled(where, cur, before, err) {
			cur = try{}
		}
		if w.t.Failed() {
			w.t.FailNow()
		}
	}
}

// deadlocks lets calls of an act end in a deadlock: the transaction runs again by itself, and
// nothing of its first run may be left, in the database or in the closure.
func (w *world) deadlocks(a act) (calls int) {
	w.t.Helper()
	cur := a.begin(w)
	w.faults.FailAt(0, 0)
	w.must(cur.do(w.ctx()))
	calls = w.faults.Calls()
	for n := 1; n <= calls; n++ {
		// What ran before the deadlock is what may be left: the later the more.
		if !long() && n != calls/2 && n < calls-1 {
			continue
		}
		cur = a.begin(w)
		w.faults.FailAt(n, dbtest.Deadlock)
		err := cur.do(w.ctx())
		w.faults.FailAt(0, 0)
		if err != nil || !cur.done() {
			w.t.Fatalf("%s, deadlock in call %d: %v, done %v", a.name, n, err, cur.done())
		}
	}
	return calls
}

// settled looks at what a failed act left and tells whether it had happened after all. Then it is
// tried once more, as the person will.
func (w *world) settled(where string, cur try, before string, err error) bool {
	w.t.Helper()
	after := w.digest()
	switch {
	case err == nil && !cur.done():
		w.t.Errorf("%s: it failed and nobody was told", where)
		return false
	case err != nil && fault.KindOf(err) != fault.None && !errors.Is(err, dbtest.ErrInjected):
		w.t.Errorf("%s: the failure was told as %v", where, err)
	case err != nil && !errors.Is(err, dbtest.ErrInjected) && !errors.Is(err, context.DeadlineExceeded):
		w.t.Errorf("%s: the error does not say what failed: %v", where, err)
	case err == nil:
		return true
	case after == before:
		return false
	}
	if !cur.done() {
		w.t.Errorf("%s: half of it happened: %v", where, err)
	}
	if err := cur.do(w.ctx()); err != nil && (cur.again == "" || faultKey(err) != cur.again) {
		w.t.Errorf("%s: it had happened, and trying again gives %v", where, err)
	}
	if w.digest() != after {
		w.t.Errorf("%s: trying again did it a second time", where)
	}
	w.wantClean(where)
	return true
}

// TestTwoFaultsInOneAct lets what cleans up behind a failed call fail too.
func TestTwoFaultsInOneAct(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := withNeighbour(t, engine)
			pairs := 0
			for i, a := range acts {
				pairs += w.pairs(a, uint64(i))
			}
			w.wantClean("at the end")
			t.Logf("%d pairs", pairs)
		})
	}
}

// pairs lets two calls of an act fail: in the short tier a seeded sample, else all that are close
// together.
func (w *world) pairs(a act, seed uint64) (tried int) {
	w.t.Helper()
	var cur try
	var before string
	calls := 60
	draw := newDraw(seed)
	for first := 1; first <= calls; first++ {
		seconds := []int{1, 2, 3, 4, 5, 6, 8, 12}
		if !long() {
			if draw(3) > 0 {
				continue
			}
			seconds = []int{seconds[draw(len(seconds))]}
		}
		for _, gap := range seconds {
			if cur.do == nil {
				cur = a.begin(w)
				before = w.digest()
			}
			m1, m2 := []int{dbtest.Before, dbtest.Cut, dbtest.After}[draw(3)], []int{dbtest.Before, dbtest.Cut, dbtest.After}[draw(3)]
			w.faults.FailAt(first, m1)
			w.faults.FailAlso(first+gap, m2)
			err := cur.do(w.ctx())
			fired := w.faults.Fired()
			w.faults.FailAt(0, 0)
			if fired == 0 {
				calls = first // there are no more
				break
			}
			tried++
			if w.settled(fmt.Sprintf("%s, calls %d and %d", a.name, first, first+gap), cur, before, err) {
				cur = try{}
			}
			w.unlock()
			if w.t.Failed() {
				w.t.FailNow()
			}
		}
	}
	return tried
}

// unlock forgets tries of one-time codes that were counted and never given back: that is what a
// fault in giving back leaves, and it must not end in half an hour's lock here.
func (w *world) unlock() { dbtest.Exec(w.t, w.d, "DELETE FROM login_guard") }

// newDraw gives small numbers that are the same in every run.
func newDraw(seed uint64) func(n int) int {
	x := seed*2862933555777941757 + 3037000493
	return func(n int) int {
		x = x*6364136223846793005 + 1442695040888963407
		return int(x>>33) % n
	}
}
