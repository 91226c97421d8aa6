package handlers

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// Picker finds out which conversations of a search somebody chose, for whatever is done with them: the rows
// ticked on a page, or everything that was found but for exceptions.
type Picker struct {
	Find        Finder
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Seal Sealer
	Zone *time.Location
}

// picked is what somebody chose.
type picked struct {
	ids    []id.Conversation
	query  conversation.Query // of the search; without conditions for ticked rows
	except int                // taken out of all that was found
	all    bool               // of everything that was found
	back   string             // the search, with the selection as it is
	after  string             // the search without it
}

// pick reads a form of the search page. The faults are a conflict for a selection that counts no more,
// and invalid where nothing, or more than limit, is chosen.
func (p Picker) pick(c echo.Context, form selectForm, limit int) (out picked, err error) {
	by := web.Actor(c)
	out.back = searchPath(form.Back)
	out.after = out.back
	if form.Sel == "" {
		if len(form.IDs) == 0 || len(form.IDs) > templates.SearchSizes[len(templates.SearchSizes)-1] {
			return out, fault.Invalid("conversation.choose_rows")
		}
		out.ids = form.IDs
		return out, nil
	}
	s, sel, err := form.picked(p.Seal, by, now(c))
	if err != nil {
		return out, out.forget(s, err)
	}
	out.all, out.except = true, len(sel.Except)
	plain := s.FirstPage()
	plain.Sel = ""
	out.after = templates.ConversationsPath(plain)
	if out.query, err = p.query(c, s); err != nil {
		return out, out.forget(s, err)
	}
	if s.Sel, err = sel.seal(p.Seal, by, now(c)); err != nil {
		return out, err
	}
	out.back = templates.ConversationsPath(s)
	if out.ids, err = resolve(c, p.Find, by, out.query, sel, limit); err != nil {
		return out, out.forget(s, err)
	}
	return out, nil
}

// query reads the conditions of a search as they stand in its address.
func (p Picker) query(c echo.Context, s templates.Search) (q conversation.Query, err error) {
	by := web.Actor(c)
	sealed, err := openPrivate(p.Seal, by, s.SID, now(c))
	if err != nil {
		return q, fault.Conflict("conversation.selection_stale")
	}
	tree, err := p.Departments.Tree(c.Request().Context())
	if err != nil {
		return q, err
	}
	if q, err = query(s, sealed, tree, by, p.Zone); err != nil {
		return q, fault.Conflict("conversation.selection_stale")
	}
	return q, nil
}

// forget leads back without the selection where that counts no more.
func (p *picked) forget(s templates.Search, err error) error {
	if fault.KindOf(err) == fault.KindConflict {
		s = s.FirstPage()
		s.Sel = ""
		p.back = templates.ConversationsPath(s)
	}
	return err
}

// notPicked goes back to the search and says what is wrong with what was chosen.
func notPicked(c echo.Context, p picked, err error) error {
	f, ok := fault.Of(err)
	if !ok || f.Kind != fault.KindConflict && f.Kind != fault.KindInvalid {
		return err
	}
	first := f.List()[0]
	web.FlashError(c, first.Key, first.Args...)
	return web.See(c, p.back)
}

// picker is the search page's own.
func (h *Conversations) picker() Picker {
	return Picker{Find: h.Find, Departments: h.Departments, Seal: h.Seal, Zone: h.Zone}
}

// HideRows answers POST /conversations/hide: it folds away what is chosen.
func (h *Conversations) HideRows(c echo.Context) error {
	var form selectForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	p, err := h.picker().pick(c, form, mostHidden)
	if err != nil {
		return notPicked(c, p, err)
	}
	return h.hide(c, p.ids, p.after)
}

type tagForm struct {
	selectForm
	Names string `form:"tag_names"`
	Act   string `form:"tag_act"`
}

// TagRows answers POST /conversations/tags: what is chosen gets tags, or loses them.
func (h *Conversations) TagRows(c echo.Context) error {
	var form tagForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := web.Form(c, &form.selectForm); err != nil {
		return err
	}
	if act := c.QueryParam("undo"); act != "" {
		return h.untagRows(c, act, searchPath(c.QueryParam("back")))
	}
	p, err := h.picker().pick(c, form.selectForm, conversation.MostTagged)
	if err != nil {
		return notPicked(c, p, err)
	}
	edit := conversation.TagEdit{Add: wordList(form.Names)}
	if form.Act == "remove" {
		edit = conversation.TagEdit{Remove: edit.Add}
	}
	done, err := h.Label.EditAll(c.Request().Context(), web.Actor(c), p.ids, edit)
	if err != nil {
		return notPicked(c, p, err)
	}
	if done.Full+done.Left > 0 {
		web.FlashError(c, "conversation.tagged_partly", done.Changed, done.Same, done.Full, done.Left, conversation.MostTags)
	}
	if done.Changed > 0 {
		web.FlashUndo(c, templates.UntagRowsPath(done.Act, p.after), "conversation.tagged_some", done.Changed, done.Same)
	} else if done.Full+done.Left == 0 {
		web.Flash(c, "conversation.tagged_some", done.Changed, done.Same)
	}
	return web.See(c, p.after)
}

// untagRows takes back what was tagged together.
func (h *Conversations) untagRows(c echo.Context, act, back string) error {
	done, err := h.Label.Undo(c.Request().Context(), web.Actor(c), act)
	switch {
	case fault.KindOf(err) == fault.KindConflict:
		return notPicked(c, picked{back: back}, err)
	case err != nil:
		return err
	case done.Full+done.Left > 0:
		web.FlashError(c, "conversation.untagged_partly", done.Changed, done.Full+done.Left)
	default:
		web.Flash(c, "conversation.untagged", done.Changed)
	}
	return web.See(c, back)
}
