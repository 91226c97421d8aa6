package account_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

func voter(t *testing.T, d *db.DB, who id.User, role account.Role) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := account.Voter(tx, who, role)
		return err
	})
}

func TestANewApproverNeedsASecondAdministratorAndADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		first := accounttest.Same(t, d, a, "hr-first", account.Admin)
		alias := accounttest.Same(t, d, a, "hr-first", account.Admin)
		second := accounttest.User(t, d, a, account.Admin)
		puppet, _, err := a.AddUser(ctx, first, account.NewUser{StaffNo: "10999", Name: "周新", Role: account.Legal})
		if err != nil {
			t.Fatal(err)
		}
		confirm := func(by account.Actor) error { return a.ConfirmRole(ctx, by, puppet, accounttest.Code(t, d, by.ID)) }
		steps := []struct {
			name string
			do   func() error
			want string
		}{
			{"not before a second administrator", func() error { return voter(t, d, puppet, account.Legal) }, "account.vote_unconfirmed"},
			{"the one who gave the role does not confirm it", func() error { return confirm(first) }, "account.second_admin"},
			{"nor under a second account", func() error { return confirm(alias) }, "account.second_admin"},
			{"nor the system", func() error { return a.ConfirmRole(ctx, account.System("cli", ""), puppet, "000000") }, "account.forbidden"},
			{"nor without a code", func() error { return a.ConfirmRole(ctx, second, puppet, "") }, "account.code_wrong"},
			{"another administrator does", func() error { return confirm(second) }, "<nil>"},
			{"once", func() error { return confirm(second) }, "account.nothing_to_confirm"},
			{"not on the first day", func() error { clock.Advance(24*time.Hour - time.Second); return voter(t, d, puppet, account.Legal) }, "account.vote_wait"},
			{"then yes", func() error { clock.Advance(time.Second); return voter(t, d, puppet, account.Legal) }, "<nil>"},
			{"but not in another role", func() error { return voter(t, d, puppet, account.Supervisor) }, "account.forbidden"},
			{"a changed role starts again", func() error {
				clock.Advance(time.Minute)
				if err := a.ChangeRole(ctx, second, puppet, account.Supervisor); err != nil {
					return err
				}
				return voter(t, d, puppet, account.Supervisor)
			}, "account.vote_unconfirmed"},
			{"an account that is off does not vote", func() error {
				if err := a.DisableUser(ctx, second, puppet); err != nil {
					return err
				}
				return voter(t, d, puppet, account.Supervisor)
			}, "account.forbidden"},
			{"administrators never vote", func() error { return voter(t, d, second.ID, account.Admin) }, "account.forbidden"},
		}
		for _, s := range steps {
			if got := faultKey(s.do()); got != s.want {
				t.Errorf("%s: %s, want %s", s.name, got, s.want)
			}
		}
	})
}

// Whatever gives an administrator a way into an account, or a word in what it is, takes the
// confirmation of its role back, and those who had one are not the ones who give it again.
func TestWhatHasToBeConfirmedAnew(t *testing.T) {
	system := account.System("cli", "")
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		var admins [3]account.Actor
		for i := range admins {
			admins[i] = accounttest.User(t, d, a, account.Admin)
		}
		reset := func(by account.Actor, who id.User) error { _, err := a.ResetLink(ctx, by, who, false); return err }
		tests := []struct {
			name string
			role account.Role
			do   func(who id.User) error
			out  int // how many of the administrators may not confirm
		}{
			{"a reset link", account.Legal, func(who id.User) error { return reset(admins[0], who) }, 1},
			{"a reset link of an administrator", account.Admin, func(who id.User) error { return reset(admins[0], who) }, 1},
			{"a role", account.Supervisor, func(who id.User) error { return a.ChangeRole(ctx, admins[0], who, account.Supervisor) }, 1},
			{"off and on again", account.Legal, func(who id.User) error {
				if err := a.DisableUser(ctx, admins[0], who); err != nil {
					return err
				}
				return a.EnableUser(ctx, admins[0], who)
			}, 1},
			{"a role of one, then a link of another", account.Supervisor, func(who id.User) error {
				if err := a.ChangeRole(ctx, admins[0], who, account.Supervisor); err != nil {
					return err
				}
				return reset(admins[1], who)
			}, 2},
			{"a role of one, then on again by another", account.Legal, func(who id.User) error {
				if err := a.ChangeRole(ctx, admins[0], who, account.Legal); err != nil {
					return err
				}
				if err := a.DisableUser(ctx, admins[1], who); err != nil {
					return err
				}
				return a.EnableUser(ctx, admins[1], who)
			}, 1},
			{"a link of the command line", account.Legal, func(who id.User) error { return reset(system, who) }, -1},
			{"departments", account.Supervisor, func(who id.User) error { return a.SetScope(ctx, admins[0], who, nil) }, -1},
		}
		for _, test := range tests {
			who := accounttest.User(t, d, a, test.role)
			clock.Advance(time.Minute)
			if err := test.do(who.ID); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			for i, by := range admins {
				clock.Advance(time.Minute)
				want := "account.second_admin"
				switch {
				case test.out < 0 || i > test.out:
					want = "account.nothing_to_confirm"
				case i == test.out:
					want = "<nil>"
				}
				if got := faultKey(a.ConfirmRole(ctx, by, who.ID, accounttest.Code(t, d, by.ID))); got != want {
					t.Errorf("%s: administrator %d confirms: %s, want %s", test.name, i, got, want)
				}
			}
		}
	})
}

