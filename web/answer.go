package web

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/templates/locale"
)

var statusOf = map[fault.Kind]int{
	fault.KindInvalid:   http.StatusUnprocessableEntity,
	fault.KindForbidden: http.StatusForbidden,
	fault.KindNotFound:  http.StatusNotFound,
	fault.KindConflict:  http.StatusConflict,
	fault.KindGone:      http.StatusGone,
	fault.KindBusy:      http.StatusTooManyRequests,
	fault.KindInternal:  http.StatusInternalServerError,
}

// Mendable tells whether the person can mend on the form that he sent what an act was refused for: then the form
// is shown again, under the status. Everything else is a page of its own, and the handler passes it on.
func Mendable(err error) (status int, ok bool) {
	switch k := fault.KindOf(err); k {
	case fault.KindInvalid, fault.KindConflict, fault.KindBusy:
		return statusOf[k], true
	}
	return 0, false
}

// answer is the one place where an error becomes a page: calm, in the reader's
// language, with the request's id, and with the cause in the log only.
func (a *App) answer(err error, c echo.Context) {
	ctx := c.Request().Context()
	if errors.Is(err, errSignedOut) && !c.Response().Committed {
		if err := a.askLogin(c); err != nil {
			a.o.Log.ErrorContext(ctx, "answer", "id", RequestID(c), "error", err)
		}
		return
	}
	view := a.view(err)
	view.RequestID = RequestID(c)
	gone := errors.Is(err, context.Canceled) && ctx.Err() != nil // the reader went away
	if view.Status >= http.StatusInternalServerError && !gone {
		a.o.Log.ErrorContext(ctx, "request failed", "id", RequestID(c), "route", c.Path(), "error", err)
	}
	if fault.KindOf(err) == fault.KindForbidden {
		a.noteDenied(c)
	}
	if c.Response().Committed {
		return
	}
	if err := a.render(c, view.Status, errorPage(c, view)); err != nil {
		a.o.Log.ErrorContext(ctx, "answer", "id", RequestID(c), "error", err)
	}
}

// view chooses status and words.
func (a *App) view(err error) templates.ErrorView {
	if f, ok := fault.Of(err); ok {
		v := templates.ErrorView{Status: statusOf[f.Kind]}
		if locale.Has(f.Key) {
			v.TextKey, v.Args = f.Key, f.Args
		}
		return v
	}
	var tooLarge *http.MaxBytesError
	var own *echo.HTTPError
	switch {
	case errors.Is(err, errCrossSite), errors.Is(err, errStaleForm):
		return templates.ErrorView{Status: http.StatusForbidden, TitleKey: "error.csrf_title", TextKey: "error.csrf_text"}
	case errors.As(err, &tooLarge):
		return templates.ErrorView{Status: http.StatusRequestEntityTooLarge}
	case errors.As(err, &own):
		return templates.ErrorView{Status: own.Code}
	case a.unavailable(err):
		return templates.ErrorView{Status: http.StatusServiceUnavailable}
	}
	return templates.ErrorView{Status: http.StatusInternalServerError}
}

// unavailable tells whether it may work again soon without anybody doing anything.
func (a *App) unavailable(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.As(err, &network) || a.o.Unavailable != nil && a.o.Unavailable(err)
}

// noteDenied writes the refusal down, whatever becomes of the request. If that is
// not possible either, it stays refused.
func (a *App) noteDenied(c echo.Context) {
	by := Actor(c)
	if by.ID == 0 {
		return
	}
	permission, _ := c.Get(keyDenied).(account.Permission)
	ctx := context.WithoutCancel(c.Request().Context())
	if err := a.o.Accounts.Denied(ctx, by, permission, c.Request().Method+" "+c.Path()); err != nil {
		a.o.Log.ErrorContext(ctx, "note refusal", "id", RequestID(c), "error", err)
	}
}
