package account_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

// act is a dangerous act as the purge desk writes one.
func act(t *testing.T, d *db.DB, a *account.Accounts, by account.Actor, code string, then error) error {
	t.Helper()
	if err := a.BeginCode(t.Context(), by); err != nil {
		return err
	}
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		if _, err := a.ConsumeTOTP(tx, by.ID, code); err != nil {
			return err
		}
		if then != nil {
			return then
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "purge.approved", Object: "PG-1"})
	})
	return a.NoteWrongCode(t.Context(), by, "PG-1", err)
}

func TestOneCodeOneAct(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		code := accounttest.Code(t, d, by.ID)
		var wg sync.WaitGroup
		results := make(chan error, 4)
		for range 4 {
			wg.Go(func() { results <- act(t, d, a, by, code, nil) })
		}
		wg.Wait()
		close(results)
		passed := 0
		for err := range results {
			if err == nil {
				passed++
			}
		}
		if passed != 1 {
			t.Errorf("one code served %d acts, want 1", passed)
		}
		if n := leaves(t, d, "purge.approved"); n != 1 {
			t.Errorf("%d leaves of the act, want 1", n)
		}
		clock.Advance(time.Minute)
		if err := act(t, d, a, by, accounttest.Code(t, d, by.ID), nil); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
}

// A code that was taken is told from a wrong one, within five minutes and not only while its own step is near;
// it costs no try. Nothing else is told: neither a wrong code nor a right one of the past that nobody used.
func TestACodeTypedTwiceIsNoWrongTry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		clock.Advance(time.Minute)
		unused := accounttest.Code(t, d, by.ID)
		clock.Advance(2 * time.Minute)
		code := accounttest.Code(t, d, by.ID)
		if err := act(t, d, a, by, code, nil); err != nil {
			t.Fatal(err)
		}
		for range 6 { // more than would lock; 0 to 300 s after it was taken
			if f, _ := fault.Of(act(t, d, a, by, code, nil)); f == nil || f.Key != "account.code_used" || f.Field != "code" {
				t.Errorf("a code that was used: %v", f)
			}
			clock.Advance(time.Minute)
		}
		if n := leaves(t, d, "code.repeated"); n != 6 {
			t.Errorf("%d leaves of codes typed again, want 6", n)
		}
		if n := leaves(t, d, "code.refused"); n != 0 {
			t.Errorf("%d leaves of wrong codes, want none", n)
		}
		// Past five minutes, of the wrong digits, and never used: wrong, and counted.
		if f, _ := fault.Of(act(t, d, a, by, code, nil)); f == nil || f.Key != "account.code_wrong" || f.Args[0] != 4 {
			t.Errorf("an old code: %v, want wrong with 4 left", f)
		}
		if err := act(t, d, a, by, accounttest.Code(t, d, by.ID), nil); err != nil {
			t.Fatal(err)
		}
		for i, typed := range []string{unused, wrongCode(t, d, by), ""} {
			if f, _ := fault.Of(act(t, d, a, by, typed, nil)); f == nil || f.Key != "account.code_wrong" || f.Args[0] != 4-i {
				t.Errorf("%q: %v, want wrong with %d left", typed, f, 4-i)
			}
		}
		// At login too, once the password was right.
		clock.Advance(time.Minute)
		code = accounttest.Code(t, d, by.ID)
		if err := act(t, d, a, by, code, nil); err != nil {
			t.Fatal(err)
		}
		half, err := login(t, a, by.StaffNo, accounttest.Password)
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Minute)
		for range 6 {
			if _, err := a.SecondFactor(t.Context(), half.Token, code, browser); faultKey(err) != "account.code_used" {
				t.Errorf("a used code at login: %v", err)
			}
		}
		if _, err := a.SecondFactor(t.Context(), "no session", code, browser); faultKey(err) != "account.session_over" {
			t.Errorf("a used code without a password: %v", err)
		}
		if _, err := a.SecondFactor(t.Context(), half.Token, accounttest.Code(t, d, by.ID), browser); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
}

