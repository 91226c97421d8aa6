package handlers

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

const (
	holdListPurpose = "selection for a hold"
	holdListLife    = 30 * time.Minute
)

// holdList is what was chosen of a search for a hold, as its form carries it: sealed, for one reader and half
// an hour. The hold covers exactly these, and only if the search still finds them.
type holdList struct {
	IDs    []id.Conversation `json:"ids"`
	All    bool              `json:"all,omitempty"`
	Except int               `json:"except,omitempty"`
	Back   string            `json:"back"` // the search, with the selection where everything was chosen
}

// Pick answers POST /holds/pick: the form of a hold on what is chosen of a search.
func (h *Holds) Pick(c echo.Context) error {
	var form selectForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	p, err := h.Picker.pick(c, form, hold.MostSingle)
	if err != nil {
		return notPicked(c, p, err)
	}
	list := holdList{IDs: p.ids, All: p.all, Except: p.except, Back: p.back}
	f := newHoldForm(c)
	f.Kind, f.Fixed = string(hold.OnConversations), true
	if f.Picked, err = sealToken(h.Picker.Seal, holdListPurpose, web.Actor(c), now(c), list); err != nil {
		return err
	}
	return h.count(c, f)
}

// list reads what the form carries. The fault is a conflict for one that counts no more.
func (h *Holds) list(c echo.Context, form holdForm) (list holdList, err error) {
	if form.Picked != "" && !openToken(h.Picker.Seal, holdListPurpose, web.Actor(c), form.Picked, now(c), holdListLife, &list) {
		err = fault.Conflict("conversation.selection_stale")
	}
	return list, err
}

// same refuses, as a conflict, a list that is not what was chosen any more: one chosen conversation is out of
// reach, or the search finds others.
func (h *Holds) same(c echo.Context, list holdList) error {
	if !list.All {
		return nil
	}
	p, err := h.Picker.pick(c, selectForm{Sel: "all", Back: list.Back}, hold.MostSingle)
	if err != nil {
		return err
	}
	then, now := slices.Sorted(slices.Values(list.IDs)), slices.Sorted(slices.Values(p.ids))
	if !slices.Equal(then, now) {
		return fault.Conflict("conversation.selection_changed", len(then), len(now))
	}
	return nil
}

// showPicked puts the list into the view of the form.
func (l holdList) showPicked(v *templates.HoldNewView) {
	v.PickedCount, v.PickedExcept, v.PickedBack = int64(len(l.IDs)), l.Except, l.Back
}

// stalePick shows the form without its list: it has to be chosen again.
func (h *Holds) stalePick(c echo.Context, form holdForm, err error) error {
	form.Picked = ""
	return h.ask(c, http.StatusConflict, form, nil, err)
}
