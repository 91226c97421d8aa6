package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// reading opens the connections of Read on a server. Whatever the server's own settings are, a statement that finds no
// transaction begins one that cannot write and sees one state of the database, until it is ended: to begin it in words
// would take as long as a small query, and a page reads several times.
type reading struct{ driver.Connector }

func newReading(cfg *mysql.Config) (driver.Connector, error) {
	cfg = cfg.Clone()
	cfg.Params["autocommit"] = "0"
	c, err := mysql.NewConnector(cfg)
	return reading{c}, err
}

// Connect implements driver.Connector.
func (r reading) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn := readingConn{c.(mysqlConn)}
	if _, err := conn.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", nil); err != nil {
		return nil, errors.Join(fmt.Errorf("set isolation: %w", err), c.Close())
	}
	return conn, nil
}

// mysqlConn is what the driver's connections are.
type mysqlConn interface {
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

type readingConn struct{ mysqlConn }

// BeginTx implements driver.ConnBeginTx: the first statement begins.
func (c readingConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return readingTx{c}, ctx.Err()
}

type readingTx struct{ c readingConn }

// Commit implements driver.Tx.
func (t readingTx) Commit() error { return t.end("COMMIT") }

// Rollback implements driver.Tx.
func (t readingTx) Rollback() error { return t.end("ROLLBACK") }

func (t readingTx) end(how string) error {
	_, err := t.c.ExecContext(context.Background(), how, nil)
	return err
}
