package db

import (
	"errors"

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
)

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
