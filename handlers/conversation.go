package handlers

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/report"
	"qingdang/models/search"
	"qingdang/templates"
	"qingdang/web"
)

// Conversation is the page of one conversation: reading it, folding it away, moving it into
// the bin and back.
type Conversation struct {
	Read interface {
		Open(context.Context, account.Actor, id.Conversation) (*conversation.Detail, error)
		OpenIn(context.Context, account.Actor, id.Conversation, conversation.Query) (*conversation.Detail, error)
		TagNames(context.Context, account.Actor) ([]string, error)
	}
	Fold interface {
		Hide(context.Context, account.Actor, id.Conversation) error
		Unhide(context.Context, account.Actor, id.Conversation) error
	}
	Label interface {
		Edit(ctx context.Context, by account.Actor, c id.Conversation, e conversation.TagEdit) (conversation.TagEdit, error)
	}
	Bin interface {
		Locks(context.Context, account.Actor, []id.Conversation) (map[id.Conversation]bin.Lock, error)
		DiscardOne(ctx context.Context, by account.Actor, c id.Conversation, reason, key string) (*bin.Batch, error)
		RestoreItems(ctx context.Context, by account.Actor, ids id.Set[id.Conversation]) (*bin.Outcome, error)
	}
	Past interface {
		About(ctx context.Context, by account.Actor, c *conversation.Conversation, acts []string, most int) (*report.About, error)
	}
	Certificates interface {
		CertificateOf(context.Context, account.Actor, id.Conversation) (*purge.Head, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Saved interface {
		Open(ctx context.Context, by account.Actor, code string) (*search.Search, error)
	}
	Requests SubjectOf
	Seal     Sealer
	Zone     *time.Location
}

// Show answers GET /conversations/:id.
func (h *Conversation) Show(c echo.Context) error {
	back := c.QueryParam("back")
	if telling(back) {
		who, err := web.PathID[id.Conversation](c, "id")
		if err != nil {
			return err
		}
		return web.See(c, templates.ConversationPath(uint64(who), ""))
	}
	return h.show(c, http.StatusOK, conversationForm{Back: back}, nil)
}

type conversationForm struct {
	Reason string `form:"reason"`
	Key    string `form:"request_key"`
	Back   string `form:"back"`
	Add    string `form:"add"`
	Remove string `form:"remove"`
}

func (h *Conversation) show(c echo.Context, status int, form conversationForm, problem error) error {
	who, err := web.PathID[id.Conversation](c, "id")
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	from, err := h.originOf(c, form.Back, tree)
	if err != nil {
		return err
	}
	detail, err := h.open(c, by, who, from)
	if fault.KindOf(err) == fault.KindGone {
		return h.gone(c, by, who)
	}
	if fault.KindOf(err) == fault.KindNotFound {
		return h.absent(c, by, who)
	}
	if err != nil {
		return err
	}
	about, err := h.Past.About(ctx, by, &detail.Conversation, pastNames, mostPast)
	if err != nil {
		return err
	}
	part, _ := strconv.Atoi(c.QueryParam("part"))
	view := conversationView(detail, about.Lock, tree, by, now(c), part, from.words)
	from.show(&view, detail.Beside)
	if detail.State == conversation.Sealed {
		if view.Sealed, err = h.sealed(ctx, by, who); err != nil {
			return err
		}
	}
	view.Past, view.Reason, view.AddTags, view.Problems = past(detail, about), form.Reason, form.Add, problems(problem)
	if view.CanTag {
		if view.TagsInUse, err = h.Read.TagNames(ctx, by); err != nil {
			return err
		}
	}
	if view.Bin.Code != "" && by.May(account.CertificateRead) {
		view.LetterPath = templates.LetterPath(uint64(who))
	}
	if by.May(account.AuditRead) || by.May(account.AuditReadDepartment) {
		view.AuditPath = templates.AuditFilter{Text: view.Code}.Path()
	}
	if r := detail.Under; r != nil { // reading, and nothing else
		view.Under, view.UnderUntil, view.AuditPath, view.LetterPath = r.Code, r.Until, "", ""
		view.CanHide, view.CanUnhide, view.CanDiscard, view.CanExport, view.CanTag = false, false, false, false, false
	}
	if view.Key = form.Key; view.Key == "" {
		view.Key = rand.Text()
	}
	return web.Render(c, status, templates.ConversationPage(view))
}

// now is the moment of the request, as the page's frame tells it.
func now(c echo.Context) time.Time { return templates.FrameOf(c.Request().Context()).Now }

// absent answers alike for a conversation that is not there and for one that the reader may not see,
// with the way to ask for it. The code is what the reader typed, if anything.
func (h *Conversation) absent(c echo.Context, by account.Actor, who id.Conversation) error {
	view := templates.ErrorView{Status: http.StatusNotFound, TextKey: "conversation.not_found", RequestID: web.RequestID(c)}
	code := c.QueryParam("code")
	if typed, ok := conversation.ParseCode(code); !ok || typed != who {
		code = ""
	}
	view.More, view.MoreKey = accessPath(by, templates.AccessNewOf("conversation", code)), "access.button"
	return web.Render(c, http.StatusNotFound, templates.ErrorPage(view))
}

// gone answers for a conversation that was purged: with its certificate where there is one
// already and the reader may see it.
func (h *Conversation) gone(c echo.Context, by account.Actor, who id.Conversation) error {
	view := templates.ErrorView{Status: http.StatusGone, TitleKey: "conversation.gone_title", TextKey: "conversation.purged", RequestID: web.RequestID(c)}
	head, err := h.Certificates.CertificateOf(c.Request().Context(), by, who)
	switch fault.KindOf(err) {
	case fault.None:
		view.TextKey, view.Args = "conversation.gone_text", []any{head.Code}
		view.Link, view.LinkKey = templates.CertificatePath(uint64(head.ID)), "conversation.gone_link"
		view.More, view.MoreKey = templates.LetterPath(uint64(who)), "letter.open"
	case fault.KindNotFound, fault.KindForbidden:
	default:
		return err
	}
	return web.Render(c, http.StatusGone, templates.ErrorPage(view))
}

// Hide answers POST /conversations/:id/hide.
func (h *Conversation) Hide(c echo.Context) error {
	return h.fold(c, h.Fold.Hide, "unhide", "conversation.hidden_flash")
}

// Unhide answers POST /conversations/:id/unhide.
func (h *Conversation) Unhide(c echo.Context) error {
	return h.fold(c, h.Fold.Unhide, "hide", "conversation.unhidden_flash")
}

func (h *Conversation) fold(c echo.Context, act func(context.Context, account.Actor, id.Conversation) error, undo, done string) error {
	who, form, err := h.asked(c)
	if err != nil {
		return err
	}
	if err := act(c.Request().Context(), web.Actor(c), who); err != nil {
		return err
	}
	web.FlashUndo(c, templates.ConversationActPath(uint64(who), undo), done)
	return h.back(c, who, form)
}

// Discard answers POST /conversations/:id/discard: into the bin, with a reason.
func (h *Conversation) Discard(c echo.Context) error {
	who, form, err := h.asked(c)
	if err != nil {
		return err
	}
	batch, err := h.Bin.DiscardOne(c.Request().Context(), web.Actor(c), who, form.Reason, form.Key)
	switch fault.KindOf(err) {
	case fault.None:
		web.FlashUndo(c, templates.ConversationActPath(uint64(who), "restore"), "conversation.discarded_flash", batch.KeepUntil)
		return h.back(c, who, form)
	case fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, form, err)
	case fault.KindConflict:
		form.Key = ""
		return h.show(c, http.StatusConflict, form, err)
	default:
		return err
	}
}

// Restore answers POST /conversations/:id/restore: out of the bin, as long as that is possible.
func (h *Conversation) Restore(c echo.Context) error {
	who, form, err := h.asked(c)
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), web.Actor(c)
	locks, err := h.Bin.Locks(ctx, by, []id.Conversation{who})
	if err != nil {
		return err
	}
	only, err := id.NewSet(who)
	if err != nil {
		return err
	}
	if locks[who].Batch == 0 {
		return fault.Conflict("conversation.not_restored")
	}
	out, err := h.Bin.RestoreItems(ctx, by, only)
	if err != nil {
		return err
	}
	if out.Done == 0 {
		return fault.Conflict("conversation.not_restored")
	}
	web.Flash(c, "conversation.restored_flash")
	return h.back(c, who, form)
}

// asked reads which conversation a form is about.
func (h *Conversation) asked(c echo.Context) (id.Conversation, conversationForm, error) {
	var form conversationForm
	who, err := web.PathID[id.Conversation](c, "id")
	if err != nil {
		return 0, form, err
	}
	return who, form, web.Form(c, &form)
}

// back leads to the conversation again, which still knows where its reader came from.
func (h *Conversation) back(c echo.Context, who id.Conversation, form conversationForm) error {
	from := ""
	if form.Back != "" {
		from = searchPath(form.Back)
	}
	return web.See(c, templates.ConversationPath(uint64(who), from))
}
