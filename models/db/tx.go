package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// ErrPoisoned is what every statement answers after one statement of the same
// transaction failed. Without it database/sql would run on and commit half.
var ErrPoisoned = errors.New("db: an earlier statement of this transaction failed")

// ErrUnaudited says that a use case changed something protected without an
// audit leaf. Nothing was stored.
var ErrUnaudited = errors.New("db: protected change without an audit entry")

// ErrCommitUnknown says that the answer to COMMIT was lost: it may have
// happened. The caller looks again by its idempotency key.
var ErrCommitUnknown = errors.New("db: outcome of the commit is unknown")

const (
	tries      = 3
	retryPause = 20 * time.Millisecond
)

// Tx is one transaction, bound to the caller's context. Now is its one instant:
// UTC, cut to microseconds.
type Tx struct {
	*gorm.DB
	Now    time.Time
	engine string
	guard  *guard
	still  bool
	undo   []func()
}

// Context is the caller's.
func (tx *Tx) Context() context.Context { return tx.Statement.Context }

// Still tells whether all of the transaction sees one committed state of the database, as Read's do: what it read
// may be remembered. What Write reads may be its own and come to nothing.
func (tx *Tx) Still() bool { return tx.still }

// Engine gives MySQL or SQLite.
func (tx *Tx) Engine() string { return tx.engine }

// ForUpdate starts a query whose rows stay locked until the end of the transaction.
// SQLite, with its one writer, needs no row locks.
func (tx *Tx) ForUpdate() *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }

// ForShare is ForUpdate for readers that only need the rows to stay as they are.
func (tx *Tx) ForShare() *gorm.DB {
	if tx.engine == MySQL {
		// Written LOCK IN SHARE MODE, which MariaDB, MySQL and TiDB all read.
		return tx.Clauses(clause.Locking{Strength: "SHARE"})
	}
	return tx.DB
}

// MarkAudited notes that the transaction wrote its audit leaf. Only
// audit.Append calls it.
func (tx *Tx) MarkAudited() { tx.guard.audited = true }

// OnRollback keeps do for the case that the transaction comes to nothing for certain: it is called when that is so, and not
// where the outcome of the commit is unknown. It clears away what the transaction made outside the database.
func (tx *Tx) OnRollback(do func()) { tx.undo = append(tx.undo, do) }

// Write runs fn in one transaction at READ COMMITTED (BEGIN IMMEDIATE on SQLite)
// and commits if it returns nil. The first failing statement poisons the
// transaction. On a deadlock or lock timeout the whole closure runs again, at
// most three times, so fn builds its results inside. A change of a protected
// table is refused with ErrUnaudited unless fn appended an audit leaf.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	for try := 1; ; try++ {
		err := d.once(ctx, d.write, d.pools[0], &sql.TxOptions{Isolation: d.isolation()}, false, fn)
		if err == nil || try == tries || !again(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try)*retryPause + rand.N(retryPause)):
		}
	}
}

// Read runs fn in a read-only transaction that sees one state of the database.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true} // what these connections do anyway, see reading
	if d.engine == SQLite {
		opts = nil
	}
	return d.once(ctx, d.read, d.pools[len(d.pools)-1], opts, true, fn)
}

func (d *DB) isolation() sql.IsolationLevel {
	if d.engine == SQLite {
		return sql.LevelDefault
	}
	return sql.LevelReadCommitted
}

func (d *DB) once(ctx context.Context, g *gorm.DB, pool *sql.DB, opts *sql.TxOptions, still bool, fn func(tx *Tx) error) (err error) {
	raw, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	from, done := time.Now(), false
	defer func() {
		if d.held != nil && d.engine == SQLite && g == d.write {
			d.held(time.Since(from))
		}
	}()
	gd := &guard{tx: raw}
	tx := &Tx{engine: d.engine, guard: gd, still: still}
	defer func() {
		// Also after a panic in fn: the connection must not go back with open work.
		if !done {
			_ = raw.Rollback()
			for _, do := range tx.undo {
				do()
			}
		}
	}()
	now, err := d.clock.Now(ctx, d.engine, raw)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	session := g.Session(&gorm.Session{NewDB: true, Context: ctx, SkipDefaultTransaction: true})
	session.Statement.ConnPool = gd
	tx.DB, tx.Now = session, Instant(now)
	if err := fn(tx); err != nil {
		return err
	}
	switch {
	case gd.failed != nil:
		return fmt.Errorf("%w: %w", ErrPoisoned, gd.failed)
	case gd.changed != "" && !gd.audited:
		return fmt.Errorf("%w: %s", ErrUnaudited, gd.changed)
	}
	done = true
	if err := raw.Commit(); err != nil {
		if again(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone) {
			return fmt.Errorf("commit: %w", err)
		}
		return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
	}
	return nil
}
