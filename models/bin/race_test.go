package bin_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

// rounds is how often two acts are let loose at the same time. QINGDANG_ROUNDS lengthens it.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("QINGDANG_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 200
}

// contest is one conversation in a department of its own.
type contest struct {
	dep  id.Department
	chat id.Conversation
}

// contests are the places of n rounds, on MariaDB, where every check stands 2 ms away from the
// act that follows it.
func contests(t *testing.T, n int) (*world, []contest) {
	t.Helper()
	t.Parallel()
	clock := dbtest.NewClock()
	d, faults := dbtest.Faulty(t, clock)
	w := newWorld(t, d, clock)
	out := make([]contest, n)
	chats := make([]chat, n)
	var all []id.Department
	for i := range out {
		out[i].dep = w.department(fmt.Sprint("集团/店", i))
		chats[i].dep = out[i].dep
		all = append(all, out[i].dep)
	}
	for i, c := range w.store(chats...) {
		out[i].chat = c
	}
	w.boss.Scope = account.Within(all...)
	faults.Slow("^(UPDATE `conversation`|INSERT INTO hold_item|COMMIT)", 2*time.Millisecond)
	return w, out
}

// together starts both acts in a round and gives their errors. From round to round the one
// begins a little earlier or later than the other, so that their steps meet in every order.
func together(round int, a, b func() error) (first, second error) {
	const most = 12
	shift := time.Duration(round%(2*most+1)-most) * time.Millisecond
	var wg sync.WaitGroup
	wg.Go(func() { time.Sleep(shift); first = a() })
	wg.Go(func() { time.Sleep(-shift); second = b() })
	wg.Wait()
	return first, second
}

func (w *world) place(d id.Department) func() error {
	return func() error {
		_, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "保全", Reason: reason, Department: d})
		return err
	}
}

// heldInBin counts what must never be: conversations that a hold covers and that are in the bin.
func (w *world) heldInBin() int64 {
	w.t.Helper()
	return w.count(&conversation.Conversation{}, hold.Covers+" AND state NOT IN ?", []conversation.State{conversation.Active, conversation.Hidden})
}

func TestAHoldAndADiscardNeverBothWin(t *testing.T) {
	w, all := contests(t, rounds())
	discarded := 0
	for i, c := range all {
		placed, gone := together(i, w.place(c.dep), func() error {
			_, err := w.bin.DiscardOne(w.ctx(), w.boss, c.chat, reason, fmt.Sprintf("round-%04d", i))
			return err
		})
		if placed != nil || gone != nil && fault.KindOf(gone) != fault.KindConflict {
			t.Fatalf("round %d: hold %v, discard %v", i, placed, gone)
		}
		if gone == nil {
			discarded++
		}
	}
	if n := w.heldInBin(); n != 0 {
		t.Errorf("%d conversations are held and in the bin", n)
	}
	t.Logf("the discard came first in %d of %d rounds", discarded, len(all))
	w.wantWhole()
}

func TestAHoldAndABatchNeverBothWin(t *testing.T) {
	w, all := contests(t, rounds()/4)
	for i, c := range all {
		req := w.frozen(w.boss, w.in(c.dep))
		placed, gone := together(i, w.place(c.dep), func() error {
			_, err := w.bin.Discard(w.ctx(), w.boss, req)
			return err
		})
		if placed != nil || gone != nil && fault.KindOf(gone) != fault.KindConflict {
			t.Fatalf("round %d: hold %v, batch %v", i, placed, gone)
		}
	}
	if n := w.heldInBin(); n != 0 {
		t.Errorf("%d conversations are held and in the bin", n)
	}
	w.wantWhole()
}

func TestAHoldAndAJobOrAPurgesListNeverBothWin(t *testing.T) {
	w, all := contests(t, rounds()/4)
	for i, c := range all {
		w.bin.SyncLimit = 1
		more := w.store(chat{dep: c.dep})
		batch := w.discard(w.boss, w.in(c.dep))
		j := w.claim("worker")
		m := w.bin.Mover()
		act := func() error {
			for {
				if done, err := m.Step(w.ctx(), j); done || err != nil {
					return err
				}
			}
		}
		if i%2 == 1 {
			w.must(act())
			act = func() error {
				return w.d.Write(w.ctx(), func(tx *db.Tx) error {
					tx.MarkAudited()
					if err := hold.ShareEpoch(tx); err != nil {
						return err
					}
					if _, err := bin.Batches(tx, batch.ID); err != nil {
						return err
					}
					_, err := bin.Freeze(tx, []id.Batch{batch.ID}, id.Purge(i+1))
					return err
				})
			}
		}
		placed, other := together(i, w.place(c.dep), act)
		if placed != nil || other != nil {
			t.Fatalf("round %d: hold %v, the other act %v", i, placed, other)
		}
		w.wantStates(append(more, c.chat), conversation.Active)
	}
	if n := w.heldInBin(); n != 0 {
		t.Errorf("%d conversations are held and in the bin", n)
	}
	if n := w.count(&job.Job{}, "state <> ?", job.Done); n != 0 {
		t.Errorf("%d jobs are not done", n)
	}
	w.wantWhole()
}

func TestAHoldAndARestoreBothWin(t *testing.T) {
	w, all := contests(t, rounds()/4)
	for i, c := range all {
		batch, err := w.bin.DiscardOne(w.ctx(), w.boss, c.chat, reason, fmt.Sprintf("round-%04d", i))
		w.must(err)
		placed, back := together(i, w.place(c.dep), func() error {
			_, err := w.bin.Restore(w.ctx(), w.boss, batch.ID)
			return err
		})
		if placed != nil || back != nil && fault.KindOf(back) != fault.KindConflict {
			t.Fatalf("round %d: hold %v, restore %v", i, placed, back)
		}
		w.wantStates([]id.Conversation{c.chat}, conversation.Active)
	}
	w.wantWhole()
}

// naive is a discard as one would write it: it looks for a hold first, without the epoch and
// without locking the conversation, and then moves it.
func (w *world) naive(c id.Conversation) error {
	return w.d.Write(w.ctx(), func(tx *db.Tx) error {
		tx.MarkAudited()
		only, err := id.NewSet(c)
		if err != nil {
			return err
		}
		held, err := hold.Covering(tx, only, false)
		if err != nil {
			return err
		}
		if len(held[c]) > 0 {
			return errHeld
		}
		_, err = conversation.Move(tx, only, conversation.Active, conversation.Binned, nil)
		return err
	})
}

var errHeld = errors.New("a hold covers it")

// TestTheNaiveDiscardLosesTheRace shows that the tests above can fail.
func TestTheNaiveDiscardLosesTheRace(t *testing.T) {
	w, all := contests(t, rounds())
	for i, c := range all {
		if _, gone := together(i, w.place(c.dep), func() error { return w.naive(c.chat) }); gone != nil && !errors.Is(gone, errHeld) {
			t.Fatalf("round %d: %v", i, gone)
		}
		if w.heldInBin() > 0 {
			t.Logf("held and in the bin after %d rounds", i+1)
			return
		}
	}
	t.Errorf("in %d rounds the naive discard never went wrong: the window is not open", len(all))
}
