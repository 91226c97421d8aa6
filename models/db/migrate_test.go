package db_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// Several processes may meet a new database at the same time, and one of them may start while the
// lock is still that of a process that was killed.
func TestSeveralStartsMeetANewDatabase(t *testing.T) {
	old := dbtest.Settings(t, db.MySQL)
	cfg, err := mysql.ParseDSN(old.DSN)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, old)
	fresh := cfg.DBName + "_fresh"
	dbtest.Exec(t, d, "CREATE DATABASE "+fresh)
	defer dbtest.Exec(t, d, "DROP DATABASE "+fresh)
	cfg.DBName = fresh
	for name, s := range map[string]db.Settings{
		"mysql": {DSN: cfg.FormatDSN()}, "sqlite": {File: filepath.Join(t.TempDir(), "qingdang.db")},
	} {
		var wg sync.WaitGroup
		for range 4 {
			d := open(t, s)
			wg.Go(func() {
				if err := d.Migrate(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
	}
	killed := open(t, db.Settings{DSN: cfg.FormatDSN()})
	if n := dbtest.Exec(t, killed, "UPDATE goose_lock SET locked = TRUE, locked_by = 'killed', lease_expires_at = NOW(6) + INTERVAL 1 DAY"); n != 1 {
		t.Fatalf("%d migration locks", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := killed.Migrate(ctx); err != nil {
		t.Errorf("a start beside the lock of a killed one: %v", err)
	}
}

func open(t *testing.T, s db.Settings) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}
