package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func TestAStoppedWorkerEndsItsStepAndGivesTheJobBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		jobID := enqueue(t, d, New{Kind: "purge", Total: 9})
		ctx, stop := context.WithCancel(t.Context())
		r := items{d: d, total: 9, batch: 3, inTx: func() error { stop(); return nil }}
		if err := Work(ctx, d, "w1", map[string]Runner{"purge": r}, Options{}); err != nil {
			t.Fatal(err)
		}
		j := find(t, d, jobID)
		if j.State != Queued || j.Done != 3 || j.Attempts != 0 || j.LeaseUntil != nil || marked(t, d) != 3 {
			t.Fatalf("%+v", j)
		}
		r.inTx = nil
		if err := Work(t.Context(), d, "w2", map[string]Runner{"purge": r}, Options{Once: true}); err != nil {
			t.Fatal(err)
		}
		if j := find(t, d, jobID); j.State != Done || marked(t, d) != 9 {
			t.Errorf("%+v", j)
		}
	})
}

func TestAStepThatDoesNotEndIsCutOffAfterTheGrace(t *testing.T) {
	d, _ := dbtest.New(t)
	jobID := enqueue(t, d, New{Kind: "purge"})
	ctx, stop := context.WithCancel(t.Context())
	r := RunnerFunc(func(ctx context.Context, _ *Job) (bool, error) {
		stop()
		<-ctx.Done()
		return false, ctx.Err()
	})
	if err := Work(ctx, d, "w", map[string]Runner{"purge": r}, Options{Grace: 20 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if j := find(t, d, jobID); j.State != Queued || j.Attempts != 0 || j.Error != "" {
		t.Errorf("%+v", j)
	}
}

func TestAPanicIsTheFailureOfOneJob(t *testing.T) {
	d, _ := dbtest.New(t)
	bad, good := enqueue(t, d, New{Kind: "bad"}), enqueue(t, d, New{Kind: "good"})
	err := Work(t.Context(), d, "w", map[string]Runner{
		"bad":  RunnerFunc(func(context.Context, *Job) (bool, error) { panic("index out of range") }),
		"good": RunnerFunc(func(context.Context, *Job) (bool, error) { return true, nil }),
	}, Options{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	if b, g := find(t, d, bad), find(t, d, good); b.State != Queued || b.Error != "job: the step panicked: index out of range" || g.State != Done {
		t.Errorf("%+v %+v", b, g)
	}
}

func TestCancelFencesTheWorkerOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		jobID := enqueue(t, d, New{Kind: "purge", Total: 9, Solo: true})
		cancel := func(j id.Job) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return Cancel(tx, j) })
		}
		j := claim(t, d, "w", "purge")
		if err := cancel(jobID); err != nil {
			t.Fatal(err)
		}
		if _, err := (items{d: d, total: 9, batch: 3}).Step(t.Context(), j); !errors.Is(err, ErrFenced) || marked(t, d) != 0 {
			t.Errorf("a cancelled job went on: %v", err)
		}
		if err := cancel(jobID); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("cancelled twice: %v", err)
		}
		if err := cancel(jobID + 1000); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("cancelled what is not there: %v", err)
		}
		if again := enqueue(t, d, New{Kind: "purge", Solo: true}); again == jobID {
			t.Error("a cancelled job still holds its place")
		}
	})
}

func TestASoloJobIsThereOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		n := New{Kind: "purge", Subject: 5, Solo: true}
		first := enqueue(t, d, n)
		ids := make(chan id.Job, 6)
		for range cap(ids) {
			go func() {
				var j id.Job
				if err := d.Write(t.Context(), func(tx *db.Tx) (err error) { j, err = Enqueue(tx, n); return err }); err != nil {
					t.Error(err)
				}
				ids <- j
			}()
		}
		for range cap(ids) {
			if j := <-ids; j != first {
				t.Errorf("got job %d, want %d", j, first)
			}
		}
		n.Subject = 6
		if j := enqueue(t, d, n); j == first {
			t.Error("another subject has its own job")
		}
		j := claim(t, d, "w", "purge")
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return Finish(tx, j) }); err != nil {
			t.Fatal(err)
		}
		n.Subject = 5
		if j := enqueue(t, d, n); j == first {
			t.Error("a finished job still holds its place")
		}
	})
}

func TestATimerNeitherDriftsNorCatchesUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		start := clock.Time()
		runs := 0
		r := RunnerFunc(func(ctx context.Context, j *Job) (bool, error) {
			runs++
			return true, d.Write(ctx, func(tx *db.Tx) error { return Every(tx, j, time.Hour) })
		})
		o := Options{Once: true, Timers: []New{{Kind: "expire", RunAt: start}}}
		for _, step := range []struct {
			after    time.Duration
			wantRuns int
			wantNext time.Duration
		}{
			{0, 1, time.Hour},
			{59 * time.Minute, 1, time.Hour},
			{2 * time.Minute, 2, 2 * time.Hour},
			{5 * time.Hour, 3, 7 * time.Hour},
			{time.Minute, 3, 7 * time.Hour},
		} {
			clock.Advance(step.after)
			if err := Work(t.Context(), d, "w", map[string]Runner{"expire": r}, o); err != nil {
				t.Fatal(err)
			}
			var p Page
			err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
				p, err = List(tx, Filter{Kinds: []string{"expire"}, Size: 10})
				return err
			})
			if err != nil || p.Total != 1 || runs != step.wantRuns || !p.Jobs[0].RunAt.Equal(start.Add(step.wantNext)) {
				t.Fatalf("after %v: %d runs, %+v, %v", clock.Time().Sub(start), runs, p, err)
			}
		}
	})
}

func TestWhatIsHastenedRunsNowUnlessItFailed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		start, runs, fails := clock.Time(), 0, false
		r := RunnerFunc(func(ctx context.Context, j *Job) (bool, error) {
			if runs++; fails {
				return false, errors.New("broken")
			}
			return true, d.Write(ctx, func(tx *db.Tx) error { return Every(tx, j, time.Hour) })
		})
		work := func(want int) {
			t.Helper()
			o := Options{Once: true, Timers: []New{{Kind: "fold", RunAt: start}}, Log: slog.New(slog.DiscardHandler)}
			if err := Work(t.Context(), d, "w", map[string]Runner{"fold": r}, o); err != nil || runs != want {
				t.Fatalf("%d runs, want %d: %v", runs, want, err)
			}
		}
		hasten := func(kind string) {
			t.Helper()
			if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := Hasten(tx, kind); return err }); err != nil {
				t.Fatal(err)
			}
		}
		work(1)
		clock.Advance(time.Minute)
		hasten("another")
		work(1)
		hasten("fold")
		work(2)
		clock.Advance(time.Hour - time.Second)
		work(2) // an hour after it was hastened, not after its old time
		fails = true
		clock.Advance(time.Second)
		work(3)
		hasten("fold")
		work(3)
	})
}

func TestListAndOf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var ids []id.Job
		for i := range 5 {
			ids = append(ids, enqueue(t, d, New{Kind: fmt.Sprint("k", i%2), Subject: 9, By: id.User(i%2 + 1), Object: "PG-1"}))
		}
		claim(t, d, "w", "k1")
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			p, err := List(tx, Filter{Size: 2, Before: ids[4]})
			if err != nil || p.Total != 5 || len(p.Jobs) != 2 || p.Jobs[0].ID != ids[3] {
				t.Errorf("page: %+v %v", p, err)
			}
			p, err = List(tx, Filter{Size: 9, By: 2, States: []State{Running}})
			if err != nil || p.Total != 1 || p.Jobs[0].ID != ids[1] {
				t.Errorf("filtered: %+v %v", p, err)
			}
			j, err := Of(tx, "k0", 9)
			if err != nil || j.ID != ids[4] {
				t.Errorf("newest: %+v %v", j, err)
			}
			if _, err := Of(tx, "k0", 8); fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("none: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A worker that polls sees what is enqueued later, without being told.
func TestAWorkerPolls(t *testing.T) {
	d, _ := dbtest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	var ran atomic.Bool
	r := RunnerFunc(func(context.Context, *Job) (bool, error) { ran.Store(true); stop(); return true, nil })
	ended := make(chan error)
	go func() {
		ended <- Work(ctx, d, "w", map[string]Runner{"late": r}, Options{Poll: time.Millisecond})
	}()
	jobID := enqueue(t, d, New{Kind: "late"})
	if err := <-ended; err != nil || !ran.Load() {
		t.Fatalf("%v", err)
	}
	if j := find(t, d, jobID); j.State != Done {
		t.Errorf("%+v", j)
	}
}
