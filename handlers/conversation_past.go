package handlers

import (
	"context"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/ui"
)

const mostPast = 20

// pastActions are the acts on one conversation that its own page tells, with the colour of
// their dot. Going into the bin is told by its stays there.
var pastActions = map[string]string{
	"conversation.opened": ui.Primary, "conversation.hidden": "", "conversation.unhidden": "", "conversation.tagged": "",
}

// past gathers what happened to a conversation: from the audit log what this reader may see of
// it, and its times in the bin; newest first.
func (h *Conversation) past(ctx context.Context, by account.Actor, d *conversation.Detail) ([]templates.PastEvent, error) {
	var actions []string
	for a := range pastActions {
		actions = append(actions, a)
	}
	slices.Sort(actions)
	seen, err := report.SeenBy(by)
	if err != nil {
		return nil, err
	}
	leaves, err := h.Log.Page(ctx, audit.Filter{Seen: seen, Object: d.Code(), Actions: actions}, "", mostPast)
	if err != nil {
		return nil, err
	}
	lists, err := h.listed(ctx, seen, d)
	if err != nil {
		return nil, err
	}
	stays, err := h.Past.Stays(ctx, by, d.ID)
	if err != nil {
		return nil, err
	}
	var out []templates.PastEvent
	for _, l := range slices.Concat(leaves.Leaves, lists) {
		out = append(out, templates.PastEvent{Who: l.Actor.Name, Action: l.Action[len("conversation."):], At: l.At, Note: l.Actor.Source, Kind: pastActions[l.Action]})
	}
	for _, s := range stays {
		out = append(out, stayEvents(s)...)
	}
	out = append(out, templates.PastEvent{Action: "imported", At: d.CreatedAt})
	slices.SortStableFunc(out, func(a, b templates.PastEvent) int { return b.At.Compare(a.At) })
	return out[:min(len(out), mostPast)], nil
}

// listed gives what was done to a list in which the conversation was. Whoever sees what is done in its
// department sees that, too, where the list reaches further.
func (h *Conversation) listed(ctx context.Context, seen audit.Seen, d *conversation.Detail) ([]audit.Leaf, error) {
	if seen.Sees(&audit.Leaf{Entry: audit.Entry{ObjectKind: "conversation", Department: d.DepartmentID}}) {
		seen = audit.Seen{All: true}
	}
	noted, before, err := h.Read.Listed(ctx, &d.Conversation, mostPast)
	if err != nil {
		return nil, err
	}
	var out []audit.Leaf
	for _, f := range []*audit.Filter{&noted, before} {
		if f == nil || f.Leaves != nil && len(f.Leaves) == 0 {
			continue
		}
		f.Seen = seen
		page, err := h.Log.Page(ctx, *f, "", mostPast)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Leaves...)
	}
	return slices.DeleteFunc(out, func(l audit.Leaf) bool { return l.Object == d.Code() }), nil
}

func stayEvents(s report.Stay) []templates.PastEvent {
	binned := templates.PastEvent{Who: s.Owner, Action: "binned", Object: s.Code, At: s.At, Kind: ui.Danger}
	later := func(action, object, kind string) []templates.PastEvent {
		return []templates.PastEvent{binned, {Action: action, Object: object, At: s.ChangedAt, Kind: kind}}
	}
	switch s.State {
	case "restored":
		return later("restored", s.Code, ui.Success)
	case "frozen":
		return later("frozen", s.Purge, ui.Warning)
	case "skipped":
		return []templates.PastEvent{{Who: s.Owner, Action: "skipped", Object: s.Code, At: s.ChangedAt}}
	}
	return []templates.PastEvent{binned}
}
