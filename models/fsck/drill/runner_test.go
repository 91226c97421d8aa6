package drill_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// eventful is a purge that is due, of whose list some were restored, held or written to since.
func (w *world) eventful(n int) *purge.Request {
	w.t.Helper()
	s := w.shop(n)
	r := w.asked(s)
	w.bring(s, 2) // share the buckets, stay
	back, err := id.NewSet(s.ids[0])
	w.must(err)
	_, err = w.bin.RestoreItems(w.ctx(), w.boss, back)
	w.must(err)
	w.vote(r, w.second, w.legal)
	_, err = w.holds.Place(w.ctx(), w.legal, hold.Order{Name: w.key(), Reason: reason, Conversations: s.ids[1:3]})
	w.must(err)
	w.must(w.adding([]*format.Conversation{s.chat(3, 2)})(w.ctx()))
	r = w.now(r)
	w.clock.Set(*r.DueAt)
	return r
}

const spared = 4 // by eventful

// wantFinished looks at a purge that went through faults.
func (w *world) wantFinished(where string, r *purge.Request) {
	w.t.Helper()
	r = w.now(r)
	if !r.State.Finished() || r.Phase != purge.PhaseEnd || r.Skipped != spared || r.Purged != r.Size-spared {
		w.t.Fatalf("%s: %s, phase %q, %d purged and %d skipped of %d", where, r.State, r.Phase, r.Purged, r.Skipped, r.Size)
	}
	if n := w.count(&purge.Head{}, "purge_id = ?", r.ID); n != 1 {
		w.t.Errorf("%s: %d certificates", where, n)
	}
	if n := w.count(&purge.Item{}, "purge_id = ? AND state = ?", r.ID, purge.Purged); n != r.Purged {
		w.t.Errorf("%s: %d items are purged, the request says %d", where, n, r.Purged)
	}
	if n := w.count(&conversation.Conversation{}, "state IN ?", []conversation.State{conversation.Frozen, conversation.Purging}); n != 0 {
		w.t.Errorf("%s: %d are still frozen", where, n)
	}
	if head, err := w.ledger.Head(r.Code); err != nil || head.Purged != r.Purged || head.Skipped != r.Skipped {
		w.t.Errorf("%s: the outside ledger says %+v, %v", where, head, err)
	}
	w.wantClean(where)
}

// step lets a worker claim the job and do one step of it, as the console's does, and give it back.
func (w *world) step(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	runners := map[string]job.Runner{}
	for kind, r := range w.runners() {
		runners[kind] = job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
			defer stop()
			return r.Step(ctx, j)
		})
	}
	return job.Work(ctx, w.d, "worker", runners, job.Options{Once: true, Log: silent})
}

// claimable lets the pauses and leases that a fault left run out.
func (w *world) claimable() {
	dbtest.Exec(w.t, w.plain, "UPDATE job SET state = 'queued', run_at = ?, lease_until = NULL, attempts = 0 WHERE state IN ('queued', 'running')", w.clock.Time())
}

// TestAFaultAtAnyCallOfAPurge lets the first, second, … call of every step of an execution fail.
// A step that fails leaves nothing; the next worker does it; there is one certificate.
func TestAFaultAtAnyCallOfAPurge(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world, mode int) {
		if mode == dbtest.Deadlock {
			w.deadlockedPurges()
			return
		}
		r := w.eventful(24)
		phases := map[purge.Phase]int{}
		for steps := 0; w.now(r).Phase != purge.PhaseEnd; steps++ {
			if steps > 40 {
				t.Fatal("it never ends")
			}
			phases[w.now(r).Phase] += w.walkStep(r, mode)
		}
		w.wantFinished("at the end", r)
		for _, p := range []purge.Phase{purge.PhaseNone, purge.PhaseErase, purge.PhaseLedger, purge.PhaseKeys, purge.PhaseVerify, purge.PhaseFile} {
			if phases[p] == 0 {
				t.Errorf("no call of phase %q failed", p)
			}
		}
		t.Logf("calls that failed, by phase: %v", phases)
	})
}

