package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"qingdang/models/db"
)

// Runner does the steps of one kind of job. Each Step is one small transaction
// that ends with Advance, or with Finish (Again, Every) for the last one; j is the
// job as it stands before the step. A step that says done without having
// finished the job leaves that to Work.
type Runner interface {
	Step(ctx context.Context, j *Job) (done bool, err error)
}

// RunnerFunc is a Runner made of one function.
type RunnerFunc func(ctx context.Context, j *Job) (bool, error)

// Step is part of Runner.
func (f RunnerFunc) Step(ctx context.Context, j *Job) (bool, error) { return f(ctx, j) }

// Options of Work. Zero values mean: look every second, give a running step 20 s
// at the end, no timers, the default logger.
type Options struct {
	Poll   time.Duration
	Grace  time.Duration
	Timers []New // kept alive: enqueued as solo jobs whenever they are missing
	Log    *slog.Logger
	Once   bool // return when nothing is due
	// Waits tells of which errors of a step the job is not to blame: it waits as it is, and no job of its
	// kind is tried for a minute. nil: of none.
	Waits func(error) bool
}

// waiting is how long a kind of job is left alone after a step that had to wait, by this process's own
// time: it may be the clock of the database that is wrong.
const waiting = time.Minute

// keepTimers is how often missing timers are looked for.
const keepTimers = time.Minute

// Work claims jobs and runs their steps until ctx ends, then lets the running step
// finish, gives its job back and returns nil. Several workers may run on one
// database. An error of the database does not end it; with Once it does.
func Work(ctx context.Context, d *db.DB, owner string, runners map[string]Runner, o Options) error {
	w := &worker{db: d, owner: owner, runners: runners, kinds: slices.Sorted(maps.Keys(runners)), options: o}
	if w.options.Poll <= 0 {
		w.options.Poll = time.Second
	}
	if w.options.Grace <= 0 {
		w.options.Grace = 20 * time.Second
	}
	if w.options.Log == nil {
		w.options.Log = slog.Default()
	}
	return w.loop(ctx)
}

type worker struct {
	db      *db.DB
	owner   string
	runners map[string]Runner
	kinds   []string
	options Options
	kept    bool                 // nobody needs to look for missing timers now
	left    map[string]time.Time // kinds that are left alone, until when
}

func (w *worker) loop(ctx context.Context) error {
	minute := time.NewTicker(keepTimers)
	defer minute.Stop()
	for ctx.Err() == nil {
		worked, err := w.round(ctx, minute.C)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && w.options.Once:
			return err
		case err != nil:
			w.options.Log.ErrorContext(ctx, "worker", "owner", w.owner, "error", err)
		case worked:
			continue
		case w.options.Once:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.options.Poll):
		}
	}
	return nil
}

// round claims and runs one job. At first and then once a minute it looks for
// missing timers; if that fails, the next round tries again.
func (w *worker) round(ctx context.Context, minutely <-chan time.Time) (worked bool, err error) {
	if !w.kept {
		if err := w.keep(ctx); err != nil {
			return false, err
		}
		w.kept = true
	}
	select {
	case <-minutely:
		w.kept = false
	default:
	}
	j, err := Claim(ctx, w.db, w.owner, w.open())
	if j == nil || err != nil {
		return false, err
	}
	return true, w.run(ctx, j)
}

// open gives the kinds that are not left alone.
func (w *worker) open() []string {
	return slices.DeleteFunc(slices.Clone(w.kinds), func(kind string) bool { return time.Now().Before(w.left[kind]) })
}

func (w *worker) keep(ctx context.Context) error {
	if len(w.options.Timers) == 0 {
		return nil
	}
	return w.db.Write(ctx, func(tx *db.Tx) error {
		for _, n := range w.options.Timers {
			n.Solo = true
			if _, err := Enqueue(tx, n); err != nil {
				return err
			}
		}
		return w.pull(tx)
	})
}

// farthest is more than any timer's interval.
const farthest = 26 * time.Hour

// pull brings timers back that a clock which was ahead has put far off.
func (w *worker) pull(tx *db.Tx) error {
	kinds := make([]string, len(w.options.Timers))
	for i, n := range w.options.Timers {
		kinds[i] = n.Kind
	}
	err := tx.Model(&Job{}).Where("kind IN ? AND state = ? AND run_at > ?", kinds, Queued, tx.Now.Add(farthest)).
		Updates(map[string]any{"run_at": tx.Now, "version": plus("version")}).Error
	if err != nil {
		return fmt.Errorf("bring timers back: %w", err)
	}
	return nil
}

// run does the steps of one job until it is done, fails, is lost or the worker
// is told to stop.
func (w *worker) run(ctx context.Context, j *Job) error {
	// A step that has begun may end although the worker is being stopped.
	steps, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(w.options.Grace, cancel) })()
	for {
		done, err := w.step(steps, j)
		switch {
		case errors.Is(err, ErrFenced):
			w.lost(j)
			return nil
		case err != nil && ctx.Err() != nil && steps.Err() != nil:
			return w.after(j, Release(context.WithoutCancel(ctx), w.db, j))
		case err != nil && w.options.Waits != nil && w.options.Waits(err):
			w.options.Log.WarnContext(ctx, "job waits", "job", j.ID, "kind", j.Kind, "reason", err)
			if w.left == nil {
				w.left = map[string]time.Time{}
			}
			w.left[j.Kind] = time.Now().Add(waiting)
			return w.after(j, Wait(steps, w.db, j, err))
		case err != nil:
			w.options.Log.WarnContext(ctx, "job step failed", "job", j.ID, "kind", j.Kind, "attempt", j.Attempts, "error", err)
			return w.after(j, Fail(steps, w.db, j, err))
		}
		next, err := w.reload(steps, j)
		switch {
		case err != nil:
			return err
		case next.State != Running || next.Token != j.Token:
			return nil
		case done:
			return w.after(j, w.db.Write(steps, func(tx *db.Tx) error { return Finish(tx, j) }))
		case ctx.Err() != nil:
			return w.after(j, Release(steps, w.db, next))
		}
		j = next
	}
}

var errPanic = errors.New("job: the step panicked")

// step runs one step; a panic in it is an error of that job only.
func (w *worker) step(ctx context.Context, j *Job) (done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = false, fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return w.runners[j.Kind].Step(ctx, j)
}

func (w *worker) reload(ctx context.Context, j *Job) (next *Job, err error) {
	err = w.db.Read(ctx, func(tx *db.Tx) error {
		next, err = Find(tx, j.ID)
		return err
	})
	return next, err
}

// after treats a job that was lost in the last moment as lost, not as an error.
func (w *worker) after(j *Job, err error) error {
	if errors.Is(err, ErrFenced) {
		w.lost(j)
		return nil
	}
	if err != nil {
		return fmt.Errorf("job %d: %w", j.ID, err)
	}
	return nil
}

// lost notes that a job was cancelled or taken over by another worker while this one was away:
// nothing that this one did since was stored.
func (w *worker) lost(j *Job) {
	w.options.Log.Warn("job lost", "job", j.ID, "kind", j.Kind, "token", j.Token, "owner", w.owner)
}
