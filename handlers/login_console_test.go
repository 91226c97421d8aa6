package handlers_test

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/reorg"
	"qingdang/web"
	"qingdang/web/webtest"
)

// console is the real console with a real register of accounts.
type console struct {
	*webtest.Site
	accounts *account.Accounts
	db       *db.DB
	clock    *dbtest.Clock
}

func open(t *testing.T, d *db.DB, clock *dbtest.Clock, a *account.Accounts, secure bool) *console {
	t.Helper()
	app, err := web.New(web.Options{Accounts: a, Secret: make([]byte, 32), Secure: secure, LoginBurst: 10_000, LoginRate: 10_000, Now: clock.Time, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	screens := &handlers.Screens{
		Login:       &handlers.Login{Accounts: a, Factor: a, Enrolment: a, Demo: a, Organisation: "云栖优品集团", DemoPassword: "demo"},
		Setup:       &handlers.Setup{Links: a},
		Preferences: &handlers.Preferences{Accounts: a},
		Account:     &handlers.Account{Sessions: a, Secrets: a},
		Org:         &handlers.Org{Accounts: a, Manage: a, Departments: &department.Departments{DB: d}, Origin: "https://qingdang.example.cn"},
		OrgDepartment: &handlers.OrgDepartments{
			Reorg:       &reorg.Reorg{DB: d, Holds: &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: time.UTC, Vault: conversation.Vault{Store: accounttest.Keys(t, d)}, Accounts: a}},
			Departments: &department.Departments{DB: d},
		},
	}
	if err := app.Mount(screens.Routes()...); err != nil {
		t.Fatal(err)
	}
	return &console{Site: webtest.Wrap(t, app), accounts: a, db: d, clock: clock}
}

func each(t *testing.T, f func(t *testing.T, s *console)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		f(t, open(t, d, clock, accounttest.New(t, d), false))
	})
}

// signIn goes through both pages and gives the browser.
func (s *console) signIn(t *testing.T, who account.Actor) *webtest.Client {
	t.Helper()
	c := s.Anonymous()
	s.password(t, c, who).WantRedirect(t, "/login/otp")
	s.clock.Advance(time.Minute)
	c.Post(t, "/login/otp", url.Values{"code": {accounttest.Code(t, s.db, who.ID)}}).WantRedirect(t, "/")
	return c
}

func (s *console) password(t *testing.T, c *webtest.Client, who account.Actor) *webtest.Response {
	t.Helper()
	return c.Post(t, "/login", url.Values{"login": {who.StaffNo}, "password": {accounttest.Password}})
}
