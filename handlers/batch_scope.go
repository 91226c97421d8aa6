package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// saveScope keeps the first step and goes where the button says.
func (h *Batches) saveScope(c echo.Context, draft uint64, form batchForm) error {
	d, err := h.editScope(c, draft, form)
	switch {
	case fault.KindOf(err) == fault.KindInvalid:
		stored, missing := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
		if missing != nil {
			return missing
		}
		return h.scope(c, http.StatusUnprocessableEntity, draft, stored.Form, &form, err)
	case err != nil:
		return err
	case web.Fragment(c):
		return h.scope(c, http.StatusOK, draft, d.Form, nil, nil)
	case form.Go == "save":
		web.Flash(c, "batch.draft_saved")
		return web.See(c, templates.BatchesPath)
	case form.Go == templates.StepImpact && form.With == 0 && !form.All:
		return h.leaveScope(c, d)
	}
	return web.See(c, templates.BatchDraftPath(draft, templates.StepScope))
}

// editScope stores the first step as it was entered.
func (h *Batches) editScope(c echo.Context, draft uint64, form batchForm) (*bin.Draft, error) {
	if err := form.tooLong(); err != nil {
		return nil, err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return nil, err
	}
	return h.Drafts.EditDraft(ctx, by, draft, func(f *bin.Form) {
		f.Scope = form.scope(f.Scope, tree, by.Scope)
		f.KeepResidue, f.ResidueReason = form.Keep, form.ResidueReason
	})
}

// leaveScope goes to the second step unless something is to be said about the first.
func (h *Batches) leaveScope(c echo.Context, d *bin.Draft) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	p, err := h.Counts.Preview(ctx, by, d.Form.Scope, 0)
	if err == nil {
		err = d.Form.Decided(p.Residue)
	}
	if fault.KindOf(err) == fault.KindInvalid {
		return h.scope(c, http.StatusUnprocessableEntity, d.ID, d.Form, nil, err)
	}
	if err != nil {
		return err
	}
	_, err = h.Drafts.EditDraft(ctx, by, d.ID, func(f *bin.Form) { f.Counted = p.Count() })
	if err != nil {
		return err
	}
	return web.See(c, templates.BatchDraftPath(d.ID, templates.StepImpact))
}

// Count answers POST /batches/drafts/:id/count: what was entered is kept and counted. The tree
// on the page is replaced too unless it is still true, so that it keeps its open branches.
func (h *Batches) Count(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	var form batchForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if !web.Fragment(c) {
		return h.finished(c, draft, h.saveScope(c, draft, form))
	}
	d, err := h.editScope(c, draft, form)
	if err != nil {
		return h.finished(c, draft, err)
	}
	view, err := h.scopeView(c.Request().Context(), web.Actor(c), draft, d.Form, nil)
	if err != nil {
		return err
	}
	whole := form.Seen != view.Seen || !sameBoxes(form.Boxes, view.Tree)
	if !whole {
		c.Response().Header().Set("HX-Retarget", "#batch-panel")
	}
	status := http.StatusOK
	if view.Panel.Problem.Key != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(c, status, templates.BatchCounted(view, whole))
}

// scope renders the first step; typed is what was refused, if anything was.
func (h *Batches) scope(c echo.Context, status int, draft uint64, form bin.Form, typed *batchForm, problem error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	view, err := h.scopeView(ctx, by, draft, form, typed)
	if err != nil {
		return err
	}
	choices, err := h.Counts.Choices(ctx, by)
	if err != nil {
		return err
	}
	view.Types, view.Sources = choices.ServiceTypes, choices.Platforms
	if said := problems(problem); said != nil {
		view.Problems = said
	}
	if web.Fragment(c) {
		return web.Render(c, status, templates.BatchScopeForm(view))
	}
	return web.Render(c, status, templates.BatchScopePage(view))
}

// scopeView counts a scope. What is wrong with it stands in the view; only what is wrong with
// the request or the system is an error.
func (h *Batches) scopeView(ctx context.Context, by account.Actor, draft uint64, form bin.Form, typed *batchForm) (templates.BatchScopeView, error) {
	view := templates.BatchScopeView{Draft: draft, Form: batchEntries(form, typed)}
	tree, counts, err := h.Counts.Tree(ctx, by, form.Scope)
	unknown := fault.KindOf(err) == fault.KindInvalid
	if unknown {
		view.Problems, view.Panel.Problem = problems(err), words(err)
		tree, counts, err = h.Counts.Tree(ctx, by, bin.Scope{})
	}
	if err != nil {
		return view, err
	}
	view.Tree = batchTree(tree, counts, by.Scope, form.Scope, unknown)
	view.Seen = treeDigest(view.Tree)
	if unknown || len(form.Scope.Departments) == 0 {
		return view, nil
	}
	p, err := h.Counts.Preview(ctx, by, form.Scope, 0)
	if fault.KindOf(err) == fault.KindInvalid {
		view.Problems, view.Panel.Problem = problems(err), words(err)
		return view, nil
	}
	if err != nil {
		return view, err
	}
	view.Panel = batchPanel(tree, by.Scope, form.Scope, p)
	return view, nil
}

func batchPanel(tree *department.Tree, within account.Scope, s bin.Scope, p *bin.Preview) templates.BatchPanel {
	panel := templates.BatchPanel{
		CountedAt: p.CountedAt, Taken: p.Matching - p.Residue, Residue: p.Residue, Outside: p.Outside, Left: batchLeft(tree, within, s, p),
	}
	panel.Name, panel.Departments = takenNames(tree, s, p)
	return panel
}

// takenNames names what is taken by its first department, and tells how many there are.
func takenNames(tree *department.Tree, s bin.Scope, p *bin.Preview) (name string, n int) {
	for _, share := range p.Shares {
		if share.Taken {
			n++
		}
	}
	if len(s.Departments) > 0 {
		name = tree.Name(topmost(tree, s.Departments))
	}
	return name, n
}

func topmost(tree *department.Tree, all []id.Department) id.Department {
	best, level := id.Department(0), 0
	for _, d := range all {
		if dep, ok := tree.Get(d); ok && (best == 0 || dep.Level < level) {
			best, level = d, dep.Level
		}
	}
	return best
}
