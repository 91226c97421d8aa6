package handlers

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Member answers GET /org/members/:id.
func (h *Org) Member(c echo.Context) error {
	who, err := web.PathID[id.User](c, "id")
	if err != nil {
		return err
	}
	return h.member(c, http.StatusOK, who, nil)
}

func (h *Org) member(c echo.Context, status int, who id.User, problem error) error {
	m, err := h.find(c, who)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.OrgMemberPage(orgMemberView(tree, m, web.Actor(c), problem)))
}

// act runs one act on the member of the address and goes back to the member's page,
// with what was done or why not.
func (h *Org) act(c echo.Context, done string, do func(who id.User) error) error {
	who, err := web.PathID[id.User](c, "id")
	if err != nil {
		return err
	}
	err = do(who)
	if err == nil {
		web.Flash(c, done)
		return web.See(c, templates.MemberPath(uint64(who)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.member(c, status, who, err)
	}
	return err
}

// Disable answers POST /org/members/:id/disable.
func (h *Org) Disable(c echo.Context) error {
	return h.act(c, "org.disabled", func(who id.User) error {
		return h.Manage.DisableUser(c.Request().Context(), web.Actor(c), who)
	})
}

// Enable answers POST /org/members/:id/enable.
func (h *Org) Enable(c echo.Context) error {
	return h.act(c, "org.enabled", func(who id.User) error {
		return h.Manage.EnableUser(c.Request().Context(), web.Actor(c), who)
	})
}

// Confirm answers POST /org/members/:id/confirm.
func (h *Org) Confirm(c echo.Context) error {
	var form struct {
		Code string `form:"code"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	return h.act(c, "org.confirmed", func(who id.User) error {
		return h.Manage.ConfirmRole(c.Request().Context(), web.Actor(c), who, form.Code)
	})
}

// Role answers POST /org/members/:id/role.
func (h *Org) Role(c echo.Context) error {
	var form struct {
		Role string `form:"role"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	return h.act(c, "org.role_changed", func(who id.User) error {
		return h.Manage.ChangeRole(c.Request().Context(), web.Actor(c), who, account.Role(form.Role))
	})
}

// Scope answers POST /org/members/:id/scope.
func (h *Org) Scope(c echo.Context) error {
	var form struct {
		Departments []id.Department `form:"department"`
		Sub         []id.Department `form:"sub"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	slices.Sort(form.Departments)
	rows := make([]account.ScopeRow, 0, len(form.Departments))
	for _, d := range slices.Compact(form.Departments) {
		rows = append(rows, account.ScopeRow{Department: d, Sub: slices.Contains(form.Sub, d)})
	}
	return h.act(c, "org.scope_changed", func(who id.User) error {
		ctx := c.Request().Context()
		if err := h.known(ctx, rows); err != nil {
			return err
		}
		return h.Manage.SetScope(ctx, web.Actor(c), who, rows)
	})
}

// Reset answers POST /org/members/:id/reset. Its page shows the link, this once.
func (h *Org) Reset(c echo.Context) error {
	who, err := web.PathID[id.User](c, "id")
	if err != nil {
		return err
	}
	m, err := h.find(c, who)
	if err != nil {
		return err
	}
	token, err := h.Manage.ResetLink(c.Request().Context(), web.Actor(c), who, false)
	if err != nil {
		return err
	}
	return h.list(c, http.StatusOK, templates.OrgView{Link: h.Origin + templates.SetupPath(token), LinkFor: m.Name})
}

func (h *Org) find(c echo.Context, who id.User) (account.Member, error) {
	members, err := h.Accounts.Members(c.Request().Context(), web.Actor(c))
	if err != nil {
		return account.Member{}, err
	}
	i := slices.IndexFunc(members, func(m account.Member) bool { return m.User == who })
	if i < 0 {
		return account.Member{}, fault.NotFound("account.no_user")
	}
	return members[i], nil
}
