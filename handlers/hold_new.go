package handlers

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// holdForm is what the form of a new hold sends. Go says which button.
type holdForm struct {
	Go            string        `form:"go"`
	Key           string        `form:"key"`
	Shown         string        `form:"shown"`
	Name          string        `form:"name"`
	Reason        string        `form:"reason"`
	Kind          string        `form:"kind"`
	Fixed         bool          `form:"fixed"`
	Owner         string        `form:"owner"`
	ReviewAt      string        `form:"review_at"`
	Department    id.Department `form:"department"`
	Sub           bool          `form:"sub"`
	Customers     string        `form:"customers"`
	Agents        string        `form:"agents"`
	From          string        `form:"from"`
	To            string        `form:"to"`
	Types         string        `form:"service_types"`
	Platforms     string        `form:"platforms"`
	Tags          string        `form:"tags"`
	WithoutTags   string        `form:"without_tags"`
	Conversations string        `form:"conversations"`
	Picked        string        `form:"picked"` // a sealed holdList
}

// New answers GET /holds/new.
func (h *Holds) New(c echo.Context) error {
	form := newHoldForm(c)
	form.Kind, form.Sub = string(hold.OnDepartment), true
	return h.ask(c, http.StatusOK, form, nil, nil)
}

func newHoldForm(c echo.Context) holdForm {
	return holdForm{Key: requestKey(), ReviewAt: now(c).Add(hold.DefaultReview).In(zoneOf(c)).Format("2006-01-02")}
}

// Create answers POST /holds/new: it counts what the hold would cover, or places it.
func (h *Holds) Create(c echo.Context) error {
	var form holdForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if form.Go != "place" {
		return h.count(c, form)
	}
	order, list, err := h.order(c, form)
	if err == nil {
		err = h.same(c, list)
	}
	switch fault.KindOf(err) {
	case fault.None:
	case fault.KindInvalid:
		return h.ask(c, http.StatusUnprocessableEntity, form, nil, err)
	case fault.KindConflict:
		return h.stalePick(c, form, err)
	default:
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	placed, err := h.Desk.Place(ctx, by, order)
	if err == nil {
		web.Flash(c, "hold.was_placed", placed.Code)
		return web.See(c, templates.HoldPath(uint64(placed.ID)))
	}
	if status, ok := web.Mendable(err); ok {
		return h.ask(c, status, form, nil, err)
	}
	return err
}

// count shows the form with what the hold would cover.
func (h *Holds) count(c echo.Context, form holdForm) error {
	order, _, err := h.order(c, form)
	var counts *hold.Counts
	if err == nil {
		counts, err = h.Desk.Preview(c.Request().Context(), web.Actor(c), order)
	}
	switch fault.KindOf(err) {
	case fault.None:
		return h.ask(c, http.StatusOK, form, counts, nil)
	case fault.KindInvalid:
		return h.ask(c, http.StatusUnprocessableEntity, form, nil, err)
	case fault.KindConflict:
		return h.stalePick(c, form, err)
	}
	return err
}

// order reads the form, and the list that it may carry.
func (h *Holds) order(c echo.Context, form holdForm) (hold.Order, holdList, error) {
	list, stale := h.list(c, form)
	if stale != nil {
		return hold.Order{}, list, stale
	}
	o, err := form.order(c)
	if form.Picked != "" {
		o.Conversations = list.IDs
	}
	return o, list, err
}

// ask shows the form with what was typed, what was counted and what is wrong.
func (h *Holds) ask(c echo.Context, status int, form holdForm, counts *hold.Counts, wrong error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	owners, err := h.Desk.Owners(ctx, by)
	if err != nil {
		return err
	}
	v := form.view()
	if list, err := h.list(c, form); form.Picked != "" && err == nil {
		list.showPicked(&v)
	}
	v.Owners, v.Departments = holdOwners(owners, by.ID), departmentChoices(tree, by.Scope)
	if counts != nil {
		v.Count = &templates.HoldCount{
			Conversations: counts.Total(), Messages: counts.Messages, Live: counts.Active, Hidden: counts.Hidden, Sealed: counts.Sealed, Binned: counts.Binned, Listed: counts.OnList,
			Customers: counts.Customers, Unmatched: counts.Unmatched,
		}
	}
	if wrong != nil {
		v.Problems = problems(wrong)
		if w, ok := v.Problems["departments"]; ok {
			v.Problems["department"] = w
		}
	}
	return web.Render(c, status, templates.HoldNewPage(v))
}

func (f holdForm) view() templates.HoldNewView {
	v := templates.HoldNewView{
		Kind: f.Kind, Name: f.Name, Reason: f.Reason, Fixed: f.Fixed, Owner: f.Owner, ReviewAt: f.ReviewAt, Department: uint64(f.Department), Sub: f.Sub,
		From: f.From, To: f.To, Types: f.Types, Tags: f.Tags, WithoutTags: f.WithoutTags, Platforms: f.Platforms, Agents: f.Agents,
		Customers: f.Customers, Codes: f.Conversations, Key: f.Key, Picked: f.Picked,
	}
	for _, k := range hold.Kinds() {
		v.Kinds = append(v.Kinds, string(k))
	}
	return v
}

// order reads the form. Days are those of the organisation's zone, both included.
func (f holdForm) order(c echo.Context) (hold.Order, error) {
	zone := zoneOf(c)
	from, badFrom := day(f.From, zone, "from")
	to, badTo := day(f.To, zone, "to")
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	review, badReview := day(f.ReviewAt, zone, "review_at")
	owner, badOwner := f.owner()
	singles, badCodes := f.singles()
	o := hold.Order{
		Key: f.Key, Kind: hold.Kind(f.Kind), Name: f.Name, Reason: f.Reason, Fixed: f.Fixed, Owner: owner, ReviewAt: review,
		Customers: lines(f.Customers), Conversations: singles,
		Criteria: hold.Criteria{
			From: from, To: to, ServiceTypes: wordList(f.Types), Tags: wordList(f.Tags), WithoutTags: wordList(f.WithoutTags),
			Platforms: wordList(f.Platforms), Agents: wordList(f.Agents),
		},
	}
	if o.Kind == hold.OnDepartment || o.Kind == hold.OnConversations {
		o.Department, o.Sub = f.Department, f.Sub
	} else if f.Department != 0 {
		o.Criteria.Departments, o.Criteria.Sub = []id.Department{f.Department}, f.Sub
	}
	if n, err := strconv.ParseInt(f.Shown, 10, 64); err == nil {
		o.Shown = &n
	}
	return o, fault.All(badFrom, badTo, badReview, badOwner, badCodes)
}

func (f holdForm) owner() (id.User, *fault.Fault) {
	if f.Owner == "" {
		return 0, nil
	}
	owner, err := id.Parse[id.User](f.Owner)
	if err != nil {
		return 0, fault.Invalid("hold.owner_needed").On("owner")
	}
	return owner, nil
}

// singles reads the codes of single conversations.
func (f holdForm) singles() (out []id.Conversation, wrong *fault.Fault) {
	for _, code := range lines(f.Conversations) {
		c, ok := conversation.ParseCode(strings.ToUpper(code))
		if !ok {
			return nil, fault.Invalid("hold.unknown_conversation").On("conversations")
		}
		out = append(out, c)
	}
	return out, nil
}
