package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
)

// ErrInjected is what a call that a test let fail answers.
var ErrInjected = errors.New("dbtest: injected fault")

// The ways in which Faults lets a call fail.
const (
	Before   = iota // the server never sees the call
	After           // the server has done it, the answer is lost
	Cut             // the connection breaks instead
	Hang            // no answer comes until the caller's time is over, then the connection is given up
	Deadlock        // the server undoes the transaction and says so; on a server, in a transaction that writes
)

// hangTime stands for the driver's own read timeout where a caller has no deadline.
const hangTime = 5 * time.Millisecond

// Faults counts the calls that reach the server, and lets some fail or wait. It is for tests:
// nothing of it runs in the program.
type Faults struct {
	mu       sync.Mutex
	settings db.Settings
	calls    int
	at       map[int]int // calls that fail, and how
	fired    int
	slow     *regexp.Regexp
	pause    time.Duration
	onHang   func()
	// meanwhile is done before a statement that matches before.
	before    *regexp.Regexp
	meanwhile func()
}

// Faulty gives an empty, migrated MariaDB database whose calls pass by f.
func Faulty(t testing.TB, clock db.Clock) (*db.DB, *Faults) {
	t.Helper()
	return FaultyOn(t, db.MySQL, clock)
}

// FaultyOn is Faulty on the engine.
func FaultyOn(t testing.TB, engine string, clock db.Clock) (*db.DB, *Faults) {
	t.Helper()
	s := Settings(t, engine)
	s.Clock = clock
	return FaultyAt(t, s)
}

// FaultyAt is Faulty for a database that is there already.
func FaultyAt(t testing.TB, s db.Settings) (*db.DB, *Faults) {
	t.Helper()
	f := &Faults{settings: s}
	f.settings.Wrap = f.wrap
	d, err := db.Open(context.WithoutCancel(t.Context()), f.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, f
}

// Plain gives a second way to the same database, past f, so that a test can look while calls
// fail.
func (f *Faults) Plain(t testing.TB) *db.DB {
	t.Helper()
	s := f.settings
	s.Wrap = nil
	d, err := db.Open(context.WithoutCancel(t.Context()), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Raw gives connections to the same MariaDB database, by f, without anything of package db:
// what a program would have that opens transactions in its own way.
func (f *Faults) Raw(t testing.TB) *sql.DB {
	t.Helper()
	cfg, err := mysql.ParseDSN(f.settings.DSN)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ParseTime, cfg.InterpolateParams, cfg.ClientFoundRows = true, true, true
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(f.wrap(c))
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

// FailAt lets the n-th call from now on fail; 0 lets none fail. Counting begins anew.
func (f *Faults) FailAt(n, mode int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.fired, f.at = 0, 0, map[int]int{n: mode}
}

// FailAlso lets one more call fail, counted from the same beginning.
func (f *Faults) FailAlso(n, mode int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[n] = mode
}

// Calls tells how many calls there were since FailAt.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Fired tells how many calls failed since FailAt.
func (f *Faults) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// Slow makes statements that match wait before they are sent, so that the window between a
// check and an act is wide open.
func (f *Faults) Slow(statements string, pause time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow, f.pause = regexp.MustCompile(statements), pause
}

// Meanwhile does something once, right before the first statement that matches is sent: who sends it has seen the
// database before, and goes on after. do must not pass by f. done tells whether it came to that.
func (f *Faults) Meanwhile(statements string, do func()) (done func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.meanwhile = regexp.MustCompile(statements), do
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.meanwhile == nil
	}
}

// Deadline gives a context whose time is over as soon as a call hangs, so that no test waits for
// a real deadline.
func (f *Faults) Deadline(ctx context.Context) context.Context {
	d := &deadline{Context: ctx, done: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onHang = sync.OnceFunc(func() { close(d.done) })
	return d
}

// deadline is a context that a test ends by hand.
type deadline struct {
	context.Context
	done chan struct{}
}

// Done is part of context.Context.
func (d *deadline) Done() <-chan struct{} { return d.done }

// Err is part of context.Context.
func (d *deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// call stands around every call to the server.
func (f *Faults) call(ctx context.Context, c *faultConn, query string, do func() error) error {
	if c.dead {
		return driver.ErrBadConn
	}
	f.mu.Lock()
	f.calls++
	mode, hit := f.at[f.calls]
	if hit = hit && (mode != Deadlock || !c.reads); hit {
		f.fired++
	}
	var pause time.Duration
	if f.slow != nil && f.slow.MatchString(query) {
		pause = f.pause
	}
	var meanwhile func()
	if f.meanwhile != nil && f.before.MatchString(query) {
		meanwhile, f.meanwhile = f.meanwhile, nil
	}
	over := f.onHang
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	time.Sleep(pause)
	if !hit {
		return do()
	}
	switch mode {
	case Cut:
		return errors.Join(ErrInjected, c.kill())
	case After:
		return errors.Join(ErrInjected, do())
	case Hang:
		return errors.Join(ErrInjected, c.hang(ctx, over), c.kill())
	case Deadlock:
		return errors.Join(ErrInjected, c.undo(ctx), &mysql.MySQLError{Number: 1213, Message: "Deadlock found when trying to get lock"})
	}
	return ErrInjected
}

// hang waits as a caller does whom nobody answers.
func (c *faultConn) hang(ctx context.Context, over func()) error {
	if over != nil {
		over()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(hangTime):
		return os.ErrDeadlineExceeded
	}
}
