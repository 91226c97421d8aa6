package handlers

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	terms "qingdang/models/words"
	"qingdang/templates"
	"qingdang/templates/locale"
)

// whyNothing says what a search that finds nothing names that does not exist, as far as its reader can see.
// What was sealed is not repeated.
func (h *Conversations) whyNothing(c echo.Context, by account.Actor, view *templates.ConversationsView, q conversation.Query, p private) error {
	ctx := c.Request().Context()
	hint := func(key string, args ...any) {
		view.Hints = append(view.Hints, templates.Words{Key: key, Args: args})
	}
	if p.Q != "" || view.Search.Under != "" {
		return nil
	}
	if slices.ContainsFunc(q.Words.All, func(either []terms.Term) bool { return len(either) == 1 && either[0].String() == "or" }) {
		hint("conversation.hint_or")
	}
	mark := locale.T(ctx, "common.list_mark")
	var strange, known []string
	for _, name := range slices.Concat(q.Platforms, q.Words.Platforms) {
		if !slices.Contains(templates.SearchPlatforms, name) && name != "other" {
			strange = append(strange, name)
		}
	}
	if len(strange) > 0 {
		for _, code := range templates.SearchPlatforms {
			known = append(known, templates.PlatformWord(ctx, code))
		}
		hint("conversation.hint_platform", strings.Join(strange, mark), strings.Join(known, mark))
	}
	noTags, noAgents, err := h.Find.Strangers(ctx, by, slices.Concat(q.Tags, q.Words.Tags), slices.Concat(q.AgentIDs, q.Words.Agents))
	if err != nil {
		return err
	}
	if len(noTags) > 0 {
		hint("conversation.hint_tag", strings.Join(noTags, mark))
	}
	if len(noAgents) > 0 {
		hint("conversation.hint_agent", strings.Join(noAgents, mark))
	}
	return nil
}
