package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
)

// state is what a request knows about its caller.
type state struct {
	token   string           // of the session cookie; empty without a live session
	session *account.Session // nil without a live session
	nonce   string           // of somebody without a session, for the form token
}

func stateOf(c echo.Context) *state {
	if s, ok := c.Get(keyState).(*state); ok {
		return s
	}
	return &state{}
}

// Actor is who sends the request; the zero Actor without a full session.
func Actor(c echo.Context) account.Actor {
	if s := Session(c); s != nil && s.Stage == account.StageFull {
		return s.Actor
	}
	return account.Actor{}
}

// Session is the request's live session, of either stage, or nil.
func Session(c echo.Context) *account.Session { return stateOf(c).session }

// Token is the session's token, for the use cases that end or replace it.
func Token(c echo.Context) string { return stateOf(c).token }

// Client is where the request comes from.
func Client(c echo.Context) account.Client {
	return account.Client{Source: c.RealIP(), Agent: c.Request().UserAgent(), RequestID: RequestID(c)}
}

func (a *App) session(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s := &state{}
		c.Set(keyState, s)
		if r, _ := a.route(c); r.Plain {
			return next(c)
		}
		s.nonce = a.readCookie(c, formCookie)
		token := a.readCookie(c, sessionCookie)
		if token == "" {
			return next(c)
		}
		found, err := a.o.Accounts.Session(c.Request().Context(), token, Client(c))
		switch {
		case errors.Is(err, account.ErrNoSession):
			return next(c)
		case err != nil:
			return err
		}
		s.token, s.session = token, found
		if found.Stale {
			// A database that cannot write now must not keep people from reading.
			if err := a.o.Accounts.Touch(c.Request().Context(), token); err != nil {
				a.o.Log.WarnContext(c.Request().Context(), "note use of session", "id", RequestID(c), "error", err)
			}
		}
		return next(c)
	}
}

// SignIn gives the browser the session that a use case has just opened, instead of
// the one before, and its owner's language and theme. The rest of this request
// makes its form tokens and flashes for the new session.
func SignIn(c echo.Context, p *account.Passed) {
	a, s := appOf(c), stateOf(c)
	a.setCookie(c, sessionCookie, p.Token, 0)
	a.dropCookie(c, formCookie)
	if s.token = p.Token; s.session == nil {
		s.session = &account.Session{Stage: p.Stage}
	}
	if p.Lang != "" {
		a.setCookie(c, langCookie, p.Lang, preferenceAge)
	}
	if p.Theme != "" {
		a.setCookie(c, themeCookie, p.Theme, preferenceAge)
	}
}

// SignOut takes the session's cookie away; the use case has ended the session.
func SignOut(c echo.Context) { appOf(c).dropCookie(c, sessionCookie) }

// Remember keeps a language or theme in the browser, for pages before the login.
func Remember(c echo.Context, lang, theme string) {
	a := appOf(c)
	if lang != "" {
		a.setCookie(c, langCookie, lang, preferenceAge)
	}
	if theme != "" {
		a.setCookie(c, themeCookie, theme, preferenceAge)
	}
}

// The cookies. On https their names get the prefix with which browsers insist on
// Secure, the whole path and no domain.
const (
	sessionCookie = "qd"
	formCookie    = "qd_form"
	langCookie    = "qd_lang"
	themeCookie   = "qd_theme"
	preferenceAge = 365 * 24 * 60 * 60 // seconds
)

func (a *App) cookieName(name string) string {
	if a.o.Secure {
		return "__Host-" + name
	}
	return name
}

func (a *App) readCookie(c echo.Context, name string) string {
	const longest = 128
	cookie, err := c.Cookie(a.cookieName(name))
	if err != nil || len(cookie.Value) > longest {
		return ""
	}
	return cookie.Value
}

// setCookie with age 0 lasts until the browser closes: how long a session lives
// is the server's matter.
func (a *App) setCookie(c echo.Context, name, value string, age int) {
	c.SetCookie(&http.Cookie{
		Name: a.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: a.o.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (a *App) dropCookie(c echo.Context, name string) {
	if a.readCookie(c, name) != "" {
		a.setCookie(c, name, "", -1)
	}
}

// appOf finds the server of a request.
func appOf(c echo.Context) *App { return c.Get(keyApp).(*App) }
