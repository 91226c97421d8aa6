package conversation_test

import (
	"regexp"
	"slices"

	"qingdang/models/conversation"
)

// lookedFor are the words to look out for.
var lookedFor = []string{"免费", "门票", "iPhone手机壳", "退 款", "15512345678"}

// traits asks for some.
func (m *mirror) traits(t *conversation.Traits) {
	if m.rnd.IntN(8) == 0 {
		t.Least = 1 + m.rnd.IntN(25)
	}
	if m.rnd.IntN(8) == 0 {
		t.Most = max(t.Least, 1) + m.rnd.IntN(20)
	}
	answers := []conversation.Answer{conversation.Yes, conversation.No}
	if m.rnd.IntN(12) == 0 {
		t.Attached = pick(m.rnd, answers)
	}
	if m.rnd.IntN(12) == 0 {
		t.Sensitive = pick(m.rnd, answers)
	}
	for m.rnd.IntN(12) == 0 {
		t.Languages = append(t.Languages, pick(m.rnd, conversation.Languages()))
	}
}

func asksMarks(t conversation.Traits) bool {
	return t.Attached+t.Sensitive != "" || len(t.Languages) > 0
}

// marked says with other means than the program whether a conversation meets what is asked of its marks.
func (m *mirror) marked(p *plain, t conversation.Traits) bool {
	if !asksMarks(t) {
		return true
	}
	if p.dark {
		return false
	}
	if p.marks == nil {
		p.marks = m.marksOf(p)
	}
	meets := func(a conversation.Answer, is bool) bool { return a == "" || (a == conversation.Yes) == is }
	return meets(t.Attached, p.marks.attached) && meets(t.Sensitive, p.marks.sensitive) && (len(t.Languages) == 0 || slices.Contains(t.Languages, p.marks.language))
}

type marks struct {
	attached, sensitive bool
	language            conversation.Language
}

func (m *mirror) marksOf(p *plain) *marks {
	out := &marks{language: languageOf(p)}
	for _, one := range p.new.Document.Messages {
		out.attached = out.attached || one.Attachment != "" || slices.Contains([]string{"image", "file", "voice", "video"}, one.Kind)
		out.sensitive = out.sensitive || slices.ContainsFunc(lookedFor, func(w string) bool {
			return saidIn(meant(one.Text), m.term(w).folded) || spells(spelling(one.Text), m.term(w).number)
		})
	}
	return out
}

var (
	hanSigns   = regexp.MustCompile(`\p{Han}`)
	latinWords = regexp.MustCompile(`\p{Latin}[\p{Latin}\p{Mn}]*`)
	otherSigns = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Hangul}\p{Cyrillic}]`)
)

// languageOf is the language of a conversation in which other scripts than Han and Latin are rare.
func languageOf(p *plain) conversation.Language {
	var han, latin, other int
	for _, one := range p.new.Document.Messages {
		if one.Sender != conversation.FromSystem {
			han += len(hanSigns.FindAllString(one.Text, -1))
			latin += len(latinWords.FindAllString(one.Text, -1))
			other += len(otherSigns.FindAllString(one.Text, -1))
		}
	}
	switch all := float64(han + latin + other); {
	case all == 0 || float64(other) >= 0.2*all:
		return conversation.OtherLanguage
	case float64(han) >= 0.8*all:
		return conversation.Chinese
	case float64(latin) >= 0.8*all:
		return conversation.English
	}
	return conversation.Mixed
}
