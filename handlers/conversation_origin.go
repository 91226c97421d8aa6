package handlers

import (
	"cmp"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	terms "qingdang/models/words"
	"qingdang/templates"
	"qingdang/web"
)

// origin is where a conversation was opened: for a search what it looked for, and how its result goes on.
type origin struct {
	back   string           // the way to it; "" leads to the plain search
	search templates.Search // as its address writes it
	row    int64            // of its result; 0: of no result
	words  terms.Query
	stale  bool                // part of it was sealed, and that is over
	query  *conversation.Query // nil: it cannot be asked any more
}

// originOf reads the search to which back leads. Its words are in its address, sealed in it for half an hour,
// or saved under its code; the address of a conversation has them nowhere else. What is not to be read gives none.
func (h *Conversation) originOf(c echo.Context, back string, tree *department.Tree) (o origin, err error) {
	if back == "" || telling(back) {
		return o, nil
	}
	o.back = searchPath(back)
	s, row, ok := searchBack(back)
	if !ok {
		return o, nil
	}
	o.search, o.row = s, row
	full, p, _, err := recaller{h.Saved, h.Seal, h.Zone}.recall(c, s)
	switch o.stale = s.SID != "" && fault.KindOf(err) == fault.KindInvalid; {
	case o.stale:
	case fault.KindOf(err) == fault.KindInternal:
		return o, err
	case err != nil:
		return o, nil
	}
	if o.words, err = parseWords(cmp.Or(p.Q, full.Q)); err != nil || o.stale {
		return o, onlyInternal(err)
	}
	q, err := query(full, p, tree, web.Actor(c), h.Zone)
	if err == nil && row > 0 {
		o.query = &q
	}
	return o, onlyInternal(err)
}

// onlyInternal leaves out faults, which somebody's address may have.
func onlyInternal(err error) error {
	if _, ok := fault.Of(err); ok {
		return nil
	}
	return err
}

// open opens a conversation, in the search from which it was opened.
func (h *Conversation) open(c echo.Context, by account.Actor, who id.Conversation, o origin) (*conversation.Detail, error) {
	if o.query == nil {
		return h.Read.Open(c.Request().Context(), by, who)
	}
	return h.Read.OpenIn(c.Request().Context(), by, who, *o.query)
}

// show tells the page where the conversation was opened, and the ways to those beside it.
func (o origin) show(view *templates.ConversationView, beside *conversation.Beside) {
	view.Back, view.MarksStale = o.back, o.stale
	if o.row == 0 {
		return
	}
	view.List = templates.ConversationsPath(o.search) + "#" + templates.RowID(o.row)
	view.Walk = templates.ResultWalk{Row: o.row, Lost: beside == nil}
	if beside == nil {
		return
	}
	way := func(who id.Conversation, s templates.Search, row int64) string {
		return templates.ConversationPath(uint64(who), templates.RowPath(s, row))
	}
	before, after, toBefore, toAfter := beside.Newer, beside.Older, beside.ToNewer, beside.ToOlder
	if o.query.Oldest {
		before, after, toBefore, toAfter = after, before, toAfter, toBefore
	}
	first, size := firstRow(o.search), sizeOf(o.search)
	if before != 0 {
		s, row := o.search, max(o.row-1, 1)
		if row < first {
			s.Cursor, s.Page = cursorBefore(toBefore, first, size), 0
		}
		view.Walk.Before = way(before, s, row)
	}
	if after != 0 {
		s, row := o.search, o.row+1
		if row >= first+size {
			s.Cursor, s.Page = cursorAt(toAfter, row), 0
		}
		view.Walk.After = way(after, s, row)
	}
}

// searchBack reads the search to which back leads, if it leads to one, and the row of its result.
func searchBack(back string) (s templates.Search, row int64, ok bool) {
	at, err := url.Parse(searchPath(back))
	if err != nil || at.Path != templates.ConversationsRoot {
		return s, 0, false
	}
	v := at.Query()
	row, err = strconv.ParseInt(v.Get(templates.RowParam), 10, 64)
	if err != nil || row < 1 || row > mostRows {
		row = 0
	}
	return readSearch(v), row, true
}

// telling tells whether a way back has words that look like personal data: somebody wrote it by hand.
func telling(back string) bool {
	s, _, ok := searchBack(back)
	return ok && terms.LooksPersonal(s.Q)
}
