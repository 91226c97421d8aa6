package audit

import (
	"context"
	"strings"
	"sync"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
)

// Why the clock is not trusted (invariant I16).
const (
	HaltHost  = "host"  // the database's clock and this machine's differ
	HaltBack  = "back"  // it stands before what was already seen
	HaltAhead = "ahead" // it is further ahead than a console is ever silent
	HaltJump  = "jump"  // it went ahead faster than time under the running program
	HaltLog   = "log"   // the log is shorter than it was: the database was exchanged under the running program
)

// The bounds of I16. Seen is what the database remembers: every minute while a console or a worker runs.
const (
	mostBehind = time.Second
	mostAhead  = 48 * time.Hour
	mostApart  = time.Minute
	mostJump   = time.Hour
)

// ClockGuard keeps everything that destroys, or sets the deadline of a destruction, from going by a clock
// that is wrong. Nil lets everything pass.
type ClockGuard struct {
	DB   *db.DB
	Host func() time.Time // of this machine; nil: its own clock
	// Up is a time that only ever runs on, whatever the clocks are set to; nil: jumps of less than
	// two days are not seen.
	Up func() time.Duration

	mu   sync.Mutex
	size int64         // of the log, the largest that was seen
	at   time.Time     // what was last believed by this process
	up   time.Duration // when that was
}

// Check looks at the clock of the transaction; it is its first statement, so that no waiting for locks
// looks like a clock that stands still. The fault is busy and says what is wrong.
func (g *ClockGuard) Check(tx *db.Tx) error {
	if g == nil {
		return nil
	}
	row, _, err := readBeat(tx, false)
	if err != nil {
		return err
	}
	head, shortest, err := g.headOf(tx)
	if err != nil {
		return err
	}
	if why := g.judge(tx.Now, row, head, shortest); why != "" {
		return fault.Busy(saidHalted + why)
	}
	return nil
}

// Write is db.Write for what destroys, or sets the deadline of a destruction: it begins with Check.
func (g *ClockGuard) Write(ctx context.Context, d *db.DB, fn func(tx *db.Tx) error) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		if err := g.Check(tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// saidHalted begins what people are told, in the catalogue.
const saidHalted = "clock.halted_"

// Halted tells whether an error is a refusal of Check.
func Halted(err error) bool {
	f, ok := fault.Of(err)
	return ok && strings.HasPrefix(f.Key, saidHalted)
}

// headOf reads the log's head and tells how long the log was at least before that: while it is read,
// another transaction of this process may see a longer one.
func (g *ClockGuard) headOf(tx *db.Tx) (head Head, shortest int64, err error) {
	g.mu.Lock()
	shortest = g.size
	g.mu.Unlock()
	head, err = HeadOf(tx)
	return head, shortest, err
}

func (g *ClockGuard) judge(now time.Time, seen beatRow, head Head, shortest int64) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if head.Size < shortest {
		return HaltLog
	}
	g.size = max(g.size, head.Size)
	if apart := now.Sub(g.host()); apart > mostApart || apart < -mostApart {
		return HaltHost
	}
	if why := g.steps(now, seen, head); why != "" {
		return why
	}
	g.at, g.up = now, g.running()
	return ""
}

// steps looks for a clock that went back, or ahead too far.
func (g *ClockGuard) steps(now time.Time, seen beatRow, head Head) string {
	last := seen.At
	if last.IsZero() {
		last = head.LastAt // an installation that never beat
	}
	switch {
	case now.Before(last.Add(-mostBehind)):
		return HaltBack
	// An entry may stand a little ahead (see AppendAt); one from far ahead was itself written by a wrong clock.
	case now.Before(head.LastAt.Add(-longestWait)) && !head.LastAt.After(last.Add(mostAhead)):
		return HaltBack
	case !last.IsZero() && now.After(last.Add(mostAhead)):
		return HaltAhead
	case g.jumped(now, seen):
		return HaltJump
	}
	return ""
}

// jumped tells whether the clock went ahead much faster than time, by what this process saw, or by what another
// wrote down and nobody accepted since.
func (g *ClockGuard) jumped(now time.Time, seen beatRow) bool {
	if g.at.IsZero() || g.Up == nil {
		return seen.Halted == HaltJump && now.After(seen.At.Add(mostJump))
	}
	most := g.at.Add(g.running() - g.up + mostJump)
	return now.After(most) && !seen.At.After(most)
}

func (g *ClockGuard) running() time.Duration {
	if g.Up == nil {
		return 0
	}
	return g.Up()
}

func (g *ClockGuard) host() time.Time {
	if g.Host == nil {
		return time.Now()
	}
	return g.Host()
}
