package handlers

import (
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Holds is the screens of legal holds: the register, placing, reviewing and releasing.
type Holds struct {
	Reader interface {
		List(context.Context, account.Actor, hold.Query) (*hold.Page, error)
		Get(context.Context, account.Actor, id.Hold) (*hold.Detail, error)
		Export(context.Context, account.Actor, hold.Query) ([]hold.Row, error)
		Customers(context.Context, account.Actor, id.Hold) ([]string, error)
	}
	Desk interface {
		Owners(context.Context, account.Actor) ([]account.Standing, error)
		Preview(context.Context, account.Actor, hold.Order) (*hold.Counts, error)
		Place(context.Context, account.Actor, hold.Order) (*hold.Hold, error)
		Review(context.Context, account.Actor, hold.Reviewing) error
	}
	Release interface {
		RequestRelease(ctx context.Context, by account.Actor, h id.Hold, reason string) (*hold.Release, error)
		ApproveRelease(context.Context, account.Actor, hold.Ballot) (*hold.Release, error)
		RejectRelease(context.Context, account.Actor, hold.Ballot) (*hold.Release, error)
		CancelRelease(ctx context.Context, by account.Actor, h id.Hold, reason string) error
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Picker Picker // of what a search found
}

const holdsPerPage = 20

// holdQuery is what the address of the register says.
type holdQuery struct {
	State string `query:"state"`
	Owner string `query:"owner"`
	Text  string `query:"q"`
	Page  int    `query:"page"`
}

func readHolds(c echo.Context) holdQuery {
	var q holdQuery
	web.Query(c, &q)
	q.Text = short(q.Text)
	q.Page = max(1, q.Page)
	return q
}

func (q holdQuery) filter() templates.HoldFilter {
	return templates.HoldFilter{State: q.State, Owner: q.Owner, Text: q.Text}
}

func (q holdQuery) query(size int) hold.Query {
	owner, err := id.Parse[id.User](q.Owner)
	if err != nil {
		owner = 0
	}
	return hold.Query{State: hold.State(q.State), Owner: owner, Text: q.Text, Page: q.Page, Size: size}
}

// List answers GET /holds.
func (h *Holds) List(c echo.Context) error {
	v, err := h.register(c)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.HoldsPage(*v))
}

func (h *Holds) register(c echo.Context) (*templates.HoldsView, error) {
	q := readHolds(c)
	page, err := h.Reader.List(c.Request().Context(), web.Actor(c), q.query(holdsPerPage))
	if err != nil {
		return nil, err
	}
	v := holdsView(page, q)
	v.CanCreate = web.Actor(c).May(account.HoldCreate)
	return &v, nil
}

// Show answers GET /holds/:id: the register with one hold beside it.
func (h *Holds) Show(c echo.Context) error {
	return h.show(c, http.StatusOK, templates.HoldEntry{}, nil)
}

func (h *Holds) show(c echo.Context, status int, entry templates.HoldEntry, problems templates.Problems) error {
	which, err := web.PathID[id.Hold](c, "id")
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Reader.Get(ctx, by, which)
	if err != nil {
		return err
	}
	v, err := h.register(c)
	if err != nil {
		return err
	}
	v.Hold = holdDetail(d, by)
	v.Hold.Entry, v.Hold.Problems = entry, problems
	if d.CanSeeCustomers {
		if v.Hold.Scope.CustomerIDs, err = h.Reader.Customers(ctx, by, which); err != nil {
			return err
		}
	}
	return web.Render(c, status, templates.HoldsPage(*v))
}

// File answers GET /holds/list.csv with the register.
func (h *Holds) File(c echo.Context) error {
	ctx := c.Request().Context()
	rows, err := h.Reader.Export(ctx, web.Actor(c), readHolds(c).query(0))
	if err != nil {
		return err
	}
	res := attachment(c, "text/csv; charset=utf-8", "holds.csv")
	if _, err := res.Write([]byte("\ufeff")); err != nil {
		return err
	}
	w := csv.NewWriter(res)
	w.UseCRLF = true
	var head []string
	for _, key := range []string{"hold.code", "hold.name", "hold.scope", "hold.conversations_short", "hold.owner", "hold.next_review", "common.state", "hold.placed"} {
		head = append(head, locale.T(ctx, key))
	}
	lines := [][]string{head}
	for i := range rows {
		r := holdRow(&rows[i], rows[i].ReviewOn)
		line := []string{
			r.Code, r.Name, r.Scope.Short(ctx), strconv.FormatInt(r.Conversations, 10), r.Owner, locale.Day(ctx, r.ReviewAt),
			locale.T(ctx, "status.hold."+r.State), locale.Date(ctx, rows[i].CreatedAt),
		}
		for j := range line {
			line[j] = mask.Cell(line[j])
		}
		lines = append(lines, line)
	}
	if err := w.WriteAll(lines); err != nil {
		return err
	}
	return w.Error()
}

// Review answers POST /holds/:id/review.
func (h *Holds) Review(c echo.Context) error {
	var form struct {
		Next string `form:"next"`
		Note string `form:"note"`
	}
	return h.act(c, &form, "hold.was_reviewed", func(ctx context.Context, by account.Actor, which id.Hold) error {
		next, wrong := day(form.Next, zoneOf(c), "next")
		if err := fault.All(wrong); err != nil {
			return err
		}
		return h.Desk.Review(ctx, by, hold.Reviewing{Hold: which, Next: next, Note: form.Note})
	}, func() templates.HoldEntry {
		return templates.HoldEntry{Act: "review", Next: form.Next, Note: form.Note}
	})
}

// AskRelease answers POST /holds/:id/release.
func (h *Holds) AskRelease(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
	}
	return h.act(c, &form, "hold.was_asked", func(ctx context.Context, by account.Actor, which id.Hold) error {
		_, err := h.Release.RequestRelease(ctx, by, which, form.Reason)
		return err
	}, func() templates.HoldEntry { return templates.HoldEntry{Act: "release", Reason: form.Reason} })
}

