package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// exportForm is what the form of a new export sends. Go says which button. Open means that its reader
// chooses in the form what it is of; else that came with the address, and stands in hidden fields.
type exportForm struct {
	Go        string            `form:"go"`
	FormKey   string            `form:"request_key"`
	Kind      string            `form:"kind"`
	Open      bool              `form:"open"`
	Search    string            `form:"search"`
	IDs       []id.Conversation `form:"id"`
	Rows      []id.Conversation `form:"row"`
	Hold      id.Hold           `form:"hold"`
	Batch     id.Batch          `form:"batch"`
	Draft     uint64            `form:"draft"`
	Customer  string            `form:"customer"`
	Codes     string            `form:"conversations"`
	Format    string            `form:"format"`
	Mask      string            `form:"mask"`
	Purpose   string            `form:"purpose"`
	Days      string            `form:"days"`
	Recipient string            `form:"recipient"`
	Consent   string            `form:"consent"`
	Key       string            `form:"key"`
	Seal      string            `form:"seal"`
	Lang      string            `form:"lang"`
	Shown     string            `form:"shown"`
	Back      string            `form:"back"`
}

// New answers GET /exports/new: of a search, a conversation, a hold, a batch, a draft of one, or of what
// is chosen in the form.
func (h *Exports) New(c echo.Context) error {
	var q struct {
		Of           string          `query:"of"`
		Conversation id.Conversation `query:"conversation"`
		Hold         id.Hold         `query:"hold"`
		Batch        id.Batch        `query:"batch"`
		Draft        uint64          `query:"draft"`
	}
	web.Query(c, &q)
	form := newExportForm(c)
	switch {
	case q.Of == "search":
		form.Kind, form.Search = string(export.OfQuery), templates.ConversationsPath(readSearch(c.QueryParams()))
	case q.Conversation != 0:
		form.Kind, form.IDs = string(export.OfConversation), []id.Conversation{q.Conversation}
	case q.Hold != 0:
		form.Kind, form.Hold = string(export.OfHold), q.Hold
	case q.Batch != 0 || q.Draft != 0:
		// A backup is for bringing back: the one form that can be read in again.
		form.Kind, form.Batch, form.Draft, form.Format = string(export.OfBatch), q.Batch, q.Draft, string(file.JSONL)
	default:
		form.Open, form.Kind = true, string(export.OfCustomer)
		if web.Actor(c).Role == account.Agent {
			form.Kind = string(export.OfConversation)
		}
	}
	return h.ask(c, http.StatusOK, form, nil)
}

func newExportForm(c echo.Context) exportForm {
	return exportForm{
		FormKey: requestKey(), Format: string(file.PDF), Mask: string(export.MaskAll), Days: strconv.Itoa(export.UsualDays), Seal: templates.SealAge,
		Lang: string(locale.Of(c.Request().Context())),
	}
}

// Create answers POST /exports/new: it counts, or asks for the export. The search page sends the rows that
// were chosen here.
func (h *Exports) Create(c echo.Context) error {
	form := newExportForm(c)
	if err := web.Form(c, &form); err != nil {
		return err
	}
	switch form.Go {
	case "chosen":
		if c.FormValue("sel") != "" {
			return h.askAll(c, form)
		}
		if len(form.IDs) == 0 {
			web.FlashError(c, "conversation.choose_rows")
			return web.See(c, searchPath(form.Back))
		}
		form.Kind = string(export.OfConversations)
		return h.ask(c, http.StatusOK, form, nil)
	case "ask":
		return h.create(c, form)
	}
	return h.ask(c, http.StatusOK, form, nil)
}

func (h *Exports) create(c echo.Context, form exportForm) error {
	w, err := h.wish(c, form)
	if err != nil {
		return h.ask(c, http.StatusUnprocessableEntity, form, err)
	}
	e, err := h.Desk.Ask(c.Request().Context(), web.Actor(c), w)
	if err == nil {
		return askedFor(c, e)
	}
	if status, ok := web.Mendable(err); ok {
		return h.ask(c, status, form, err)
	}
	return err
}

