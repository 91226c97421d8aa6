package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/web"
)

// Pick answers POST /batches/pick: a draft of exactly what is chosen of a search.
func (h *Batches) Pick(c echo.Context) error {
	var form selectForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	p, err := h.Picker.pick(c, form, bin.MostPicked)
	if err != nil {
		return notPicked(c, p, err)
	}
	draft, err := h.Drafts.NewPicked(c.Request().Context(), web.Actor(c), p.ids, p.told(h.Picker))
	if err != nil {
		return notPicked(c, p, err)
	}
	return web.See(c, templates.BatchDraftPath(draft, templates.StepScope))
}

// told is what a draft keeps of the search: its conditions but no word that was looked for.
func (p picked) told(k Picker) bin.Picked {
	out := bin.Picked{All: p.all, Except: p.except}
	if !p.all {
		return out
	}
	q := p.query
	w := q.Words
	out.Words = len(w.All) + len(w.None) + len(w.Tags) + len(w.WithoutTags) + len(w.Agents) + len(w.Platforms)
	out.Customer = q.Customer != "" || w.Customer != ""
	out.Of = bin.Scope{ServiceTypes: q.ServiceTypes, Platforms: q.Platforms, Tags: q.Tags, Agents: q.AgentIDs, Traits: q.Traits}
	if !q.From.IsZero() {
		out.Of.From = q.From.In(k.Zone).Format(dayFormat)
	}
	if !q.To.IsZero() {
		out.Of.To = q.To.In(k.Zone).AddDate(0, 0, -1).Format(dayFormat)
	}
	return out
}

const dayFormat = "2006-01-02"

// picked renders the first step of a draft of what was chosen: there is nothing to choose any more.
func (h *Batches) picked(c echo.Context, status int, d *bin.Draft, problem error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	view := templates.BatchPickedView{Draft: d.ID, Conditions: batchConditions(d.Form.Scope), Problems: problems(problem)}
	p, err := h.Counts.Preview(ctx, by, d.Form.Scope, 0)
	switch fault.KindOf(err) {
	case fault.None:
		view.CountedAt, view.Matching, view.Missing = p.CountedAt, p.Matching, p.Missing
		for _, s := range p.Shares {
			view.Shares = append(view.Shares, templates.BatchShare{Name: s.Name, Path: s.Path, Matching: s.Matching, Moves: s.Moves, Excluded: s.Excluded.Total(), Bytes: s.Bytes})
		}
	case fault.KindInvalid, fault.KindConflict:
		view.Problems, status = problems(err), http.StatusConflict
	default:
		return err
	}
	return web.Render(c, status, templates.BatchPickedPage(view))
}

// offerBatch tells how a bulk delete of a search begins: with its conditions where these say it all, else
// with what is chosen of it.
func offerBatch(view *templates.ConversationsView, q conversation.Query, by account.Actor) {
	s := view.Search
	switch {
	case !by.May(account.BatchCreate) || view.Total == 0:
	case view.Customer != "" || len(s.Personal) > 0 || s.State != "" || !q.Words.Empty():
		view.BatchWhyNot = "conversation.batch_words"
	default:
		view.BatchPath = templates.BatchFromSearchPath(s)
	}
}
