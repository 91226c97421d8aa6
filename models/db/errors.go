package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Numbers of MySQL and MariaDB errors that we act on.
const (
	lockWaitTimeout = 1205
	deadlock        = 1213
	duplicateEntry  = 1062

	diskFull           = 1021
	tooManyConnections = 1040
	shuttingDown       = 1053
	tableFull          = 1114
	readOnlyServer     = 1290

	noTriggerRight = 1419 // a binary log, and no SUPER
)

// ErrHeld says that the database itself refused to delete what a legal hold covers. The program
// looks before it deletes, so this is a fault of the program or somebody's own statement.
var ErrHeld = errors.New("db: under a legal hold, not deleted")

// refusedByTrigger tells whether a trigger of the schema raised err.
func refusedByTrigger(err error) bool {
	const signalled = 1644
	var m *mysql.MySQLError
	if errors.As(err, &m) {
		return m.Number == signalled
	}
	var s *sqlite.Error
	return errors.As(err, &s) && s.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER
}

// NotFound tells whether err says that no row was there.
func NotFound(err error) bool { return errors.Is(err, gorm.ErrRecordNotFound) }

// Duplicate tells whether err says that a unique key was there already.
func Duplicate(err error) bool {
	var m *mysql.MySQLError
	return errors.Is(err, gorm.ErrDuplicatedKey) || errors.As(err, &m) && m.Number == duplicateEntry || sqliteUnique(err)
}

// again tells whether the closure may run once more: the server undid all of it.
func again(err error) bool {
	var m *mysql.MySQLError
	if errors.As(err, &m) {
		return m.Number == deadlock || m.Number == lockWaitTimeout
	}
	var s *sqlite.Error
	return errors.As(err, &s) && s.Code()&0xff == sqlite3.SQLITE_BUSY
}

func sqliteUnique(err error) bool {
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || s.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Unavailable tells whether err says that the database could not be reached or did not
// answer, so that nothing is wrong with the request itself.
func (d *DB) Unavailable(err error) bool {
	var network net.Error
	var m *mysql.MySQLError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return true
	case errors.As(err, &m):
		return m.Number == tooManyConnections || m.Number == readOnlyServer || m.Number == diskFull || m.Number == tableFull || m.Number == shuttingDown
	}
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code()&0xff == sqlite3.SQLITE_BUSY || s.Code()&0xff == sqlite3.SQLITE_FULL || s.Code()&0xff == sqlite3.SQLITE_CANTOPEN || s.Code()&0xff == sqlite3.SQLITE_IOERR)
}
