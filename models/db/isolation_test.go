package db_test

import (
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// A read sees one state of the database however many statements it has, also on a connection that wrote
// before, while a write sees what others have committed meanwhile.
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
		add("one") // its connection is the next one to read
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
