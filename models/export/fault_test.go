package export_test

import (
	"errors"
	"strings"
	"testing"

	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/job"
)

// The first, second, … call to the database fails in three ways, in every step of an export and in its
// download; afterwards another worker makes it whole, and the list is not longer or shorter for it.
func TestAnyFailingCallLeavesAWholeExport(t *testing.T) {
	modes := []string{dbtest.Before: "before", dbtest.After: "after", dbtest.Cut: "cut"}
	for mode, name := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock()
			d, faults := dbtest.Faulty(t, clock)
			w := newWorld(t, d, clock)
			w.store(w.east, 4)
			// Each third call; the three ways begin at different ones, so that every call fails once.
			n := mode + 1
			for ; ; n += len(modes) {
				e := w.ask(w.supervisor, w.wish())
				faults.FailAt(n, mode)
				err := job.Work(w.ctx(), w.d, "worker-1", map[string]job.Runner{export.JobRun: w.desk.Runner()}, job.Options{Once: true})
				fired := faults.Calls() >= n
				faults.FailAt(0, dbtest.Before)
				if err != nil && !errors.Is(err, dbtest.ErrInjected) && !fired {
					t.Fatal(err)
				}
				if w.planted(w.desk.Dir) {
					t.Fatalf("call %d: the shelf can be read", n)
				}
				for range 3 { // the lease ends, or the pause after a failure
					clock.Advance(2 * job.Lease)
					w.work()
				}
				now := w.now(e)
				if now.State != export.Ready || now.Written != 4 || now.Size != 4 {
					t.Fatalf("call %d: %s (%s), %d of %d", n, now.State, now.ClosedReason, now.Written, now.Size)
				}
				if said := text(w.fetch(w.supervisor, now)); strings.Count(said, canary) != 4 {
					t.Fatalf("call %d: not whole", n)
				}
				if left := w.shelf(); len(left) != 0 {
					t.Fatalf("call %d: left %v", n, left)
				}
				if !fired {
					break
				}
			}
			if n < 40 {
				t.Errorf("only %d calls were counted", n)
			}
			t.Logf("%d calls", n)
			w.sound()
		})
	}
}
