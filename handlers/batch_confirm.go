package handlers

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Freeze answers POST /batches/drafts/:id/freeze: it fixes the list for the last step.
func (h *Batches) Freeze(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	var form batchForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	return h.finished(c, draft, h.freeze(c, draft, form))
}

func (h *Batches) freeze(c echo.Context, draft uint64, form batchForm) error {
	var err error
	switch form.Step {
	case templates.StepImpact:
		_, err = h.editImpact(c, draft, form)
	case templates.StepConfirm:
		err = h.keepEntries(c, draft, form)
	}
	if err == nil {
		_, _, err = h.Acts.Freeze(c.Request().Context(), web.Actor(c), draft)
	}
	switch {
	case fault.KindOf(err) == fault.KindInvalid && form.Step == templates.StepImpact:
		return h.refuseImpact(c, draft, form, err)
	case fault.KindOf(err) == fault.KindInvalid:
		return h.showImpact(c, draft, err)
	case err != nil:
		return err
	}
	return web.See(c, templates.BatchDraftPath(draft, templates.StepConfirm))
}

// showImpact shows the second step as it is stored with what is wrong.
func (h *Batches) showImpact(c echo.Context, draft uint64, problem error) error {
	d, err := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
	if err != nil {
		return err
	}
	return h.impact(c, http.StatusUnprocessableEntity, d, problem)
}

// confirmEntries are the fields of the last step as they are stored, with a new key.
func confirmEntries(d *bin.Draft) batchForm {
	return batchForm{
		Notified: d.Form.Checks.Notified, Partners: d.Form.Checks.Partners, Complaints: d.Form.Checks.Complaints, Reason: d.Form.Reason, Key: requestKey(),
	}
}

