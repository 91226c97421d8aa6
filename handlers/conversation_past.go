package handlers

import (
	"maps"
	"slices"

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

var pastNames = slices.Sorted(maps.Keys(pastActions))

// past puts in order what happened to a conversation, newest first.
func past(d *conversation.Detail, about *report.About) []templates.PastEvent {
	var out []templates.PastEvent
	for _, l := range about.Acts {
		out = append(out, templates.PastEvent{Who: l.Actor.Name, Action: l.Action[len("conversation."):], At: l.At, Note: l.Actor.Source, Kind: pastActions[l.Action]})
	}
	for _, s := range about.Stays {
		out = append(out, stayEvents(s)...)
	}
	out = append(out, templates.PastEvent{Action: "imported", At: d.CreatedAt})
	slices.SortStableFunc(out, func(a, b templates.PastEvent) int { return b.At.Compare(a.At) })
	return out[:min(len(out), mostPast)]
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
