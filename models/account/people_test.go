package account_test

import (
	"errors"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
)

func TestManagingAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		admin := accounttest.Same(t, d, a, "hr-admin", account.Admin)
		agent := accounttest.User(t, d, a, account.Agent, 3)
		ownSecond := accounttest.Same(t, d, a, "hr-admin", account.Agent, 3)
		for _, by := range []account.Actor{agent, accounttest.User(t, d, a, account.Legal), accounttest.User(t, d, a, account.Auditor), {}} {
			if err := a.ChangeRole(ctx, by, agent.ID, account.Legal); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s changes a role: %v", by.Role, err)
			}
			if _, _, err := a.AddUser(ctx, by, account.NewUser{StaffNo: "1", Name: "x", Role: account.Agent}); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s adds an account: %v", by.Role, err)
			}
		}
		for _, who := range []account.Actor{admin, ownSecond} {
			if err := a.ChangeRole(ctx, admin, who.ID, account.Legal); faultKey(err) != "account.not_yourself" {
				t.Errorf("an administrator changes an own account: %v", err)
			}
		}
		for _, n := range []account.NewUser{
			{Name: "x", Role: account.Agent},
			{StaffNo: "1", Role: account.Agent},
			{StaffNo: "1", Name: "x"},
			{StaffNo: "1", Name: "x", Role: "root"},
			{StaffNo: "1", Name: "x", Role: account.Agent, Email: "no"},
			{StaffNo: agent.StaffNo, Name: "x", Role: account.Agent},
			{StaffNo: agent.StaffNo + "@example.cn", Name: "x", Role: account.Agent},
			{StaffNo: "7", Email: agent.StaffNo + "@EXAMPLE.cn", Name: "x", Role: account.Agent},
		} {
			if _, _, err := a.AddUser(ctx, admin, n); fault.KindOf(err) != fault.KindInvalid {
				t.Errorf("AddUser(%+v) = %v, want invalid", n, err)
			}
		}
		if _, err := a.ResetLink(ctx, admin, agent.ID, true); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an administrator resets a second factor: %v", err)
		}
		members, err := a.Members(ctx, admin)
		if err != nil || len(members) < 3 {
			t.Errorf("Members = %d, %v", len(members), err)
		}
		if _, err := a.Members(ctx, agent); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an agent lists members: %v", err)
		}
	})
}

func TestWhatEndsSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		admin := accounttest.User(t, d, a, account.Admin)
		ends := map[string]func(who account.Actor, token string) error{
			"logout":      func(who account.Actor, token string) error { return a.Logout(ctx, token, who) },
			"disabling":   func(who account.Actor, _ string) error { return a.DisableUser(ctx, admin, who.ID) },
			"role change": func(who account.Actor, _ string) error { return a.ChangeRole(ctx, admin, who.ID, account.Auditor) },
			"reset":       func(who account.Actor, _ string) error { _, err := a.ResetLink(ctx, admin, who.ID, false); return err },
			"password change": func(who account.Actor, token string) error {
				_, err := a.ChangePassword(ctx, who, token, accounttest.Password, "Silver-Harbour-9923", browser)
				return err
			},
			"revoking": func(who account.Actor, token string) error {
				own, err := a.OwnSessions(ctx, who, token)
				if err != nil || len(own) != 1 || !own[0].Current {
					t.Errorf("OwnSessions = %+v, %v", own, err)
				}
				return a.RevokeSession(ctx, who, own[0].Handle)
			},
			"half an hour without use": func(account.Actor, string) error { clock.Advance(account.IdleLimit); return nil },
			"twelve hours of use": func(_ account.Actor, token string) error {
				for range 24*60/29 + 1 {
					clock.Advance(29 * time.Minute)
					if err := a.Touch(ctx, token); err != nil {
						return err
					}
				}
				return nil
			},
			"expiry of the account": func(who account.Actor, _ string) error {
				dbtest.Exec(t, d, "UPDATE `user` SET expires_at = ? WHERE id = ?", clock.Time(), who.ID)
				return nil
			},
		}
		for name, end := range ends {
			who := accounttest.User(t, d, a, account.Agent, 3)
			token := mustLogin(t, d, a, who)
			if err := end(who, token); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := a.Session(ctx, token, browser); !errors.Is(err, account.ErrNoSession) {
				t.Errorf("after %s the session lives: %v", name, err)
			}
			if err := a.SaveData(ctx, token, []byte("x")); name != "half an hour without use" && name != "twelve hours of use" && name != "expiry of the account" && !errors.Is(err, account.ErrNoSession) {
				t.Errorf("after %s saving brought the session back: %v", name, err)
			}
		}
		if n, err := a.CleanSessions(ctx); err != nil || n == 0 {
			t.Errorf("CleanSessions = %d, %v", n, err)
		}
		other := accounttest.User(t, d, a, account.Agent, 3)
		own, err := a.OwnSessions(ctx, other, mustLogin(t, d, a, other))
		if err != nil || len(own) != 1 {
			t.Fatalf("OwnSessions = %+v, %v", own, err)
		}
		if err := a.RevokeSession(ctx, accounttest.User(t, d, a, account.Agent, 3), own[0].Handle); fault.KindOf(err) != fault.KindNotFound {
			t.Errorf("revoking somebody else's session: %v", err)
		}
	})
}

func TestTheScopeIsResolvedForEveryRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		admin := accounttest.User(t, d, a, account.Admin)
		who := accounttest.User(t, d, a, account.Supervisor, 3)
		token := mustLogin(t, d, a, who)
		if err := a.SetScope(ctx, admin, who.ID, []account.ScopeRow{{Department: 4}}); err != nil {
			t.Fatal(err)
		}
		s, err := a.Session(ctx, token, browser)
		if err != nil || s.Actor.Scope.Has(3) || !s.Actor.Scope.Has(4) {
			t.Errorf("scope after the change: %+v, %v", s, err)
		}
		if err := a.SetScope(ctx, admin, who.ID, nil); err != nil {
			t.Fatal(err)
		}
		s, err = a.Session(ctx, token, browser)
		if err != nil || !s.Actor.Scope.Empty() || s.Actor.Scope.Has(4) {
			t.Errorf("an empty scope is not nothing: %+v, %v", s, err)
		}
	})
}
