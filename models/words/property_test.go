package words_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"qingdang/models/words"
)

// few are characters of every sort, few enough that what is typed stands often in what was said.
var few = []rune("退款单退款单退款aAａb1１２éE\u0301\u200b\ufe0fｶﾞカハ\u309aー가\u1100\u1161\u11a8ㅎㅏ々〇 　，。-－|\"“「」:：\n😀㎏①ǅßΣς\u0130\u0345")

func said(label string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.SampledFrom(few), 0, 24).Draw(t, label)) })
}

// typed draws the text of a term that Parse takes between quotes.
func typed(t *rapid.T, label string) string {
	return rapid.StringMatching(`[退款单ａAb1é가 ，ｶﾞー。㎏\x{301}\x{200b}]{1,6}`).Filter(func(s string) bool { return len(tokens(s)) > 0 }).Draw(t, label)
}

// wish is a query as it was meant.
type wish struct {
	all  [][]string
	none []string
}

func (w wish) fits(texts []string) bool {
	in := func(typed string) bool { return standsIn(typed, texts) }
	for i, either := range w.all {
		if !slices.ContainsFunc(either, in) && (w.together(i) == "" || !in(w.together(i))) {
			return false
		}
	}
	return !slices.ContainsFunc(w.none, in)
}

// together is the number of which a word may be a group, with those beside it that may be, too.
func (w wish) together(i int) string {
	group := func(i int) string {
		if i < 0 || i == len(w.all) || len(w.all[i]) != 1 {
			return ""
		}
		digits := ""
		for _, t := range tokens(w.all[i][0]) {
			digits += t.text
		}
		if !grouped.MatchString(digits) {
			return ""
		}
		return digits
	}
	digits := group(i)
	if digits == "" {
		return ""
	}
	for at := i - 1; group(at) != ""; at-- {
		digits = group(at) + digits
	}
	for at := i + 1; group(at) != ""; at++ {
		digits += group(at)
	}
	if len(digits) > 19 {
		return ""
	}
	return digits
}

// write spells the wish in one of many ways.
func (w wish) write(t *rapid.T) string {
	quote := func(s string) string {
		return strings.Replace(rapid.SampledFrom([]string{`"%"`, "“%”", "「%」", "＂%＂"}).Draw(t, "quotes"), "%", s, 1)
	}
	blank := func() string { return rapid.SampledFrom([]string{" ", "　", " \t "}).Draw(t, "blank") }
	var out []string
	for _, either := range w.all {
		var b strings.Builder
		for i, s := range either {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{" OR ", "|", " 或 ", "　ＯＲ　", " ｜ "}).Draw(t, "or"))
			}
			b.WriteString(quote(s))
		}
		out = append(out, b.String())
	}
	for _, s := range w.none {
		at := rapid.IntRange(0, len(out)).Draw(t, "at")
		out = slices.Insert(out, at, rapid.SampledFrom([]string{"-", "－"}).Draw(t, "minus")+quote(s))
	}
	return strings.Join(out, blank())
}

// What is found is what the oracle finds, for every spelling of a query.
func TestMatchIsTheOraclesForQueries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(said("text"), 0, 4).Draw(t, "texts")
		var w wish
		for range rapid.IntRange(0, 3).Draw(t, "all") {
			var either []string
			for range rapid.IntRange(1, 3).Draw(t, "either") {
				either = append(either, typed(t, "term"))
			}
			if rapid.IntRange(0, 2).Draw(t, "group") == 0 {
				either = []string{rapid.StringMatching(`[12１]{2,5}`).Draw(t, "digits")}
			}
			w.all = append(w.all, either)
		}
		for range rapid.IntRange(0, 2).Draw(t, "none") {
			w.none = append(w.none, typed(t, "not"))
		}
		input := w.write(t)
		q, err := words.Parse(input)
		if err != nil {
			t.Fatalf("%q: %v", input, err)
		}
		if got, want := q.Match(texts), w.fits(texts); got != want {
			t.Fatalf("%q matches %q: %v", input, texts, got)
		}
	})
}

// numbered draws a text that is full of digits, and one that may be a number of it.
func numbered(t *rapid.T) (typed, text string) {
	group := rapid.StringMatching(`[13８]{1,6}|138|0013|8000|86|0086|86138|13800138000|8613800138000|12345678901234567x?`)
	between := rapid.SampledFrom([]string{"", "-", "-", " ", " ", " ", "　", ".", " - ", " – ", "·", "--", "，", "  ", "   ", "    ", "/", "款", "a", "\u00a0", "\u200b", "+", ". "})
	write := func(label string, most int) string {
		var b strings.Builder
		for range rapid.IntRange(1, most).Draw(t, label) {
			b.WriteString(group.Draw(t, label) + between.Draw(t, label))
		}
		return b.String()
	}
	text = write("text", 9)
	if rapid.Bool().Draw(t, "other") {
		return write("typed", 4), text
	}
	have := tokens(text) // a part of what stands there
	from := rapid.IntRange(0, len(have)-1).Draw(t, "from")
	for _, one := range have[from:rapid.IntRange(from+1, len(have)).Draw(t, "to")] {
		typed += one.text
	}
	return typed, text
}

