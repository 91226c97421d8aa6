package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

const (
	selectionPurpose = "selection of a search"
	selectionLife    = 30 * time.Minute
	// mostExcept bounds the exceptions, for they stand in the address.
	mostExcept = 100
	// mostHidden is how many conversations one request folds away, each with its own entry in the log.
	mostHidden = 500
)

// selection is everything that a search found but for exceptions. It is bound to the conditions, to the
// number that was shown, to one reader and to half an hour.
type selection struct {
	Of     string            `json:"of"` // address of the search
	Total  int64             `json:"n"`
	Except []id.Conversation `json:"x,omitempty"`
}

// conditionsOf is the address of a search without what only orders it and pages through it.
func conditionsOf(s templates.Search) string {
	s.Sort, s.Sel, s.Size, s.Saved, s.Base, s.Changed = "", "", 0, "", nil, false
	return templates.ConversationsPath(s.FirstPage())
}

func (sel selection) seal(k Sealer, by account.Actor, now time.Time) (string, error) {
	return sealToken(k, selectionPurpose, by, now, sel)
}

// openSelection gives the selection of a search. The fault is a conflict when it is old, somebody else's
// or of other conditions.
func openSelection(k Sealer, by account.Actor, s templates.Search, now time.Time) (sel selection, err error) {
	if !openToken(k, selectionPurpose, by, s.Sel, now, selectionLife, &sel) || sel.Of != conditionsOf(s) {
		return selection{}, fault.Conflict("conversation.selection_stale")
	}
	return sel, nil
}

func (sel selection) left() int64 { return sel.Total - int64(len(sel.Except)) }

// ticked takes over which rows of a page are ticked. The fault is invalid for too many exceptions.
func (sel selection) ticked(shown, ticked []id.Conversation) (selection, error) {
	var except []id.Conversation
	for _, one := range sel.Except {
		if !slices.Contains(shown, one) {
			except = append(except, one)
		}
	}
	for _, one := range shown {
		if !slices.Contains(ticked, one) {
			except = append(except, one)
		}
	}
	if len(except) > mostExcept {
		return sel, fault.Invalid("conversation.selection_exceptions", mostExcept)
	}
	slices.Sort(except)
	sel.Except = slices.Compact(except)
	return sel, nil
}

// showSelection offers to choose everything that was found, or shows that it is chosen.
func (h *Conversations) showSelection(c echo.Context, view *templates.ConversationsView) (err error) {
	by, at := web.Actor(c), now(c)
	if view.Search.Sel == "" {
		if view.Total > int64(len(view.Rows)) && !view.AtMost && view.Search.Under == "" {
			all := view.Search.Dated()
			all.Sel, err = selection{Of: conditionsOf(all), Total: view.Total}.seal(h.Seal, by, at)
			view.AllPath = templates.ConversationsPath(all)
		}
		return err
	}
	sel, err := openSelection(h.Seal, by, view.Search, at)
	plain := view.Search
	plain.Sel = ""
	switch {
	case err != nil:
		return err
	case sel.Total != view.Total:
		return fault.Conflict("conversation.selection_changed", sel.Total, view.Total)
	}
	view.Chosen, view.ClearPath = sel.left(), templates.ConversationsPath(plain)
	if len(sel.Except) > 0 && view.BatchPath != "" {
		view.BatchPath, view.BatchWhyNot = "", "conversation.batch_words" // it takes conditions, all of what they find
	}
	for i := range view.Rows {
		view.Rows[i].Chosen = !slices.Contains(sel.Except, id.Conversation(view.Rows[i].ID))
	}
	return nil
}

type selectForm struct {
	IDs  []id.Conversation `form:"id"`
	Rows []id.Conversation `form:"row"` // that the page showed
	Back string            `form:"back"`
	Sel  string            `form:"sel"` // not empty: everything is chosen, IDs are what is ticked of Rows
}

// picked reads a form that was sent with everything chosen: the search, and what is chosen of it now.
func (f selectForm) picked(k Sealer, by account.Actor, now time.Time) (s templates.Search, sel selection, err error) {
	at, err := url.Parse(searchPath(f.Back))
	if err != nil {
		return s, sel, fault.Conflict("conversation.selection_stale")
	}
	s = readSearch(at.Query())
	if sel, err = openSelection(k, by, s, now); err != nil {
		return s, sel, err
	}
	sel, err = sel.ticked(f.Rows, f.IDs)
	return s, sel, err
}

// Select answers POST /conversations/select: it takes single rows out of everything that is chosen.
func (h *Conversations) Select(c echo.Context) error {
	var form selectForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	by := web.Actor(c)
	s, sel, err := form.picked(h.Seal, by, now(c))
	if err != nil {
		return h.unpicked(c, s, err)
	}
	if s.Sel, err = sel.seal(h.Seal, by, now(c)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, templates.ConversationsPath(s))
}

// unpicked goes back to the search, without the selection where that counts no more.
func (h *Conversations) unpicked(c echo.Context, s templates.Search, err error) error {
	f, ok := fault.Of(err)
	if !ok || f.Kind != fault.KindConflict && f.Kind != fault.KindInvalid {
		return err
	}
	if f.Kind == fault.KindConflict {
		s = s.FirstPage()
		s.Sel = ""
	}
	web.FlashError(c, f.Key, f.Args...)
	return web.See(c, templates.ConversationsPath(s))
}

// resolve gives what a selection holds now, at most limit. The faults are a conflict when that is not
// what was shown, and invalid for more than the limit.
func resolve(c echo.Context, find Finder, by account.Actor, q conversation.Query, sel selection, limit int) ([]id.Conversation, error) {
	if sel.left() > int64(limit) {
		return nil, fault.Invalid("conversation.selection_most", limit)
	}
	found, err := find.Pick(c.Request().Context(), by, q, limit+len(sel.Except)+1)
	if err != nil {
		return nil, err
	}
	if int64(len(found)) != sel.Total {
		return nil, fault.Conflict("conversation.selection_changed", sel.Total, len(found))
	}
	return slices.DeleteFunc(found, func(one id.Conversation) bool { return slices.Contains(sel.Except, one) }), nil
}
