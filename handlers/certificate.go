package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/web"
)

// Certificates is the certificates of permanent deletion.
type Certificates struct {
	Desk interface {
		Certificate(context.Context, account.Actor, purge.CertificateID) (*purge.Certificate, error)
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
	return web.Render(c, http.StatusOK, templates.CertificatesPage(certificatesView(rows)))
}

// Show answers GET /certificates/:id with the paper, and with the evidence file where the
// address ends in .json.
func (h *Certificates) Show(c echo.Context) error {
	name, asFile := strings.CutSuffix(c.Param("id"), ".json")
	which, err := id.Parse[purge.CertificateID](name)
	if err != nil {
		return fault.NotFound("certificate.not_found")
	}
	cert, err := h.Desk.Certificate(c.Request().Context(), web.Actor(c), which)
	switch {
	case err != nil:
		return err
	case !asFile:
		view, err := certificateView(cert)
		if err != nil {
			return err
		}
		return web.Render(c, http.StatusOK, templates.CertificatePage(view))
	case cert.File == nil:
		return fault.Busy("certificate.being_sealed")
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename="%s.json"`, cert.Code))
	return c.Blob(http.StatusOK, "application/json", cert.File)
}
