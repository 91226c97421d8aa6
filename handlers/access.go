package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/access"
	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Access is the screens of cross-department access: the lists, asking, answering and ending.
type Access struct {
	Reader interface {
		List(context.Context, account.Actor, access.Query) (*access.Page, error)
		Get(context.Context, account.Actor, id.Access) (*access.Detail, error)
	}
	Desk interface {
		Ask(context.Context, account.Actor, access.Wish) (*access.Grant, error)
		End(ctx context.Context, by account.Actor, which id.Access, note string) (*access.Grant, error)
	}
	Second interface {
		Approve(context.Context, account.Actor, access.Ballot) (*access.Grant, error)
		Reject(context.Context, account.Actor, access.Ballot) (*access.Grant, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
}

const accessPerPage = 20

// List answers GET /access. Whoever decides begins with what waits, whoever asks with the own.
func (h *Access) List(c echo.Context) error {
	var q struct {
		Part   string    `query:"part"`
		Text   string    `query:"q"`
		Before id.Access `query:"before"`
	}
	web.Query(c, &q)
	ctx, by := c.Request().Context(), web.Actor(c)
	part := access.Part(q.Part)
	if parts := accessParts(by); !slices.Contains(parts, part) {
		part = parts[0]
	}
	text := short(q.Text)
	page, err := h.Reader.List(ctx, by, access.Query{Part: part, Text: text, Before: q.Before, Size: accessPerPage})
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	v := accessView(page, tree, by)
	v.Filter, v.Before = templates.AccessFilter{Part: string(part), Text: text}, uint64(q.Before)
	return web.Render(c, http.StatusOK, templates.AccessListPage(v))
}

// accessParts are the lists that are of use to somebody, the first one first.
func accessParts(by account.Actor) []access.Part {
	switch {
	case by.May(account.AccessDecide) && by.May(account.AccessRequest):
		return []access.Part{access.Waiting, access.Mine, access.Running, access.Over}
	case by.May(account.AccessRequest):
		return []access.Part{access.Mine, access.Running, access.Over}
	}
	return []access.Part{access.Waiting, access.Running, access.Over}
}

// accessForm is what the form of a new request sends.
type accessForm struct {
	Key          string        `form:"request_key"`
	Kind         string        `form:"kind"`
	Department   id.Department `form:"department"`
	Sub          bool          `form:"sub"`
	Conversation string        `form:"conversation"`
	Customer     string        `form:"customer"`
	From         string        `form:"from"`
	To           string        `form:"to"`
	Reason       string        `form:"reason"`
	Days         string        `form:"days"`
}

// New answers GET /access/new, also from a page that did not say whether something exists.
func (h *Access) New(c echo.Context) error {
	var q struct {
		Kind string `query:"kind"`
		Code string `query:"code"`
	}
	web.Query(c, &q)
	form := accessForm{Key: requestKey(), Kind: string(access.OfDepartment), Days: strconv.Itoa(access.UsualDays), Conversation: short(q.Code)}
	if slices.Contains(access.Kinds(), access.Kind(q.Kind)) {
		form.Kind = q.Kind
	}
	today := now(c).In(zoneOf(c))
	form.From, form.To = today.AddDate(0, -3, 0).Format("2006-01-02"), today.Format("2006-01-02")
	return h.ask(c, http.StatusOK, form, nil)
}

// Create answers POST /access/new.
func (h *Access) Create(c echo.Context) error {
	var form accessForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	wish, err := form.wish(c)
	if err != nil {
		return h.ask(c, http.StatusUnprocessableEntity, form, err)
	}
	g, err := h.Desk.Ask(c.Request().Context(), web.Actor(c), wish)
	if err == nil {
		web.Flash(c, "access.page_was_asked", g.Code)
		return web.See(c, templates.AccessGrantPath(uint64(g.ID)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.ask(c, status, form, err)
	}
	return err
}

// wish reads the form. Days are those of the organisation's zone, both included.
func (f accessForm) wish(c echo.Context) (access.Wish, error) {
	zone := zoneOf(c)
	from, badFrom := day(f.From, zone, "from")
	to, badTo := day(f.To, zone, "to")
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	days, err := strconv.Atoi(f.Days)
	if err != nil || days == 0 {
		days = -1 // 0 would be the usual number
	}
	w := access.Wish{
		Kind: access.Kind(f.Kind), Department: f.Department, Sub: f.Sub, Code: f.Conversation, Customer: f.Customer, From: from, To: to,
		Reason: f.Reason, Days: days, FormKey: f.Key,
	}
	if w.Kind == access.OfConversation { // its fields are folded away
		badFrom, badTo = nil, nil
	}
	return w, fault.All(badFrom, badTo)
}

func (h *Access) ask(c echo.Context, status int, form accessForm, wrong error) error {
	by := web.Actor(c)
	if by.Scope.All {
		return fault.Forbidden("access.everywhere")
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return err
	}
	v := templates.AccessNewView{
		Kind: form.Kind, Code: form.Conversation, Customer: form.Customer, From: form.From, To: form.To, Reason: form.Reason, Days: form.Days, Key: form.Key, Sub: form.Sub,
		ShortReason: access.ShortReason, MostDays: access.MostDays, Departments: departmentsOf(tree, account.Everywhere(), id.String(form.Department)), Problems: problems(wrong),
	}
	for _, k := range access.Kinds() {
		v.Kinds = append(v.Kinds, string(k))
	}
	return web.Render(c, status, templates.AccessNewPage(v))
}

// Show answers GET /access/:id.
func (h *Access) Show(c echo.Context) error {
	return h.show(c, http.StatusOK, templates.AccessEntry{}, nil)
}

func (h *Access) show(c echo.Context, status int, entry templates.AccessEntry, wrong error) error {
	which, err := web.PathID[id.Access](c, "id")
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Reader.Get(ctx, by, which)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	v := accessGrantView(d, tree, by)
	v.Entry, v.Problems = entry, problems(wrong)
	return web.Render(c, status, templates.AccessGrantPage(v))
}

// Decide answers POST /access/:id/decide.
func (h *Access) Decide(c echo.Context) error {
	var form ballotForm
	done := "access.page_was_rejected"
	return h.act(c, &form, &done, func(ctx context.Context, by account.Actor, which id.Access) error {
		b := access.Ballot{Access: which, SeenRoot: form.Root, Opinion: form.Opinion, Code: form.Code}
		return form.cast(func() error {
			done = "access.page_was_granted"
			_, err := h.Second.Approve(ctx, by, b)
			return err
		}, func() error {
			_, err := h.Second.Reject(ctx, by, b)
			return err
		})
	}, func() templates.AccessEntry { return templates.AccessEntry{Opinion: form.Opinion} })
}

// End answers POST /access/:id/end: a grant ends, a request is withdrawn.
func (h *Access) End(c echo.Context) error {
	var form struct {
		Note string `form:"note"`
	}
	done := "access.page_was_ended"
	return h.act(c, &form, &done, func(ctx context.Context, by account.Actor, which id.Access) error {
		g, err := h.Desk.End(ctx, by, which, strings.TrimSpace(form.Note))
		if err == nil && g.State == access.Withdrawn {
			done = "access.page_was_withdrawn"
		}
		return err
	}, func() templates.AccessEntry { return templates.AccessEntry{Note: form.Note} })
}

// act carries out one act and shows the request again, with what was typed if it was refused.
func (h *Access) act(c echo.Context, form any, done *string, do func(context.Context, account.Actor, id.Access) error, typed func() templates.AccessEntry) error {
	which, err := web.PathID[id.Access](c, "id")
	if err != nil {
		return err
	}
	if err := web.Form(c, form); err != nil {
		return err
	}
	err = do(c.Request().Context(), web.Actor(c), which)
	if err == nil {
		web.Flash(c, *done)
		return web.See(c, templates.AccessGrantPath(uint64(which)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, typed(), err)
	}
	return err
}
