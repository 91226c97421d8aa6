// Package words owns what a search for words means: how text is folded, which terms of it an
// index holds, the language people write queries in, what a query matches, and what of a text
// it marks. It is pure: no clock, no files, time linear in the length of the text.
//
// Text is folded to lower case and Unicode's NFKC, so that half and full width, upper and lower
// case are the same; what then still stands above or below a letter, and what shows nothing, is
// left out. Folded text falls into runs: of ideographs (Han, kana, hangul, bopomofo), which are
// searched by any part of them, and words of letters and digits, which are searched whole.
// Everything else separates.
package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class says what a folded rune is.
type class uint8

const (
	separator class = iota
	ideograph
	letter  // or digit
	ignored // neither there nor between
)

// Folded text is its runs, a gap where the text had separators between two of them, a joint where
// they were such as may divide a number, and a border between two messages. A term has gaps only.
const (
	gap    = ' '
	joint  = '-'
	border = '\n'
)

// from says where a piece of folded text comes from: what is folded at at and behind, up to the
// next piece, was text[start:end].
type from struct{ at, start, end int }

// folder writes folded text. It keeps the origin of every rune where track is set.
type folder struct {
	strings.Builder
	apart   bool // separators stood since the last run
	between between
	track   bool
	origin  []from
}

// fold gives the folded text of one message.
func fold(text string) string {
	var f folder
	f.Grow(len(text))
	f.text(text)
	return f.String()
}

// foldAll gives the folded texts of the messages of a conversation.
func foldAll(texts []string) string {
	size := 0
	for _, t := range texts {
		size += len(t) + 1
	}
	var f folder
	f.Grow(size)
	for _, t := range texts {
		f.text(t)
		f.apart, f.between.border = true, true
	}
	return f.String()
}

func (f *folder) text(text string) {
	for i := 0; i < len(text); {
		if n := hanAt(text[i:]); n > 0 {
			f.han(text, i, i+n)
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if r >= firstWide && r <= lastWide {
			r -= firstWide - '!'
		}
		switch {
		case separates(r):
			f.separate(r)
		case r < utf8.RuneSelf && !composes(text[i+n:]):
			f.place(i, i+n)
			f.WriteByte(ascii[r])
		default:
			n = f.segment(text, i)
		}
		i += n
	}
}

const firstWide, lastWide = '！', '～'

// ascii gives the lower case of letters and digits, and 0 for what separates.
var ascii = func() (t [utf8.RuneSelf]byte) {
	for r := range t {
		if c := byte(unicode.ToLower(rune(r))); c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			t[r] = c
		}
	}
	return t
}()

// separates knows the usual punctuation, whatever stands behind it.
func separates(r rune) bool {
	return r < utf8.RuneSelf && ascii[r] == 0 || r >= '\u3000' && r <= '〃' || r >= '〈' && r <= '】' || r >= '‐' && r <= '‧'
}

// composes tells whether what follows a letter may change it.
func composes(text string) bool {
	return text != "" && text[0] >= utf8.RuneSelf && hanAt(text) == 0 && !norm.NFKC.PropertiesString(text).BoundaryBefore()
}

// hanAt gives the length of the Han characters with which a text begins, of those that fold to
// themselves whatever stands beside them. Nearly all of a Chinese text is that.
func hanAt(text string) (n int) {
	for len(text) >= n+3 {
		a, b, c := text[n], text[n+1], text[n+2]
		if a < 0xe4 || a > 0xe9 || a == 0xe4 && b < 0xb8 || b&0xc0 != 0x80 || c&0xc0 != 0x80 {
			break // not U+4E00 to U+9FFF
		}
		n += 3
	}
	return n
}

func (f *folder) han(text string, start, end int) {
	if !f.track {
		f.place(start, end)
		f.WriteString(text[start:end])
		return
	}
	for ; start < end; start += 3 {
		f.place(start, start+3)
		f.WriteString(text[start : start+3])
	}
}

// segment folds the runes at i that Unicode composes together and gives their length.
func (f *folder) segment(text string, i int) int {
	n := norm.NFKC.NextBoundaryInString(text[i:], true)
	for _, r := range norm.NFKC.String(strings.ToLower(text[i : i+n])) {
		f.rune(unicode.ToLower(r), i, i+n)
	}
	return n
}

// rune writes a rune that came from start to end.
func (f *folder) rune(r rune, start, end int) {
	switch classOf(r) {
	case separator:
		f.separate(r)
	case ignored:
	default:
		f.place(start, end)
		f.WriteRune(r)
	}
}

func (f *folder) separate(r rune) {
	f.apart = true
	f.between.add(r)
}

// place writes what separated the run that begins or goes on now.
func (f *folder) place(start, end int) {
	if f.apart && f.Len() > 0 {
		f.WriteByte(f.between.sign())
	}
	f.apart, f.between = false, between{}
	if f.track && (len(f.origin) == 0 || f.origin[len(f.origin)-1].start != start) {
		f.origin = append(f.origin, from{f.Len(), start, end})
	}
}

var ideographs = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo}

// longVowel belongs to both kana, and so to no script.
const longVowel = 'ー'

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if ascii[r] != 0 {
			return letter
		}
		return separator
	case r >= '\u4e00' && r <= '\u9fff', r == longVowel:
		return ideograph
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return ignored
	case unicode.In(r, ideographs...):
		return ideograph
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.Mc, r):
		return letter
	}
	return separator
}
