package handlers

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Certificates is the certificates of permanent deletion.
type Certificates struct {
	Desk interface {
		Certificate(context.Context, account.Actor, purge.CertificateID) (*purge.Certificate, error)
		CertificateFile(ctx context.Context, by account.Actor, c purge.CertificateID, format string) (*purge.Certificate, error)
		Certificates(ctx context.Context, by account.Actor, before purge.CertificateID, size int) ([]purge.CertificateRow, error)
	}
}

const certificatesPerPage = 20

// List answers GET /certificates.
func (h *Certificates) List(c echo.Context) error {
	var q struct {
		Before purge.CertificateID `query:"before"`
	}
	web.Query(c, &q)
	rows, err := h.Desk.Certificates(c.Request().Context(), web.Actor(c), q.Before, certificatesPerPage+1)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.CertificatesPage(certificatesView(rows, now(c))))
}

// Show answers GET /certificates/:id with the page, with the evidence file where the address ends
// in .json, and with the PDF, in the reader's language or that of ?lang, where it ends in .pdf.
func (h *Certificates) Show(c echo.Context) error {
	name, kind, _ := strings.Cut(c.Param("id"), ".")
	which, err := id.Parse[purge.CertificateID](name)
	if err != nil || kind != "" && kind != "json" && kind != "pdf" {
		return fault.NotFound("certificate.not_found")
	}
	if kind != "" {
		return h.file(c, which, kind)
	}
	cert, err := h.Desk.Certificate(c.Request().Context(), web.Actor(c), which)
	if err != nil {
		return err
	}
	view, err := certificateView(cert)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.CertificatePage(view))
}

func (h *Certificates) file(c echo.Context, which purge.CertificateID, kind string) error {
	cert, err := h.Desk.CertificateFile(c.Request().Context(), web.Actor(c), which, kind)
	if err != nil {
		return err
	}
	if kind == "json" {
		_, err := attachment(c, "application/json", cert.Code+".json").Write(cert.File)
		return err
	}
	view, err := certificateView(cert)
	if err != nil {
		return err
	}
	ctx := languageOf(c)
	file, err := templates.CertificatePDF(ctx, view)
	if err != nil {
		return err
	}
	_, err = attachment(c, "application/pdf", inLanguage(ctx, cert.Code, "pdf")).Write(file)
	return err
}

// inLanguage names a file that says its words in the reader's language, so that those of both lie side by side.
func inLanguage(ctx context.Context, code, ending string) string {
	return code + "-" + string(locale.Of(ctx)) + "." + ending
}

// languageOf is the reader's language unless the address names one.
func languageOf(c echo.Context) context.Context {
	ctx := c.Request().Context()
	if lang := locale.Lang(c.QueryParam("lang")); slices.Contains(locale.Languages(), lang) {
		return locale.With(ctx, lang, locale.Zone(ctx))
	}
	return ctx
}