// Once a code was taken, the one before it is over: it was never used, so it is wrong and not "used", at an act
// and at login.
func TestAnOlderCodeThatNobodyUsedIsWrong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		older := accounttest.Code(t, d, by.ID)
		clock.Advance(30 * time.Second)
		taken := accounttest.Code(t, d, by.ID)
		if err := act(t, d, a, by, taken, nil); err != nil {
			t.Fatal(err)
		}
		if f, _ := fault.Of(act(t, d, a, by, older, nil)); f == nil || f.Key != "account.code_wrong" || f.Args[0] != 4 {
			t.Errorf("an older code that nobody used: %v, want wrong with 4 left", f)
		}
		if f, _ := fault.Of(act(t, d, a, by, taken, nil)); f == nil || f.Key != "account.code_used" {
			t.Errorf("the code that was used: %v", f)
		}
		if refused, repeated := leaves(t, d, "code.refused"), leaves(t, d, "code.repeated"); refused != 1 || repeated != 1 {
			t.Errorf("%d leaves of wrong codes and %d of repeated ones, want one each", refused, repeated)
		}
		half, err := login(t, a, by.StaffNo, accounttest.Password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.SecondFactor(t.Context(), half.Token, older, browser); faultKey(err) != "account.code_wrong" {
			t.Errorf("an older code at login: %v", err)
		}
		if _, err := a.SecondFactor(t.Context(), half.Token, taken, browser); faultKey(err) != "account.code_used" {
			t.Errorf("a used code at login: %v", err)
		}
	})
}

func TestARolledBackActLeavesItsCodeFree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		code := accounttest.Code(t, d, by.ID)
		changed := fault.Conflict("purge.changed")
		for range 7 {
			if err := act(t, d, a, by, code, changed); !errors.Is(err, changed) {
				t.Fatalf("a conflict came back as %v", err)
			}
		}
		if err := act(t, d, a, by, code, nil); err != nil {
			t.Errorf("the code after seven conflicts: %v", err)
		}
	})
}

func TestFiveWrongCodesLockApprovals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		for left := 4; left >= 1; left-- {
			f, _ := fault.Of(act(t, d, a, by, wrongCode(t, d, by), nil))
			if f == nil || f.Key != "account.code_wrong" || f.Args[0] != left || f.Field != "code" {
				t.Errorf("with %d left: %v", left, f)
			}
		}
		if err := act(t, d, a, by, wrongCode(t, d, by), nil); faultKey(err) != "account.code_locked" {
			t.Errorf("the fifth wrong code: %v", err)
		}
		if err := act(t, d, a, by, accounttest.Code(t, d, by.ID), nil); fault.KindOf(err) != fault.KindBusy {
			t.Errorf("the right code while locked: %v", err)
		}
		if n := leaves(t, d, "code.refused"); n != 5 {
			t.Errorf("%d leaves of wrong codes survived the rollbacks, want 5", n)
		}
		if n := leaves(t, d, "approvals.locked"); n != 1 {
			t.Errorf("%d leaves of the lock, want 1", n)
		}
		mustLogin(t, d, a, by) // counted apart
		clock.Advance(30 * time.Minute)
		if err := act(t, d, a, by, accounttest.Code(t, d, by.ID), nil); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	})
}

func TestGuessingAtOnceGainsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		a := accounttest.New(t, d)
		by := accounttest.User(t, d, a, account.Legal)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := act(t, d, a, by, wrongCode(t, d, by), nil); err == nil {
					t.Error("a wrong code passed")
				}
			})
		}
		wg.Wait()
		if n := leaves(t, d, "code.refused"); n != 5 {
			t.Errorf("%d guesses were looked at, want 5", n)
		}
	})
}

func TestNoCodeWithoutACountedTry(t *testing.T) {
	d, _ := dbtest.New(t)
	a := accounttest.New(t, d)
	by := accounttest.User(t, d, a, account.Legal)
	code := accounttest.Code(t, d, by.ID)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		if _, err := a.ConsumeTOTP(tx, by.ID, code); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "purge.approved", Object: "PG-1"})
	})
	if fault.KindOf(err) != fault.KindInternal {
		t.Errorf("a code without BeginCode: %v, want an internal error", err)
	}
	for _, by := range []account.Actor{account.System("worker", ""), {}} {
		if err := a.BeginCode(t.Context(), by); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("BeginCode of %+v: %v, want forbidden", by, err)
		}
	}
}
