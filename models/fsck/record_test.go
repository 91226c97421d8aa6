package fsck_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/index"
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
		clock.Advance(48 * time.Hour)
		if got := told(); got.Overdue {
			t.Errorf("after a night without: %+v", got)
		}
		clock.Advance(3 * time.Hour)
		if got := told(); !got.Overdue {
			t.Errorf("after two: %+v", got)
		}
		dbtest.Exec(t, d, "UPDATE conversation SET state = 1 WHERE id = ?", w.binned)
		_, err = w.checker.Record(w.ctx(), system)
		w.must(err)
		got := told()
		if got.Overdue {
			t.Errorf("after a check: %+v", got)
		}
		if got.Found != 1 || len(got.Findings) != 1 || got.Findings[0].Key != "fsck.bin_state_differs" || got.Findings[0].Promise != "I10" {
			t.Errorf("a changed database: %+v", got)
		}
	})
}

// A night in which the words cannot be compared loses nothing of what else was found, says so, and the words have their
// turn with the next check.
func TestFindingsAreWrittenDownWithoutTheWords(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			clock := dbtest.NewClock()
			broken, faults := dbtest.FaultyOn(t, engine, clock)
			w := newWorld(t, faults.Plain(t), clock)
			x := conversation.NewIndex(broken, conversation.Vault{Store: w.checker.Store}, index.Options{})
			w.checker.Index = x
			_, err := x.Fold(w.ctx())
			w.must(err)
			system := account.System("worker", "")
			night := func() (told report.Data, compared int) {
				t.Helper()
				clock.Advance(24 * time.Hour)
				r, err := w.checker.Record(w.ctx(), system)
				w.must(err)
				state, err := (&report.Evidence{DB: w.d, Log: w.checker.Log}).ChainState(w.ctx())
				w.must(err)
				return state.Data, r.Compared.Conversations
			}
			if told, compared := night(); told.Found != 0 || compared == 0 {
				t.Fatalf("a clean database: %+v, %d compared", told, compared)
			}
			dbtest.Exec(t, w.d, "DELETE FROM hold_item")
			faults.FailAt(0, dbtest.Before)
			if _, err := w.checker.Run(w.ctx(), true); err != nil {
				t.Fatal(err)
			}
			calls := faults.Calls() // of the checks before the words
			clock.Advance(29 * 24 * time.Hour)
			faults.FailAt(calls+1, dbtest.Before)
			faults.FailAlso(calls+2, dbtest.Before)
			told, compared := night()
			faults.FailAt(0, dbtest.Before)
			if len(told.Findings) != 2 || told.Findings[0].Key != "fsck.hold_items_missing" || told.Findings[1].Key != "fsck.check_failed" || compared != 0 {
				t.Errorf("without the words: %+v, %d compared", told, compared)
			}
			if told, compared := night(); told.Found != 1 || compared == 0 {
				t.Errorf("the night after: %+v, %d compared", told, compared)
			}
		})
	}
}
