package handlers

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/mask"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Imports is uploading exported files and what became of them.
type Imports struct {
	Runs interface {
		Start(ctx context.Context, by account.Actor, o intake.Order, next func() (*intake.Upload, error)) ([]id.Import, error)
		Get(context.Context, account.Actor, id.Import) (*intake.Run, error)
		Rejects(context.Context, account.Actor, id.Import) (*intake.Run, error)
		List(ctx context.Context, by account.Actor, before id.Import, size int) (*intake.RunPage, error)
		Cancel(context.Context, account.Actor, id.Import) error
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

const importsPage = 20

type beforeQuery struct {
	Before uint64 `query:"before"`
	State  string `query:"state"`
}

// List answers GET /imports.
func (h *Imports) List(c echo.Context) error {
	var q beforeQuery
	web.Query(c, &q)
	by := web.Actor(c)
	page, err := h.Runs.List(c.Request().Context(), by, id.Import(q.Before), importsPage)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.ImportsPage(importsView(page, q.Before, by)))
}

// Ask answers GET /imports/new.
func (h *Imports) Ask(c echo.Context) error { return h.ask(c, http.StatusOK, intake.Order{}, nil) }

func (h *Imports) ask(c echo.Context, status int, o intake.Order, problem error) error {
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return err
	}
	view := templates.ImportNewView{Formats: format.Formats, Format: o.Format, Departments: departmentsOf(tree, web.Actor(c).Scope, id.String(o.Department)), Problems: problems(problem)}
	return web.Render(c, status, templates.ImportNewPage(view))
}

// Start answers POST /imports: the fields first, then the files, which are sealed as they arrive.
func (h *Imports) Start(c echo.Context) error {
	parts, err := web.Upload(c)
	if err != nil {
		return err
	}
	form := &uploadForm{parts: parts}
	if err := form.fields(); err != nil {
		return err
	}
	runs, err := h.Runs.Start(c.Request().Context(), web.Actor(c), form.order, form.next)
	switch fault.KindOf(err) {
	case fault.None:
		if len(runs) == 1 {
			return web.See(c, templates.ImportPath(uint64(runs[0])))
		}
		web.Flash(c, "import.started_flash", len(runs))
		return web.See(c, templates.ImportsPath)
	case fault.KindInvalid:
		// A browser that is still sending hears no answer: what comes is read and dropped.
		_, _ = io.CopyN(io.Discard, c.Request().Body, mostDropped)
		return h.ask(c, http.StatusUnprocessableEntity, form.order, err)
	default:
		return err
	}
}

const (
	mostDropped  = 64 << 20
	longestField = 100
)

// uploadForm reads the parts of the upload form one after the other.
type uploadForm struct {
	parts *multipart.Reader
	order intake.Order
	file  *multipart.Part // the first one, found while looking for fields
}

// fields reads everything up to the first file.
func (f *uploadForm) fields() error {
	for {
		part, err := f.parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badUpload(err)
		}
		if part.FormName() == "files" {
			f.file = part
			return nil
		}
		value, err := io.ReadAll(io.LimitReader(part, longestField))
		if err != nil {
			return badUpload(err)
		}
		switch part.FormName() {
		case "format":
			f.order.Format = string(value)
		case "department":
			if len(value) == 0 {
				continue
			}
			if f.order.Department, err = id.Parse[id.Department](string(value)); err != nil {
				return fault.Invalid("fault.bad_form")
			}
		}
	}
}

// next gives the files. A field without a chosen file is sent as one without a name.
func (f *uploadForm) next() (*intake.Upload, error) {
	for {
		part := f.file
		f.file = nil
		if part == nil {
			var err error
			if part, err = f.parts.NextPart(); errors.Is(err, io.EOF) {
				return nil, io.EOF
			} else if err != nil {
				return nil, badUpload(err)
			}
		}
		if part.FormName() == "files" && part.FileName() != "" {
			return &intake.Upload{Name: part.FileName(), Body: part}, nil
		}
	}
}

// badUpload keeps the error of a body that is too large, which has words of its own.
func badUpload(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fault.Invalid("fault.bad_form")
}

// Show answers GET /imports/:id.
func (h *Imports) Show(c echo.Context) error {
	view, err := h.view(c)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.ImportPage(*view))
}

// State answers GET /imports/:id/state.
func (h *Imports) State(c echo.Context) error {
	view, err := h.view(c)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.ImportState(*view))
}

func (h *Imports) view(c echo.Context) (*templates.ImportView, error) {
	run, err := h.find(c)
	if err != nil {
		return nil, err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return nil, err
	}
	view := importView(run, tree, web.Actor(c))
	return &view, nil
}

func (h *Imports) find(c echo.Context) (*intake.Run, error) {
	which, err := web.PathID[id.Import](c, "id")
	if err != nil {
		return nil, err
	}
	return h.Runs.Get(c.Request().Context(), web.Actor(c), which)
}

// Cancel answers POST /imports/:id/cancel.
func (h *Imports) Cancel(c echo.Context) error {
	which, err := web.PathID[id.Import](c, "id")
	if err != nil {
		return err
	}
	if err := h.Runs.Cancel(c.Request().Context(), web.Actor(c), which); err != nil {
		return err
	}
	web.Flash(c, "import.cancelled")
	return web.See(c, templates.ImportPath(uint64(which)))
}

// Rejects answers GET /imports/:id/rejects.csv: what was not taken, and why.
func (h *Imports) Rejects(c echo.Context) error {
	which, err := web.PathID[id.Import](c, "id")
	if err != nil {
		return err
	}
	run, err := h.Runs.Rejects(c.Request().Context(), web.Actor(c), which)
	if err != nil {
		return err
	}
	ctx, res := c.Request().Context(), c.Response()
	res.Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	res.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+run.Code+`-rejects.csv"`)
	res.WriteHeader(http.StatusOK)
	if _, err := res.Write([]byte("\ufeff")); err != nil {
		return err
	}
	w := csv.NewWriter(res)
	w.UseCRLF = true
	rows := [][]string{{locale.T(ctx, "import.place"), locale.T(ctx, "import.reason_word"), "code"}}
	for _, r := range importRejects(run) {
		rows = append(rows, []string{mask.Cell(r.Place(ctx)), locale.T(ctx, r.ReasonKey), r.ReasonKey})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}
