package handlers

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/bin"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// impact renders the second step. A scope that cannot be counted leads back to the first.
func (h *Batches) impact(c echo.Context, status int, d *bin.Draft, problem error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	draw, err := strconv.ParseUint(c.QueryParam("draw"), 10, 32)
	if err != nil {
		draw = d.ID
	}
	p, err := h.Counts.Preview(ctx, by, d.Form.Scope, draw)
	if fault.KindOf(err) == fault.KindInvalid {
		return web.See(c, templates.BatchDraftPath(d.ID, templates.StepScope))
	}
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	view := batchImpact(d, p)
	view.Left = batchLeft(tree, by.Scope, d.Form.Scope, p)
	view.NextDraw, view.Problems = draw+1, problems(problem)
	return web.Render(c, status, templates.BatchImpactPage(view))
}

func batchImpact(d *bin.Draft, p *bin.Preview) templates.BatchImpactView {
	v := templates.BatchImpactView{
		Draft: d.ID, CountedAt: p.CountedAt, KeepUntil: p.KeepUntil, Matching: p.Matching, Missing: p.Missing, Conditions: batchConditions(d.Form.Scope), Residue: p.Residue, Excluded: batchExcluded(p.Excluded),
		Holds: p.Holds, Moves: p.Moves, NeverKeep: p.NeverKeep, Unlooked: p.Unlooked, Cap: p.Cap, Bytes: p.Bytes, ResidueReason: d.Form.ResidueReason, Outside: p.Outside, Since: batchSince(d.Form.Counted, p),
	}
	paths := map[id.Department]string{}
	for _, s := range p.Shares {
		paths[s.DepartmentID] = s.Name
		if s.Taken {
			v.Shares = append(v.Shares, templates.BatchShare{Name: s.Name, Path: s.Path, Matching: s.Matching, Excluded: s.Excluded.Total(), Moves: s.Moves, Bytes: s.Bytes})
		}
	}
	for _, s := range p.Sample {
		v.Sample = append(v.Sample, templates.BatchSample{ID: uint64(s.ID), Code: s.Code(), Department: paths[s.DepartmentID], Type: s.ServiceType, LastAt: s.LastAt})
	}
	return v
}

func batchExcluded(e bin.Excluded) templates.BatchExcluded {
	return templates.BatchExcluded{Held: e.Held, Floor: e.Floor, Order: e.Order}
}

func batchSince(before *bin.Count, p *bin.Preview) *templates.BatchSince {
	if before == nil {
		return nil
	}
	return &templates.BatchSince{
		At: before.At, Matching: p.Matching - before.Matching, Residue: p.Residue - before.Residue,
		Held: p.Excluded.Held - before.Excluded.Held, Floor: p.Excluded.Floor - before.Excluded.Floor, Order: p.Excluded.Order - before.Excluded.Order,
	}
}

// saveImpact keeps what the second step may change: the reason of the residue, and that more
// is included.
func (h *Batches) saveImpact(c echo.Context, draft uint64, form batchForm) error {
	d, err := h.editImpact(c, draft, form)
	if fault.KindOf(err) == fault.KindInvalid {
		return h.refuseImpact(c, draft, form, err)
	}
	if err != nil {
		return err
	}
	switch {
	case form.With == 0 && form.Go == "save":
		web.Flash(c, "batch.draft_saved")
		return web.See(c, templates.BatchesPath)
	case form.With == 0 && form.Go == templates.StepScope:
		return web.See(c, templates.BatchDraftPath(d.ID, templates.StepScope))
	}
	return web.See(c, templates.BatchDraftPath(d.ID, templates.StepImpact))
}

func (h *Batches) editImpact(c echo.Context, draft uint64, form batchForm) (*bin.Draft, error) {
	if err := form.wrong(); err != nil {
		return nil, err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return nil, err
	}
	return h.Drafts.EditDraft(ctx, by, draft, func(f *bin.Form) {
		f.ResidueReason = form.ResidueReason
		if form.With != 0 && tree.Known(form.With) == nil {
			f.Scope = f.Scope.Including(tree, by.Scope, form.With)
		}
	})
}

// refuseImpact shows the second step with what is wrong, and what was typed.
func (h *Batches) refuseImpact(c echo.Context, draft uint64, form batchForm, problem error) error {
	d, err := h.Drafts.Draft(c.Request().Context(), web.Actor(c), draft)
	if err != nil {
		return err
	}
	d.Form.ResidueReason = form.ResidueReason
	return h.impact(c, http.StatusUnprocessableEntity, d, problem)
}

// Exclusions answers GET /batches/drafts/:id/exclusions.csv.
func (h *Batches) Exclusions(c echo.Context) error {
	d, err := h.draft(c)
	if err != nil {
		return err
	}
	ctx, reason := c.Request().Context(), c.QueryParam("reason")
	out := &lateWriter{begin: func() io.Writer {
		head := c.Response().Header()
		head.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		head.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename="exclusions-%d.csv"`, d.ID))
		c.Response().WriteHeader(http.StatusOK)
		_, _ = io.WriteString(c.Response(), bom)
		return c.Response()
	}}
	w := csv.NewWriter(out)
	// Written to the buffer only: a refusal comes before anything is sent.
	_ = w.Write([]string{
		locale.T(ctx, "batch.conversation"), locale.T(ctx, "batch.department"), locale.T(ctx, "batch.type"), locale.T(ctx, "batch.last_message"), locale.T(ctx, "batch.reason_of"),
	})
	err = h.Counts.Exclusions(ctx, web.Actor(c), d.Form.Scope, reason, func(e bin.Exclusion) error {
		return w.Write([]string{mask.Cell(e.Code()), mask.Cell(e.Path), mask.Cell(e.ServiceType), e.LastAt.In(locale.Zone(ctx)).Format(time.DateTime), locale.T(ctx, "batch.why_"+e.Reason)})
	})
	if err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}
