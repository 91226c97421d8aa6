package handlers

import (
	"context"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Exports is the screens of exports: the shelf, asking, agreeing, fetching and checking.
type Exports struct {
	Reader interface {
		List(context.Context, account.Actor, export.Query) (*export.Page, error)
		Get(context.Context, account.Actor, id.Export) (*export.Detail, error)
		Check(context.Context, account.Actor, io.Reader) (*export.Checked, error)
	}
	Desk interface {
		Preview(context.Context, account.Actor, export.Wish) (*export.Preview, error)
		Ask(context.Context, account.Actor, export.Wish) (*export.Export, error)
		Again(context.Context, account.Actor, id.Export) (*export.Export, error)
		Cancel(context.Context, account.Actor, id.Export) error
		Recall(ctx context.Context, by account.Actor, which id.Export, reason string) error
	}
	Second interface {
		Approve(context.Context, account.Actor, export.Ballot) (*export.Export, error)
		Reject(context.Context, account.Actor, export.Ballot) (*export.Export, error)
	}
	Shelf interface {
		Prepare(context.Context, account.Actor, id.Export) (*export.Grant, error)
		Download(ctx context.Context, by account.Actor, which id.Export, token, passphrase string) (*export.Fetch, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Find Finder
	Seal Sealer
}

const exportsPerPage = 20

// exportQuery is what the address of the list says.
type exportQuery struct {
	State  string    `query:"state"`
	Format string    `query:"format"`
	Text   string    `query:"q"`
	Mine   bool      `query:"mine"`
	Before id.Export `query:"before"`
}

// List answers GET /exports. A script asks for the table alone while something is being made.
func (h *Exports) List(c echo.Context) error {
	var q exportQuery
	web.Query(c, &q)
	q.Text = short(q.Text)
	ctx, by := c.Request().Context(), web.Actor(c)
	page, err := h.Reader.List(ctx, by, export.Query{
		State: export.State(q.State), Format: file.Format(q.Format), Text: q.Text, Mine: q.Mine, Before: q.Before, Size: exportsPerPage,
	})
	if err != nil {
		return err
	}
	v := exportsView(page, q, by)
	if web.Fragment(c) {
		return web.Render(c, http.StatusOK, templates.ExportsTable(v))
	}
	return web.Render(c, http.StatusOK, templates.ExportsPage(v))
}

// Show answers GET /exports/:id. A script asks for the state alone while it is being made.
func (h *Exports) Show(c echo.Context) error {
	return h.show(c, http.StatusOK, templates.ExportEntry{}, nil)
}

func (h *Exports) show(c echo.Context, status int, entry templates.ExportEntry, wrong error) error {
	which, err := web.PathID[id.Export](c, "id")
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Reader.Get(ctx, by, which)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	v := exportView(d, tree, by)
	v.Entry, v.Problems = entry, problems(wrong)
	if web.Fragment(c) && status == http.StatusOK {
		// What else stands on the page changes with the end of the work.
		if !v.Making() {
			c.Response().Header().Set("HX-Refresh", "true")
		}
		return web.Render(c, status, templates.ExportState(v))
	}
	return web.Render(c, status, templates.ExportPage(v))
}

// Decide answers POST /exports/:id/decide: the second person's answer.
func (h *Exports) Decide(c echo.Context) error {
	var form ballotForm
	done := "export.page_was_rejected"
	return h.act(c, &form, &done, func(ctx context.Context, by account.Actor, which id.Export) error {
		b := export.Ballot{Export: which, SeenRoot: form.Root, Opinion: form.Opinion, Code: form.Code}
		return form.cast(func() error {
			done = "export.page_was_approved"
			_, err := h.Second.Approve(ctx, by, b)
			return err
		}, func() error {
			_, err := h.Second.Reject(ctx, by, b)
			return err
		})
	}, func() templates.ExportEntry { return templates.ExportEntry{Opinion: form.Opinion} })
}

// Cancel answers POST /exports/:id/cancel: it is not made any further.
func (h *Exports) Cancel(c echo.Context) error {
	done := "export.page_was_cancelled"
	return h.act(c, &struct{}{}, &done, h.Desk.Cancel, func() templates.ExportEntry { return templates.ExportEntry{} })
}

// Again answers POST /exports/:id/again: what failed, or was not fetched in time, is asked for anew.
func (h *Exports) Again(c echo.Context) error {
	which, err := web.PathID[id.Export](c, "id")
	if err != nil {
		return err
	}
	e, err := h.Desk.Again(c.Request().Context(), web.Actor(c), which)
	switch fault.KindOf(err) {
	case fault.None:
		return askedFor(c, e)
	case fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, templates.ExportEntry{}, fieldless(err))
	case fault.KindConflict:
		return h.show(c, http.StatusConflict, templates.ExportEntry{}, err)
	}
	return err
}

// fieldless is a fault about fields that this page does not have.
func fieldless(err error) error {
	f, _ := fault.Of(err)
	return fault.Invalid(f.Key, f.Args...)
}

// Recall answers POST /exports/:id/recall: its key is destroyed.
func (h *Exports) Recall(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
	}
	done := "export.page_was_recalled"
	return h.act(c, &form, &done, func(ctx context.Context, by account.Actor, which id.Export) error {
		return h.Desk.Recall(ctx, by, which, form.Reason)
	}, func() templates.ExportEntry { return templates.ExportEntry{Recalling: true, Reason: form.Reason} })
}

// act carries out one act on an export and shows it again, with what was typed if it was refused.
func (h *Exports) act(c echo.Context, form any, done *string, do func(context.Context, account.Actor, id.Export) error, typed func() templates.ExportEntry) error {
	which, err := web.PathID[id.Export](c, "id")
	if err != nil {
		return err
	}
	if err := web.Form(c, form); err != nil {
		return err
	}
	err = do(c.Request().Context(), web.Actor(c), which)
	if err == nil {
		web.Flash(c, *done)
		return web.See(c, templates.ExportPath(uint64(which)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, typed(), err)
	}
	return err
}
