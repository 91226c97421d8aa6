package handlers

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/search"
	"qingdang/templates"
	"qingdang/web"
)

// SavedSearches keeps searches.
type SavedSearches interface {
	List(context.Context, account.Actor) ([]search.Search, error)
	Open(ctx context.Context, by account.Actor, code string) (*search.Search, error)
	Save(ctx context.Context, by account.Actor, name string, c search.Conditions, s search.Share) (code string, err error)
	Update(ctx context.Context, by account.Actor, code string, c search.Conditions) error
}

// recaller completes searches that addresses name.
type recaller struct {
	Saved interface {
		Open(ctx context.Context, by account.Actor, code string) (*search.Search, error)
	}
	Seal Sealer
	Zone *time.Location
}

func (h *Conversations) recaller() recaller { return recaller{h.Saved, h.Seal, h.Zone} }

// recall completes a search that an address names: with what is sealed in it, what was saved, and the
// days of its period. The fault is invalid for a sealed part that is old, and not-found or a conflict for a
// saved search that cannot be opened.
func (h recaller) recall(c echo.Context, s templates.Search) (templates.Search, private, *search.Search, error) {
	by := web.Actor(c)
	s = permitted(s, by)
	p, stale := openPrivate(h.Seal, by, s.SID, now(c))
	if s.Saved == "" {
		return dated(s, now(c), h.Zone), p, nil, stale
	}
	saved, err := h.Saved.Open(c.Request().Context(), by, s.Saved)
	if err != nil {
		return s, p, nil, err
	}
	if !s.Changed {
		full, sealed := searchOf(saved.Conditions)
		full.Saved, full.Under, full.Cursor, full.Page, full.Size = s.Saved, s.Under, s.Cursor, s.Page, s.Size
		if full.Sort = cmp.Or(s.Sort, full.Sort); full.Sort == templates.SortNewest {
			full.Sort = ""
		}
		if full.SID, err = sealed.seal(h.Seal, by, now(c)); err != nil {
			return s, p, nil, err
		}
		s, p, stale = full, sealed, nil
	}
	s, err = h.besideOf(c, s, p, saved.Conditions)
	if err != nil {
		return s, p, nil, err
	}
	return s, p, saved, stale
}

// beside puts the saved search beside a search that comes from it, so that its address is no longer than
// what differs.
func (h recaller) beside(c echo.Context, s templates.Search, p private) (templates.Search, error) {
	if s.Saved == "" {
		return dated(s, now(c), h.Zone), nil
	}
	saved, err := h.Saved.Open(c.Request().Context(), web.Actor(c), s.Saved)
	if err != nil {
		return s, err
	}
	return h.besideOf(c, s, p, saved.Conditions)
}

func (h recaller) besideOf(c echo.Context, s templates.Search, p private, conditions search.Conditions) (templates.Search, error) {
	base, sealed := searchOf(conditions)
	token, err := sealed.seal(h.Seal, web.Actor(c), now(c))
	if err != nil {
		return s, err
	}
	switch {
	case p != sealed:
		base.SID = token
	case s.SID == "":
		s.SID, base.SID = token, token
	default: // two tokens of one thing
		base.SID = s.SID
	}
	base = dated(base, now(c), h.Zone)
	s.Base = &base
	return dated(s, now(c), h.Zone), nil
}

// searchOf writes saved conditions as a search, and takes out what may stand in no address.
func searchOf(c search.Conditions) (templates.Search, private) {
	s := templates.Search{
		Q: c.Words, Period: c.Period, From: c.From, To: c.To, Sub: c.Sub && c.Department != 0,
		Types: c.Types, Platforms: c.Platforms, Tags: c.Tags, Agents: c.Agents, Personal: c.Personal, State: c.State, Sort: c.Sort,
		Traits: templates.Traits{Least: c.Least, Most: c.Most, Attached: c.Attached, Sensitive: c.Sensitive, Languages: c.Languages},
	}
	if c.Department != 0 {
		s.Dept = id.String(c.Department)
	}
	return privately(s, c.Customer)
}