// A number is found in whatever groups it was written, and typed.
func TestNumbersAreTheOracles(t *testing.T) {
	met := 0
	rapid.Check(t, func(t *rapid.T) {
		typed, text := numbered(t)
		checkTerm(t, typed, text)
		if numberStands(tokens(typed), tokens(text)) && !standsAsTyped(tokens(typed), tokens(text)) {
			met++
		}
	})
	if met == 0 {
		t.Error("no number stood in other groups")
	}
}

// A term that is a part of what was said is the hard case: it nearly always matches.
func TestTermsAndHitsOfAMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := said("text").Draw(t, "text")
		runes := []rune(text)
		from := rapid.IntRange(0, len(runes)).Draw(t, "from")
		typed := string(runes[from:rapid.IntRange(from, len(runes)).Draw(t, "to")])
		checkTerm(t, typed, text)
	})
}

// may tells whether what has some index terms may match a term.
func may(term words.Term, has func(string) bool) bool {
	return words.May(term, has, func(a, b bool) bool { return a && b }, func(a, b bool) bool { return a || b })
}

type failer interface {
	Fatalf(format string, args ...any)
}

// checkTerm checks everything that holds for one term and one text.
func checkTerm(t failer, typed, text string) {
	if strings.ContainsAny(typed, "\"“”＂") || len(tokens(typed)) == 0 {
		return
	}
	q, err := words.Parse(`"` + typed + `"`)
	if err != nil {
		return // too long
	}
	term := q.All[0][0]
	have := words.Terms(text)
	match := q.Match([]string{text})
	// What shows nothing may stand between two characters that Unicode composes once it is gone: such a
	// term is searched for as it looks.
	if oracleFold(oracleFold(typed)) == oracleFold(typed) && match != stands(typed, text) {
		t.Fatalf("%q matches %q: %v", typed, text, match)
	}
	all := may(term, func(s string) bool { return slices.Contains(have, s) })
	switch {
	case len(term.Terms()) == 0:
		t.Fatalf("%q has no terms", typed)
	case match && !all:
		t.Fatalf("%q matches %q, and its terms %q are not among %q", typed, text, term.Terms(), have)
	case all && term.Exact() && !match:
		t.Fatalf("%q is exact, its terms are in %q, and it does not match", typed, text)
	}
	checkHits(t, q, text, match)
}

func checkHits(t failer, q words.Query, text string, match bool) {
	hits := q.Hits(text)
	if match != (len(hits) > 0) {
		t.Fatalf("%q in %q: matches %v, hits %v", q, text, match, hits)
	}
	if first := q.First(slices.All([]string{"", text})); (first == 1) != match || (first < 0) == match {
		t.Fatalf("%q in %q: matches %v, first of two %d", q, text, match, first)
	}
	var rest strings.Builder
	at := 0
	for _, h := range hits {
		if h.Start < at || h.End <= h.Start || h.End > len(text) || cut(text, h.Start) || cut(text, h.End) {
			t.Fatalf("%q in %q: hits %v", q, text, hits)
		}
		if marked := text[h.Start:h.End]; !q.Match([]string{marked}) {
			t.Fatalf("%q in %q: marks %q", q, text, marked)
		}
		rest.WriteString(text[at:h.Start] + other)
		at = h.End
	}
	// What is left has nothing more to mark.
	if rest.WriteString(text[at:]); !strings.Contains(q.String(), other) && q.Match([]string{rest.String()}) {
		t.Fatalf("%q in %q: more stands in %q", q, text, rest.String())
	}
}

// other stands in no term.
const other = "文"

func cut(text string, i int) bool {
	return i < len(text) && !utf8.RuneStart(text[i]) && utf8.ValidString(text)
}

func TestTermsAreTheOracles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(said("text"), 0, 3).Draw(t, "texts")
		checkIndexTerms(t, texts)
	})
}

func checkIndexTerms(t failer, texts []string) {
	got, want := words.Terms(texts...), oracleTerms(texts)
	for _, s := range got {
		if !want[s] {
			t.Fatalf("%q has no term %q", texts, s)
		}
		delete(want, s)
	}
	if len(want) > 0 {
		t.Fatalf("%q lacks terms %v, or has them twice: %q", texts, want, got)
	}
}

// Any query comes back from its one form as it was.
func TestParseReadsItsOwnForm(t *testing.T) {
	value := rapid.StringMatching(`[a退 "「」|:：-]{1,5}`)
	input := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{"退款", "OR", "或", "|", "-a", `"a b"`, "a-b", "ＡＢ", "客服:x", "-标签:y", "标签:", "「c", "㍿", `"或"`, "-“或”", "platform:Q"}),
			value, rapid.Map(value, func(v string) string { return "标签:「" + v + "」" }), rapid.Map(value, func(v string) string { return `-tag:"` + v + `"` }), said("anything"),
		), 0, 8).Draw(t, "pieces"), " ")
	})
	rapid.Check(t, func(t *rapid.T) { checkRoundTrip(t, input.Draw(t, "input")) })
}

func checkRoundTrip(t failer, input string) {
	q, err := words.Parse(input)
	if err != nil {
		checkFault(t, input, err)
		return
	}
	again, err := words.Parse(q.String())
	if err != nil || !reflect.DeepEqual(again, q) || again.String() != q.String() {
		t.Fatalf("%q is read as %q, which comes back as %q, %v", input, q, again, err)
	}
}
