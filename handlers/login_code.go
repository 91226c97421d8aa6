package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/web"
)

type codeForm struct {
	Code     string `form:"code"`
	Recovery bool   `form:"recovery" query:"recovery"`
	Next     string `form:"next" query:"next"`
}

// AskCode answers GET /login/otp.
func (h *Login) AskCode(c echo.Context) error {
	var form codeForm
	web.Query(c, &form)
	form.Next = web.LocalPath(form.Next)
	switch {
	case !web.Halfway(c):
		return web.See(c, templates.LoginNextPath(templates.LoginPath, form.Next))
	case !web.Session(c).Enrolled:
		return web.See(c, templates.LoginNextPath(templates.LoginEnrolPath, form.Next))
	}
	return h.askCode(c, http.StatusOK, form, nil)
}

func (h *Login) askCode(c echo.Context, status int, form codeForm, problem error) error {
	who := web.Session(c).Actor
	view := templates.LoginCodeView{Name: who.Name, Next: form.Next, Recovery: form.Recovery, Problem: words(problem)}
	view.Hint = !form.Recovery && fault.KindOf(problem) == fault.KindInvalid
	if web.Session(c).Demo && !form.Recovery {
		code, err := h.Demo.DemoCode(c.Request().Context(), who.StaffNo)
		if err != nil && fault.KindOf(err) == fault.KindInternal {
			return err
		}
		view.DemoCode = code
	}
	return web.Render(c, status, templates.LoginCodePage(view))
}

// Code answers POST /login/otp.
func (h *Login) Code(c echo.Context) error {
	var form codeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	form.Next = web.LocalPath(form.Next)
	if !web.Halfway(c) {
		return web.See(c, templates.LoginNextPath(templates.LoginPath, form.Next))
	}
	check := h.Factor.SecondFactor
	if form.Recovery {
		check = h.Factor.UseRecoveryCode
	}
	passed, err := check(c.Request().Context(), web.Token(c), form.Code, web.Client(c))
	switch fault.KindOf(err) {
	case fault.None:
		web.SignIn(c, passed)
		return web.See(c, form.Next)
	case fault.KindInvalid:
		return h.askCode(c, http.StatusUnprocessableEntity, form, err)
	case fault.KindBusy:
		return h.askCode(c, http.StatusTooManyRequests, form, err)
	case fault.KindConflict: // over, or another submit of this page was first
		return web.See(c, templates.LoginNextPath(templates.LoginPath, form.Next))
	default:
		return err
	}
}

// AskEnrol answers GET /login/enroll.
func (h *Login) AskEnrol(c echo.Context) error {
	return h.askEnrol(c, http.StatusOK, web.LocalPath(c.QueryParam("next")), nil)
}

func (h *Login) askEnrol(c echo.Context, status int, next string, problem error) error {
	if !web.Halfway(c) {
		return web.See(c, templates.LoginNextPath(templates.LoginPath, next))
	}
	e, err := h.Enrolment.EnrolPage(c.Request().Context(), web.Token(c), h.Organisation)
	switch fault.KindOf(err) {
	case fault.None:
	case fault.KindConflict:
		return web.See(c, templates.LoginNextPath(templates.LoginPath, next))
	default:
		return err
	}
	return web.Render(c, status, templates.LoginEnrolPage(templates.LoginEnrolView{
		Name: e.Name, StaffNo: e.StaffNo, Secret: e.Secret, QR: e.QR, Next: next, Problem: words(problem),
	}))
}

// Enrol answers POST /login/enroll. Its page shows the recovery codes, this once.
func (h *Login) Enrol(c echo.Context) error {
	var form codeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	next := web.LocalPath(form.Next)
	passed, codes, err := h.Enrolment.Enrol(c.Request().Context(), web.Token(c), form.Code, web.Client(c))
	switch fault.KindOf(err) {
	case fault.None:
		web.SignIn(c, passed)
		return web.Render(c, http.StatusOK, templates.RecoveryPage(templates.RecoveryView{Codes: codes, Next: next}))
	case fault.KindInvalid, fault.KindBusy:
		return h.askEnrol(c, http.StatusUnprocessableEntity, next, err)
	case fault.KindConflict:
		return web.See(c, templates.LoginNextPath(templates.LoginPath, next))
	default:
		return err
	}
}
