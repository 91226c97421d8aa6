package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

const (
	untagPurpose = "tags before a change"
	untagLife    = 30 * time.Minute
)

// untag is the way back from a change of tags, as it stands in an address: sealed, for who changed them.
type untag struct {
	Of     id.Conversation `json:"c"`
	Add    []string        `json:"a,omitempty"`
	Remove []string        `json:"r,omitempty"`
}

// Tag answers POST /conversations/:id/tags: tags are added, or one is taken away, or a change is undone.
func (h *Conversation) Tag(c echo.Context) error {
	who, form, err := h.asked(c)
	if err != nil {
		return err
	}
	by, undo := web.Actor(c), c.QueryParam("undo")
	edit := conversation.TagEdit{Add: wordList(form.Add)}
	if form.Remove != "" {
		edit = conversation.TagEdit{Remove: []string{form.Remove}}
	}
	if undo != "" {
		var back untag
		if !openToken(h.Seal, untagPurpose, by, undo, now(c), untagLife, &back) || back.Of != who {
			return fault.Conflict("conversation.elsewhere")
		}
		edit = conversation.TagEdit{Add: back.Add, Remove: back.Remove}
	}
	done, err := h.Label.Edit(c.Request().Context(), by, who, edit)
	switch {
	case fault.KindOf(err) == fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, form, err)
	case err != nil:
		return err
	case undo != "":
		web.Flash(c, "conversation.tags_back")
	case len(done.Add)+len(done.Remove) > 0:
		token, err := sealToken(h.Seal, untagPurpose, by, now(c), untag{Of: who, Add: done.Remove, Remove: done.Add})
		if err != nil {
			return err
		}
		web.FlashUndo(c, templates.ConversationActPath(uint64(who), "tags?undo="+token), "conversation.tags_changed")
	}
	return h.back(c, who, form)
}
