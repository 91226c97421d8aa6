package handlers

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Conversations is the search, and what can be done with its rows.
type Conversations struct {
	Find interface {
		Search(context.Context, account.Actor, conversation.Query) (*conversation.Page, error)
		TagNames(context.Context, account.Actor) ([]string, error)
	}
	Fold interface {
		Hide(context.Context, account.Actor, id.Conversation) error
	}
	Bin interface {
		Locks(context.Context, account.Actor, []id.Conversation) (map[id.Conversation]bin.Lock, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Seal Sealer
	Zone *time.Location
}

// Search answers GET /conversations. An address that is not written as we write it is
// answered by the one that is, so that a shared link is short and drops what we do not know.
func (h *Conversations) Search(c echo.Context) error {
	s := readSearch(c.QueryParams())
	if canonical := templates.ConversationsPath(s); canonical != c.Request().URL.RequestURI() {
		return c.Redirect(http.StatusSeeOther, canonical)
	}
	by := web.Actor(c)
	customer, badCustomer := openCustomer(h.Seal, by, s.SID, now(c))
	view := templates.ConversationsView{Search: s, Customer: customer}
	err := h.find(c.Request().Context(), by, &view, badCustomer)
	switch fault.KindOf(err) {
	case fault.None:
		return h.render(c, http.StatusOK, view)
	case fault.KindInvalid:
		if f, _ := fault.Of(err); f.Field == "cursor" {
			s.Cursor = ""
			return c.Redirect(http.StatusSeeOther, templates.ConversationsPath(s))
		}
		view.Problems = problems(err)
		return h.render(c, http.StatusUnprocessableEntity, view)
	default:
		return err
	}
}

func (h *Conversations) render(c echo.Context, status int, view templates.ConversationsView) error {
	if web.Fragment(c) && status == http.StatusOK {
		return web.Render(c, status, templates.ConversationResults(view))
	}
	return web.Render(c, status, templates.ConversationsPage(view))
}

// find fills the view: the choices of the form in any case, the rows when nothing is wrong.
func (h *Conversations) find(ctx context.Context, by account.Actor, view *templates.ConversationsView, badCustomer error) error {
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	if view.Tags, err = h.Find.TagNames(ctx, by); err != nil {
		return err
	}
	offerConditions(view, tree, by)
	q, err := query(view.Search, view.Customer, tree, by, h.Zone)
	if err = together(err, badCustomer); err != nil {
		return err
	}
	page, err := h.Find.Search(ctx, by, q)
	if err != nil {
		return err
	}
	ids := make([]id.Conversation, len(page.Rows))
	for i, r := range page.Rows {
		ids[i] = r.ID
	}
	locks, err := h.Bin.Locks(ctx, by, ids)
	if err != nil {
		return err
	}
	showFound(view, page, locks, tree, by)
	return nil
}

// together joins what is wrong with several fields.
func together(errs ...error) error {
	var all []*fault.Fault
	for _, err := range errs {
		if f, ok := fault.Of(err); ok {
			all = append(all, f.List()...)
		} else if err != nil {
			return err
		}
	}
	return fault.All(all...)
}

// Ask answers POST /conversations: the form. What was asked gets an address, in which a
// customer's id is sealed.
func (h *Conversations) Ask(c echo.Context) error {
	form, err := formValues(c)
	if err != nil {
		return err
	}
	s := readSearch(form)
	s.SID, s.Cursor = "", ""
	if s.SID, err = sealCustomer(h.Seal, web.Actor(c), form.Get("customer"), now(c)); err != nil {
		view := templates.ConversationsView{Search: s, Problems: problems(err)}
		tree, err := h.Departments.Tree(c.Request().Context())
		if err != nil {
			return err
		}
		offerConditions(&view, tree, web.Actor(c))
		return h.render(c, http.StatusUnprocessableEntity, view)
	}
	return web.See(c, templates.ConversationsPath(s))
}

// formValues gives the body of a form.
func formValues(c echo.Context) (url.Values, error) {
	if err := web.Form(c, &struct{}{}); err != nil {
		return nil, err
	}
	return c.Request().PostForm, nil
}

type rowsForm struct {
	IDs  []id.Conversation `form:"id"`
	Back string            `form:"back"`
}

// HideRows answers POST /conversations/hide: it folds away the chosen rows of a page.
func (h *Conversations) HideRows(c echo.Context) error {
	var form rowsForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	back := searchPath(form.Back)
	if len(form.IDs) == 0 || len(form.IDs) > templates.SearchSizes[len(templates.SearchSizes)-1] {
		web.FlashError(c, "conversation.choose_rows")
		return web.See(c, back)
	}
	hidden, left := 0, 0
	for _, one := range form.IDs {
		switch err := h.Fold.Hide(c.Request().Context(), web.Actor(c), one); fault.KindOf(err) {
		case fault.None:
			hidden++
		case fault.KindConflict, fault.KindNotFound:
			left++
		default:
			return err
		}
	}
	if left > 0 {
		web.FlashError(c, "conversation.hidden_partly", hidden, left)
	} else {
		web.FlashLink(c, templates.ConversationsPath(templates.Search{State: templates.SearchHidden}), "conversation.state_hidden", "conversation.hidden_some", hidden)
	}
	return web.See(c, back)
}
