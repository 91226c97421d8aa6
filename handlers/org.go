package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Org is the page of departments and members, and what administrators do there.
type Org struct {
	Accounts interface {
		Members(ctx context.Context, by account.Actor) ([]account.Member, error)
		AddUser(ctx context.Context, by account.Actor, n account.NewUser) (id.User, string, error)
	}
	Manage interface {
		DisableUser(ctx context.Context, by account.Actor, who id.User) error
		EnableUser(ctx context.Context, by account.Actor, who id.User) error
		ChangeRole(ctx context.Context, by account.Actor, who id.User, role account.Role) error
		ConfirmRole(ctx context.Context, by account.Actor, who id.User, code string) error
		SetScope(ctx context.Context, by account.Actor, who id.User, rows []account.ScopeRow) error
		ResetLink(ctx context.Context, by account.Actor, who id.User, factor bool) (string, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	// Origin is the console's address as people type it; empty, links are shown
	// without it.
	Origin string
}

// List answers GET /org.
func (h *Org) List(c echo.Context) error {
	return h.list(c, http.StatusOK, templates.OrgView{})
}

func (h *Org) list(c echo.Context, status int, view templates.OrgView) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	members, err := h.Accounts.Members(ctx, by)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	view.CanManage, view.Pending = by.May(account.AccountManage), by.Pending
	view.CanArrange = by.May(account.OrgEdit) && by.May(account.AccountManage)
	view.StaffNo = by.StaffNo
	view.Departments, view.Elsewhere = orgDepartments(tree, members, by)
	return web.Render(c, status, templates.OrgPage(view))
}

type memberForm struct {
	StaffNo    string        `form:"staff_no"`
	Name       string        `form:"name"`
	Email      string        `form:"email"`
	Role       string        `form:"role"`
	Department id.Department `form:"department"`
	Sub        bool          `form:"sub"`
}

func (f memberForm) newUser() account.NewUser {
	n := account.NewUser{StaffNo: f.StaffNo, Name: f.Name, Email: f.Email, Role: account.Role(f.Role)}
	if f.Department != 0 {
		n.Scope = []account.ScopeRow{{Department: f.Department, Sub: f.Sub}}
	}
	return n
}

// Add answers POST /org/members. Its page shows the invitation's link, this once.
func (h *Org) Add(c echo.Context) error {
	var form memberForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	n := form.newUser()
	token, err := h.add(c, n)
	switch fault.KindOf(err) {
	case fault.None:
		return h.list(c, http.StatusOK, templates.OrgView{Link: h.Origin + templates.SetupPath(token), LinkFor: form.Name})
	case fault.KindInvalid:
		return h.list(c, http.StatusUnprocessableEntity, templates.OrgView{New: templates.OrgForm{
			StaffNo: form.StaffNo, Name: form.Name, Email: form.Email, Role: form.Role,
			Department: uint64(form.Department), Sub: form.Sub, Problems: problems(err),
		}})
	default:
		return err
	}
}

func (h *Org) add(c echo.Context, n account.NewUser) (token string, err error) {
	ctx := c.Request().Context()
	if err := h.known(ctx, n.Scope); err != nil {
		return "", err
	}
	_, token, err = h.Accounts.AddUser(ctx, web.Actor(c), n)
	return token, err
}

// known refuses a scope that names no department of the tree.
func (h *Org) known(ctx context.Context, rows []account.ScopeRow) error {
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	ids := make([]id.Department, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.Department)
	}
	return tree.Known(ids...)
}
