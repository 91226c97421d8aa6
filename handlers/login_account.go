package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/web"
)

// Account is the own account: sessions, password, recovery codes.
type Account struct {
	Sessions interface {
		OwnSessions(ctx context.Context, by account.Actor, token string) ([]account.OwnSession, error)
		RevokeSession(ctx context.Context, by account.Actor, handle string) error
	}
	Secrets interface {
		ChangePassword(ctx context.Context, by account.Actor, token, present, fresh string, from account.Client) (*account.Passed, error)
		NewRecoveryCodes(ctx context.Context, by account.Actor, code string) ([]string, error)
	}
}

// Show answers GET /account.
func (h *Account) Show(c echo.Context) error { return h.show(c, http.StatusOK, nil, nil) }

func (h *Account) show(c echo.Context, status int, password, recovery error) error {
	by := web.Actor(c)
	own, err := h.Sessions.OwnSessions(c.Request().Context(), by, web.Token(c))
	if err != nil {
		return err
	}
	view := templates.AccountView{
		Name: by.Name, StaffNo: by.StaffNo, RoleKey: "role." + string(by.Role), Password: problems(password), Recovery: problems(recovery),
	}
	for _, s := range own {
		view.Sessions = append(view.Sessions, templates.AccountSession(s))
	}
	return web.Render(c, status, templates.AccountPage(view))
}

// Revoke answers POST /account/sessions/:handle/revoke.
func (h *Account) Revoke(c echo.Context) error {
	if err := h.Sessions.RevokeSession(c.Request().Context(), web.Actor(c), c.Param("handle")); err != nil {
		return err
	}
	web.Flash(c, "account.session_revoked")
	return web.See(c, templates.AccountPath)
}

type passwordForm struct {
	Present  string `form:"present"`
	Password string `form:"password"`
	Repeat   string `form:"repeat"`
}

// ChangePassword answers POST /account/password.
func (h *Account) ChangePassword(c echo.Context) error {
	var form passwordForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := sameTwice(form.Password, form.Repeat); err != nil {
		return h.show(c, http.StatusUnprocessableEntity, err, nil)
	}
	passed, err := h.Secrets.ChangePassword(c.Request().Context(), web.Actor(c), web.Token(c), form.Present, form.Password, web.Client(c))
	switch fault.KindOf(err) {
	case fault.None:
		web.SignIn(c, passed)
		web.Flash(c, "account.password_was_changed")
		return web.See(c, templates.AccountPath)
	case fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, err, nil)
	default:
		return err
	}
}

// RenewCodes answers POST /account/recovery. Its page shows the new codes, this once.
func (h *Account) RenewCodes(c echo.Context) error {
	var form codeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	codes, err := h.Secrets.NewRecoveryCodes(c.Request().Context(), web.Actor(c), form.Code)
	switch fault.KindOf(err) {
	case fault.None:
		return web.Render(c, http.StatusOK, templates.RecoveryPage(templates.RecoveryView{Codes: codes, Next: templates.AccountPath}))
	case fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, nil, err)
	default:
		return err
	}
}

func sameTwice(password, repeat string) error {
	if password != repeat {
		return fault.Invalid("account.repeat_differs").On("repeat")
	}
	return nil
}
