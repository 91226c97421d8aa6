package words

import (
	"iter"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Term is one thing to look for: the runs of what somebody typed, as they stand one after another in
// a message. Where something separated them, anything that separates may stand between them
// or nothing; where nothing did, nothing may. A word matches whole, ideographs as a part of
// more of them. A term never reaches from one message into the next.
type Term struct {
	text string // folded; never empty, and folding it again changes nothing
}

// String gives the term as it is folded.
func (t Term) String() string { return t.text }

// Terms gives the index terms of messages' texts, each once: every ideograph, every two that
// stand side by side, every word, and every number that stands in groups. They share memory: clone what is
// kept.
func Terms(texts ...string) []string {
	folded := foldAll(texts)
	out := make([]string, 0, len(folded)/2)
	words, ideographs := map[string]struct{}{}, newSet(2*utf8.RuneCountInString(folded))
	for run, c := range runs(folded) {
		if c == letter {
			if _, ok := words[run]; !ok {
				words[run] = struct{}{}
				out = append(out, run)
			}
			continue
		}
		var before rune
		var from int
		for i, r := range run {
			end := i + utf8.RuneLen(r)
			if ideographs.add(uint64(r)) {
				out = append(out, run[i:end])
			}
			if before != 0 && ideographs.add(uint64(before)<<32|uint64(r)) {
				out = append(out, run[from:end])
			}
			before, from = r, i
		}
	}
	numbers := 0
	grouped(folded, func(digits string) bool {
		if _, ok := words[digits]; ok {
			return true
		}
		if numbers++; numbers > mostGrouped {
			out = append(out, overfull)
			return false
		}
		words[digits] = struct{}{}
		out = append(out, digits)
		return true
	})
	return out
}

// set is a set of numbers other than 0, for once: a quarter of the time that a map takes.
type set struct {
	slots []uint64
	shift int
}

// newSet has room for n numbers and one more.
func newSet(n int) set {
	size := max(1, bits.Len(uint(n)))
	return set{make([]uint64, 1<<size), 64 - size}
}

// add tells whether the number is new.
func (s set) add(v uint64) bool {
	const spread = 0x9e3779b97f4a7c15 // Knuth's
	for i := v * spread >> s.shift; ; i = (i + 1) % uint64(len(s.slots)) {
		switch s.slots[i] {
		case v:
			return false
		case 0:
			s.slots[i] = v
			return true
		}
	}
}

// Terms gives the index terms that May asks for.
func (t Term) Terms() []string {
	out := t.terms()
	if n, ok := t.number(); ok {
		out = append(out, n.terms()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// terms gives the index terms that every text has in which the term stands as it was typed.
func (t Term) terms() (out []string) {
	for run, c := range runs(t.text) {
		_, first := utf8.DecodeRuneInString(run)
		if c == letter || first == len(run) {
			out = append(out, run)
			continue
		}
		for i := 0; i+first < len(run); {
			_, second := utf8.DecodeRuneInString(run[i+first:])
			out = append(out, run[i:i+first+second])
			i, first = i+first, second
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// May gives what has the index terms that it needs to match a term, where having gives what has one of them:
// all that match, and more. It works for whatever can be cut with and and united with or.
func May[S any](t Term, having func(term string) S, and, or func(S, S) S) S {
	all := t.terms()
	found := having(all[0])
	for _, one := range all[1:] {
		found = and(found, having(one))
	}
	if n, ok := t.number(); ok {
		for _, one := range n.terms() {
			found = or(found, having(one))
		}
	}
	return found
}

// Exact tells whether a conversation that has the term's index terms is certain to match.
func (t Term) Exact() bool {
	one := t.Terms()
	return len(one) == 1 && one[0] == t.text
}

// runs gives the runs of folded text, each ideograph or letter.
func runs(folded string) iter.Seq2[string, class] {
	return func(yield func(string, class) bool) {
		from, of := 0, separator
		for i, r := range folded {
			c := classOf(r)
			if c == of {
				continue
			}
			if of != separator && !yield(folded[from:i], of) {
				return
			}
			from, of = i, c
		}
		if of != separator {
			yield(folded[from:], of)
		}
	}
}

// next finds the term in folded text from at on; start is negative where it is not.
func (t Term) next(folded string, at int) (start, end int) {
	start, end = t.asTyped(folded, at)
	if n, ok := t.number(); ok {
		i, j := n.next(folded, at)
		if start < 0 || i >= 0 && (i < start || i == start && j > end) {
			return i, j
		}
	}
	return start, end
}

func (t Term) asTyped(folded string, at int) (start, end int) {
	first, more, _ := strings.Cut(t.text, string(gap))
	for {
		i := strings.Index(folded[at:], first)
		if i < 0 {
			return -1, -1
		}
		start = at + i
		if end := t.endOf(folded, start, first, more); end >= 0 {
			return start, end
		}
		_, n := utf8.DecodeRuneInString(folded[start:])
		at = start + n
	}
}

// endOf gives where the term ends that stands at i, negative if it does not stand there.
func (t Term) endOf(folded string, i int, piece, more string) int {
	for {
		if !whole(folded, i, i+len(piece)) {
			return -1
		}
		if i += len(piece); more == "" {
			return i
		}
		if i < len(folded) && (folded[i] == gap || folded[i] == joint) {
			i++
		}
		if piece, more, _ = strings.Cut(more, string(gap)); !strings.HasPrefix(folded[i:], piece) {
			return -1
		}
	}
}

// whole tells whether no word is cut at either end of folded[i:j].
func whole(folded string, i, j int) bool {
	inside := func(before, behind string) bool {
		a, _ := utf8.DecodeLastRuneInString(before)
		b, _ := utf8.DecodeRuneInString(behind)
		return classOf(a) == letter && classOf(b) == letter
	}
	return !inside(folded[:i], folded[i:]) && !inside(folded[:j], folded[j:])
}
