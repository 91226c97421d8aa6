package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/web"
)

type purgeForm struct {
	Batches []id.Batch `form:"batch" query:"batch"`
	Draft   id.Purge   `form:"draft" query:"draft"`
	Reason  string     `form:"reason"`
	AtOnce  bool       `form:"at_once"`
	// Emergency and Incident are the choice for a leak.
	Emergency bool   `form:"emergency"`
	Incident  string `form:"incident"`
	Shown     int64  `form:"shown"`
	Key       string `form:"request_key"`
}

// Ask answers GET /purges/new.
func (h *Purges) Ask(c echo.Context) error {
	var form purgeForm
	web.Query(c, &form)
	form.Key = requestKey()
	return h.ask(c, http.StatusOK, form, nil)
}

func (h *Purges) ask(c echo.Context, status int, form purgeForm, problem error) error {
	p, err := h.Desk.Preview(c.Request().Context(), web.Actor(c), form.Draft, form.Batches)
	if err != nil {
		return err
	}
	view := purgeNewView(p)
	view.Draft, view.Reason, view.AtOnce, view.RequestKey, view.Problems = uint64(form.Draft), form.Reason, form.AtOnce, form.Key, problems(problem)
	view.Emergency, view.Incident = form.Emergency, form.Incident
	return web.Render(c, status, templates.PurgeNewPage(view))
}

// Request answers POST /purges.
func (h *Purges) Request(c echo.Context) error {
	var form purgeForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if form.Shown < 1 {
		// Nobody asks for a number that no page showed.
		return h.ask(c, http.StatusUnprocessableEntity, form, fault.Invalid("purge.key_missing"))
	}
	r, err := h.Desk.Request(c.Request().Context(), web.Actor(c), purge.Ask{
		Batches: form.Batches, Draft: form.Draft, Reason: form.Reason, AtOnce: form.AtOnce,
		Emergency: form.Emergency, Incident: form.Incident, Shown: form.Shown, Key: form.Key,
	})
	if err == nil {
		web.Flash(c, "purge.was_requested", r.Code, r.Size)
		return web.See(c, templates.PurgePath(uint64(r.ID)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.ask(c, status, form, err)
	}
	return err
}
