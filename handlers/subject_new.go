package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/models/subject"
	"qingdang/templates"
	"qingdang/web"
)

// subjectForm is what the form of a new request sends. Go says which button.
type subjectForm struct {
	Go        string `form:"go"`
	Key       string `form:"request_key"`
	Customer  string `form:"customer"`
	Reference string `form:"reference"`
	Received  string `form:"received"`
	Reason    string `form:"reason"`
	Shown     string `form:"shown"`
	Code      string `form:"code"`
}

// New answers GET /deletion-requests/new.
func (h *Subjects) New(c echo.Context) error {
	return h.fill(c, http.StatusOK, subjectForm{Key: requestKey(), Received: now(c).In(zoneOf(c)).Format(time.DateOnly)}, nil)
}

// Create answers POST /deletion-requests/new: it shows what the request would do, goes back to the form, or places it.
func (h *Subjects) Create(c echo.Context) error {
	var form subjectForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if form.Go == "edit" {
		return h.fill(c, http.StatusOK, form, nil)
	}
	order, err := form.order(c)
	if err != nil {
		return h.fill(c, http.StatusUnprocessableEntity, form, err)
	}
	if form.Go != "place" {
		return h.check(c, http.StatusOK, form, order, nil)
	}
	placed, err := h.Desk.Place(c.Request().Context(), web.Actor(c), order)
	if err == nil {
		web.Flash(c, "subject.page_was_placed", placed.Code)
		return web.See(c, templates.SubjectPath(uint64(placed.ID)))
	}
	status, ok := web.Mendable(err)
	if !ok {
		return err
	}
	if f, _ := fault.Of(err); f.Field != "" && f.Field != "code" {
		return h.fill(c, status, form, err)
	}
	return h.check(c, status, form, order, err)
}

// check shows what the request would do now, with the problem of the last attempt to place it.
func (h *Subjects) check(c echo.Context, status int, form subjectForm, order subject.Order, wrong error) error {
	p, err := h.Desk.Preview(c.Request().Context(), web.Actor(c), order.Customer)
	if err != nil {
		if status, ok := web.Mendable(err); ok {
			return h.fill(c, status, form, err)
		}
		return err
	}
	v := form.view()
	v.Preview = &templates.SubjectPreview{
		ReceivedAt: order.ReceivedAt, Shown: p.Total, Total: p.Sealed(), Floor: p.Floor, Held: p.Held, Order: p.Order, Free: p.Free, InBin: p.InBin, OnList: p.OnList,
		FirstUntil: instant(p.FirstUntil), LastUntil: instant(p.LastUntil), Forever: p.Forever,
	}
	v.Problems = problems(wrong)
	return web.Render(c, status, templates.SubjectNewPage(v))
}

// fill shows the first step with what was typed and what is wrong with it.
func (h *Subjects) fill(c echo.Context, status int, form subjectForm, wrong error) error {
	v := form.view()
	v.Problems = problems(wrong)
	return web.Render(c, status, templates.SubjectNewPage(v))
}

func (f subjectForm) view() templates.SubjectNewView {
	return templates.SubjectNewView{
		Customer: f.Customer, Reference: f.Reference, Received: f.Received, Reason: f.Reason, Key: f.Key, AnswerDays: int(subject.AnswerTime / (24 * time.Hour)),
	}
}

// order reads the form. The day of receipt is one of the organisation's zone.
func (f subjectForm) order(c echo.Context) (subject.Order, error) {
	received, wrong := day(f.Received, zoneOf(c), "received")
	if wrong == nil && received.IsZero() {
		wrong = fault.Invalid("subject.page_received_needed").On("received")
	} else if wrong == nil && received.After(now(c)) {
		wrong = fault.Invalid("subject.received_when").On("received")
	}
	o := subject.Order{
		Key: f.Key, Customer: strings.TrimSpace(f.Customer), Reference: strings.TrimSpace(f.Reference), Reason: strings.TrimSpace(f.Reason), ReceivedAt: received, Code: f.Code,
	}
	if n, err := strconv.ParseInt(f.Shown, 10, 64); err == nil {
		o.Shown = &n
	}
	if wrong != nil {
		return o, wrong
	}
	return o, o.Check()
}
