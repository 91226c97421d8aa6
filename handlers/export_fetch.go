package handlers

import (
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/export"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Prepare answers POST /exports/:id/prepare with the passphrase, which is shown this once.
func (h *Exports) Prepare(c echo.Context) error {
	which, err := web.PathID[id.Export](c, "id")
	if err != nil {
		return err
	}
	g, err := h.Shelf.Prepare(c.Request().Context(), web.Actor(c), which)
	if fault.KindOf(err) == fault.KindConflict {
		return h.show(c, http.StatusConflict, templates.ExportEntry{}, err)
	}
	if err != nil {
		return h.notGiven(c, which, err)
	}
	return web.Render(c, http.StatusOK, templates.ExportFetchPage(templates.ExportFetchView{
		ID: uint64(g.Export), Code: g.Code, FileName: g.FileName, Zip: g.Zip, Token: g.Token, Passphrase: g.Passphrase, Until: g.Until,
	}))
}

// Download answers POST /exports/:id/download with the file.
func (h *Exports) Download(c echo.Context) error {
	which, err := web.PathID[id.Export](c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Token      string `form:"token"`
		Passphrase string `form:"passphrase"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	f, err := h.Shelf.Download(c.Request().Context(), web.Actor(c), which, form.Token, form.Passphrase)
	if err != nil {
		return h.notGiven(c, which, err)
	}
	_, err = f.WriteTo(attachment(c, "application/octet-stream", f.Name))
	return err
}

// notGiven answers whoever comes for a file that is not there any more, with who had it or ended it, and whoever
// comes with a form that is not the last one. Both pages name the way on. Other faults stay as they are.
func (h *Exports) notGiven(c echo.Context, which id.Export, wrong error) error {
	f, ok := fault.Of(wrong)
	if !ok {
		return wrong
	}
	v := templates.ErrorView{RequestID: web.RequestID(c), Link: templates.ExportPath(uint64(which)), LinkKey: "export.gone_open", More: templates.ExportsPath, MoreKey: "export.gone_list"}
	switch {
	case f.Kind == fault.KindGone:
		d, err := h.Reader.Get(c.Request().Context(), web.Actor(c), which)
		if err != nil {
			return err
		}
		v.Status, v.TitleKey = http.StatusGone, "export.gone_title"
		v.TextKey, v.Args = exportGone(d, f.Key)
	case f.Key == "export.no_grant", f.Key == "export.grant_over":
		v.Status, v.TitleKey, v.TextKey, v.LinkKey = http.StatusForbidden, "export.grant_title", f.Key, "export.grant_again"
	default:
		return wrong
	}
	return web.Render(c, v.Status, templates.ErrorPage(v))
}

// exportGone is the sentence of how a file went, with who and when; the fault's own where the record tells
// nothing more.
func exportGone(d *export.Detail, key string) (string, []any) {
	switch {
	case d.State == export.Fetched && d.FetchedAt != nil:
		return "export.gone_text_fetched", []any{d.Code, d.OwnerName, *d.FetchedAt}
	case d.State == export.Recalled && d.ClosedAt != nil:
		return "export.gone_text_recalled", []any{d.Code, d.ClosedName, *d.ClosedAt, d.ClosedReason}
	case d.State == export.Cancelled && d.ClosedAt != nil:
		return "export.gone_text_cancelled", []any{d.Code, d.ClosedName, *d.ClosedAt}
	case key == "export.gone_expired" && d.ExpiresAt != nil:
		return "export.gone_text_expired", []any{d.Code, *d.ExpiresAt}
	}
	return key, nil
}

// AskCheck answers GET /exports/check.
func (h *Exports) AskCheck(c echo.Context) error {
	return web.Render(c, http.StatusOK, templates.ExportCheckPage(templates.ExportCheckView{}))
}

// Check answers POST /exports/check: the file is read as it arrives and kept nowhere.
func (h *Exports) Check(c echo.Context) error {
	parts, err := web.Upload(c)
	if err != nil {
		return err
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return h.checked(c, "", templates.ExportCheckView{Problems: problems(fault.Invalid("export.page_choose_file").On("file"))}, http.StatusUnprocessableEntity)
		}
		if err != nil {
			return badUpload(err)
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		found, err := h.Reader.Check(c.Request().Context(), web.Actor(c), part)
		if fault.KindOf(err) == fault.KindNotFound {
			return h.checked(c, part.FileName(), templates.ExportCheckView{Unknown: true}, http.StatusOK)
		}
		if err != nil {
			return badUploadOr(err)
		}
		row := exportRow(&found.Export, web.Actor(c))
		return h.checked(c, part.FileName(), templates.ExportCheckView{Found: &row, Whole: found.Whole, Part: found.Part}, http.StatusOK)
	}
}

// badUploadOr keeps what is no fault of the body.
func badUploadOr(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return badUpload(err)
	}
	return err
}

func (h *Exports) checked(c echo.Context, name string, v templates.ExportCheckView, status int) error {
	v.File = name
	return web.Render(c, status, templates.ExportCheckPage(v))
}
