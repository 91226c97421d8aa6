package access_test

import (
	"slices"
	"testing"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
)

// A supervisor agreed for all of 华东; when 杭州 is moved away from there, the consent does not count any more,
// and a preview says so before.
func TestAMoveEndsAccessThatWasAgreedToForWhatIsElsewhereNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.accounts.SetScope(w.ctx(), account.System("test", ""), w.chief.ID, []account.ScopeRow{{Department: w.east, Sub: true}}))
		all := w.grant(func(a *access.Wish) { a.Sub = true })
		east := w.grant(nil)
		w.wantReading(all, true)
		w.write(func(tx *db.Tx) error {
			before, err := department.Load(tx)
			if err != nil {
				return err
			}
			after, err := department.Move(tx, before, w.city, department.Place{Parent: w.north, Name: "杭州"})
			if err != nil {
				return err
			}
			codes, err := access.EndedBy(tx, before, after)
			if !slices.Equal(codes, []string{all.Code}) {
				t.Errorf("%v end, want %s", codes, all.Code)
			}
			return err
		})
		if by := w.now(w.li); len(by.Readings) != 1 || by.Readings[0].Code != east.Code {
			t.Errorf("after the move %+v", by.Readings)
		}
		w.must(w.desk.Tick(w.ctx()))
		w.wantState(all, access.Ended, access.EndConsent)
		w.wantState(east, access.Granted, "")
		if now := w.now(account.Actor{ID: w.chief.ID}); now.Scope.Has(w.city) || !now.Scope.Has(w.east) {
			t.Error("the supervisor acts where she does not")
		}
	})
}
