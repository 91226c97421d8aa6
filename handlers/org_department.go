package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/reorg"
	"qingdang/templates"
	"qingdang/templates/ui"
	"qingdang/web"
)

// OrgDepartments is the page of one department, where administrators move and rename it.
type OrgDepartments struct {
	Reorg interface {
		Preview(context.Context, account.Actor, reorg.Order) (*reorg.Effect, error)
		Move(context.Context, account.Actor, reorg.Order) (*reorg.Effect, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

// placeForm is a department's new place; Parent 0 is the top.
type placeForm struct {
	Parent id.Department `form:"parent" query:"parent"`
	Name   string        `form:"name" query:"name"`
	Seen   string        `form:"seen"`
}

func (f placeForm) order(d id.Department) reorg.Order {
	return reorg.Order{Department: d, To: department.Place{Parent: f.Parent, Name: f.Name}, Seen: f.Seen}
}

// Show answers GET /org/departments/:id; with a new place in the address it shows what moving there would
// change.
func (h *OrgDepartments) Show(c echo.Context) error {
	d, err := web.PathID[id.Department](c, "id")
	if err != nil {
		return err
	}
	if !c.QueryParams().Has("name") {
		return h.page(c, http.StatusOK, d, nil, nil)
	}
	var form placeForm
	web.Query(c, &form)
	return h.page(c, http.StatusOK, d, &form, nil)
}

// Move answers POST /org/departments/:id/move. It wants the fingerprint of what Show has shown.
func (h *OrgDepartments) Move(c echo.Context) error {
	d, err := web.PathID[id.Department](c, "id")
	if err != nil {
		return err
	}
	var form placeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if form.Seen == "" {
		return h.page(c, http.StatusUnprocessableEntity, d, &form, fault.Invalid("department.effect_unseen"))
	}
	effect, err := h.Reorg.Move(c.Request().Context(), web.Actor(c), form.order(d))
	if err == nil {
		done := "org.department_moved"
		if effect.Renames {
			done = "org.department_renamed"
		}
		web.Flash(c, done)
		return web.See(c, templates.DepartmentPath(uint64(d)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.page(c, status, d, &form, err)
	}
	return err
}

// page shows the department, with what a new place would change where one was entered and may be.
func (h *OrgDepartments) page(c echo.Context, status int, d id.Department, form *placeForm, problem error) error {
	ctx := c.Request().Context()
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	dep, ok := tree.Get(d)
	if !ok {
		return fault.NotFound("department.unknown")
	}
	view := templates.OrgDepartmentView{ID: uint64(d), Name: dep.Name, Path: dep.Path, To: dep.Name}
	to := dep.ParentID
	if form != nil {
		to, view.To = form.Parent, form.Name
		effect, err := h.Reorg.Preview(ctx, web.Actor(c), form.order(d))
		switch fault.KindOf(err) {
		case fault.None:
			view.Effect = orgEffect(effect, uint64(form.Parent), form.Name)
		case fault.KindInvalid:
			status, view.Problems = http.StatusUnprocessableEntity, problems(err)
		default:
			return err
		}
	}
	if view.Problems == nil {
		view.Problem = words(problem)
	}
	view.Parents = orgParents(tree, d, to)
	return web.Render(c, status, templates.OrgDepartmentPage(view))
}

// orgParents offers where a department can hang. What is below it cannot be chosen.
func orgParents(tree *department.Tree, d, chosen id.Department) (out []ui.Option) {
	below := tree.Subtree(d)
	for _, one := range tree.Preorder() {
		dep, _ := tree.Get(one)
		out = append(out, ui.Option{Value: id.String(one), Label: dep.Name, Depth: dep.Level, Chosen: one == chosen, Disabled: slices.Contains(below, one)})
	}
	return out
}

func orgEffect(e *reorg.Effect, parent uint64, name string) *templates.OrgEffect {
	out := &templates.OrgEffect{
		From: e.From, To: e.To, Renames: e.Renames, Departments: e.Departments, Conversations: e.Conversations,
		Access: len(e.Grants), Drafts: e.Drafts, Batches: e.Batches, Purges: e.Purges, Parent: parent, Name: name, Seen: e.Fingerprint,
	}
	for _, p := range e.People {
		out.People = append(out.People, templates.OrgReach{
			ID: uint64(p.User), Name: p.Name, StaffNo: p.StaffNo, RoleKey: "role." + string(p.Role), Gains: len(p.Gains), Loses: len(p.Loses),
		})
	}
	for _, h := range e.Holds {
		if len(h.Gains) > 0 {
			out.HoldsGain++
		}
		if len(h.Loses) > 0 {
			out.HoldsLose++
		}
		out.Covers, out.Returns = out.Covers+h.Covers, out.Returns+h.Binned
	}
	return out
}
