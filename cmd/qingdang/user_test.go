package main

import (
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
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
