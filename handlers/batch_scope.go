package handlers

import (
	"context"
	"net/http"
	"slices"

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
	d, err := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
	if err != nil {
		return err
	}
	if d.Batch == nil && d.Form.Scope.Picked != nil {
		return h.goOn(c, d, form)
	}
	d, err = h.editScope(c, draft, form)
	switch {
	case fault.KindOf(err) == fault.KindInvalid:
		return h.refuseScope(c, draft, form, err)
	case err != nil:
		return err
	}
	return h.goOn(c, d, form)
}

// goOn goes from the first step, which is stored, where the button says.
func (h *Batches) goOn(c echo.Context, d *bin.Draft, form batchForm) error {
	switch {
	case web.Fragment(c):
		return h.scope(c, http.StatusOK, d.ID, d.Form, nil, nil)
	case form.Go == "save":
		web.Flash(c, "batch.draft_saved")
		return web.See(c, templates.BatchesPath)
	case form.Go == templates.StepImpact && form.With == 0 && !form.All:
		return h.leaveScope(c, d)
	}
	return web.See(c, templates.BatchDraftPath(d.ID, templates.StepScope))
}

// refuseScope shows the first step as it was typed with what is wrong. Nothing of it was stored.
func (h *Batches) refuseScope(c echo.Context, draft uint64, form batchForm, problem error) error {
	shown, err := h.typed(c, draft, form)
	if err != nil {
		return err
	}
	return h.scope(c, http.StatusUnprocessableEntity, draft, shown, &form, problem)
}

// typed is a draft's form with the scope that was typed, as far as it can be read.
func (h *Batches) typed(c echo.Context, draft uint64, form batchForm) (bin.Form, error) {
	var f bin.Form
	ctx, by := c.Request().Context(), web.Actor(c)
	if draft != 0 {
		d, err := h.Drafts.Draft(ctx, by, draft)
		if err != nil {
			return f, err
		}
		f = d.Form
	}
	if form.wrong() != nil {
		return f, nil
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return f, err
	}
	f.Scope = form.scope(f.Scope, tree, by.Scope)
	return f, nil
}

// entered checks what the first step sent and gives the tree that it is about. A department that
// is not there, or not the person's, is refused and not left out.
func (h *Batches) entered(c echo.Context, form batchForm) (*department.Tree, error) {
	if err := form.wrong(); err != nil {
		return nil, err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return nil, err
	}
	if form.Go == templates.StepImpact && len(form.Boxes) == 0 && form.With == 0 && !form.All {
		return nil, fault.Invalid("bin.no_department").On("department")
	}
	boxes := form.Boxes
	if form.With != 0 {
		boxes = append(slices.Clone(boxes), form.With)
	}
	if len(bin.Strangers(tree, web.Actor(c).Scope, boxes)) > 0 {
		return nil, fault.Invalid("bin.unknown_department").On("department")
	}
	return tree, nil
}

// editScope stores the first step.
func (h *Batches) editScope(c echo.Context, draft uint64, form batchForm) (*bin.Draft, error) {
	tree, err := h.entered(c, form)
	if err != nil {
		return nil, err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
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
	if d.Form.Scope.Picked != nil && (fault.KindOf(err) == fault.KindInvalid || fault.KindOf(err) == fault.KindConflict) {
		return h.picked(c, http.StatusUnprocessableEntity, d, err)
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
	d, problem := h.editScope(c, draft, form)
	var shown bin.Form
	switch fault.KindOf(problem) {
	case fault.None:
		shown = d.Form
	case fault.KindInvalid:
		// Not stored, but the page goes on with what it says.
		if shown, err = h.typed(c, draft, form); err != nil {
			return err
		}
	default:
		return h.finished(c, draft, problem)
	}
	view, err := h.scopeView(c.Request().Context(), web.Actor(c), draft, shown, nil)
	if err != nil {
		return err
	}
	if problem != nil {
		view.Panel = templates.BatchPanel{Problem: words(problem)}
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
	if s.Picked != nil {
		var there []id.Department
		for _, share := range p.Shares {
			there = append(there, share.DepartmentID)
		}
		return tree.Name(topmost(tree, there)), n
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
