package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"qingdang/models/db"
)

// Locks is a purge on SQLite: how long its transactions held the one writer, and how long
// another small write had to wait.
type Locks struct {
	Choice string  `json:"selection"`
	Purged int64   `json:"purged"`
	Rate   float64 `json:"rate"`
	Held   Spread  `json:"held"`
	Waited Spread  `json:"waited"`
	Memory float64 `json:"memory_mb"`
	// Phases are the seconds of each phase.
	Phases map[string]float64 `json:"phases"`
}

// Spread is the most and the 99th percentile, in milliseconds.
type Spread struct {
	N    int     `json:"n"`
	P99  float64 `json:"p99_ms"`
	Most float64 `json:"most_ms"`
}

func spread(took []time.Duration) Spread {
	if len(took) == 0 {
		return Spread{}
	}
	slices.Sort(took)
	return Spread{N: len(took), P99: milliseconds(took[len(took)*99/100]), Most: milliseconds(took[len(took)-1])}
}

// onSQLite purges both selections, each in a file of its own, a third of the server's size.
func (o Options) onSQLite(ctx context.Context, dir string, rep *Report) error {
	for _, c := range choices {
		l, err := o.locks(ctx, filepath.Join(dir, "sqlite-"+c.Name), c)
		if err != nil {
			return fmt.Errorf("SQLite, %s: %w", c.Name, err)
		}
		rep.SQLite = append(rep.SQLite, *l)
	}
	return nil
}

func (o Options) locks(ctx context.Context, dir string, c choice) (l *Locks, err error) {
	var mu sync.Mutex
	var held []time.Duration
	counting := false
	a, err := openSite(ctx, db.Settings{File: filepath.Join(dir, "qingdang.db"), Held: func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if counting {
			held = append(held, d)
		}
	}}, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := o.fill(ctx, a, o.Conversations/3); err != nil {
		return nil, err
	}
	order, err := a.order(ctx, c, o.Job/3)
	if err != nil {
		return nil, err
	}
	if err := o.fold(ctx, a); err != nil {
		return nil, err
	}
	a.clock.reach(*order.DueAt)
	var took time.Duration
	l = &Locks{Choice: c.Name, Purged: order.Size}
	counting = true
	waited, err := compete(ctx, a, func(ctx context.Context) (err error) {
		l.Memory, err = memory(ctx, func(ctx context.Context) (err error) {
			took, l.Phases, err = a.purge(ctx, order)
			return err
		})
		return err
	})
	mu.Lock()
	defer mu.Unlock()
	l.Rate, l.Held, l.Waited = float64(order.Size)/took.Seconds(), spread(held), spread(waited)
	o.say("SQLite %s: %.0f a second, longest lock %.1f ms, longest wait %.1f ms", c.Name, l.Rate, l.Held.Most, l.Waited.Most)
	return l, err
}

// compete writes something small over and over beside do and gives how long each waited for the
// writer.
func compete(ctx context.Context, a *site, do func(context.Context) error) (waited []time.Duration, err error) {
	stop, done := make(chan struct{}), make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		for failed == nil {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			from := time.Now()
			failed = a.db.Write(ctx, func(tx *db.Tx) error {
				waited = append(waited, time.Since(from))
				return tx.Exec("UPDATE setting SET value = value WHERE name = 'mode'").Error
			})
		}
	}()
	err = do(ctx)
	close(stop)
	<-done
	return waited, errors.Join(err, failed)
}
