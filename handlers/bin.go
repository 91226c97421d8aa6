package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Bin is the page of the recycle bin and what is done from it.
type Bin struct {
	Reader interface {
		List(ctx context.Context, by account.Actor, v bin.View) (*bin.BatchPage, error)
		Items(ctx context.Context, by account.Actor, v bin.View) (*bin.ItemPage, error)
		Figures(ctx context.Context, by account.Actor) (bin.Figures, error)
		Get(ctx context.Context, by account.Actor, batch id.Batch) (*bin.Detail, error)
	}
	Acts interface {
		Restore(ctx context.Context, by account.Actor, batch id.Batch) (*bin.Outcome, error)
		RestoreItems(ctx context.Context, by account.Actor, ids id.Set[id.Conversation]) (*bin.Outcome, error)
		Extend(ctx context.Context, by account.Actor, batch id.Batch, reason string) (*bin.Batch, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

// List answers GET /bin.
func (h *Bin) List(c echo.Context) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	view := templates.BinView{
		Query: binQuery(c), CanRestore: by.May(account.BinRestore) || by.May(account.BinRestoreExpired), CanExtend: by.May(account.BinExtend),
		CanPurge: by.May(account.PurgeRequest), CanOpen: by.May(account.BatchRead), CanAnswer: by.May(account.CertificateRead), Own: by.Role == account.Agent,
	}
	figures, err := h.Reader.Figures(ctx, by)
	if err != nil {
		return err
	}
	view.Figures = templates.BinFigures(figures)
	if view.Query.View == "item" {
		err = h.items(ctx, by, &view)
	} else {
		err = h.batches(ctx, by, &view)
	}
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	view.Departments = binDepartments(tree, by.Scope)
	return web.Render(c, http.StatusOK, templates.BinPage(view))
}

func (h *Bin) batches(ctx context.Context, by account.Actor, view *templates.BinView) error {
	page, err := h.Reader.List(ctx, by, binFilter(view.Query))
	if err != nil {
		return err
	}
	view.Total, view.Now = page.Total, page.Now
	for _, row := range page.Rows {
		view.Batches = append(view.Batches, binBatch(row, by))
	}
	return nil
}

func (h *Bin) items(ctx context.Context, by account.Actor, view *templates.BinView) error {
	page, err := h.Reader.Items(ctx, by, binFilter(view.Query))
	if err != nil {
		return err
	}
	view.Total, view.Now = page.Total, page.Now
	view.Items = templates.BinItems{Rows: binItems(page, by), Total: page.Total, Now: page.Now, Letters: view.CanAnswer}
	return nil
}