// walkStep lets each call of the next step fail until the step has happened.
func (w *world) walkStep(r *purge.Request, mode int) (calls int) {
	w.t.Helper()
	before, phase := w.digest(), w.now(r).Phase
	for n := 1; ; n++ {
		w.claimable()
		w.faults.FailAt(n, mode)
		_ = w.step(w.faults.Deadline(w.ctx()))
		fired := w.faults.Fired() > 0
		w.faults.FailAt(0, 0)
		where := fmt.Sprintf("phase %q, call %d", phase, n)
		after := w.digest()
		if after != before || phase == purge.PhaseKeys && (long() || n%4 == 0) { // the key store may have changed though the database has not
			w.wantClean(where)
		}
		switch {
		case w.t.Failed():
			w.t.FailNow()
		case after != before:
			return n
		case !fired:
			w.t.Fatalf("%s: without a fault nothing happened", where)
		}
	}
}

// deadlockedPurges lets the n-th call of every step end in a deadlock, in one purge after the
// other until no step has so many calls. A step goes on by itself.
func (w *world) deadlockedPurges() {
	gap := 1
	if !long() {
		gap = 7
	}
	purges, most := 0, 1
	for n := 1; n <= most; n += gap {
		r := w.eventful(14)
		for w.now(r).Phase != purge.PhaseEnd {
			before := w.digest()
			w.faults.FailAt(n, dbtest.Deadlock)
			err := w.step(w.ctx())
			most = max(most, w.faults.Calls())
			w.faults.FailAt(0, 0)
			if err != nil || w.digest() == before {
				w.t.Fatalf("a deadlock in call %d of phase %q: %v", n, w.now(r).Phase, err)
			}
		}
		w.wantFinished(fmt.Sprint("deadlocks at call ", n), r)
		purges++
	}
	w.t.Logf("%d purges of up to %d calls in a step", purges, most)
}

// TestTwoFaultsInAPurge lets two calls of a whole execution fail and then time pass, as it does
// in a console: pauses, leases that run out, the timer that queues again what was given up.
func TestTwoFaultsInAPurge(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := withNeighbour(t, engine)
			draw := newDraw(20261122)
			rounds := 10
			if long() {
				rounds = 400
			}
			for i := range rounds {
				r := w.eventful(14)
				first := 1 + draw(330)
				second := first + 1 + draw(60)
				m1, m2 := draw(4), draw(4)
				w.faults.FailAt(first, m1)
				w.faults.FailAlso(second, m2)
				for tries := 0; ; tries++ {
					_ = w.work(w.ctx())
					if w.now(r).Phase == purge.PhaseEnd {
						break
					}
					if tries > 20 {
						t.Fatalf("round %d: it never ends", i)
					}
					w.clock.Advance(11 * time.Minute)
					_ = w.desk.Tick(w.ctx()) // may be hit too; it comes again
				}
				fired := w.faults.Fired()
				w.faults.FailAt(0, 0)
				w.wantFinished(fmt.Sprintf("round %d, calls %d and %d", i, first, second), r)
				if fired == 0 && first < 200 {
					t.Errorf("round %d: no fault fired at call %d", i, first)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
		})
	}
}

// TestAFaultAtAnyCallOfAMovingJob does the same with the job of a large batch, up to the last
// call of the worker.
func TestAFaultAtAnyCallOfAMovingJob(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, w *world, mode int) {
		large := *w.bin
		large.SyncLimit = 1
		n, fired := 1, true
		for ; fired; n++ {
			s := w.shop(3)
			b, err := large.Discard(w.ctx(), w.boss, w.draft(s))
			w.must(err)
			w.faults.FailAt(n, mode)
			_ = w.work(w.ctx())
			fired = w.faults.Fired() > 0
			w.faults.FailAt(0, 0)
			if moved := w.count(&conversation.Conversation{}, "batch_id = ?", b.ID); moved != 0 && moved != 3 {
				t.Fatalf("call %d: %d of 3 moved", n, moved)
			}
			w.clock.Advance(2 * time.Minute)
			w.must(w.work(w.ctx()))
			if !w.inState(conversation.Binned, s.ids) || w.count(&job.Job{}, "subject = ? AND kind = 'bin.move' AND state = ?", b.ID, job.Done) != 1 {
				t.Fatalf("call %d: the next worker did not finish", n)
			}
		}
		w.wantClean("at the end")
		t.Logf("%d calls", n-2)
	})
}
