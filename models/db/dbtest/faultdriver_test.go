package dbtest_test

import (
	"context"
	"errors"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestAFaultyCallLeavesAllOrNothing(t *testing.T) {
	type setting struct{ Name, Value string }
	tests := []struct {
		name string
		at   int
		mode int
		want int64
	}{
		{"before the transaction begins", 1, dbtest.Before, 0},
		{"before the first statement", 2, dbtest.Before, 0},
		{"after the second statement", 3, dbtest.After, 0},
		{"a cut in the second statement", 3, dbtest.Cut, 0},
		{"no answer to the first statement", 2, dbtest.Hang, 0},
		{"before the commit", 4, dbtest.Before, 0},
		{"a cut in the commit", 4, dbtest.Cut, 0},
		{"no answer to the commit", 4, dbtest.Hang, 0},
		{"the answer to the commit is lost", 4, dbtest.After, 2},
	}
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			d, faults := dbtest.FaultyOn(t, engine, dbtest.NewClock())
			write := func(ctx context.Context) error {
				return d.Write(ctx, func(tx *db.Tx) error {
					if err := tx.Create(&setting{"a", "1"}).Error; err != nil {
						return err
					}
					return tx.Create(&setting{"b", "1"}).Error
				})
			}
			for _, tt := range tests {
				faults.FailAt(tt.at, tt.mode)
				err := write(faults.Deadline(t.Context()))
				fired := faults.Fired()
				faults.FailAt(0, 0)
				if !errors.Is(err, dbtest.ErrInjected) && !errors.Is(err, context.DeadlineExceeded) || fired != 1 {
					t.Errorf("%s: err = %v, want the injected fault", tt.name, err)
				}
				if n := dbtest.Count(t, d, &setting{}, "name IN ?", []string{"a", "b"}); n != tt.want {
					t.Errorf("%s: %d rows are left, want %d", tt.name, n, tt.want)
				}
				dbtest.Exec(t, d, "DELETE FROM setting WHERE name IN ('a', 'b')")
			}
			faults.FailAt(0, 0)
			if err := write(t.Context()); err != nil || faults.Calls() != 4 {
				t.Errorf("without a fault: %v after %d calls, want 4", err, faults.Calls())
			}
		})
	}
}

// A deadlock undoes the transaction; the closure runs once more and its work is done once.
func TestADeadlockIsTriedAgain(t *testing.T) {
	d, faults := dbtest.Faulty(t, dbtest.NewClock())
	type setting struct{ Name, Value string }
	for at := 1; at <= 4; at++ {
		runs := 0
		faults.FailAt(at, dbtest.Deadlock)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			runs++
			if err := tx.Exec("DELETE FROM setting WHERE name = 'a'").Error; err != nil {
				return err
			}
			return tx.Create(&setting{"a", "1"}).Error
		})
		faults.FailAt(0, 0)
		if err != nil || at > 1 && runs != 2 {
			t.Errorf("at call %d: %v after %d runs", at, err, runs)
		}
	}
}
