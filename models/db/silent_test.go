package db_test

import (
	"strings"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// A program that is stopped in the middle of a transaction, or whose machine is cut off, must not
// keep its locks for the hours that a server waits by default.
func TestTheServerEndsATransactionWhoseProgramIsSilent(t *testing.T) {
	s := dbtest.Settings(t, db.MySQL)
	limit := func(d *db.DB) (seconds int) {
		t.Helper()
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Raw("SELECT @@wait_timeout").Scan(&seconds).Error }); err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	usual := open(t, s)
	if n := limit(usual); n != 60 {
		t.Errorf("the server waits %d s for a silent program, want 60", n)
	}
	s.DSN += map[bool]string{true: "&", false: "?"}[strings.Contains(s.DSN, "?")] + "wait_timeout=1"
	silent := open(t, s)
	if n := limit(silent); n != 1 {
		t.Fatalf("the DSN's own limit became %d", n)
	}
	dbtest.Insert(t, usual, &setting{"a", "1"})
	set := func(d *db.DB, value string, then func()) error {
		return d.Write(t.Context(), func(tx *db.Tx) error {
			err := tx.Exec("UPDATE setting SET value = ? WHERE name = 'a'", value).Error
			if err == nil {
				then()
			}
			return err
		})
	}
	err := set(silent, "silent", func() {
		if err := set(usual, "usual", func() {}); err != nil { // waits for the lock of the silent one
			t.Errorf("beside a silent program: %v", err)
		}
	})
	if err == nil || dbtest.Count(t, usual, &setting{}, "name = 'a' AND value = 'usual'") != 1 {
		t.Errorf("the silent program's change: %v", err)
	}
}
