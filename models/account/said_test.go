package account_test

import (
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

// A role that somebody writes into the database is none: it does not vote, a vote that it had does not stand, and it is
// named.
func TestARoleThatNobodyGaveDoesNotVote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		token, err := a.FirstLink(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.UseLink(ctx, account.LinkForm{Token: token, StaffNo: "10001", Name: "系统管理员", Password: fresh, From: browser}); err != nil {
			t.Fatal(err)
		}
		admin, legal, agent := accounttest.User(t, d, a, account.Admin), accounttest.User(t, d, a, account.Legal), accounttest.User(t, d, a, account.Agent)
		clock.Advance(48 * time.Hour)
		unsaid := func() (names []string) {
			t.Helper()
			err := d.Read(ctx, func(tx *db.Tx) (err error) {
				names, _, err = account.Unsaid(tx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		stands := func(who account.Actor, role account.Role) (stands bool) {
			t.Helper()
			err := d.Read(ctx, func(tx *db.Tx) (err error) {
				stands, err = account.ActiveAs(tx, who.ID, who.PersonID, role)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return stands
		}
		if names := unsaid(); len(names) != 0 || voter(t, d, legal.ID, account.Legal) != nil || !stands(legal, account.Legal) {
			t.Fatalf("as they were given: %v", names)
		}
		dbtest.Exec(t, d, "UPDATE `user` SET role = 'legal', vote_from = created_at WHERE id = ?", agent.ID)
		if got := faultKey(voter(t, d, agent.ID, account.Legal)); got != "account.role_unsaid" {
			t.Errorf("a written role votes: %s", got)
		}
		if stands(agent, account.Legal) {
			t.Error("a vote of a written role stands")
		}
		if names := unsaid(); !slices.Equal(names, []string{agent.StaffNo}) {
			t.Errorf("named are %v", names)
		}
		dbtest.Exec(t, d, "UPDATE `user` SET role = 'agent' WHERE id = ?", agent.ID)
		if err := a.ChangeRole(ctx, admin, agent.ID, account.Supervisor); err != nil {
			t.Fatal(err)
		}
		if err := a.ChangeRole(ctx, account.System("cli", ""), legal.ID, account.Supervisor); err != nil {
			t.Fatal(err)
		}
		clock.Advance(48 * time.Hour)
		if names := unsaid(); len(names) != 0 || voter(t, d, legal.ID, account.Supervisor) != nil {
			t.Errorf("after changes: %v", names)
		}
		dbtest.Exec(t, d, "UPDATE `user` SET role = 'legal' WHERE id = ?", legal.ID) // which it was once
		if got := faultKey(voter(t, d, legal.ID, account.Legal)); got != "account.role_unsaid" {
			t.Errorf("an earlier role votes: %s", got)
		}
	})
}

// Departments that somebody writes into the database are none to approve for: who has them does not vote, a vote that they
// had does not stand, and they are named. Fewer than were given vote as before, and are named, too.
func TestDepartmentsThatNobodyGaveDoNotVote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, ctx := accounttest.New(t, d), t.Context()
		admin, legal := accounttest.User(t, d, a, account.Admin), accounttest.User(t, d, a, account.Legal)
		chief := accounttest.User(t, d, a, account.Supervisor, 3, 5)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(name string, votes bool, named ...string) {
			t.Helper()
			stands, scopes := false, []string(nil)
			must(d.Read(ctx, func(tx *db.Tx) (err error) {
				if stands, err = account.ActiveAs(tx, chief.ID, chief.PersonID, account.Supervisor); err == nil {
					_, scopes, err = account.Unsaid(tx)
				}
				return err
			}))
			got := voter(t, d, chief.ID, account.Supervisor)
			if votes != (got == nil) || !votes && faultKey(got) != "account.scope_unsaid" || stands != votes {
				t.Errorf("%s: a vote gives %v, an old one stands: %v", name, got, stands)
			}
			if !slices.Equal(scopes, named) {
				t.Errorf("%s: named are %v, want %v", name, scopes, named)
			}
		}
		rows := func(rows ...account.ScopeRow) {
			t.Helper()
			dbtest.Exec(t, d, "DELETE FROM user_scope WHERE user_id = ?", chief.ID)
			for _, r := range rows {
				dbtest.Exec(t, d, "INSERT INTO user_scope (user_id, department_id, sub) VALUES (?, ?, ?)", chief.ID, r.Department, r.Sub)
			}
		}
		clock.Advance(48 * time.Hour)
		want("as they were given", true)
		rows(account.ScopeRow{Department: 3}, account.ScopeRow{Department: 5}, account.ScopeRow{Department: 7})
		want("one more", false, chief.StaffNo)
		rows(account.ScopeRow{Department: 3, Sub: true}, account.ScopeRow{Department: 5})
		want("what lies below", false, chief.StaffNo)
		rows(account.ScopeRow{Department: 3})
		want("fewer", true, chief.StaffNo)
		must(a.SetScope(ctx, admin, chief.ID, []account.ScopeRow{{Department: 3, Sub: true}, {Department: 7}}))
		want("given again", true)
		rows(account.ScopeRow{Department: 3}, account.ScopeRow{Department: 7})
		want("without what lies below", true, chief.StaffNo)
		rows(account.ScopeRow{Department: 3}, account.ScopeRow{Department: 5})
		want("which they had once", false, chief.StaffNo)
		must(a.ChangeRole(ctx, account.System("cli", ""), chief.ID, account.Supervisor))
		clock.Advance(48 * time.Hour)
		want("a role given again gives no departments", false, chief.StaffNo)
		must(a.SetScope(ctx, admin, chief.ID, nil))
		want("none at all", true)
		dbtest.Exec(t, d, "INSERT INTO user_scope (user_id, department_id, sub) VALUES (?, 7, ?)", legal.ID, true)
		if err := voter(t, d, legal.ID, account.Legal); err != nil {
			t.Errorf("rows of somebody whose role works everywhere: %v", err)
		}
	})
}
