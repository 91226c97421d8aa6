package db

import (
	"context"
	"database/sql"
	"time"
)

// Queryer is the part of a transaction that a clock may need.
type Queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Clock tells the one instant of a transaction. The default asks the database, so
// that every process, whatever its own clock says, computes deadlines from the
// same time. Tests move their own.
type Clock interface {
	Now(ctx context.Context, engine string, q Queryer) (time.Time, error)
}

type databaseClock struct{}

// Now asks the server for its UTC time. The embedded engine runs in this
// process, so its clock is ours.
func (databaseClock) Now(ctx context.Context, engine string, q Queryer) (time.Time, error) {
	if engine == SQLite {
		return time.Now(), nil
	}
	var now time.Time
	err := q.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&now)
	return now, err
}

// Instant cuts an instant to what both engines can store: UTC, microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
