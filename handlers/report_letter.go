package handlers

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/web"
)

// Letters is the answers to customers who ask why a conversation was deleted.
type Letters struct {
	Facts interface {
		Letter(context.Context, account.Actor, id.Conversation) (*report.Letter, error)
	}
}

// Ask answers GET /letters with the question for a conversation, and leads to the letter about the
// one that ?code names.
func (h *Letters) Ask(c echo.Context) error {
	code := strings.TrimSpace(c.QueryParam("code"))
	which, ok := conversation.ParseCode(strings.ToUpper(code))
	switch {
	case ok:
		return web.See(c, templates.LetterPath(uint64(which)))
	case code == "":
		return web.Render(c, http.StatusOK, templates.LettersPage(templates.LettersView{}))
	}
	wrong := problems(fault.Invalid("letter.no_code").On("code"))
	return web.Render(c, http.StatusUnprocessableEntity, templates.LettersPage(templates.LettersView{Code: code, Problems: wrong}))
}

// Show answers GET /letters/:id with the letter about a conversation, and with the PDF, in the reader's
// language or that of ?lang, where the address ends in .pdf.
func (h *Letters) Show(c echo.Context) error {
	name, kind, _ := strings.Cut(c.Param("id"), ".")
	which, err := id.Parse[id.Conversation](name)
	if err != nil || kind != "" && kind != "pdf" {
		return fault.NotFound("letter.not_found")
	}
	l, err := h.Facts.Letter(c.Request().Context(), web.Actor(c), which)
	if err != nil {
		return err
	}
	v := templates.LetterView{
		ID: uint64(which), Code: l.Code, Organisation: l.Organisation, ServiceType: l.ServiceType, At: l.At, LastAt: l.LastAt, BinnedAt: l.BinnedAt, KeepUntil: l.KeepUntil,
		PurgedAt: l.PurgedAt, FloorUntil: l.FloorUntil, FloorDays: l.FloorDays, Forever: l.Forever, Purged: l.Purged, Incident: l.Incident, Reason: l.Reason, Request: l.Request,
		Certificate: l.Certificate, Messages: l.Messages, Attachments: l.Attachments,
	}
	if kind == "" {
		return web.Render(c, http.StatusOK, templates.LetterPage(v))
	}
	ctx := languageOf(c)
	file, err := templates.LetterPDF(ctx, v)
	if err != nil {
		return err
	}
	_, err = attachment(c, "application/pdf", inLanguage(ctx, "letter-"+l.Code, "pdf")).Write(file)
	return err
}
