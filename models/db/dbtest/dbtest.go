// Package dbtest gives tests a real migrated database on each engine, a clock
// that they move, and the shared test data.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"qingdang/models/db"
)

// Start is where every test clock begins: a Sunday afternoon in China.
var Start = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock that stands at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is part of db.Clock.
func (c *Clock) Now(context.Context, string, db.Queryer) (time.Time, error) { return c.Time(), nil }

// Time gives the clock's instant.
func (c *Clock) Time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock; a negative duration moves it back.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Set puts the clock to an instant.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to.UTC()
}

// Each runs f as a sub-test on SQLite and on MariaDB, each time with an empty,
// migrated database.
func Each(t *testing.T, f func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := NewClock()
			f(t, Open(t, engine, clock), clock)
		})
	}
}

// New gives one empty, migrated SQLite database, for tests in which the engine
// does not matter, and its clock.
func New(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	clock := NewClock()
	return Open(t, db.SQLite, clock), clock
}

// Open gives an empty, migrated database of the engine, with the given clock (nil:
// the database's own). It is closed when the test ends.
func Open(t testing.TB, engine string, clock db.Clock) *db.DB {
	t.Helper()
	s := Settings(t, engine)
	s.Clock = clock
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

// Settings gives the address of an empty, migrated database of the engine, for
// tests that start programs. It is emptied when the test ends.
func Settings(t testing.TB, engine string) db.Settings {
	t.Helper()
	if engine == db.SQLite {
		return db.Settings{File: copySQLite(t)}
	}
	return db.Settings{DSN: borrowMariaDB(t)}
}

var template struct {
	once sync.Once
	data []byte
	err  error
}

// copySQLite copies a file that was migrated once per test binary.
func copySQLite(t testing.TB) string {
	t.Helper()
	template.once.Do(func() {
		file := filepath.Join(os.TempDir(), fmt.Sprintf("qingdang-template-%d.db", os.Getpid()))
		defer os.Remove(file)
		defer os.Remove(file + ".migrating")
		if template.err = migrate(db.Settings{File: file}); template.err == nil {
			template.data, template.err = os.ReadFile(file)
		}
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	file := filepath.Join(t.TempDir(), "qingdang.db")
	if err := os.WriteFile(file, template.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func migrate(s db.Settings) error {
	ctx := context.Background()
	d, err := db.Open(ctx, s)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	return d.Flush(ctx)
}

// Insert stores rows as they are, without any use case.
func Insert(t testing.TB, d *db.DB, rows ...any) {
	t.Helper()
	err := d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		tx.MarkAudited()
		for _, r := range rows {
			if err := tx.Create(r).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Count counts the rows of a model under a condition.
func Count(t testing.TB, d *db.DB, model any, cond ...any) int64 {
	t.Helper()
	var n int64
	err := d.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		q := tx.Model(model)
		if len(cond) > 0 {
			q = q.Where(cond[0], cond[1:]...)
		}
		return q.Count(&n).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Exec runs one statement past every guard: what somebody with the database's
// password could do.
func Exec(t testing.TB, d *db.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	err := d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
		tx.MarkAudited()
		res := tx.Exec(query, args...)
		n = res.RowsAffected
		return res.Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Shared gives the path of a file of the shared test data. Where it is missing
// the test is skipped, and fails where CI=true.
func Shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		Missing(t, "shared test data "+name)
	}
	return path
}

// Missing skips a test that lacks something of the machine, and fails it where
// CI=true: there everything must be present.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}
