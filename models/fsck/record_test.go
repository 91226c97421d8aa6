package fsck_test

import (
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/report"
)

// The nightly check writes down what it found, and everybody who reads the log's state is told:
// first that all is well, then what somebody did to the database.
func TestTheNightlyCheckIsWrittenDownAndTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		told := func() report.Data {
			t.Helper()
			state, err := (&report.Evidence{DB: d, Log: w.checker.Log}).ChainState(w.ctx())
			w.must(err)
			return state.Data
		}
		if got := told(); !got.CheckedAt.IsZero() {
			t.Errorf("before the first check: %+v", got)
		}
		if _, err := w.checker.Record(w.ctx(), accounttest.Actor(account.Supervisor)); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("a supervisor ran the check: %v", err)
		}
		system := account.System("worker", "")
		_, err := w.checker.Record(w.ctx(), system)
		w.must(err)
		if got := told(); got.Found != 0 || got.Checks < 30 || !got.CheckedAt.Equal(clock.Time()) {
			t.Errorf("a clean database: %+v", got)
		}
		dbtest.Exec(t, d, "UPDATE conversation SET state = 1 WHERE id = ?", w.binned)
		_, err = w.checker.Record(w.ctx(), system)
		w.must(err)
		got := told()
		if got.Found != 1 || len(got.Findings) != 1 || got.Findings[0].Key != "fsck.bin_state_differs" || got.Findings[0].Promise != "I10" {
			t.Errorf("a changed database: %+v", got)
		}
	})
}
