package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// A read sees one state of the database however many statements it has,
// while a write sees what others have committed meanwhile.
func TestAReadSeesOneState(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		add := func(name string) {
			t.Helper()
			dbtest.Exec(t, d, "INSERT INTO setting (name, value) VALUES (?, 'x')", name)
		}
		count := func(tx *db.Tx) (n int64) {
			t.Helper()
			if err := tx.Raw("SELECT COUNT(*) FROM setting").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		add("one")
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			before := count(tx)
			add("two")
			if after := count(tx); after != before {
				t.Errorf("a read saw %d and then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d.Engine() == db.SQLite {
			return // it has one writer
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			before := count(tx)
			add("three")
			if after := count(tx); after != before+1 {
				t.Errorf("a write saw %d and then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// However a read ends, nothing of what it saw stays for the next one on its connection.
func TestAReadLeavesNothing(t *testing.T) {
	stop := errors.New("enough")
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		count := func(tx *db.Tx) (n int64) {
			t.Helper()
			if err := tx.Raw("SELECT COUNT(*) FROM setting").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		for name, end := range map[string]func(cancel func()) error{
			"well":              func(func()) error { return nil },
			"with an error":     func(func()) error { return stop },
			"with a panic":      func(func()) error { panic(stop) },
			"by its own caller": func(cancel func()) error { cancel(); return nil },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			var before, after int64
			func() {
				defer func() {
					if r := recover(); r != nil && r != stop {
						panic(r)
					}
				}()
				_ = d.Read(ctx, func(tx *db.Tx) error {
					before = count(tx)
					return end(cancel)
				})
			}()
			cancel()
			dbtest.Exec(t, d, "INSERT INTO setting (name, value) VALUES (?, 'x')", name)
			if err := d.Read(t.Context(), func(tx *db.Tx) error { after = count(tx); return nil }); err != nil || after != before+1 {
				t.Errorf("behind a read that ended %s: %d and then %d, %v", name, before, after, err)
			}
		}
		if d.Engine() == db.SQLite {
			return
		}
		// The read whose caller went away is rolled back beside.
		open := int64(-1)
		for end := time.Now().Add(time.Minute); open != 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				return tx.Raw("SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND p.command = 'Sleep'").Scan(&open).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if open != 0 {
			t.Errorf("%d transactions are left open", open)
		}
	})
}
