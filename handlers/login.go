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

// Login is signing in and out: the password, then the second factor.
type Login struct {
	Accounts interface {
		Login(context.Context, account.Attempt) (*account.Passed, error)
		Logout(ctx context.Context, token string, by account.Actor) error
	}
	Factor interface {
		SecondFactor(ctx context.Context, token, code string, from account.Client) (*account.Passed, error)
		UseRecoveryCode(ctx context.Context, token, code string, from account.Client) (*account.Passed, error)
	}
	Enrolment interface {
		EnrolPage(ctx context.Context, token, organisation string) (*account.Enrolment, error)
		Enrol(ctx context.Context, token, code string, from account.Client) (*account.Passed, []string, error)
	}
	Demo interface {
		DemoAccounts(context.Context) ([]account.Standing, error)
		DemoCode(ctx context.Context, staffNo string) (string, error)
	}
	Organisation string
	DemoPassword string // shown with the sample accounts of a demo
}

type loginForm struct {
	Login    string `form:"login"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

// Ask answers GET /login.
func (h *Login) Ask(c echo.Context) error {
	next := web.LocalPath(c.QueryParam("next"))
	if web.Actor(c).ID != 0 {
		return web.See(c, next)
	}
	return h.ask(c, http.StatusOK, loginForm{Next: next}, nil)
}

func (h *Login) ask(c echo.Context, status int, form loginForm, problem error) error {
	demo, err := h.Demo.DemoAccounts(c.Request().Context())
	if err != nil {
		return err
	}
	view := templates.LoginView{Login: form.Login, Next: form.Next, Problem: words(problem), DemoPassword: h.DemoPassword}
	for _, s := range demo {
		view.DemoAccounts = append(view.DemoAccounts, templates.DemoAccount{StaffNo: s.StaffNo, Name: s.Name, RoleKey: "role." + string(s.Role)})
	}
	return web.Render(c, status, templates.LoginPage(view))
}

// Password answers POST /login.
func (h *Login) Password(c echo.Context) error {
	var form loginForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	form.Next = web.LocalPath(form.Next)
	passed, err := h.Accounts.Login(c.Request().Context(), account.Attempt{
		Login: form.Login, Password: form.Password, Old: web.Token(c), From: web.Client(c),
	})
	if err == nil {
		return h.goOn(c, passed, form.Next)
	}
	if status, ok := web.Mendable(err); ok {
		return h.ask(c, status, form, err)
	}
	return err
}

func (h *Login) goOn(c echo.Context, passed *account.Passed, next string) error {
	web.SignIn(c, passed)
	return web.See(c, templates.LoginNextPath(secondPage(passed), next))
}

// secondPage is where a session that has passed the password goes on.
func secondPage(passed *account.Passed) string {
	if passed.Enrolled {
		return templates.LoginCodePath
	}
	return templates.LoginEnrolPath
}

// Logout answers POST /logout.
func (h *Login) Logout(c echo.Context) error {
	if err := h.Accounts.Logout(c.Request().Context(), web.Token(c), web.Actor(c)); err != nil {
		return err
	}
	web.SignOut(c)
	return web.See(c, templates.LoginPath)
}

// words are the sentence of a fault.
func words(err error) templates.Words {
	f, ok := fault.Of(err)
	if !ok {
		return templates.Words{}
	}
	return templates.Words{Key: f.Key, Args: f.Args}
}

// problems are the sentences of a fault and those joined to it, by field.
func problems(err error) templates.Problems {
	f, ok := fault.Of(err)
	if !ok {
		return nil
	}
	out := templates.Problems{}
	for _, one := range f.List() {
		out[one.Field] = templates.Words{Key: one.Key, Args: one.Args}
	}
	return out
}
