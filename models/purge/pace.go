package purge

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"qingdang/models/db"
)

// How many rows one transaction takes at first, at least and at most, and how long it should last.
// SQLite has one writer, who must not wait long; on a server a hold that is placed waits, and
// longer transactions hardly gain anything. SQLite's first transaction is a small one: nothing is known yet, and with
// what it reads still on the disk it was the longest of all.
var (
	onServer = pacing{first: 1000, least: 500, most: 5000, goal: 200 * time.Millisecond}
	embedded = pacing{first: 50, least: 50, most: 1000, goal: 20 * time.Millisecond}
)

const serverLanes = 2

type pacing struct {
	first, least, most int
	goal               time.Duration
}

// pace steers the size of transactions by how long they take. The zero value is at its first.
type pace struct {
	rows atomic.Int64
}

func (p *pace) size(c pacing) int {
	if n := p.rows.Load(); n > 0 {
		return int(n)
	}
	return c.first
}

// took changes the size, by half at most, towards what would have taken the goal. Transactions
// that were small for want of rows tell nothing.
func (p *pace) took(c pacing, rows int, d time.Duration) {
	if rows < p.size(c)/2 {
		return
	}
	ratio := min(1.5, max(0.5, float64(c.goal)/float64(max(d, time.Millisecond))))
	p.rows.Store(int64(min(c.most, max(c.least, int(float64(rows)*ratio)))))
}

func (w *Runner) pacing() pacing {
	if w.DB.Engine() == db.SQLite {
		return embedded
	}
	return onServer
}

// chunk is how many conversations the next transaction takes.
func (w *Runner) chunk() int {
	if w.Chunk > 0 {
		return w.Chunk
	}
	return w.pace.size(w.pacing())
}

// lanes is how many transactions run at once. SQLite has one writer.
func (w *Runner) lanes() int {
	switch {
	case w.DB.Engine() == db.SQLite, w.Chunk > 0 && w.Lanes == 0:
		return 1
	case w.Lanes > 0:
		return w.Lanes
	}
	return serverLanes
}

// parts is how many transactions a step has: on a server some for each lane, so that it seldom waits for the others.
func (w *Runner) parts() int {
	if n := w.lanes(); n > 1 {
		return partsOfLane * n
	}
	return 1
}

const partsOfLane = 4

// together runs n parts, each lane its own stretch of them one after another, so that hardly ever two neighbours run at
// once: a range that InnoDB reads with locks ends with the row behind it, and the neighbour's first row would
// keep us waiting. It gives their errors when all have ended. A lane ends with its first error.
func (w *Runner) together(n int, part func(i int) error) error {
	lanes := make([]func() error, min(w.lanes(), n))
	for l := range lanes {
		lanes[l] = func() error {
			for i := n * l / len(lanes); i < n*(l+1)/len(lanes); i++ {
				if err := part(i); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return beside(lanes...)
}

// beside runs parts beside each other and gives their errors when all have ended. A panic in one is its error, so that
// it ends the job and not the program.
func beside(parts ...func() error) error {
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("purge: panic: %v\n%s", p, debug.Stack())
				}
			}()
			errs[i] = part()
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
