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

// Batches is the wizard that moves many conversations into the recycle bin, and the pages of
// what it moved. Every step is a page of a saved draft.
type Batches struct {
	Drafts interface {
		NewPicked(ctx context.Context, by account.Actor, ids []id.Conversation, p bin.Picked) (uint64, error)
		NewDraft(ctx context.Context, by account.Actor, s bin.Scope) (uint64, error)
		Draft(ctx context.Context, by account.Actor, draft uint64) (*bin.Draft, error)
		Drafts(ctx context.Context, by account.Actor) ([]bin.Draft, error)
		EditDraft(ctx context.Context, by account.Actor, draft uint64, edit func(*bin.Form)) (*bin.Draft, error)
		DropDraft(ctx context.Context, by account.Actor, draft uint64) error
	}
	Counts interface {
		Tree(ctx context.Context, by account.Actor, s bin.Scope) (*department.Tree, map[id.Department]bin.TreeCount, error)
		Choices(ctx context.Context, by account.Actor) (*bin.Choices, error)
		Preview(ctx context.Context, by account.Actor, s bin.Scope, draw uint64) (*bin.Preview, error)
		Exclusions(ctx context.Context, by account.Actor, s bin.Scope, reason string, f func(bin.Exclusion) error) error
	}
	Acts interface {
		Freeze(ctx context.Context, by account.Actor, draft uint64) (*bin.Draft, *bin.Preview, error)
		Standing(ctx context.Context, by account.Actor) (bin.Standing, error)
		Discard(ctx context.Context, by account.Actor, req bin.Request) (*bin.Batch, error)
		Retry(ctx context.Context, by account.Actor, batch id.Batch) error
	}
	Caps interface {
		CapAsked(ctx context.Context, by account.Actor, draft uint64) (*bin.CapAsk, error)
		RaiseCap(ctx context.Context, by account.Actor, req bin.CapRequest) error
	}
	Restores interface {
		Undo(ctx context.Context, by account.Actor, batch id.Batch) (*bin.Outcome, error)
		RestoreItems(ctx context.Context, by account.Actor, ids id.Set[id.Conversation]) (*bin.Outcome, error)
	}
	Reader interface {
		List(ctx context.Context, by account.Actor, v bin.View) (*bin.BatchPage, error)
		Get(ctx context.Context, by account.Actor, batch id.Batch) (*bin.Detail, error)
		BatchItems(ctx context.Context, by account.Actor, batch id.Batch, v bin.View) (*bin.ItemPage, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Picker Picker // of what a search found
}

// List answers GET /batches.
func (h *Batches) List(c echo.Context) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	q := binQuery(c)
	v := binFilter(q)
	if q.State == "" {
		v.State = bin.ViewAll
	}
	page, err := h.Reader.List(ctx, by, v)
	if err != nil {
		return err
	}
	view := templates.BatchListView{Query: q, Total: page.Total, Now: page.Now, CanCreate: by.May(account.BatchCreate)}
	for _, row := range page.Rows {
		view.Rows = append(view.Rows, binBatch(row, by))
	}
	if view.CanCreate && q == (templates.BinQuery{}) {
		if view.Drafts, err = h.drafts(ctx, by); err != nil {
			return err
		}
	}
	return web.Render(c, http.StatusOK, templates.BatchListPage(view))
}

func (h *Batches) drafts(ctx context.Context, by account.Actor) ([]templates.BatchDraftRow, error) {
	drafts, err := h.Drafts.Drafts(ctx, by)
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.BatchDraftRow, len(drafts))
	for i, d := range drafts {
		rows[i] = batchDraftRow(tree, d)
	}
	return rows, nil
}

// New answers GET /batches/new: the first step of a draft that is not saved yet, with the
// conditions of the address, which are those of a search.
func (h *Batches) New(c echo.Context) error {
	s, problem := queriedScope(c)
	return h.scope(c, http.StatusOK, 0, bin.Form{Scope: s}, nil, problem)
}

// Create answers POST /batches/new: it saves the draft and goes on as its form says. A count
// of the unsaved page gets the form of the draft in its place.
func (h *Batches) Create(c echo.Context) error {
	var form batchForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	by := web.Actor(c)
	tree, err := h.entered(c, form)
	var draft uint64
	if err == nil {
		draft, err = h.Drafts.NewDraft(c.Request().Context(), by, form.scope(bin.Scope{}, tree, by.Scope))
	}
	if fault.KindOf(err) == fault.KindInvalid {
		return h.refuseScope(c, 0, form, err)
	}
	if err != nil {
		return err
	}
	if web.Fragment(c) {
		c.Response().Header().Set("HX-Replace-Url", templates.BatchDraftPath(draft, templates.StepScope))
	}
	// What stays behind is decided about when it was shown: the box does not count yet.
	d, err := h.Drafts.EditDraft(c.Request().Context(), by, draft, func(f *bin.Form) { f.ResidueReason = form.ResidueReason })
	if err != nil {
		return err
	}
	return h.goOn(c, d, form)
}

// Draft answers GET /batches/drafts/:id, one of its steps.
func (h *Batches) Draft(c echo.Context) error {
	d, err := h.draft(c)
	if err != nil {
		return err
	}
	switch {
	case d.Batch != nil:
		return web.See(c, templates.BatchPath(uint64(*d.Batch)))
	case c.QueryParam("step") == templates.StepImpact:
		return h.impact(c, http.StatusOK, d, nil)
	case c.QueryParam("step") == templates.StepConfirm:
		return h.confirm(c, http.StatusOK, d, confirmEntries(d), nil)
	case d.Form.Scope.Picked != nil:
		return h.picked(c, http.StatusOK, d, nil)
	}
	return h.scope(c, http.StatusOK, d.ID, d.Form, nil, nil)
}

// draft finds the draft of the address.
func (h *Batches) draft(c echo.Context) (*bin.Draft, error) {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return nil, err
	}
	return h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
}

// Save answers POST /batches/drafts/:id: what was entered in a step is kept, and the button
// says where to go.
func (h *Batches) Save(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	var form batchForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	switch form.Step {
	case templates.StepScope:
		err = h.saveScope(c, draft, form)
	case templates.StepImpact:
		err = h.saveImpact(c, draft, form)
	case templates.StepConfirm:
		err = h.saveConfirm(c, draft, form)
	default:
		err = fault.Invalid("fault.bad_form")
	}
	return h.finished(c, draft, err)
}

// finished leads from a draft that was carried out to its batch.
func (h *Batches) finished(c echo.Context, draft uint64, err error) error {
	f, ok := fault.Of(err)
	if !ok || f.Key != "bin.draft_done" {
		return err
	}
	d, missing := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
	if missing != nil || d.Batch == nil {
		return err
	}
	return web.See(c, templates.BatchPath(uint64(*d.Batch)))
}

// Drop answers POST /batches/drafts/:id/drop.
func (h *Batches) Drop(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	if err := h.Drafts.DropDraft(c.Request().Context(), web.Actor(c), draft); err != nil {
		return err
	}
	web.Flash(c, "batch.draft_dropped")
	return web.See(c, templates.BatchesPath)
}
