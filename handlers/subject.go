package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/id"
	"qingdang/models/subject"
	"qingdang/templates"
	"qingdang/web"
)

// Subjects is the screens of customers' requests for deletion: the list, taking one down, its page and the answer.
type Subjects struct {
	Reader interface {
		List(context.Context, account.Actor, subject.Query) (*subject.Page, error)
		Get(context.Context, account.Actor, id.Subject) (*subject.Detail, error)
		Lines(context.Context, account.Actor, id.Subject, subject.LineQuery) ([]subject.Line, int64, error)
		Answer(context.Context, account.Actor, id.Subject) (*subject.Answer, error)
		Customer(context.Context, account.Actor, id.Subject) (string, error)
	}
	Desk interface {
		Preview(ctx context.Context, by account.Actor, customer string) (*subject.Preview, error)
		Place(context.Context, account.Actor, subject.Order) (*subject.Request, error)
		Answered(context.Context, account.Actor, id.Subject) error
		BinAgain(context.Context, account.Actor, id.Subject) (int64, error)
		Lift(ctx context.Context, by account.Actor, s id.Subject, reason, code string) error
	}
}

const subjectsPerPage = 20

// List answers GET /deletion-requests.
func (h *Subjects) List(c echo.Context) error {
	var q struct {
		State string `query:"state"`
		Page  int    `query:"page"`
	}
	web.Query(c, &q)
	if q.Page = max(1, q.Page); !slices.Contains(subject.States(), subject.State(q.State)) {
		q.State = ""
	}
	by := web.Actor(c)
	page, err := h.Reader.List(c.Request().Context(), by, subject.Query{State: subject.State(q.State), Page: q.Page, Size: subjectsPerPage})
	if err != nil {
		return err
	}
	v := subjectsView(page, q.Page)
	v.Filter, v.CanCreate = templates.SubjectFilter{State: q.State}, by.May(account.SubjectCreate)
	return web.Render(c, http.StatusOK, templates.SubjectsPage(v))
}

// Show answers GET /deletion-requests/:id.
func (h *Subjects) Show(c echo.Context) error {
	return h.show(c, http.StatusOK, templates.SubjectEntry{}, nil)
}

// Customer answers POST /deletion-requests/:id/customer: the page, this once with what identifies the customer. That
// somebody looked is written down.
func (h *Subjects) Customer(c echo.Context) error {
	which, err := web.PathID[id.Subject](c, "id")
	if err != nil {
		return err
	}
	if err := web.Form(c, &struct{}{}); err != nil {
		return err
	}
	typed, err := h.Reader.Customer(c.Request().Context(), web.Actor(c), which)
	if err != nil {
		return err
	}
	return h.show(c, http.StatusOK, templates.SubjectEntry{Customer: typed}, nil)
}

func (h *Subjects) show(c echo.Context, status int, entry templates.SubjectEntry, wrong error) error {
	which, err := web.PathID[id.Subject](c, "id")
	if err != nil {
		return err
	}
	var q struct {
		Place string `query:"place"`
		Page  int    `query:"page"`
	}
	web.Query(c, &q)
	if q.Page = max(1, q.Page); !slices.Contains(subject.Places(), q.Place) {
		q.Place = ""
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	d, err := h.Reader.Get(ctx, by, which)
	if err != nil {
		return err
	}
	lines, total, err := h.Reader.Lines(ctx, by, which, subject.LineQuery{Place: q.Place, Page: q.Page, Size: templates.SubjectLinesPerPage})
	if err != nil {
		return err
	}
	v := subjectView(d, lines, by)
	v.Place, v.Page, v.Total = q.Place, q.Page, total
	v.Entry, v.Problems = entry, problems(wrong)
	return web.Render(c, status, templates.SubjectPage(v))
}

// Answered answers POST /deletion-requests/:id/answered: the customer has got the answer.
func (h *Subjects) Answered(c echo.Context) error {
	return h.act(c, &struct{}{}, func(ctx context.Context, by account.Actor, which id.Subject) error {
		if err := h.Desk.Answered(ctx, by, which); err != nil {
			return err
		}
		web.Flash(c, "subject.page_was_answered")
		return nil
	}, templates.SubjectEntry{})
}

// BinAgain answers POST /deletion-requests/:id/bin: what somebody took out of the bin goes into it again.
func (h *Subjects) BinAgain(c echo.Context) error {
	return h.act(c, &struct{}{}, func(ctx context.Context, by account.Actor, which id.Subject) error {
		n, err := h.Desk.BinAgain(ctx, by, which)
		if err != nil {
			return err
		}
		web.Flash(c, "subject.page_was_binned", n)
		return nil
	}, templates.SubjectEntry{})
}

// Lift answers POST /deletion-requests/:id/lift.
func (h *Subjects) Lift(c echo.Context) error {
	var form struct {
		Reason string `form:"reason"`
		Code   string `form:"code"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	return h.act(c, &struct{}{}, func(ctx context.Context, by account.Actor, which id.Subject) error {
		if err := h.Desk.Lift(ctx, by, which, form.Reason, form.Code); err != nil {
			return err
		}
		web.Flash(c, "subject.page_was_lifted")
		return nil
	}, templates.SubjectEntry{Reason: form.Reason})
}

// act carries out one act on a request and shows the request again, with what was typed if it was refused.
func (h *Subjects) act(c echo.Context, form any, do func(context.Context, account.Actor, id.Subject) error, typed templates.SubjectEntry) error {
	which, err := web.PathID[id.Subject](c, "id")
	if err != nil {
		return err
	}
	if err := web.Form(c, form); err != nil {
		return err
	}
	err = do(c.Request().Context(), web.Actor(c), which)
	if err == nil {
		return web.See(c, templates.SubjectPath(uint64(which)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.show(c, status, typed, err)
	}
	return err
}

// Answer answers GET /deletion-requests/:id/answer with the answer to the customer, and its twin that ends in .pdf with
// the file, in the reader's language or that of ?lang.
func (h *Subjects) Answer(c echo.Context) error {
	v, err := h.answer(c)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.SubjectAnswerPage(*v))
}

// AnswerFile answers GET /deletion-requests/:id/answer.pdf.
func (h *Subjects) AnswerFile(c echo.Context) error {
	v, err := h.answer(c)
	if err != nil {
		return err
	}
	ctx := languageOf(c)
	file, err := templates.SubjectAnswerPDF(ctx, *v)
	if err != nil {
		return err
	}
	_, err = attachment(c, "application/pdf", inLanguage(ctx, "answer-"+v.Code, "pdf")).Write(file)
	return err
}

func (h *Subjects) answer(c echo.Context) (*templates.SubjectAnswerView, error) {
	which, err := web.PathID[id.Subject](c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	a, err := h.Reader.Answer(ctx, web.Actor(c), which)
	if err != nil {
		return nil, err
	}
	v := subjectAnswer(a)
	v.Organisation = templates.FrameOf(ctx).Organisation
	return v, nil
}

// SubjectOf finds the open request that sealed a conversation, nil where there is none.
type SubjectOf interface {
	Of(context.Context, account.Actor, id.Conversation) (*subject.Request, error)
}

// sealed tells for which request a conversation is sealed.
func (h *Conversation) sealed(ctx context.Context, by account.Actor, which id.Conversation) (templates.SubjectSeal, error) {
	r, err := h.Requests.Of(ctx, by, which)
	if err != nil || r == nil { // it ended between two looks
		return templates.SubjectSeal{}, err
	}
	return templates.SubjectSeal{Code: r.Code, Path: templates.SubjectPath(uint64(r.ID)), ReceivedAt: r.ReceivedAt}, nil
}
