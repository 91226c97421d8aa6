package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/search"
	"qingdang/templates"
	"qingdang/web"
)

// Finder hands over what a search finds: one by one, or by id.
type Finder interface {
	Pick(ctx context.Context, by account.Actor, q conversation.Query, limit int) ([]id.Conversation, error)
	Each(ctx context.Context, by account.Actor, q conversation.Query, limit int, f func(*conversation.Row) error) error
}

// Conversations is the search, and what can be done with its rows.
type Conversations struct {
	Find interface {
		Finder
		Search(context.Context, account.Actor, conversation.Query) (*conversation.Page, error)
		Glance(context.Context, account.Actor, []conversation.Query) ([]conversation.Count, error)
		TagNames(context.Context, account.Actor) ([]string, error)
		Strangers(ctx context.Context, by account.Actor, tags, agents []string) (noTags, noAgents []string, err error)
	}
	Fold interface {
		Hide(context.Context, account.Actor, id.Conversation) error
	}
	Label interface {
		EditAll(ctx context.Context, by account.Actor, ids []id.Conversation, e conversation.TagEdit) (conversation.Tagged, error)
		Undo(ctx context.Context, by account.Actor, act string) (conversation.Tagged, error)
	}
	Bin interface {
		LocksOf(context.Context, account.Actor, []conversation.Row) (map[id.Conversation]bin.Lock, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Saved SavedSearches
	Seal  Sealer
	Zone  *time.Location
}

// Search answers GET /conversations. An address that is not written as we write it is
// answered by the one that is, so that a shared link is short and drops what we do not know; keywords
// that look like personal data are sealed.
func (h *Conversations) Search(c echo.Context) error {
	by := web.Actor(c)
	s, p, saved, stale := h.recaller().recall(c, readSearch(c.QueryParams()))
	if stale != nil && fault.KindOf(stale) != fault.KindInvalid {
		return stale
	}
	if open, more := privately(s, p.Customer); more.Q != "" {
		var err error
		if open.SID, err = more.seal(h.Seal, by, now(c)); err != nil {
			return err
		}
		s = open
	}
	if canonical := templates.ConversationsPath(s); canonical != c.Request().URL.RequestURI() {
		return c.Redirect(http.StatusSeeOther, canonical)
	}
	view := templates.ConversationsView{Search: s, Form: formOf(s, p)}
	err := together(stale, h.find(c, by, &view, p, saved, stale == nil))
	if err == nil {
		if err := h.showSelection(c, &view); err != nil {
			return h.unpicked(c, s, err)
		}
	}
	switch fault.KindOf(err) {
	case fault.None:
		return h.render(c, http.StatusOK, view)
	case fault.KindInvalid:
		if f, _ := fault.Of(err); f.Field == "cursor" {
			return c.Redirect(http.StatusSeeOther, templates.ConversationsPath(s.FirstPage()))
		}
		view.Problems = problems(err)
		return h.render(c, http.StatusUnprocessableEntity, view)
	case fault.KindBusy:
		view.Problems = problems(err)
		return h.render(c, http.StatusServiceUnavailable, view)
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

// find fills the view: the choices of the form in any case, the rows when nothing is wrong and run says so.
func (h *Conversations) find(c echo.Context, by account.Actor, view *templates.ConversationsView, p private, saved *search.Search, run bool) error {
	ctx := c.Request().Context()
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	if view.Tags, err = h.Find.TagNames(ctx, by); err != nil {
		return err
	}
	offerConditions(view, p, tree, by)
	if err := h.offerSaved(c, by, view, saved, tree); err != nil {
		return err
	}
	if err := h.offerWithout(c, by, view, p); err != nil {
		return err
	}
	q, err := query(view.Search, p, tree, by, h.Zone)
	if err != nil || !run {
		return err
	}
	q.Zone = h.Zone
	page, err := h.Find.Search(ctx, by, q)
	if err != nil {
		return err
	}
	locks, err := h.Bin.LocksOf(ctx, by, page.Rows)
	if err != nil {
		return err
	}
	showFound(view, page, q, locks, tree, by)
	if page.Total == 0 {
		if err := h.whyNothing(c, by, view, q, p); err != nil {
			return err
		}
	}
	if err := h.tellHidden(c, by, view, saved, tree); err != nil {
		return err
	}
	if page.Overview != nil {
		showFacets(view, page.Overview, tree, searchReach(view.Search, by), view.MaySealed)
		showHistogram(view, page.Overview.Histogram)
	}
	return nil
}

// offerWithout makes the addresses without one of the two things that are sealed together.
func (h *Conversations) offerWithout(c echo.Context, by account.Actor, view *templates.ConversationsView, p private) (err error) {
	if view.WithoutQ, err = (private{Customer: p.Customer}).seal(h.Seal, by, now(c)); err != nil {
		return err
	}
	view.WithoutCustomer, err = private{Q: p.Q}.seal(h.Seal, by, now(c))
	return err
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
// customer's id and keywords that look like personal data are sealed. With an error the form comes back
// as it was filled in, above what was found before.
func (h *Conversations) Ask(c echo.Context) error {
	form, err := formValues(c)
	if err != nil {
		return err
	}
	by := web.Actor(c)
	typed := templates.SearchForm{Search: permitted(readSearch(form), by), Customer: strings.TrimSpace(form.Get("customer"))}
	typed.Search = typed.FirstPage()
	typed.SID, typed.Sel, typed.Changed = "", "", true
	s, p := privately(typed.Search, typed.Customer)
	if s, err = h.recaller().beside(c, s, p); err != nil {
		return err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return err
	}
	_, wrong := query(s, p, tree, by, h.Zone)
	if typed.Period != "" && (typed.From != "" || typed.To != "") {
		wrong = together(wrong, fault.Invalid("conversation.period_or_days").On("period"))
	}
	if s.SID == "" {
		if s.SID, err = p.seal(h.Seal, by, now(c)); err != nil {
			wrong = together(wrong, err)
		}
	}
	switch fault.KindOf(wrong) {
	case fault.None:
		return web.See(c, templates.ConversationsPath(s))
	case fault.KindInvalid:
		return h.askAgain(c, typed, form.Get("back"), wrong)
	}
	return wrong
}

// askAgain shows the form with what is wrong, and below it what was found before.
func (h *Conversations) askAgain(c echo.Context, typed templates.SearchForm, back string, wrong error) error {
	view, err := h.before(c, back)
	if err != nil {
		return err
	}
	view.Form, view.Problems = typed, problems(wrong)
	view.Departments = chooseDepartment(view.Departments, typed.Dept)
	return h.render(c, http.StatusUnprocessableEntity, view)
}

// before shows once more the search from whose page something was sent.
func (h *Conversations) before(c echo.Context, back string) (view templates.ConversationsView, err error) {
	at, err := url.Parse(searchPath(back))
	if err == nil && at.Path == templates.ConversationsRoot {
		view.Search = readSearch(at.Query())
	}
	s, p, saved, stale := h.recaller().recall(c, view.Search)
	if stale != nil {
		s, p, saved = templates.Search{}, private{}, nil
	}
	view.Search, view.Form = s, formOf(s, p)
	err = h.find(c, web.Actor(c), &view, p, saved, back != "" && stale == nil)
	if _, refused := fault.Of(err); err != nil && !refused {
		return view, err
	}
	return view, nil
}

// formValues gives the body of a form.
func formValues(c echo.Context) (url.Values, error) {
	if err := web.Form(c, &struct{}{}); err != nil {
		return nil, err
	}
	return c.Request().PostForm, nil
}

func (h *Conversations) hide(c echo.Context, ids []id.Conversation, back string) error {
	hidden, left := 0, 0
	for _, one := range ids {
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