// askedFor leads to the page of an export that was asked for.
func askedFor(c echo.Context, e *export.Export) error {
	key := "export.page_was_asked"
	if e.State == export.Waiting {
		key = "export.page_was_asked_second"
	}
	web.Flash(c, key, e.Code)
	return web.See(c, templates.ExportPath(uint64(e.ID)))
}

// ask shows the form with what was typed, what it would give now, and what is wrong.
func (h *Exports) ask(c echo.Context, status int, form exportForm, wrong error) error {
	ctx, by := c.Request().Context(), web.Actor(c)
	v := form.view(by)
	if w, bad := h.wish(c, form); bad != nil {
		wrong = together(wrong, bad)
	} else if form.chosen() {
		p, err := h.Desk.Preview(ctx, by, w)
		switch fault.KindOf(err) {
		case fault.None:
			v.Count = exportCount(p)
		case fault.KindInvalid, fault.KindConflict:
			if wrong == nil {
				wrong = err
			}
		default:
			return err
		}
		tree, err := h.Departments.Tree(ctx)
		if err != nil {
			return err
		}
		v.Scope = exportScope(&w.Selection, tree, true)
	}
	if f, ok := fault.Of(wrong); ok {
		v.Problems = exportProblems(wrong, form)
		if status == http.StatusOK && f.Kind == fault.KindConflict {
			status = http.StatusConflict
		} else if status == http.StatusOK {
			status = http.StatusUnprocessableEntity
		}
	} else if wrong != nil {
		return wrong
	}
	return web.Render(c, status, templates.ExportNewPage(v))
}

// chosen tells whether the form says what it is of.
func (f exportForm) chosen() bool {
	return !f.Open || f.Kind == string(export.OfCustomer) && strings.TrimSpace(f.Customer) != "" ||
		f.Kind != string(export.OfCustomer) && strings.TrimSpace(f.Codes) != ""
}

// wish reads the form.
func (h *Exports) wish(c echo.Context, f exportForm) (export.Wish, error) {
	w := export.Wish{
		Format: file.Format(f.Format), Mask: export.Mask(f.Mask), Purpose: f.Purpose, Recipient: f.Recipient, Consent: f.Consent, Key: f.Key, Lang: f.Lang,
		Zip: f.Seal == templates.SealZip, FormKey: f.FormKey,
	}
	if n, err := strconv.ParseInt(f.Shown, 10, 64); err == nil {
		w.Shown = &n
	}
	var err error
	if w.Selection, err = h.selection(c, f); err != nil {
		return w, err
	}
	if w.Days, err = strconv.Atoi(strings.TrimSpace(f.Days)); err != nil || w.Days < 1 {
		return w, fault.Invalid("export.days_range", export.MostDays).On("days")
	}
	return w, nil
}

func (h *Exports) selection(c echo.Context, f exportForm) (export.Selection, error) {
	s := export.Selection{Kind: export.Kind(f.Kind), Hold: f.Hold, Batch: f.Batch, Draft: f.Draft, Conversations: f.IDs}
	switch {
	case s.Kind == export.OfQuery:
		return h.searched(c, f, s)
	case s.Kind == export.OfCustomer:
		s.Customer = f.Customer
	case f.Open && strings.TrimSpace(f.Codes) != "":
		for _, code := range lines(f.Codes) {
			one, ok := conversation.ParseCode(strings.ToUpper(code))
			if !ok {
				return s, fault.Invalid("export.unknown_conversation").On("conversations")
			}
			s.Conversations = append(s.Conversations, one)
		}
	}
	return s, nil
}

