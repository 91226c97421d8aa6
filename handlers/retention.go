package handlers

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/retention"
	"qingdang/templates"
	"qingdang/web"
)

// Retention is the screens of the retention policy: reading it and changing it by two people.
type Retention struct {
	Reader interface {
		Get(context.Context, account.Actor) (*retention.Page, error)
		Show(ctx context.Context, by account.Actor, code string) (*retention.Detail, error)
		Effect(context.Context, account.Actor, retention.Draft) (*retention.Effect, error)
	}
	Desk interface {
		Propose(ctx context.Context, by account.Actor, d retention.Draft, seen, reason string) (*retention.Change, error)
		Decide(context.Context, account.Actor, retention.Ballot, approval.Verdict) (*retention.Change, error)
		Cancel(ctx context.Context, by account.Actor, code, reason string) error
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

// List answers GET /retention.
func (h *Retention) List(c echo.Context) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	p, err := h.Reader.Get(ctx, by)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.RetentionPage(retentionView(p, tree, by)))
}

// Edit answers GET /retention/edit with the policy in force as a form.
func (h *Retention) Edit(c echo.Context) error {
	p, err := h.Reader.Get(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	v := templates.RetentionEditView{Policy: retentionPolicy(p.Draft, nil), Known: len(p.Draft.Rules), Seen: p.Draft.Fingerprint()}
	v.Policy.Rules = append(v.Policy.Rules, templates.RetentionRule{})
	return web.Render(c, http.StatusOK, templates.RetentionEditPage(v))
}

// Save answers POST /retention/edit: it counts what the change would do, or proposes it.
func (h *Retention) Save(c echo.Context) error {
	if err := web.Form(c, &struct{}{}); err != nil {
		return err
	}
	form := c.Request().PostForm // the names of its fields count the rules
	ctx, by := c.Request().Context(), web.Actor(c)
	draft, wrong := readRetention(form)
	if wrong != nil {
		return h.again(c, http.StatusUnprocessableEntity, form, draft, wrong)
	}
	if form.Get("go") == "propose" {
		change, err := h.Desk.Propose(ctx, by, draft, form.Get("seen"), form.Get("reason"))
		if status, ok := web.Mendable(err); ok {
			return h.again(c, status, form, draft, err)
		}
		if err != nil {
			return err
		}
		web.Flash(c, "retention.was_proposed", change.Code)
		return web.See(c, templates.RetentionChangePath(change.Code))
	}
	return h.again(c, http.StatusOK, form, draft, nil)
}

// again shows the form with what was typed, and what that would do where it is right. Whoever typed it for another
// policy is told once; the form that he is shown is for the present one.
func (h *Retention) again(c echo.Context, status int, form url.Values, draft retention.Draft, wrong error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	p, err := h.Reader.Get(ctx, by)
	if err != nil {
		return err
	}
	v := templates.RetentionEditView{
		Policy: retentionPolicy(draft, nil), Known: len(p.Draft.Rules), Seen: p.Draft.Fingerprint(), Reason: form.Get("reason"),
	}
	if wrong == nil && form.Get("seen") != v.Seen {
		status, wrong = http.StatusConflict, fault.Conflict("retention.changed_meanwhile")
	}
	v.Problems = problems(wrong)
	_, noReason := v.Problems["reason"]
	countable := fault.KindOf(wrong) != fault.KindInvalid || noReason && len(v.Problems) == 1
	if numbers := !typedDays(form, &v.Policy); numbers && countable {
		e, err := h.Reader.Effect(ctx, by, draft)
		switch fault.KindOf(err) {
		case fault.None:
			is := draft.Normal()
			v.Effect, v.Lines, v.Weakens = retentionEffect(e), retentionLines(ctx, p.Draft, is), is.Weakens(p.Draft)
		case fault.KindInvalid:
			if wrong == nil {
				status = http.StatusUnprocessableEntity
			}
			v.Problems = problems(err)
			maps.Copy(v.Problems, problems(wrong))
		default:
			return err
		}
	}
	v.Policy.Rules = blank(v.Policy.Rules, v.Known)
	return web.Render(c, status, templates.RetentionEditPage(v))
}

// blank adds the empty rule for a new type where none is typed.
func blank(rules []templates.RetentionRule, known int) []templates.RetentionRule {
	if len(rules) <= known {
		rules = append(rules, templates.RetentionRule{})
	}
	return rules
}

// typedDays puts what was typed in place of numbers that are none, so that it can be mended.
func typedDays(form url.Values, p *templates.RetentionPolicy) (bad bool) {
	for i := range p.Rules {
		r := &p.Rules[i]
		for name, field := range map[string]*string{"floor": &r.Floor, "target": &r.Target, "ceiling": &r.Ceiling} {
			typed := strings.TrimSpace(form.Get(name + "-" + strconv.Itoa(i)))
			if _, err := strconv.Atoi(typed); typed != "" && err != nil {
				*field, bad = short(typed), true
			}
		}
	}
	return bad
}

// readRetention reads the form. The rules stay in the order of the form, in which a rule for a new type is last.
func readRetention(form url.Values) (d retention.Draft, err error) {
	n, _ := strconv.Atoi(form.Get("rows"))
	var wrong []*fault.Fault
	for i := range min(max(n, 0), 100) {
		at := func(name string) string { return name + "-" + strconv.Itoa(i) }
		number := func(name string) int {
			typed := strings.TrimSpace(form.Get(at(name)))
			if typed == "" {
				return 0
			}
			v, err := strconv.Atoi(typed)
			if err != nil {
				wrong = append(wrong, fault.Invalid("retention.days", 36500).On(at(name)))
			}
			return v
		}
		r := retention.DraftRule{
			ServiceType: strings.TrimSpace(form.Get(at("type"))), FloorDays: number("floor"), TargetDays: number("target"), CeilingDays: number("ceiling"),
			Forever: form.Get(at("forever")) == "1", Basis: form.Get(at("basis")), Confirmed: form.Get(at("confirmed")) == "1",
		}
		if i > 0 && i == n-1 && r.ServiceType == "" && !r.Forever && r.FloorDays+r.TargetDays+r.CeilingDays == 0 {
			continue // nobody wanted a new type
		}
		d.Rules = append(d.Rules, r)
	}
	d.NeverKeep = personalKinds(form["never"])
	return d, fault.All(wrong...)
}

// Change answers GET /retention/changes/:code.
func (h *Retention) Change(c echo.Context) error {
	return h.show(c, http.StatusOK, templates.RetentionChangeView{}, nil)
}

func (h *Retention) show(c echo.Context, status int, typed templates.RetentionChangeView, wrong error) error {
	ctx := c.Request().Context()
	d, err := h.Reader.Show(ctx, web.Actor(c), c.Param("code"))
	if err != nil {
		return err
	}
	v := templates.RetentionChangeView{
		RetentionChange: retentionChange(&d.Change), Lines: retentionLines(ctx, d.Was, d.Then), Weakens: d.Weakens, Effect: retentionEffect(d.Effect),
		CanDecide: d.CanDecide, CanCancel: d.CanCancel, Refused: words(d.Refused), Entry: typed.Entry, Problems: problems(wrong),
	}
	return web.Render(c, status, templates.RetentionChangePage(v))
}

// Decide answers POST /retention/changes/:code/decide.
func (h *Retention) Decide(c echo.Context) error {
	var form ballotForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	b := retention.Ballot{Change: c.Param("code"), SeenRoot: form.Root, Opinion: form.Opinion, Code: form.Code}
	say := func(v approval.Verdict) func() error {
		return func() error {
			_, err := h.Desk.Decide(c.Request().Context(), web.Actor(c), b, v)
			return err
		}
	}
	if err := form.cast(say(approval.Approve), say(approval.Reject)); err != nil {
		var v templates.RetentionChangeView
		v.Entry.Act, v.Entry.Opinion = "decide", form.Opinion
		return h.refused(c, v, err)
	}
	web.Flash(c, "retention.was_decided")
	return web.See(c, templates.RetentionChangePath(b.Change))
}

// Cancel answers POST /retention/changes/:code/cancel.
func (h *Retention) Cancel(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	var v templates.RetentionChangeView
	v.Entry.Act, v.Entry.Reason = "cancel", form.Reason
	if err := h.Desk.Cancel(c.Request().Context(), web.Actor(c), c.Param("code"), form.Reason); err != nil {
		return h.refused(c, v, err)
	}
	web.Flash(c, "retention.was_cancelled")
	return web.See(c, templates.RetentionChangePath(c.Param("code")))
}

// refused shows the change again with what was typed.
func (h *Retention) refused(c echo.Context, v templates.RetentionChangeView, err error) error {
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, v, err)
	}
	return err
}