func TestANewAdministratorManagesNobodyUntilConfirmed(t *testing.T) {
	system := account.System("cli", "")
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		first, puppet := accounttest.User(t, d, a, account.Admin), accounttest.User(t, d, a, account.Agent)
		if err := a.ChangeRole(ctx, first, puppet.ID, account.Admin); err != nil {
			t.Fatal(err)
		}
		manages := func() string {
			clock.Advance(time.Minute)
			s, err := a.Session(ctx, mustLogin(t, d, a, puppet), browser)
			if err != nil {
				t.Fatal(err)
			}
			if !s.Actor.May(account.OrgRead) || s.Actor.May(account.AccountManage) == s.Actor.Pending {
				t.Errorf("the administrator may: %+v", s.Actor)
			}
			return faultKey(a.SetScope(ctx, s.Actor, first.ID, nil))
		}
		if got := manages(); got != "account.admin_unconfirmed" {
			t.Errorf("not confirmed: %s", got)
		}
		if _, err := a.ConfirmAtHost(ctx, first, puppet.StaffNo); faultKey(err) != "account.forbidden" {
			t.Errorf("an administrator speaks for the host: %v", err)
		}
		m, err := a.ConfirmAtHost(ctx, system, puppet.StaffNo)
		if err != nil || m.Unconfirmed || m.Waiting {
			t.Fatalf("confirmed at the host: %+v, %v", m, err)
		}
		if got := manages(); got != "<nil>" {
			t.Errorf("confirmed at the host: %s", got)
		}
		if _, err := a.ConfirmAtHost(ctx, system, puppet.StaffNo); faultKey(err) != "account.nothing_to_confirm" {
			t.Errorf("confirmed twice: %v", err)
		}
		if _, err := a.ResetLink(ctx, first, puppet.ID, false); err != nil {
			t.Fatal(err)
		}
		if got := manages(); got != "account.admin_unconfirmed" {
			t.Errorf("after a reset by another: %s", got)
		}
		second := accounttest.User(t, d, a, account.Admin)
		if err := a.ConfirmRole(ctx, second, puppet.ID, accounttest.Code(t, d, second.ID)); err != nil {
			t.Fatal(err)
		}
		if got := manages(); got != "account.admin_unconfirmed" {
			t.Errorf("on the first day: %s", got)
		}
		clock.Advance(24 * time.Hour)
		if got := manages(); got != "<nil>" {
			t.Errorf("after a day: %s", got)
		}
		if n := leaves(t, d, "account.role_confirmed"); n != 2 {
			t.Errorf("%d entries tell of two confirmations", n)
		}
		voter, err := a.ConfirmAtHost(ctx, system, added(t, a, first, account.Legal))
		if err != nil || voter.Unconfirmed || !voter.Waiting {
			t.Errorf("an approver confirmed at the host: %+v, %v", voter, err)
		}
	})
}

func added(t *testing.T, a *account.Accounts, by account.Actor, role account.Role) (staffNo string) {
	t.Helper()
	if _, _, err := a.AddUser(t.Context(), by, account.NewUser{StaffNo: "10999", Name: "周新", Role: role}); err != nil {
		t.Fatal(err)
	}
	return "10999"
}