// conditionsFor is what is kept of a search. Of a department that is gone the name stays which it had.
func conditionsFor(s templates.Search, p private, tree *department.Tree, before *search.Search) search.Conditions {
	c := search.Conditions{
		Words: s.Q, Customer: p.Customer, Period: s.Period, From: s.From, To: s.To, Sub: s.Sub,
		Types: s.Types, Platforms: s.Platforms, Tags: s.Tags, Agents: s.Agents, Personal: s.Personal, State: s.State, Sort: s.Sort,
		Least: s.Least, Most: s.Most, Attached: s.Attached, Sensitive: s.Sensitive, Languages: s.Languages,
	}
	if p.Q != "" {
		c.Words = p.Q
	}
	if c.Period != "" {
		c.From, c.To = "", ""
	}
	if d, err := id.Parse[id.Department](s.Dept); err == nil {
		c.Department, c.DepartmentName = d, tree.Name(d)
		if c.DepartmentName == "" && before != nil && before.Conditions.Department == d {
			c.DepartmentName = before.Conditions.DepartmentName
		}
	}
	return c
}

// formOf fills the form with a search. A period stands for its days.
func formOf(s templates.Search, p private) templates.SearchForm {
	f := templates.SearchForm{Search: s, Customer: p.Customer}
	if f.Q == "" {
		f.Q = p.Q
	}
	if f.Period != "" {
		f.From, f.To = "", ""
	}
	return f
}

// offerSaved fills in the saved searches that stand above the form, and what can be done with this one.
func (h *Conversations) offerSaved(c echo.Context, by account.Actor, view *templates.ConversationsView, saved *search.Search, tree *department.Tree) error {
	if !by.May(account.SearchRead) || view.Search.Under != "" {
		return nil
	}
	list, err := h.Saved.List(c.Request().Context(), by)
	if err != nil {
		return err
	}
	view.Tabs = savedTabs(list, view.Search.Saved)
	view.Kept.CanSave = by.May(account.SearchSave)
	view.Kept.Shares = shareOptions(tree, by, search.Share{})
	if saved == nil {
		return nil
	}
	view.Kept.Code, view.Kept.Name, view.Kept.Edited, view.Kept.Own = saved.Code, saved.Name, view.Search.Edited() && view.Search.Sel == "", saved.Own
	if !saved.Own {
		view.Kept.Owner = saved.Owner.Name
	}
	if d := saved.Conditions.Department; d != 0 && view.Search.Dept == id.String(d) && view.DeptName == "" {
		view.DeptName = saved.Conditions.DepartmentName
		if name := tree.Name(d); name != "" {
			view.DeptName = name
		}
		view.Departments = append(view.Departments, templates.LostDepartment(id.String(d), view.DeptName))
	}
	return nil
}

func savedTabs(list []search.Search, active string) (out []templates.SavedTab) {
	for _, s := range list {
		if !s.Broken {
			out = append(out, templates.SavedTab{Code: s.Code, Name: s.Name, Active: s.Code == active, Shared: !s.Own})
		}
	}
	return out
}