// Decide answers POST /holds/:id/decide: the second person's answer to a release.
func (h *Holds) Decide(c echo.Context) error {
	var form struct {
		Verdict string `form:"verdict"`
		Opinion string `form:"opinion"`
		Root    string `form:"root"`
		Tail    string `form:"tail"`
		Code    string `form:"code"`
	}
	return h.act(c, &form, "hold.was_decided", func(ctx context.Context, by account.Actor, which id.Hold) (err error) {
		b := hold.Ballot{Hold: which, SeenRoot: form.Root, Tail: form.Tail, Opinion: form.Opinion, Code: form.Code}
		switch form.Verdict {
		case "approve":
			_, err = h.Release.ApproveRelease(ctx, by, b)
		case "reject":
			_, err = h.Release.RejectRelease(ctx, by, b)
		default:
			err = fault.Invalid("approval.verdict_missing")
		}
		return err
	}, func() templates.HoldEntry { return templates.HoldEntry{Act: "decide", Opinion: form.Opinion} })
}

// Cancel answers POST /holds/:id/cancel: the hold stays in force.
func (h *Holds) Cancel(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
	}
	return h.act(c, &form, "hold.was_cancelled", func(ctx context.Context, by account.Actor, which id.Hold) error {
		err := h.Release.CancelRelease(ctx, by, which, form.Reason)
		if f, ok := fault.Of(err); ok && f.Field == "reason" {
			return f.On("cancel-reason")
		}
		return err
	}, func() templates.HoldEntry { return templates.HoldEntry{Act: "cancel", Reason: form.Reason} })
}

// act carries out one act on a hold and shows the hold again, with what was typed if it was
// refused.
func (h *Holds) act(c echo.Context, form any, done string, do func(context.Context, account.Actor, id.Hold) error, typed func() templates.HoldEntry) error {
	which, err := web.PathID[id.Hold](c, "id")
	if err != nil {
		return err
	}
	if err := web.Form(c, form); err != nil {
		return err
	}
	err = do(c.Request().Context(), web.Actor(c), which)
	if err == nil {
		web.Flash(c, done)
		return web.See(c, templates.HoldPath(uint64(which)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, typed(), problems(err))
	}
	return err
}

// zoneOf is the organisation's time zone, in which days are typed.
func zoneOf(c echo.Context) *time.Location { return locale.Zone(c.Request().Context()) }

// lines takes a list apart that has one value a line, or commas between.
func lines(text string) []string { return wordList(strings.ReplaceAll(text, "\t", "\n")) }
