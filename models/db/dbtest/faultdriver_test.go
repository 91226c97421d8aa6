package dbtest_test

import (
	"errors"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestAFaultyCallLeavesAllOrNothing(t *testing.T) {
	d, faults := dbtest.Faulty(t, dbtest.NewClock())
	type setting struct{ Name, Value string }
	write := func() error {
		return d.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Create(&setting{"a", "1"}).Error; err != nil {
				return err
			}
			return tx.Create(&setting{"b", "1"}).Error
		})
	}
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
		{"before the commit", 4, dbtest.Before, 0},
		{"a cut in the commit", 4, dbtest.Cut, 0},
		{"the answer to the commit is lost", 4, dbtest.After, 2},
	}
	for _, tt := range tests {
		faults.FailAt(tt.at, tt.mode)
		err := write()
		faults.FailAt(0, 0)
		if !errors.Is(err, dbtest.ErrInjected) {
			t.Errorf("%s: err = %v, want the injected fault", tt.name, err)
		}
		if n := dbtest.Count(t, d, &setting{}, "name IN ?", []string{"a", "b"}); n != tt.want {
			t.Errorf("%s: %d rows are left, want %d", tt.name, n, tt.want)
		}
		dbtest.Exec(t, d, "DELETE FROM setting WHERE name IN ('a', 'b')")
	}
	faults.FailAt(0, 0)
	if err := write(); err != nil || faults.Calls() != 4 {
		t.Errorf("without a fault: %v after %d calls, want 4", err, faults.Calls())
	}
}