// TabCounts answers GET /conversations/tabs: how much each saved search finds whose tab is shown, once the page
// is there. The address names the active tab's code and nothing of what is searched for.
func (h *Conversations) TabCounts(c echo.Context) error {
	if !web.Fragment(c) {
		return web.See(c, templates.ConversationsRoot)
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	list, err := h.Saved.List(ctx, by)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	tabs, _ := templates.ShownTabs(savedTabs(list, c.QueryParam("search")))
	var counted []templates.SavedTab
	var qs []conversation.Query
	for _, t := range tabs {
		i := slices.IndexFunc(list, func(s search.Search) bool { return s.Code == t.Code })
		if q, err := savedQuery(c, &list[i], tree, h.Zone); err == nil && t.Code != c.QueryParam("known") {
			counted, qs = append(counted, t), append(qs, q)
		}
	}
	if len(qs) == 0 {
		return web.Render(c, http.StatusOK, templates.TabCounts(nil))
	}
	counts, err := h.Find.Glance(ctx, by, qs)
	if err != nil {
		return err
	}
	for i, n := range counts {
		counted[i].Count, counted[i].Known, counted[i].AtMost = n.Total, n.Known, !n.Exact
	}
	return web.Render(c, http.StatusOK, templates.TabCounts(counted))
}

// savedQuery is what a saved search asks for today.
func savedQuery(c echo.Context, saved *search.Search, tree *department.Tree, zone *time.Location) (conversation.Query, error) {
	s, p := searchOf(saved.Conditions)
	s = dated(s, now(c), zone)
	s.Base = &s
	return query(s, p, tree, web.Actor(c), zone)
}

// tellHidden says what of a saved search this reader does not see, and what of it is no more.
func (h *Conversations) tellHidden(c echo.Context, by account.Actor, view *templates.ConversationsView, saved *search.Search, tree *department.Tree) error {
	if saved == nil {
		return nil
	}
	note := func(key string, args ...any) {
		view.Kept.Notes = append(view.Kept.Notes, templates.Words{Key: key, Args: args})
	}
	s, reach := view.Search, searchReach(view.Search, by)
	d, err := id.Parse[id.Department](s.Dept)
	if err == nil && s.Base != nil && s.Base.Dept == s.Dept {
		all := []id.Department{d}
		if s.Sub {
			all = tree.Subtree(d)
		}
		hidden := slices.ContainsFunc(all, func(one id.Department) bool { return !reach.Has(one) })
		switch {
		case tree.Known(d) != nil:
			note("search.note_department_gone", saved.Conditions.DepartmentName)
		case hidden && !slices.ContainsFunc(all, reach.Has):
			note("search.note_department_hidden", tree.Name(d))
		case hidden:
			note("search.note_department_partly", tree.Name(d), view.Total)
		}
	} else if s.Dept == "" && !saved.Own && !reach.All {
		note("search.note_own_scope", view.Total)
	}
	tags, agents, err := h.Find.Strangers(c.Request().Context(), by, s.Tags, s.Agents)
	if err != nil {
		return err
	}
	for _, t := range tags {
		note("search.note_tag_gone", t)
	}
	for _, a := range agents {
		note("search.note_agent_gone", a)
	}
	return nil
}

type saveForm struct {
	Name  string `form:"name"`
	Share string `form:"share"`
	Back  string `form:"back"`
}

// Save answers POST /searches: it keeps the search from whose page the form was sent.
func (h *Conversations) Save(c echo.Context) error {
	var form saveForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	conditions, err := h.kept(c, form.Back)
	if err != nil {
		return h.unpicked(c, templates.Search{}, err)
	}
	code, err := h.Saved.Save(c.Request().Context(), web.Actor(c), form.Name, conditions, shareOf(form.Share))
	status := http.StatusUnprocessableEntity
	switch fault.KindOf(err) {
	case fault.None:
		web.Flash(c, "search.saved_flash")
		return web.See(c, templates.SavedPath(code))
	case fault.KindConflict:
		f, _ := fault.Of(err)
		err, status = f.On("name"), http.StatusConflict
	case fault.KindInvalid:
	default:
		return err
	}
	view, again := h.before(c, form.Back)
	if again != nil {
		return again
	}
	view.Kept.Open, view.Kept.NewName, view.Kept.Problems = true, form.Name, problems(err)
	for i := range view.Kept.Shares {
		view.Kept.Shares[i].Chosen = view.Kept.Shares[i].Value == form.Share
	}
	return h.render(c, status, view)
}

// UpdateSaved answers POST /searches/:code/update: the saved search takes over what was changed of it.
func (h *Conversations) UpdateSaved(c echo.Context) error {
	var form saveForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	code := c.Param("code")
	conditions, err := h.kept(c, form.Back)
	if err != nil {
		return h.unpicked(c, templates.Search{Saved: code}, err)
	}
	if err := h.Saved.Update(c.Request().Context(), web.Actor(c), code, conditions); err != nil {
		return err
	}
	web.Flash(c, "search.updated_flash")
	return web.See(c, templates.SavedPath(code))
}

// kept reads the conditions of the page from which something was sent.
func (h *Conversations) kept(c echo.Context, back string) (search.Conditions, error) {
	at, err := url.Parse(searchPath(back))
	if err != nil || at.Path != templates.ConversationsRoot {
		return search.Conditions{}, fault.Invalid("search.not_read")
	}
	s, p, saved, err := h.recaller().recall(c, readSearch(at.Query()))
	if err != nil {
		return search.Conditions{}, err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return search.Conditions{}, err
	}
	if _, err := query(s, p, tree, web.Actor(c), h.Zone); err != nil {
		return search.Conditions{}, err
	}
	return conditionsFor(s, p, tree, saved), nil
}
