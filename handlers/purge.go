package handlers

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/templates"
	"qingdang/web"
)

// Purges is the screens of permanent deletion: requesting, agreeing, following.
type Purges struct {
	Reader interface {
		List(context.Context, account.Actor, purge.Filter) (purge.Page, error)
		Get(context.Context, account.Actor, id.Purge) (*purge.Detail, error)
		Progress(context.Context, account.Actor, id.Purge) (*purge.Detail, error)
	}
	Desk interface {
		Preview(context.Context, account.Actor, id.Purge, []id.Batch) (*purge.Preview, error)
		Request(context.Context, account.Actor, purge.Ask) (*purge.Request, error)
		Vote(context.Context, account.Actor, purge.Ballot) (*purge.Request, error)
		Withdraw(ctx context.Context, by account.Actor, p id.Purge, reason string) error
		Confirm(context.Context, account.Actor, purge.Confirmation) error
	}
	Manifest manifest
}

// purgeTabs says which states stand under a tab of the list.
var purgeTabs = map[string][]purge.State{
	"":          {purge.Draft, purge.AwaitingSupervisor, purge.AwaitingLegal, purge.CoolingOff, purge.AwaitingCodes, purge.Scheduled},
	"executing": {purge.Running, purge.Verifying},
	"finished":  {purge.Done, purge.DoneWithExceptions, purge.Replayed},
	"closed":    {purge.Rejected, purge.Withdrawn, purge.Lapsed},
	"all":       nil,
}

// List answers GET /purges. Its address names a tab, or one state.
func (h *Purges) List(c echo.Context) error {
	var q struct {
		State     string   `query:"state"`
		Mine      bool     `query:"mine"`
		Emergency bool     `query:"emergency"`
		Incident  string   `query:"incident"`
		Before    id.Purge `query:"before"`
	}
	web.Query(c, &q)
	q.Incident = strings.TrimSpace(q.Incident)
	states, tab := purgeTabs[q.State]
	if !tab {
		states = []purge.State{purge.State(q.State)}
	}
	page, err := h.Reader.List(c.Request().Context(), web.Actor(c), purge.Filter{
		States: states, Mine: q.Mine, Emergency: q.Emergency, Incident: q.Incident, Before: q.Before,
	})
	if err != nil {
		return err
	}
	of := templates.PurgeQuery{State: q.State, Mine: q.Mine, Emergency: q.Emergency, Incident: q.Incident}
	return web.Render(c, http.StatusOK, templates.PurgesPage(purgesView(page, of, q.Before == 0)))
}

// Show answers GET /purges/:id.
func (h *Purges) Show(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	return h.show(c, http.StatusOK, p, nil)
}

// show renders a request; change adds what came back from a form.
func (h *Purges) show(c echo.Context, status int, p id.Purge, change func(*templates.PurgeView)) error {
	by := web.Actor(c)
	d, err := h.Reader.Get(c.Request().Context(), by, p)
	if err != nil {
		return err
	}
	view := purgeView(d, by)
	if change != nil {
		change(&view)
	}
	return web.Render(c, status, templates.PurgePage(view))
}

// State answers GET /purges/:id/state, the block that changes while a purge runs.
func (h *Purges) State(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	d, err := h.Reader.Progress(c.Request().Context(), web.Actor(c), p)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.PurgeState(purgeProgress(d)))
}

type voteForm struct {
	Verdict string `form:"verdict"`
	Opinion string `form:"opinion"`
	Root    string `form:"root"`
	Code    string `form:"code"`
	AtOnce  bool   `form:"agree_at_once"`
	Checked bool   `form:"incident_checked"`
}

// Vote answers POST /purges/:id/vote.
func (h *Purges) Vote(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	var form voteForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	r, err := h.Desk.Vote(c.Request().Context(), web.Actor(c), purge.Ballot{
		Purge: p, Verdict: approval.Verdict(form.Verdict), Opinion: form.Opinion, SeenRoot: form.Root, Code: form.Code, AgreeAtOnce: form.AtOnce, IncidentChecked: form.Checked,
	})
	if err != nil {
		return h.again(c, p, err, func(v *templates.PurgeView) {
			v.Opinion, v.Checked, v.Problems = form.Opinion, form.Checked, problems(err)
		})
	}
	web.Flash(c, "purge.voted_"+form.Verdict, r.Code)
	return web.See(c, templates.PurgePath(uint64(p)))
}

// Withdraw answers POST /purges/:id/withdraw.
func (h *Purges) Withdraw(c echo.Context) error {
	p, err := web.PathID[id.Purge](c, "id")
	if err != nil {
		return err
	}
	var form struct {
		Reason string `form:"reason"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := h.Desk.Withdraw(c.Request().Context(), web.Actor(c), p, form.Reason); err != nil {
		return h.again(c, p, err, func(v *templates.PurgeView) {
			v.WithdrawWhy, v.WithdrawWrong = form.Reason, templates.Problems{"withdraw-reason": words(err)}
		})
	}
	web.Flash(c, "purge.was_withdrawn")
	return web.See(c, templates.PurgePath(uint64(p)))
}

// again shows the request once more with what was wrong, or passes on what the person cannot mend.
func (h *Purges) again(c echo.Context, p id.Purge, err error, change func(*templates.PurgeView)) error {
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, p, change)
	}
	return err
}

func requestKey() string { return rand.Text() }
