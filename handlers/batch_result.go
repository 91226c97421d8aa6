package handlers

import (
	"encoding/hex"
	"net/http"
	"path"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/web"
)

// Show answers GET /batches/:id.
func (h *Batches) Show(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Reader.Get(ctx, by, batch)
	if err != nil {
		return err
	}
	q := binQuery(c)
	state := c.QueryParam("state")
	if !slices.Contains(templates.BatchItemStates, state) {
		state = ""
	}
	page, err := h.Reader.BatchItems(ctx, by, batch, bin.View{State: state, Page: q.Page})
	if err != nil {
		return err
	}
	view, err := batchView(d, by)
	if err != nil {
		return err
	}
	view.Items = templates.BinItems{State: state, Total: page.Total, Page: q.Page, Rows: binItems(page, by), Letters: by.May(account.CertificateRead)}
	return web.Render(c, http.StatusOK, templates.BatchPage(view))
}

// State answers GET /batches/:id/state, the block that a running batch fetches. When it has
// finished the page is loaded anew, for everything else on it.
func (h *Batches) State(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	d, err := h.Reader.Get(c.Request().Context(), web.Actor(c), batch)
	if err != nil {
		return err
	}
	if d.State != bin.Running {
		c.Response().Header().Set("HX-Refresh", "true")
	}
	return web.Render(c, http.StatusOK, templates.BatchState(batchState(d, web.Actor(c))))
}

func batchState(d *bin.Detail, by account.Actor) templates.BatchStateView {
	v := templates.BatchStateView{
		ID: uint64(d.ID), State: d.State, Size: d.Size, Moved: d.Moved, Skipped: d.Skipped, Stayed: batchReasons(d.Stayed), At: d.Now,
	}
	if d.State == bin.Running && d.Job != nil {
		v.Failed = d.Job.State == job.Failed || d.Job.State == job.Cancelled
		v.Retries = !v.Failed && d.Job.Error != ""
		v.CanRetry = v.Failed && by.May(account.BatchCreate)
	}
	return v
}

func batchView(d *bin.Detail, by account.Actor) (templates.BatchView, error) {
	row := binBatch(d.BatchRow, by)
	asked := d.BatchRow.Kind == bin.KindSubject
	v := templates.BatchView{
		ID: uint64(d.ID), Code: d.Code, Single: row.Single || asked, Asked: asked, State: batchState(d, by), Path: d.Path, Sub: row.Sub,
		Owner: d.OwnerName, CreatedAt: d.CreatedAt, Reason: d.Reason, Fingerprint: hex.EncodeToString(d.Fingerprint),
		KeepUntil: d.KeepUntil, ExtendedAt: instant(d.ExtendedAt), Expired: d.Expired, Now: d.Now,
		Bytes: d.Batch.Bytes, Resting: d.Resting, OnList: d.OnList, Restored: d.Restored, Rescued: d.Rescued, Purged: d.Purged,
		Residue: d.ResidueCount, ResidueReason: d.ResidueReason, Reach: reachView(purge.ReachInBin(), d.Now),
		CanExport:  d.Resting > 0 && d.Within && by.May(account.ExportCreate) && by.Role != account.Agent,
		CanRestore: row.CanRestore, CanExtend: canExtend(d.BatchRow, by), CanPurge: canPurge(d.BatchRow, by),
	}
	v.Raised = capRaised(d.Raised)
	s, err := bin.ParseScope(d.Scope)
	if err != nil {
		return v, err
	}
	v.Conditions = batchConditions(s)
	excluded, err := d.ExcludedCounts()
	if err != nil {
		return v, err
	}
	v.Excluded = batchExcluded(excluded)
	left, err := d.ResidueList()
	if err != nil {
		return v, err
	}
	for _, r := range left {
		v.Left = append(v.Left, templates.BatchResidue{ID: uint64(r.DepartmentID), Name: path.Base(r.Path), Count: r.Count})
	}
	if by.May(account.BatchUndo) && d.Resting > 0 {
		v.CanUndo, v.UndoWhy = mayUndo(d)
	}
	return v, nil
}

// mayUndo tells whether a whole batch can be undone, and else the key of why not.
func mayUndo(d *bin.Detail) (ok bool, why string) {
	switch {
	case d.State == bin.Running:
		return false, "batch.undo_running"
	case d.Expired:
		return false, "batch.undo_expired"
	case !d.Within:
		return false, "batch.undo_outside"
	}
	return true, ""
}

// Undo answers POST /batches/:id/undo.
func (h *Batches) Undo(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	out, err := h.Restores.Undo(c.Request().Context(), web.Actor(c), batch)
	switch {
	case fault.KindOf(err) == fault.KindConflict:
		f, _ := fault.Of(err)
		web.FlashError(c, f.Key, f.Args...)
	case err != nil:
		return err
	default:
		flashOutcome(c, out, 0)
	}
	return web.See(c, templates.BatchPath(uint64(batch)))
}

// RestoreItems answers POST /batches/:id/restore with the conversations that were ticked.
func (h *Batches) RestoreItems(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Items []id.Conversation `form:"item"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	back := templates.BatchPath(uint64(batch))
	only, err := id.NewSet(form.Items...)
	if err != nil {
		web.FlashError(c, "bin.none_chosen")
		return web.See(c, back)
	}
	out, err := h.Restores.RestoreItems(c.Request().Context(), web.Actor(c), only)
	switch {
	case fault.KindOf(err) == fault.KindConflict:
		f, _ := fault.Of(err)
		web.FlashError(c, f.Key, f.Args...)
	case err != nil:
		return err
	default:
		flashOutcome(c, out, 0)
	}
	return web.See(c, back)
}

// Retry answers POST /batches/:id/retry: a batch whose job has given up goes on.
func (h *Batches) Retry(c echo.Context) error {
	batch, err := web.PathID[id.Batch](c, "id")
	if err != nil {
		return err
	}
	if err := h.Acts.Retry(c.Request().Context(), web.Actor(c), batch); err != nil {
		return err
	}
	web.Flash(c, "batch.retried")
	return web.See(c, templates.BatchPath(uint64(batch)))
}

// pageNumber reads a page of an address; anything that is none is the first.
func pageNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}
