package words

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Query is what somebody searches for. A conversation matches when each list of All has a term
// that stands in one of its messages, and no term of None does. The fields narrow by
// what is known of a conversation: all of Tags, none of WithoutTags, one of Agents, one of
// Platforms, the Customer. They are as typed; who reads them knows what they name.
type Query struct {
	All         [][]Term
	None        []Term
	Agents      []string
	Tags        []string
	WithoutTags []string
	Platforms   []string
	Customer    string
}

// Empty tells whether nothing is asked for.
func (q Query) Empty() bool { return !q.HasTerms() && q.noFields() }

// HasTerms tells whether texts have to be looked at.
func (q Query) HasTerms() bool { return len(q.All)+len(q.None) > 0 }

func (q Query) noFields() bool {
	return len(q.Agents)+len(q.Tags)+len(q.WithoutTags)+len(q.Platforms) == 0 && q.Customer == ""
}

// Match tells whether the messages of a conversation match. It looks at the terms only, and texts
// are those of the messages that were not recalled.
func (q Query) Match(texts []string) bool {
	if !q.HasTerms() {
		return true
	}
	folded := ""
	in := func(t Term) bool {
		if slices.ContainsFunc(texts, t.plainly) {
			return true
		}
		if folded == "" {
			folded = foldAll(texts)
		}
		start, _ := t.next(folded, 0)
		return start >= 0
	}
	for _, either := range q.Lists() {
		if !slices.ContainsFunc(either, in) {
			return false
		}
	}
	return !slices.ContainsFunc(q.None, in)
}

// First gives the place of the first text in which Hits finds something, negative where there is none.
func (q Query) First(texts iter.Seq2[int, string]) int {
	lists := q.Lists()
	for i, text := range texts {
		folded := ""
		for _, t := range slices.Concat(lists...) {
			if t.plainly(text) {
				return i
			}
			if folded == "" {
				folded = fold(text)
			}
			if start, _ := t.next(folded, 0); start >= 0 {
				return i
			}
		}
	}
	return -1
}

// plainly tells whether the term stands in a text as it is: ideographs of which folding changes none, whatever
// stands beside them. Nearly all hits do, and a text need not be folded for them. Otherwise nothing is said.
func (t Term) plainly(text string) bool {
	return hanAt(t.text) == len(t.text) && strings.Contains(text, t.text)
}

// Span is a part of a text, in bytes, End exclusive.
type Span struct{ Start, End int }

// Hits gives the parts of a message's text that the query looks for, by position, those that
// overlap as one.
func (q Query) Hits(text string) []Span {
	f := folder{track: true}
	f.Grow(len(text))
	f.text(text)
	var found []Span // in folded text
	for _, either := range q.Lists() {
		for _, t := range either {
			found = append(found, t.spans(f.String())...)
		}
	}
	slices.SortFunc(found, func(a, b Span) int { return a.Start - b.Start })
	var hits []Span
	for _, s := range found {
		s = Span{f.originOf(s.Start).start, f.originOf(s.End - 1).end}
		if n := len(hits); n > 0 && s.Start < hits[n-1].End {
			hits[n-1].End = max(hits[n-1].End, s.End)
			continue
		}
		hits = append(hits, s)
	}
	return hits
}

func (t Term) spans(folded string) (found []Span) {
	for at := 0; ; {
		start, end := t.next(folded, at)
		if start < 0 {
			return found
		}
		found = append(found, Span{start, end})
		_, n := utf8.DecodeRuneInString(folded[start:])
		at = start + n
	}
}

// originOf gives where the folded byte at i comes from.
func (f *folder) originOf(i int) from {
	n, exact := slices.BinarySearchFunc(f.origin, i, func(o from, i int) int { return o.at - i })
	if !exact {
		n--
	}
	return f.origin[n]
}

// String writes the query in its one form: Parse reads it back as the same query.
func (q Query) String() string {
	var parts []string
	for _, either := range q.All {
		var terms []string
		for _, t := range either {
			terms = append(terms, t.quoted())
		}
		parts = append(parts, strings.Join(terms, "|"))
	}
	for _, t := range q.None {
		parts = append(parts, "-"+t.quoted())
	}
	field := func(name string, values ...string) {
		for _, v := range values {
			parts = append(parts, name+":"+quotedValue(v))
		}
	}
	field(fieldAgent, q.Agents...)
	field(fieldTag, q.Tags...)
	field("-"+fieldTag, q.WithoutTags...)
	field(fieldPlatform, q.Platforms...)
	if q.Customer != "" {
		field(fieldCustomer, q.Customer)
	}
	return strings.Join(parts, " ")
}

// quoted writes a term; one that reads as an operator is quoted too.
func (t Term) quoted() string {
	if strings.Contains(t.text, string(gap)) || t.text == orChinese {
		return `"` + t.text + `"`
	}
	return t.text
}

// quotedValue quotes where a bare value would end early, with the quotes that it does not have.
func quotedValue(v string) string {
	switch {
	case strings.ContainsFunc(v, isDouble):
		return "「" + v + "」"
	case strings.ContainsFunc(v, endsBare):
		return `"` + v + `"`
	}
	return v
}
