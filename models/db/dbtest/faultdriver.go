package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
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
	Before = iota // the server never sees the call
	After         // the server has done it, the answer is lost
	Cut           // the connection breaks instead
)

// Faults counts the calls that reach the server, and lets one fail or some of them wait. It
// is for tests: nothing of it runs in the program.
type Faults struct {
	mu    sync.Mutex
	calls int
	at    int // the call that fails, 0 = none
	mode  int
	slow  *regexp.Regexp
	pause time.Duration
}

// Faulty gives an empty, migrated MariaDB database whose calls pass by f.
func Faulty(t testing.TB, clock db.Clock) (*db.DB, *Faults) {
	t.Helper()
	f := &Faults{}
	s := Settings(t, db.MySQL)
	s.Clock, s.Dial = clock, f.dial
	d, err := db.Open(context.WithoutCancel(t.Context()), s)
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

// FailAt lets the n-th call from now on fail; 0 lets none fail. Counting begins anew.
func (f *Faults) FailAt(n, mode int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.mode = 0, n, mode
}

// Calls tells how many calls there were since FailAt.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Slow makes statements that match wait before they are sent, so that the window between a
// check and an act is wide open.
func (f *Faults) Slow(statements string, pause time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow, f.pause = regexp.MustCompile(statements), pause
}

// call stands around every call to the server.
func (f *Faults) call(c driver.Conn, query string, do func() error) error {
	f.mu.Lock()
	f.calls++
	hit, mode := f.calls == f.at, f.mode
	var pause time.Duration
	if f.slow != nil && f.slow.MatchString(query) {
		pause = f.pause
	}
	f.mu.Unlock()
	time.Sleep(pause)
	switch {
	case !hit:
		return do()
	case mode == Cut:
		return errors.Join(ErrInjected, c.Close())
	case mode == After:
		return errors.Join(ErrInjected, do())
	}
	return ErrInjected
}

func (f *Faults) dial(cfg *mysql.Config) (*sql.DB, error) {
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(faultConnector{c, f}), nil
}

type faultConnector struct {
	driver.Connector
	f *Faults
}

// Connect is part of driver.Connector.
func (c faultConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &faultConn{conn.(wholeConn), c.f}, nil
}

// wholeConn is what the driver's connections are.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type faultConn struct {
	wholeConn
	f *Faults
}

// BeginTx is part of driver.ConnBeginTx.
func (c *faultConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	err = c.f.call(c.wholeConn, "BEGIN", func() (err error) {
		tx, err = c.wholeConn.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &faultTx{tx, c}, nil
}

// ExecContext is part of driver.ExecerContext.
func (c *faultConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	err = c.f.call(c.wholeConn, query, func() (err error) {
		r, err = c.wholeConn.ExecContext(ctx, query, args)
		return err
	})
	return r, err
}

// QueryContext is part of driver.QueryerContext.
func (c *faultConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.f.call(c.wholeConn, query, func() (err error) {
		rows, err = c.wholeConn.QueryContext(ctx, query, args)
		return err
	})
	if err != nil && rows != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, err
}

type faultTx struct {
	driver.Tx
	c *faultConn
}

// Commit is part of driver.Tx. A commit without an answer means a broken connection, as does a
// begin: the pool must not keep one whose transaction may still be open.
func (t *faultTx) Commit() error {
	err := t.c.f.call(t.c.wholeConn, "COMMIT", t.Tx.Commit)
	if errors.Is(err, ErrInjected) {
		err = errors.Join(err, t.c.Close())
	}
	return err
}
