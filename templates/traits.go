package templates

import (
	"context"
	"net/url"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// Traits are conditions on how much was said in a conversation and on what is in it. Least and Most are numbers of
// messages, as they were typed; Attached and Sensitive are yes, no or empty.
type Traits struct {
	Least, Most         string
	Attached, Sensitive string
	Languages           []string // one of them
}

// SearchLanguages are the languages that a search offers.
var SearchLanguages = []string{"zh", "en", "mixed", "other"}

// Empty tells whether nothing is asked for.
func (t Traits) Empty() bool { return len(t.each()) == 0 }

// conditions writes them for an address.
func (t Traits) conditions(put func(name, value string)) {
	put("least", url.QueryEscape(t.Least))
	put("most", url.QueryEscape(t.Most))
	put("attached", t.Attached)
	put("sensitive", t.Sensitive)
	put("language", joined(t.Languages))
}

// trait is one of the conditions: in words, and the conditions without it.
type trait struct {
	name  locale.Key
	value func(context.Context) string
	rest  Traits
}

func (t Traits) each() (out []trait) {
	add := func(on bool, name locale.Key, value func(context.Context) string, drop func(*Traits)) {
		if on {
			rest := t
			drop(&rest)
			out = append(out, trait{name, value, rest})
		}
	}
	yes := func(answer string) func(context.Context) string {
		return func(ctx context.Context) string { return locale.T(ctx, "conversation.answer_"+answer) }
	}
	add(t.Least != "" || t.Most != "", "conversation.message_count", t.counts, func(n *Traits) { n.Least, n.Most = "", "" })
	add(t.Attached != "", "conversation.attachment", yes(t.Attached), func(n *Traits) { n.Attached = "" })
	add(t.Sensitive != "", "conversation.sensitive", yes(t.Sensitive), func(n *Traits) { n.Sensitive = "" })
	languages := func(ctx context.Context) string { return wordsOf(ctx, LanguageWord, t.Languages) }
	add(len(t.Languages) > 0, "conversation.language", languages, func(n *Traits) { n.Languages = nil })
	return out
}

// counts says how many messages are asked for.
func (t Traits) counts(ctx context.Context) string {
	switch {
	case t.Least == t.Most:
		return t.Least
	case t.Most == "":
		return locale.T(ctx, "conversation.count_least", t.Least)
	case t.Least == "":
		return locale.T(ctx, "conversation.count_most", t.Most)
	}
	return t.Least + "–" + t.Most
}

// LanguageWord is the language of a conversation in the reader's.
func LanguageWord(ctx context.Context, code string) string {
	return wordOr(ctx, "conversation.language_", code)
}

func hintIf(ctx context.Context, on bool, key string) string {
	if !on {
		return ""
	}
	return locale.T(ctx, key)
}

func answerOptions(ctx context.Context, chosen string) []ui.Option {
	out := []ui.Option{{Label: locale.T(ctx, "conversation.answer_any")}}
	for _, a := range []string{"yes", "no"} {
		out = append(out, ui.Option{Value: a, Label: locale.T(ctx, "conversation.answer_"+a), Chosen: a == chosen})
	}
	return out
}
