package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/web"
)

// Go is the search field above every page: a code leads to its page, anything else is taken
// for a customer's id.
type Go struct {
	Codes interface {
		Code(ctx context.Context, by account.Actor, text string) (*report.Named, error)
	}
	Seal Sealer
}

// Get answers GET /go?q=. What is no code is answered at once by an address in which it is
// sealed, so that no page, no link and no history has a customer's id in its address.
func (h *Go) Get(c echo.Context) error { return h.lead(c, c.QueryParam("q")) }

// Post answers POST /go, which keeps the text out of every address.
func (h *Go) Post(c echo.Context) error {
	form, err := formValues(c)
	if err != nil {
		return err
	}
	return h.lead(c, form.Get("q"))
}

func (h *Go) lead(c echo.Context, text string) error {
	by, text := web.Actor(c), strings.TrimSpace(text)
	if text == "" {
		return web.See(c, templates.HomePath)
	}
	named, err := h.Codes.Code(c.Request().Context(), by, text)
	if err != nil {
		return err
	}
	if named != nil {
		return web.See(c, namedPath(named, text))
	}
	if !by.May(account.ConversationSearch) {
		return fault.NotFound("go.no_such_code")
	}
	sid, err := private{Customer: text}.seal(h.Seal, by, now(c))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return c.Redirect(http.StatusSeeOther, templates.ConversationsPath(templates.Search{SID: sid, State: templates.SearchAll}))
}

func namedPath(n *report.Named, typed string) string {
	switch n.Kind {
	case report.NamesBatch:
		return templates.BatchPath(n.ID)
	case report.NamesPurge:
		return templates.PurgePath(n.ID)
	case report.NamesCertificate:
		return templates.CertificatePath(n.ID)
	case report.NamesAccess:
		return templates.AccessGrantPath(n.ID)
	case report.NamesInspection:
		return templates.InspectionPath(n.Code)
	case report.NamesFinding:
		return templates.InspectionFindingPlace(n.Code, int(n.ID))
	case report.NamesExport:
		return templates.ExportPath(n.ID)
	case report.NamesReport:
		return templates.ReportPath(n.ID)
	case report.NamesHold:
		return templates.HoldPath(n.ID)
	case report.NamesSubject:
		return templates.SubjectPath(n.ID)
	case report.NamesImport:
		return templates.ImportPath(n.ID)
	}
	// Its page does not tell whether it exists; the code goes along for whoever has to ask for it.
	return templates.ConversationPath(n.ID, "") + "?code=" + url.QueryEscape(strings.ToUpper(typed))
}
