package dbtest

import (
	"context"
	"database/sql/driver"
	"errors"
)

func (f *Faults) wrap(c driver.Connector) driver.Connector { return faultConnector{c, f} }

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
	return &faultConn{wholeConn: conn.(wholeConn), f: c.f}, nil
}

// wholeConn is what the connections of both drivers are.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type faultConn struct {
	wholeConn
	f     *Faults
	dead  bool
	reads bool // the transaction that is open only reads
}

// kill breaks the connection: nothing reaches the server by it any more.
func (c *faultConn) kill() error {
	if c.dead {
		return nil
	}
	c.dead = true
	return c.wholeConn.Close()
}

// undo rolls the server's side of a transaction back, as a server does with a deadlock's victim.
func (c *faultConn) undo(ctx context.Context) error {
	_, err := c.wholeConn.ExecContext(ctx, "ROLLBACK", nil)
	return err
}

// Close is part of driver.Conn.
func (c *faultConn) Close() error { return c.kill() }

// IsValid is part of driver.Validator.
func (c *faultConn) IsValid() bool { return !c.dead && c.wholeConn.IsValid() }

// ResetSession is part of driver.SessionResetter.
func (c *faultConn) ResetSession(ctx context.Context) error {
	if c.dead {
		return driver.ErrBadConn
	}
	return c.wholeConn.ResetSession(ctx)
}

// CheckNamedValue is part of driver.NamedValueChecker.
func (c *faultConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.wholeConn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// BeginTx is part of driver.ConnBeginTx.
func (c *faultConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	c.reads = opts.ReadOnly
	err = c.f.call(ctx, c, "BEGIN", func() (err error) {
		tx, err = c.wholeConn.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		// The pool must not keep a connection whose transaction may be open.
		return nil, errors.Join(err, c.kill())
	}
	return &faultTx{tx, c, ctx}, nil
}

// ExecContext is part of driver.ExecerContext.
func (c *faultConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	err = c.f.call(ctx, c, query, func() (err error) {
		r, err = c.wholeConn.ExecContext(ctx, query, args)
		return err
	})
	return r, err
}

// QueryContext is part of driver.QueryerContext.
func (c *faultConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.f.call(ctx, c, query, func() (err error) {
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
	c   *faultConn
	ctx context.Context // of the transaction
}

// Commit is part of driver.Tx. A commit without an answer means a broken connection.
func (t *faultTx) Commit() error {
	err := t.c.f.call(t.ctx, t.c, "COMMIT", t.Tx.Commit)
	if errors.Is(err, ErrInjected) {
		err = errors.Join(err, t.c.kill())
	}
	return err
}

// Rollback is part of driver.Tx. Of a broken connection the server rolls back by itself.
func (t *faultTx) Rollback() error {
	if t.c.dead {
		return driver.ErrBadConn
	}
	return t.Tx.Rollback()
}
