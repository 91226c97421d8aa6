package main

import (
	"regexp"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
)

func TestTheHostConfirmsARole(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	admin := accounttest.User(t, a.db, a.accounts, account.Admin)
	if _, _, err := a.accounts.AddUser(t.Context(), admin, account.NewUser{StaffNo: "10999", Name: "周新", Role: account.Legal}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		code int
		want string
	}{{0, "10999"}, {1, "no role to confirm"}} {
		out, errOut, code := a.cli(t, clock, "user", "confirm", "10999")
		if code != step.code || !strings.Contains(out+errOut, step.want) {
			t.Errorf("exit %d, %q; want exit %d and %q", code, out+errOut, step.code, step.want)
		}
		t.Log(out + errOut)
	}
	if out, errOut, code := a.cli(t, clock, "user", "confirm", "nobody"); code != 1 {
		t.Errorf("an unknown account: exit %d, %s%s", code, out, errOut)
	}
}

// Who has lost the second factor gets a new one from whoever keeps the host, and from nobody else: the
// sessions end at once, the act stands in the log, and the link serves once.
func TestTheHostResetsASecondFactor(t *testing.T) {
	clock := dbtest.NewClock()
	a := openTestApp(t, db.SQLite, clock)
	member := accounttest.User(t, a.db, a.accounts, account.Agent)
	from := account.Client{Source: "192.0.2.1", Agent: "test"}
	rows := func(table, where string, args ...any) (n int64) {
		t.Helper()
		if err := a.db.Read(t.Context(), func(tx *db.Tx) error { return tx.Table(table).Where(where, args...).Count(&n).Error }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	open := func() int64 { return rows("user_session", "user_id = ?", member.ID) }
	enter := func() (*account.Passed, error) {
		return a.accounts.Login(t.Context(), account.Attempt{Login: member.StaffNo, Password: accounttest.Password, From: from})
	}
	if _, err := enter(); err != nil || open() == 0 {
		t.Fatalf("%d sessions, %v", open(), err)
	}
	out, errOut, code := a.cli(t, clock, "user", "reset", member.StaffNo)
	token := regexp.MustCompile(`/setup/(\S+)`).FindStringSubmatch(out)
	if code != 0 || token == nil || !strings.Contains(out, member.StaffNo) {
		t.Fatalf("exit %d: %s%s", code, out, errOut)
	}
	if open() != 0 {
		t.Errorf("%d sessions go on", open())
	}
	if n := rows("audit_leaf", "action = 'account.reset' AND object = ? AND result = ?", member.StaffNo, audit.OK); n != 1 {
		t.Errorf("%d entries stand in the log", n)
	}
	form := account.LinkForm{Token: token[1], Password: "correct horse battery", From: from}
	passed, err := a.accounts.UseLink(t.Context(), form)
	if err != nil || passed.Enrolled {
		t.Errorf("the link leads to no new factor: %+v, %v", passed, err)
	}
	if _, err := a.accounts.UseLink(t.Context(), form); err == nil {
		t.Error("the link serves twice")
	}
	if _, _, code := a.cli(t, clock, "user", "reset", "nobody"); code != 1 {
		t.Errorf("an unknown account: exit %d", code)
	}
}