// searched turns the conditions of a search into what is exported: the same query, all of its pages.
func (h *Exports) searched(c echo.Context, f exportForm, s export.Selection) (export.Selection, error) {
	by := web.Actor(c)
	at, err := url.Parse(f.Search)
	if err != nil {
		return s, fault.Invalid("export.selection_needed").On("selection")
	}
	search := readSearch(at.Query())
	p, err := openPrivate(h.Seal, by, search.SID, now(c))
	if err != nil {
		return s, err
	}
	tree, err := h.Departments.Tree(c.Request().Context())
	if err != nil {
		return s, err
	}
	q, err := query(search, p, tree, by, zoneOf(c))
	if s.Query = q; err != nil || q.Under != "" {
		return s, err // under a reading the desk refuses it
	}
	how := export.Search{Words: cmp.Or(p.Q, search.Q), Terms: len(q.Words.All) + len(q.Words.None)}
	if search.Sel != "" {
		sel, err := openSelection(h.Seal, by, search, now(c))
		if err != nil {
			return s, onSelection(err)
		}
		how.Except = len(sel.Except)
		s.Kind, s.Search = export.OfConversations, &how
		s.Conversations, err = resolve(c, h.Find, by, q, sel, export.MostChosen)
		return s, onSelection(err)
	}
	if q.Words.Empty() {
		return s, nil
	}
	// An export knows conditions, not words: it takes what the words find now, one by one.
	s.Kind, s.Search, s.Conversations = export.OfConversations, &how, nil
	err = h.Find.Each(c.Request().Context(), by, q, export.MostChosen+1, func(r *conversation.Row) error {
		s.Conversations = append(s.Conversations, r.ID)
		return nil
	})
	switch n := len(s.Conversations); {
	case err != nil:
		return s, err
	case n == 0:
		return s, fault.Invalid("export.nothing").On("selection")
	case n > export.MostChosen:
		return s, fault.Invalid("export.words_too_many", export.MostChosen).On("selection")
	}
	return s, nil
}

// onSelection makes a refused selection a problem of the form.
func onSelection(err error) error {
	if f, ok := fault.Of(err); ok {
		return fault.Invalid(f.Key, f.Args...).On("selection")
	}
	return err
}

// askAll asks for an export of everything that is chosen of a search. The whole of a search without words is
// one of its conditions, and has no bound.
func (h *Exports) askAll(c echo.Context, form exportForm) error {
	by := web.Actor(c)
	s, sel, err := selectForm{IDs: form.IDs, Rows: form.Rows, Back: form.Back}.picked(h.Seal, by, now(c))
	if err != nil {
		f, ok := fault.Of(err)
		if !ok {
			return err
		}
		web.FlashError(c, f.Key, f.Args...)
		return web.See(c, searchPath(form.Back))
	}
	s = s.FirstPage()
	s.Size, s.Sel = 0, ""
	if len(sel.Except) > 0 {
		if s.Sel, err = sel.seal(h.Seal, by, now(c)); err != nil {
			return err
		}
	}
	form.Kind, form.Search, form.IDs = string(export.OfQuery), templates.ConversationsPath(s), nil
	return h.ask(c, http.StatusOK, form, nil)
}

func (f exportForm) view(by account.Actor) templates.ExportNewView {
	v := templates.ExportNewView{
		Kind: f.Kind, Open: f.Open, Single: by.Role == account.Agent, Search: f.Search, Hold: uint64(f.Hold), Batch: uint64(f.Batch), Draft: f.Draft,
		Customer: f.Customer, Codes: f.Codes, Format: f.Format, Mask: f.Mask, Purpose: f.Purpose, Days: f.Days, Recipient: f.Recipient, Consent: f.Consent,
		Key: f.Key, Seal: f.Seal, Lang: f.Lang, FormKey: f.FormKey, MayUnmask: by.May(account.ExportUnmasked), CanSearch: by.May(account.ConversationSearch),
	}
	v.MostDays, v.MostUnmasked = export.MostDays, export.MostUnmasked
	if f.Mask != string(export.MaskAll) {
		v.MostDays = export.MostUnmasked
	}
	for _, one := range f.IDs {
		v.IDs = append(v.IDs, uint64(one))
	}
	for _, one := range file.Formats {
		v.Formats = append(v.Formats, string(one))
	}
	v.Samples = exportSamples(v.MayUnmask)
	return v
}

// exportProblems are the sentences of a fault by field; what no field of this form is about stands above it.
func exportProblems(wrong error, f exportForm) templates.Problems {
	out := problems(wrong)
	if out == nil {
		return nil
	}
	for field, words := range out {
		switch {
		case field == "selection" && f.Open && f.Kind != string(export.OfConversation):
			delete(out, field)
			out["kind"] = words
		case field == "selection", field == "count", field == "from", field == "to", field == "dept", !f.Open && (field == "customer" || field == "conversations"):
			delete(out, field)
			out[""] = words
		}
	}
	return out
}
