package handlers

import (
	"encoding/hex"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/bin"
	"qingdang/templates"
	"qingdang/web"
)

type capForm struct {
	Shown  string `form:"shown"`
	Reason string `form:"reason"`
	Code   string `form:"code"`
}

// AskCap answers GET /batches/drafts/:id/cap: a draft above the cap, as a second person sees it.
func (h *Batches) AskCap(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	return h.askCap(c, http.StatusOK, draft, capForm{}, nil)
}

func (h *Batches) askCap(c echo.Context, status int, draft uint64, form capForm, problem error) error {
	ask, err := h.Caps.CapAsked(c.Request().Context(), web.Actor(c), draft)
	if err != nil {
		return err
	}
	view := templates.BatchCapView{
		Draft: ask.Draft, Owner: ask.Owner, OwnerNo: ask.OwnerNo, Frozen: ask.Frozen, FrozenAt: ask.FrozenAt, Fingerprint: hex.EncodeToString(ask.Fingerprint),
		Cap: ask.Cap, Conditions: batchConditions(ask.Form.Scope), DraftReason: ask.Form.Reason, Raised: capRaised(ask.Raised),
		Refused: words(ask.Refused), Reason: form.Reason, Problems: problems(problem),
	}
	for _, s := range ask.Shares {
		view.Shares = append(view.Shares, templates.BatchShare{Path: s.Path, Moves: s.Count})
	}
	return web.Render(c, status, templates.BatchCapPage(view))
}

func capRaised(r *bin.CapRaise) *templates.BatchRaised {
	if r == nil {
		return nil
	}
	return &templates.BatchRaised{
		Who: templates.PurgePerson{Name: r.Name, StaffNo: r.StaffNo, RoleKey: roleKey(r.Role)}, From: r.Cap, To: r.Size, Reason: r.Reason, At: r.At,
	}
}

// RaiseCap answers POST /batches/drafts/:id/cap.
func (h *Batches) RaiseCap(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	var form capForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	err = h.Caps.RaiseCap(c.Request().Context(), web.Actor(c), bin.CapRequest{Draft: draft, Shown: form.Shown, Reason: form.Reason, Code: form.Code})
	if err == nil {
		web.Flash(c, "batch.cap_was_raised")
		return web.See(c, templates.BatchDraftActPath(draft, "cap"))
	}
	if status, ok := web.Mendable(err); ok {
		return h.askCap(c, status, draft, form, err)
	}
	return err
}
