package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/web"
)

type manifest interface {
	ManifestCSV(ctx context.Context, by account.Actor, p id.Purge, w io.Writer) error
}

type executeForm struct {
	Tail string `form:"tail"`
	Code string `form:"code"`
}

// AskExecute answers GET /purges/:id/execute: legal's second word on a purge of the whole
// organisation.
func (h *Purges) AskExecute(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	return h.askExecute(c, http.StatusOK, p, executeForm{}, nil)
}

func (h *Purges) askExecute(c echo.Context, status int, p id.Purge, form executeForm, problem error) error {
	d, err := h.Reader.Get(c.Request().Context(), web.Actor(c), p)
	if err != nil {
		return err
	}
	view := purgeExecuteView(d)
	view.Tail, view.Problems = form.Tail, problems(problem)
	return web.Render(c, status, templates.PurgeExecutePage(view))
}

// Execute answers POST /purges/:id/execute.
func (h *Purges) Execute(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	var form executeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	err = h.Desk.Confirm(c.Request().Context(), web.Actor(c), purge.Confirmation{Purge: p, Tail: form.Tail, Code: form.Code})
	if err == nil {
		web.Flash(c, "purge.was_confirmed")
		return web.See(c, templates.PurgePath(uint64(p)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.askExecute(c, status, p, form, err)
	}
	return err
}

// bom tells spreadsheets that a file is UTF-8.
const bom = "\ufeff"

// ManifestFile answers GET /purges/:id/manifest.csv with the frozen list.
func (h *Purges) ManifestFile(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	out := &lateWriter{begin: func() io.Writer {
		head := c.Response().Header()
		head.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		head.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename="purge-%d.csv"`, p))
		c.Response().WriteHeader(http.StatusOK)
		_, _ = io.WriteString(c.Response(), bom)
		return c.Response()
	}}
	return h.Manifest.ManifestCSV(c.Request().Context(), web.Actor(c), p, out)
}

// lateWriter sends the head of an answer with its first bytes, so that a refusal can still be a
// page.
type lateWriter struct {
	begin func() io.Writer
	to    io.Writer
}

// Write is part of io.Writer.
func (l *lateWriter) Write(b []byte) (int, error) {
	if l.to == nil {
		l.to = l.begin()
	}
	return l.to.Write(b)
}
