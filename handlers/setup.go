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

// Setup is where one-time links lead: the first administrator, an invitation, a new
// password.
type Setup struct {
	Links interface {
		OpenLink(ctx context.Context, token string) (*account.Link, error)
		UseLink(context.Context, account.LinkForm) (*account.Passed, error)
	}
}

type setupForm struct {
	StaffNo  string `form:"staff_no"`
	Name     string `form:"name"`
	Password string `form:"password"`
	Repeat   string `form:"repeat"`
}

// Ask answers GET /setup/:token.
func (h *Setup) Ask(c echo.Context) error { return h.ask(c, http.StatusOK, setupForm{}, nil) }

func (h *Setup) ask(c echo.Context, status int, form setupForm, problem error) error {
	token := c.Param("token")
	link, err := h.Links.OpenLink(c.Request().Context(), token)
	if err != nil {
		return err
	}
	view := templates.SetupView{
		Path: templates.SetupPath(token), First: link.Kind == account.LinkFirst, Reset: link.Kind == account.LinkReset,
		Name: link.Name, StaffNo: link.StaffNo, Problems: problems(problem),
	}
	if view.First {
		view.Name, view.StaffNo = form.Name, form.StaffNo
	}
	return web.Render(c, status, templates.SetupPage(view))
}

// Use answers POST /setup/:token.
func (h *Setup) Use(c echo.Context) error {
	var form setupForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := sameTwice(form.Password, form.Repeat); err != nil {
		return h.ask(c, http.StatusUnprocessableEntity, form, err)
	}
	passed, err := h.Links.UseLink(c.Request().Context(), account.LinkForm{
		Token: c.Param("token"), StaffNo: form.StaffNo, Name: form.Name, Password: form.Password, From: web.Client(c),
	})
	switch fault.KindOf(err) {
	case fault.None:
		web.SignIn(c, passed)
		return web.See(c, secondPage(passed))
	case fault.KindInvalid:
		return h.ask(c, http.StatusUnprocessableEntity, form, err)
	default:
		return err
	}
}
