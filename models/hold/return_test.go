package hold_test

import (
	"testing"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/job"
)

// TestALargeHoldCoversAtOnceAndGivesBackByAndBy places a hold on more of the bin than goes back
// while somebody waits: nobody can do anything to it from the first instant on.
func TestALargeHoldCoversAtOnceAndGivesBackByAndBy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city, w.city, w.city, w.city)
		dbtest.Exec(t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Hidden, ids[3])
		w.discard(ids...)
		w.holds.AtOnce = 4
		h := w.place(hold.Order{Department: w.city})
		w.wantCovered(ids...)
		w.wantState(conversation.Binned, ids...)
		if d := w.now(h); d.Counts.Binned != 5 || d.Counts.Total() != 5 {
			t.Errorf("its page counts %+v", d.Counts)
		}
		if _, err := w.bin.DiscardOne(w.ctx(), w.supervisor, ids[0], reason, "another-key"); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("a covered conversation was discarded: %v", err)
		}
		runner := &hold.Returner{Holds: w.holds, Chunk: 2}
		claim := func() *job.Job {
			t.Helper()
			j, err := job.Claim(w.ctx(), w.d, "worker", []string{hold.JobReturn})
			w.must(err)
			if j == nil {
				t.Fatal("no job")
			}
			return j
		}
		j := claim()
		_, err := runner.Step(w.ctx(), j) // and the worker dies
		w.must(err)
		w.wantState(conversation.Active, ids[:2]...)
		w.wantState(conversation.Binned, ids[2:]...)
		w.clock.Advance(job.Lease + time.Second)
		j = claim()
		// Somebody cancels it: it is queued again after a pause.
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'cancelled', solo = NULL WHERE id = ?", j.ID)
		w.tick()
		w.tick()
		w.clock.Advance(11 * time.Minute)
		w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{hold.JobReturn: runner}, job.Options{Once: true}))
		w.wantState(conversation.Active, ids[0], ids[1], ids[2], ids[4])
		w.wantState(conversation.Hidden, ids[3])
		w.wantCovered(ids...)
		if n := w.leaves("hold.returned", h.Code); n != 3 {
			t.Errorf("%d entries of the way back", n)
		}
		if n := dbtest.Count(t, w.d, &job.Job{}, "kind = ?", hold.JobReturn); n != 2 {
			t.Errorf("%d jobs", n)
		}
		w.wantLeaf(h, 5)
	})
}

func TestWhatIsReleasedMeanwhileStaysInTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city)
		w.discard(ids...)
		w.holds.AtOnce = 1
		h := w.place(hold.Order{Department: w.city})
		dbtest.Exec(t, w.d, "UPDATE legal_hold SET released_at = ? WHERE id = ?", w.clock.Time(), h.ID)
		w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{hold.JobReturn: &hold.Returner{Holds: w.holds}}, job.Options{Once: true}))
		w.wantState(conversation.Binned, ids...)
		w.tick()
		if n := dbtest.Count(t, w.d, &job.Job{}, "state <> 'done'"); n != 0 {
			t.Errorf("%d jobs are not done", n)
		}
	})
}

func TestTheWayBackOfEveryHoldIsTakenUpAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		city, north := w.store(w.city, w.city), w.store(w.north, w.north)
		w.discard(append(city, north...)...)
		w.holds.AtOnce = 1
		w.place(hold.Order{Department: w.city})
		w.place(hold.Order{Department: w.north})
		dbtest.Exec(t, w.d, "UPDATE job SET state = 'cancelled', solo = NULL WHERE kind = ?", hold.JobReturn)
		w.tick()
		w.tick()
		if n := dbtest.Count(t, w.d, &job.Job{}, "kind = ? AND state = 'queued'", hold.JobReturn); n != 2 {
			t.Errorf("%d are queued, want 2", n)
		}
		w.clock.Advance(11 * time.Minute)
		w.must(job.Work(w.ctx(), w.d, "worker", map[string]job.Runner{hold.JobReturn: &hold.Returner{Holds: w.holds}}, job.Options{Once: true}))
		w.wantState(conversation.Active, append(city, north...)...)
	})
}
