package handlers

import (
	"net/url"
	"slices"
	"strconv"

	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/templates"
)

// readTraits reads the conditions on how much was said and on what is in it. Numbers stay as they are, so that an
// error can be shown where it was made.
func readTraits(v url.Values) templates.Traits {
	t := templates.Traits{Least: short(v.Get("least")), Most: short(v.Get("most")), Attached: answer(v.Get("attached")), Sensitive: answer(v.Get("sensitive"))}
	for _, l := range list(v["language"]) {
		if slices.Contains(templates.SearchLanguages, l) {
			t.Languages = append(t.Languages, l)
		}
	}
	return t
}

func answer(s string) string {
	if s == string(conversation.Yes) || s == string(conversation.No) {
		return s
	}
	return ""
}

// mostMessages bounds the numbers of messages that are asked for.
const mostMessages = 1_000_000

// traits turns them into conditions of the model. The faults name the field.
func traits(t templates.Traits) (out conversation.Traits, err error) {
	number := func(s, field string) (int, *fault.Fault) {
		n, err := strconv.Atoi(s)
		if s != "" && (err != nil || n < 1 || n > mostMessages) {
			return 0, fault.Invalid("conversation.bad_count", mostMessages).On(field)
		}
		return n, nil
	}
	least, badLeast := number(t.Least, "least")
	most, badMost := number(t.Most, "most")
	out = conversation.Traits{Least: least, Most: most, Attached: conversation.Answer(t.Attached), Sensitive: conversation.Answer(t.Sensitive)}
	for _, l := range t.Languages {
		out.Languages = append(out.Languages, conversation.Language(l))
	}
	if badLeast == nil && badMost == nil {
		badMost = out.Check()
	}
	return out, fault.All(badLeast, badMost)
}

// shownTraits are conditions of the model as pages show them.
func shownTraits(t conversation.Traits) templates.Traits {
	out := templates.Traits{Attached: string(t.Attached), Sensitive: string(t.Sensitive)}
	if t.Least > 0 {
		out.Least = strconv.Itoa(t.Least)
	}
	if t.Most > 0 {
		out.Most = strconv.Itoa(t.Most)
	}
	for _, l := range t.Languages {
		out.Languages = append(out.Languages, string(l))
	}
	return out
}
