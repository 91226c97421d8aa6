// Package handlers owns the screens: one type per screen, and the table of all routes
// with the permission each one needs.
package handlers

import (
	"net/http"

	"qingdang/models/account"
	"qingdang/web"
)

// Screens holds the screens of the console. The wiring fills it.
type Screens struct {
	Login       *Login
	Setup       *Setup
	Preferences *Preferences
	Account     *Account
	Org         *Org
}

// Routes is the permission table: what is not in it does not exist, and web refuses to
// mount a line without a permission.
func (s *Screens) Routes() []web.Route {
	const get, post = http.MethodGet, http.MethodPost
	return []web.Route{
		{Method: get, Path: "/login", Permission: web.Public, Handler: s.Login.Ask},
		{Method: post, Path: "/login", Permission: web.Public, Handler: s.Login.Password, Limited: true},
		{Method: get, Path: "/login/otp", Permission: web.Public, Handler: s.Login.AskCode},
		{Method: post, Path: "/login/otp", Permission: web.Public, Handler: s.Login.Code, Limited: true},
		{Method: get, Path: "/login/enroll", Permission: web.Public, Handler: s.Login.AskEnrol},
		{Method: post, Path: "/login/enroll", Permission: web.Public, Handler: s.Login.Enrol, Limited: true},
		{Method: post, Path: "/logout", Permission: web.SignedIn, Handler: s.Login.Logout},
		{Method: get, Path: "/setup/:token", Permission: web.Public, Handler: s.Setup.Ask, Limited: true},
		{Method: post, Path: "/setup/:token", Permission: web.Public, Handler: s.Setup.Use, Limited: true},
		{Method: post, Path: "/preferences/language", Permission: web.Public, Handler: s.Preferences.Language},
		{Method: post, Path: "/preferences/theme", Permission: web.Public, Handler: s.Preferences.Theme},
		{Method: get, Path: "/account", Permission: web.SignedIn, Handler: s.Account.Show},
		{Method: post, Path: "/account/password", Permission: web.SignedIn, Handler: s.Account.ChangePassword},
		{Method: post, Path: "/account/recovery", Permission: web.SignedIn, Handler: s.Account.RenewCodes},
		{Method: post, Path: "/account/sessions/:handle/revoke", Permission: web.SignedIn, Handler: s.Account.Revoke},
		{Method: get, Path: "/org", Permission: account.OrgRead, Handler: s.Org.List},
		{Method: get, Path: "/org/members/:id", Permission: account.OrgRead, Handler: s.Org.Member},
		{Method: post, Path: "/org/members", Permission: account.AccountManage, Handler: s.Org.Add},
		{Method: post, Path: "/org/members/:id/disable", Permission: account.AccountManage, Handler: s.Org.Disable},
		{Method: post, Path: "/org/members/:id/enable", Permission: account.AccountManage, Handler: s.Org.Enable},
		{Method: post, Path: "/org/members/:id/confirm", Permission: account.AccountManage, Handler: s.Org.Confirm},
		{Method: post, Path: "/org/members/:id/role", Permission: account.AccountManage, Handler: s.Org.Role},
		{Method: post, Path: "/org/members/:id/scope", Permission: account.AccountManage, Handler: s.Org.Scope},
		{Method: post, Path: "/org/members/:id/reset", Permission: account.AccountManage, Handler: s.Org.Reset},
	}
}
