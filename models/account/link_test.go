package account_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

const fresh = "Silver-Harbour-9923"

func TestTheFirstAdministrator(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		old, err := a.FirstLink(ctx)
		if err != nil || old == "" {
			t.Fatalf("FirstLink = %q, %v", old, err)
		}
		token, err := a.FirstLink(ctx)
		if err != nil {
			t.Fatal(err)
		}
		use := func(token string) (*account.Passed, error) {
			return a.UseLink(ctx, account.LinkForm{Token: token, StaffNo: "10001", Name: "系统管理员", Password: fresh, From: browser})
		}
		if _, err := use(old); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("the link of an earlier start: %v", err)
		}
		if _, err := a.UseLink(ctx, account.LinkForm{Token: token, StaffNo: "10001", Name: "x", Password: "short"}); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("a short password: %v", err)
		}
		var wg sync.WaitGroup
		passed := make(chan *account.Passed, 3)
		for range 3 {
			wg.Go(func() {
				if p, err := use(token); err == nil {
					passed <- p
				}
			})
		}
		wg.Wait()
		if len(passed) != 1 {
			t.Fatalf("the first link was used %d times", len(passed))
		}
		half := <-passed
		page, err := a.EnrolPage(ctx, half.Token, "云栖优品集团")
		if err != nil || !strings.HasPrefix(page.QR, "data:image/png;base64,") || page.StaffNo != "10001" {
			t.Fatalf("EnrolPage = %+v, %v", page, err)
		}
		code, err := totp.GenerateCode(strings.ReplaceAll(page.Secret, " ", ""), clock.Time())
		if err != nil {
			t.Fatal(err)
		}
		full, codes, err := a.Enrol(ctx, half.Token, code, browser)
		if err != nil || len(codes) != 10 {
			t.Fatalf("Enrol = %v, %v", codes, err)
		}
		s, err := a.Session(ctx, full.Token, browser)
		if err != nil || s.Actor.Role != account.Admin || s.Stage != account.StageFull {
			t.Errorf("session of the first administrator = %+v, %v", s, err)
		}
		if again, err := a.FirstLink(ctx); err != nil || again != "" {
			t.Errorf("FirstLink with an account = %q, %v", again, err)
		}

		half, err = a.Login(ctx, account.Attempt{Login: "10001", Password: fresh, From: browser})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.EnrolPage(ctx, half.Token, "x"); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("the secret shows after enrolment: %v", err)
		}
		if _, err := a.UseRecoveryCode(ctx, half.Token, strings.ToUpper(codes[3]), browser); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		half, err = a.Login(ctx, account.Attempt{Login: "10001", Password: fresh, From: browser})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.UseRecoveryCode(ctx, half.Token, codes[3], browser); faultKey(err) != "account.code_wrong" {
			t.Errorf("the same recovery code again: %v", err)
		}
	})
}

func TestTheFirstLinkIsOverOnceThereIsAnAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		token, err := a.FirstLink(ctx)
		if err != nil {
			t.Fatal(err)
		}
		accounttest.User(t, d, a, account.Admin)
		_, err = a.UseLink(ctx, account.LinkForm{Token: token, StaffNo: "10001", Name: "第二个管理员", Password: fresh, From: browser})
		if fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a second first administrator: %v", err)
		}
	})
}