// confirm renders the last step. Without a frozen list it leads back to the second.
func (h *Batches) confirm(c echo.Context, status int, d *bin.Draft, form batchForm, problem error) error {
	if d.FrozenAt == nil {
		return web.See(c, templates.BatchDraftPath(d.ID, templates.StepImpact))
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	p, err := h.Counts.Preview(ctx, by, d.Form.Scope, 0)
	if fault.KindOf(err) == fault.KindInvalid {
		return web.See(c, templates.BatchDraftPath(d.ID, templates.StepScope))
	}
	if err != nil {
		return err
	}
	standing, err := h.Acts.Standing(ctx, by)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	view := templates.BatchConfirmView{
		Draft: d.ID, Frozen: d.Frozen, FrozenAt: *d.FrozenAt, Fingerprint: hex.EncodeToString(d.Fingerprint), KeepUntil: p.KeepUntil, Bytes: p.Bytes,
		CheckedAt: p.CountedAt, Now: p.Moves, Excluded: batchExcluded(p.Excluded), Outside: p.Outside, Missing: p.Missing, Conditions: batchConditions(d.Form.Scope),
		Residue: p.Residue, ResidueReason: d.Form.ResidueReason, Working: working(p.CountedAt.In(locale.Zone(ctx))), SeasonAt: standing.SeasonAt,
		Notified: form.Notified, Partners: form.Partners, Complaints: form.Complaints, Reason: form.Reason, Typed: form.Typed,
		MustType: d.Frozen >= bin.TypeFrom, Cap: p.Cap, Raised: capRaised(d.Raised), RequestKey: form.Key, CanBackUp: by.May(account.ExportCreate) && by.May(account.BatchRead), Problems: problems(problem),
	}
	view.Name, view.Departments = takenNames(tree, d.Form.Scope, p)
	return web.Render(c, status, templates.BatchConfirmPage(view))
}

// The night window, in which large batches disturb nobody.
const (
	nightFrom = 22
	nightTo   = 6
)

func working(at time.Time) bool { return at.Hour() >= nightTo && at.Hour() < nightFrom }

// saveConfirm keeps what was entered in the last step; script does so while it is filled in.
func (h *Batches) saveConfirm(c echo.Context, draft uint64, form batchForm) error {
	err := h.keepEntries(c, draft, form)
	if fault.KindOf(err) == fault.KindInvalid {
		d, missing := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
		if missing != nil {
			return missing
		}
		return h.confirm(c, http.StatusUnprocessableEntity, d, form, err)
	}
	switch {
	case err != nil:
		return err
	case web.Fragment(c):
		return c.NoContent(http.StatusNoContent)
	case form.Go == "save":
		web.Flash(c, "batch.draft_saved")
		return web.See(c, templates.BatchesPath)
	case form.Go == templates.StepScope, form.Go == templates.StepImpact:
		return web.See(c, templates.BatchDraftPath(draft, form.Go))
	}
	return web.See(c, templates.BatchDraftPath(draft, templates.StepConfirm))
}

func (h *Batches) keepEntries(c echo.Context, draft uint64, form batchForm) error {
	if err := form.wrong(); err != nil {
		return err
	}
	_, err := h.Drafts.EditDraft(c.Request().Context(), web.Actor(c), draft, func(f *bin.Form) {
		f.Reason, f.Checks = form.Reason, form.checks()
	})
	return err
}

func (f batchForm) checks() bin.Checks {
	return bin.Checks{Notified: f.Notified, Partners: f.Partners, Complaints: f.Complaints}
}

// Discard answers POST /batches/drafts/:id/discard: it moves the frozen list into the bin.
func (h *Batches) Discard(c echo.Context) error {
	draft, err := web.PathID[uint64](c, "id")
	if err != nil {
		return err
	}
	var form batchForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	batch, err := h.discard(c, draft, form)
	switch fault.KindOf(err) {
	case fault.None:
		key := "batch.done"
		if batch.State == bin.Running {
			key = "batch.started"
		}
		web.Flash(c, key, batch.Code, batch.Size)
		return web.See(c, templates.BatchPath(uint64(batch.ID)))
	case fault.KindInvalid, fault.KindConflict:
		return h.finished(c, draft, h.askAgain(c, draft, form, err))
	}
	return err
}

func (h *Batches) discard(c echo.Context, draft uint64, form batchForm) (*bin.Batch, error) {
	if err := form.wrong(); err != nil {
		return nil, err
	}
	return h.Acts.Discard(c.Request().Context(), web.Actor(c), bin.Request{
		Draft: draft, Key: form.Key, Reason: form.Reason, Checks: form.checks(), Typed: form.Typed, Shown: form.Shown,
	})
}

// askAgain keeps what was entered and shows what is wrong with it, or how the list changed.
func (h *Batches) askAgain(c echo.Context, draft uint64, form batchForm, problem error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Drafts.Draft(ctx, by, draft)
	if err != nil {
		return err
	}
	if d.Batch != nil {
		return problem
	}
	if form.wrong() == nil {
		if err := h.keepEntries(c, draft, form); err != nil {
			return err
		}
	}
	if fault.KindOf(problem) == fault.KindInvalid {
		return h.confirm(c, http.StatusUnprocessableEntity, d, form, problem)
	}
	return web.Render(c, http.StatusConflict, templates.BatchChangedPage(batchChanged(d, problem)))
}

func batchChanged(d *bin.Draft, problem error) templates.BatchChangedView {
	v := templates.BatchChangedView{Draft: d.ID, Text: words(problem), FrozenAt: instant(d.FrozenAt)}
	var differs *bin.Differs
	if !errors.As(problem, &differs) {
		return v
	}
	v.Was, v.Now, v.Entered, v.Left = differs.Was, differs.Now, differs.Entered, batchReasons(differs.Left)
	for _, r := range differs.Rows {
		row := templates.BatchDifference{ID: uint64(r.ID), Gone: r.Conversation == nil, Entered: r.Entered, Reason: r.Reason}
		if r.Conversation != nil {
			row.Code = r.Conversation.Code()
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// stayOrder is the order in which reasons are listed.
var stayOrder = []string{bin.Held, bin.Floor, bin.Order, bin.Changed, bin.Elsewhere, bin.Unmatched, bin.Outside, bin.OnList, bin.NotThere}

func batchReasons(counts map[string]int64) []templates.BatchReason {
	var out []templates.BatchReason
	for _, code := range stayOrder {
		if n := counts[code]; n > 0 {
			out = append(out, templates.BatchReason{Code: code, Count: n})
		}
	}
	return slices.Clip(out)
}
