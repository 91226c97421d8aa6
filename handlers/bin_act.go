package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// binForm is what the list's form sends: the ticked rows, or with Only the one whose button was
// pressed. Answer tells what the page that asks for a reason sends from what leads to it.
type binForm struct {
	Batches []id.Batch        `form:"batch"`
	Items   []id.Conversation `form:"item"`
	Only    id.Batch          `form:"only"`
	Reason  string            `form:"reason"`
	Answer  bool              `form:"answer"`
	Back    string            `form:"return"`
}

// mostChosen is the largest page.
const mostChosen = 100

// chosen gives the batches that were chosen, each once.
func (f binForm) chosen() ([]id.Batch, error) {
	if f.Only != 0 {
		return []id.Batch{f.Only}, nil
	}
	set, err := id.NewSet(f.Batches...)
	if err != nil {
		return nil, nil // none
	}
	if set.Len() > mostChosen {
		return nil, fault.Invalid("fault.bad_form")
	}
	return set.Values(), nil
}

func (f binForm) back() string {
	if f.Back == "" {
		return templates.BinPath
	}
	return web.BackPath(f.Back)
}

// Restore answers POST /bin/restore for the batches or conversations that were chosen.
func (h *Bin) Restore(c echo.Context) error {
	var form binForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	batches, err := form.chosen()
	if err != nil {
		return err
	}
	if len(batches) > 0 {
		return h.restoreBatches(c, batches, form.back())
	}
	only, err := id.NewSet(form.Items...)
	if err != nil || only.Len() > mostChosen {
		web.FlashError(c, "bin.none_chosen")
		return web.See(c, form.back())
	}
	out, err := h.Acts.RestoreItems(c.Request().Context(), web.Actor(c), only)
	if fault.KindOf(err) == fault.KindConflict {
		f, _ := fault.Of(err)
		web.FlashError(c, f.Key, f.Args...)
		return web.See(c, form.back())
	}
	if err != nil {
		return err
	}
	flashOutcome(c, out, 0)
	return web.See(c, form.back())
}

// RestoreOne answers POST /bin/:id/restore, the way back of what was just moved to the bin.
func (h *Bin) RestoreOne(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	return h.restoreBatches(c, []id.Batch{batch}, templates.BinPath)
}

// restoreBatches restores one batch after the other. What was done stays done when a later one
// is refused, and is said.
func (h *Bin) restoreBatches(c echo.Context, batches []id.Batch, back string) error {
	sum := &bin.Outcome{Stays: map[string]int64{}}
	var refused error
	failed := 0
	for _, batch := range batches {
		out, err := h.Acts.Restore(c.Request().Context(), web.Actor(c), batch)
		if err != nil {
			failed++
			refused = worse(refused, err)
			if fault.KindOf(err) == fault.KindInternal {
				break
			}
			continue
		}
		sum.Done += out.Done
		for why, n := range out.Stays {
			sum.Stays[why] += n
		}
	}
	if sum.Done > 0 || sum.Skipped() > 0 {
		flashOutcome(c, sum, failed)
	}
	switch fault.KindOf(refused) {
	case fault.None:
	case fault.KindConflict:
		if sum.Done == 0 {
			f, _ := fault.Of(refused)
			web.FlashError(c, f.Key, f.Args...)
		}
	default:
		// Somebody who reached for what is not theirs gets the page that says so, and it is
		// written down.
		return refused
	}
	return web.See(c, back)
}

// worse keeps the error that matters more: a refusal before a conflict, anything else first.
func worse(a, b error) error {
	rank := func(err error) int {
		switch fault.KindOf(err) {
		case fault.None:
			return 0
		case fault.KindConflict:
			return 1
		case fault.KindNotFound:
			return 2
		case fault.KindForbidden:
			return 3
		}
		return 4
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// flashOutcome says in three numbers what became of an act: done, stayed, and batches that were
// not handled.
func flashOutcome(c echo.Context, out *bin.Outcome, failed int) {
	stays := batchReasons(out.Stays)
	if len(stays) == 0 && failed == 0 {
		web.Flash(c, "bin.was_restored", out.Done)
		return
	}
	why := locale.Key("common.none")
	if len(stays) > 0 {
		why = locale.Key("batch.why_" + stays[0].Code)
	}
	web.FlashError(c, "bin.partly_restored", out.Done, out.Skipped(), failed, why)
}

// read fills the form and gives the batches that it is about.
func (f *binForm) read(c echo.Context) ([]id.Batch, error) {
	if err := web.Form(c, f); err != nil {
		return nil, err
	}
	return f.chosen()
}

// noneChosen leads back to the list and says that nothing was ticked.
func (f *binForm) noneChosen(c echo.Context) error {
	web.FlashError(c, "bin.none_chosen")
	return web.See(c, f.back())
}

// Purge answers POST /bin/purge: it leads to the page that requests a purge of what was chosen.
func (h *Bin) Purge(c echo.Context) error {
	var form binForm
	batches, err := form.read(c)
	if err != nil {
		return err
	}
	if len(batches) == 0 {
		return form.noneChosen(c)
	}
	ids := make([]uint64, len(batches))
	for i, b := range batches {
		ids[i] = uint64(b)
	}
	return web.See(c, templates.PurgeRequestPath(ids...))
}

// Extend answers POST /bin/extend: first with a page that asks for the reason, then it does it.
func (h *Bin) Extend(c echo.Context) error {
	var form binForm
	batches, err := form.read(c)
	if err != nil {
		return err
	}
	if len(batches) == 0 {
		return form.noneChosen(c)
	}
	if !form.Answer {
		return h.askExtend(c, http.StatusOK, batches, "", nil)
	}
	if len([]rune(form.Reason)) > longestReason {
		return h.askExtend(c, http.StatusUnprocessableEntity, batches, form.Reason, fault.Invalid("bin.reason_long", longestReason).On("reason"))
	}
	done, failed := 0, 0
	var refused error
	for _, batch := range batches {
		_, err := h.Acts.Extend(c.Request().Context(), web.Actor(c), batch, form.Reason)
		switch fault.KindOf(err) {
		case fault.None:
			done++
		case fault.KindInvalid:
			return h.askExtend(c, http.StatusUnprocessableEntity, batches, form.Reason, err)
		case fault.KindConflict:
			failed, refused = failed+1, worse(refused, err)
		default:
			return err
		}
	}
	if refused == nil {
		web.Flash(c, "bin.was_extended", done)
	} else {
		f, _ := fault.Of(refused)
		web.FlashError(c, "bin.partly_extended", done, failed, locale.Key(f.Key))
	}
	return web.See(c, templates.BinPath)
}

func (h *Bin) askExtend(c echo.Context, status int, batches []id.Batch, reason string, problem error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	view := templates.BinExtendView{Reason: reason, Days: int(bin.Extension.Hours() / 24), Problems: problems(problem)}
	for _, batch := range batches {
		d, err := h.Reader.Get(ctx, by, batch)
		if err != nil {
			return err
		}
		view.Batches = append(view.Batches, templates.BinExtendRow{
			ID: uint64(d.ID), Code: d.Code, Path: d.Path, Count: d.Resting, Until: d.KeepUntil, Then: d.KeepUntil.Add(bin.Extension), WhyNot: whyNotExtend(d.BatchRow),
		})
	}
	return web.Render(c, status, templates.BinExtendPage(view))
}