func TestLinks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		admin := accounttest.User(t, d, a, account.Admin)
		who, invite, err := a.AddUser(ctx, admin, account.NewUser{StaffNo: "10482", Name: "林静怡", Role: account.Agent})
		if err != nil {
			t.Fatal(err)
		}
		use := func(token string) error {
			_, err := a.UseLink(ctx, account.LinkForm{Token: token, Password: fresh, From: browser})
			return err
		}
		_, old, err := a.AddUser(ctx, admin, account.NewUser{StaffNo: "10483", Name: "林静", Role: account.Agent})
		if err != nil {
			t.Fatal(err)
		}
		again, err := a.ResetLink(ctx, admin, who, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := use(invite); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("an invitation that was replaced: %v", err)
		}
		clock.Advance(2 * time.Hour)
		if err := use(again); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a link after 2 h: %v", err)
		}
		clock.Advance(70 * time.Hour)
		if err := use(old); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("an invitation after 72 h: %v", err)
		}
		if again, err = a.ResetLink(ctx, admin, who, false); err != nil {
			t.Fatal(err)
		}
		if err := use(again); err != nil {
			t.Errorf("a good invitation: %v", err)
		}
		if err := use(again); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("an invitation twice: %v", err)
		}

		member := accounttest.User(t, d, a, account.Agent, 3)
		token := mustLogin(t, d, a, member)
		reset, err := a.ResetLink(ctx, admin, member.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Session(ctx, token, browser); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("a session outlives the reset: %v", err)
		}
		passed, err := a.UseLink(ctx, account.LinkForm{Token: reset, Password: fresh, From: browser})
		if err != nil || !passed.Enrolled || passed.Stage != account.StagePassword {
			t.Errorf("a reset skips or replaces the second factor: %+v, %v", passed, err)
		}
		off, err := a.ResetLink(ctx, admin, member.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.DisableUser(ctx, admin, member.ID); err != nil {
			t.Fatal(err)
		}
		if err := use(off); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("a link of an account that is off: %v", err)
		}
		lost := accounttest.User(t, d, a, account.Agent, 3)
		anew, err := a.ResetLink(ctx, account.System("cli", ""), lost.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		passed, err = a.UseLink(ctx, account.LinkForm{Token: anew, Password: fresh, From: browser})
		if err != nil || passed.Enrolled {
			t.Errorf("a reset of the factor by the host's keeper: %+v, %v", passed, err)
		}
	})
}

func TestDemoAccountsStayInTheDemo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		real, demo, ctx := accounttest.New(t, d), accounttest.Demo(t, d), t.Context()
		n := account.NewUser{StaffNo: "10482", Name: "林静怡", Role: account.Supervisor}
		if _, err := real.AddDemo(ctx, n, fresh); !errors.Is(err, account.ErrRealData) {
			t.Errorf("AddDemo of a real program: %v", err)
		}
		if _, err := demo.AddDemo(ctx, n, fresh); !errors.Is(err, account.ErrRealData) {
			t.Errorf("AddDemo in a real database: %v", err)
		}
		if err := demo.CheckMode(ctx); !errors.Is(err, account.ErrRealData) {
			t.Errorf("a demo serves a real database: %v", err)
		}
		if err := demo.MarkDemo(ctx); err != nil {
			t.Fatal(err)
		}
		who, err := demo.AddDemo(ctx, n, fresh)
		if err != nil {
			t.Fatal(err)
		}
		if err := voter(t, d, who, account.Supervisor); err != nil {
			t.Errorf("a demo approver waits: %v", err)
		}
		if err := real.CheckMode(ctx); !errors.Is(err, account.ErrDemoData) {
			t.Errorf("a real program serves a demo database: %v", err)
		}
		if err := demo.CheckMode(ctx); err != nil {
			t.Error(err)
		}
		if _, err := real.Login(ctx, account.Attempt{Login: "10482", Password: fresh, From: browser}); faultKey(err) != "account.login_wrong" {
			t.Errorf("a demo account logs in outside a demo: %v", err)
		}
		if _, err := real.DemoCode(ctx, "10482"); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("DemoCode outside a demo: %v", err)
		}
		person := accounttest.User(t, d, demo, account.Agent)
		if _, err := demo.DemoCode(ctx, person.StaffNo); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("DemoCode of a real account: %v", err)
		}
		half, err := demo.Login(ctx, account.Attempt{Login: "10482", Password: fresh, From: browser})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the code after the one that was used
			code, err := demo.DemoCode(ctx, "10482")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := demo.SecondFactor(ctx, half.Token, code, browser); err != nil {
				t.Error(err)
			}
			if half, err = demo.Login(ctx, account.Attempt{Login: "10482", Password: fresh, From: browser}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := demo.DemoCode(ctx, "10482"); fault.KindOf(err) != fault.KindBusy {
			t.Errorf("a third code within a step: %v", err)
		}
		if all, err := demo.DemoAccounts(ctx); err != nil || len(all) != 1 {
			t.Errorf("DemoAccounts = %v, %v", all, err)
		}
	})
}

func TestARealDatabaseNeverBecomesADemo(t *testing.T) {
	d, _ := dbtest.New(t)
	demo := accounttest.Demo(t, d)
	accounttest.User(t, d, demo, account.Agent)
	if err := demo.MarkDemo(t.Context()); !errors.Is(err, account.ErrRealData) {
		t.Errorf("MarkDemo with an account: %v", err)
	}
}
