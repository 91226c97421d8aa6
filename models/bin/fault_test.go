package bin_test

import (
	"errors"
	"fmt"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// trial is one act on some conversations that is to end with all of them in a state.
type trial struct {
	ids  []id.Conversation
	do   func() error
	ends conversation.State
}

var trials = []struct {
	name    string
	prepare func(w *world, n int) trial
	again   string // fault of the second attempt when the first one was done after all
}{
	{name: "discarding a batch", prepare: func(w *world, _ int) trial {
		ids := w.some(2)
		req := w.frozen(w.local, w.in(w.city))
		return trial{ids, func() error { _, err := w.bin.Discard(w.ctx(), w.local, req); return err }, conversation.Binned}
	}},
	{name: "discarding one", prepare: func(w *world, _ int) trial {
		ids, key := w.some(1), w.key()
		return trial{ids, func() error { _, err := w.bin.DiscardOne(w.ctx(), w.local, ids[0], reason, key); return err }, conversation.Binned}
	}},
	{name: "a step of a large batch", prepare: func(w *world, _ int) trial {
		w.bin.SyncLimit = 1
		ids, _ := w.binned(2)
		j := w.claim("worker")
		return trial{ids, func() error { _, err := w.bin.Mover().Step(w.ctx(), j); return err }, conversation.Binned}
	}},
	{name: "restoring", again: "bin.nothing_to_restore", prepare: func(w *world, _ int) trial {
		w.bin.SyncLimit = 0
		ids, batch := w.binned(2)
		return trial{ids, func() error { _, err := w.bin.Restore(w.ctx(), w.local, batch.ID); return err }, conversation.Active}
	}},
	{name: "placing a hold", prepare: func(w *world, n int) trial {
		w.city = w.department(fmt.Sprint("集团/店", n))
		w.local.Scope = w.legal.Scope
		ids, _ := w.binned(2)
		order := hold.Order{Name: "保全", Reason: reason, Department: w.city}
		return trial{ids, func() error { _, err := w.holds.Place(w.ctx(), w.legal, order); return err }, conversation.Active}
	}},
}

// TestAnyFailingCallLeavesAllOrNothing lets the first, second, … call to the database fail in
// three ways, until an act needs no further call.
func TestAnyFailingCallLeavesAllOrNothing(t *testing.T) {
	modes := []struct {
		name string
		mode int
	}{{"before", dbtest.Before}, {"after", dbtest.After}, {"cut", dbtest.Cut}}
	for _, tt := range trials {
		for _, m := range modes {
			t.Run(tt.name+", the call fails "+m.name, func(t *testing.T) {
				t.Parallel()
				clock := dbtest.NewClock()
				d, faults := dbtest.Faulty(t, clock)
				w := newWorld(t, d, clock)
				n := 1
				for ; ; n++ {
					tr := tt.prepare(w, n)
					before := w.snapshot()
					faults.FailAt(n, m.mode)
					err := tr.do()
					fired := faults.Calls() >= n
					faults.FailAt(0, dbtest.Before)
					if !fired {
						w.must(err)
						w.wantStates(tr.ids, tr.ends)
						break
					}
					w.wantAllOrNothing(tr, before, err, n)
					if err := tr.do(); err != nil && !isFault(err, tt.again) {
						t.Fatalf("call %d: the second attempt: %v", n, err)
					}
					w.wantStates(tr.ids, tr.ends)
					if t.Failed() {
						t.Fatalf("call %d", n)
					}
				}
				w.wantWhole()
				if n < 8 {
					t.Errorf("only %d calls were counted", n-1)
				}
			})
		}
	}
}

func (w *world) wantAllOrNothing(tr trial, before string, err error, n int) {
	w.t.Helper()
	switch done := w.inState(tr.ends, tr.ids); {
	case err == nil:
		w.t.Errorf("call %d failed and nobody noticed", n)
	case !errors.Is(err, dbtest.ErrInjected):
		w.t.Errorf("call %d: err = %v, want the injected fault", n, err)
	case done == 0:
		w.wantUntouched(before, fmt.Sprint("call ", n))
	case done != len(tr.ids) || !errors.Is(err, db.ErrCommitUnknown):
		w.t.Errorf("call %d: %d of %d are done, err = %v", n, done, len(tr.ids), err)
	}
}

func isFault(err error, key string) bool {
	f, ok := fault.Of(err)
	return ok && f.Key == key
}
