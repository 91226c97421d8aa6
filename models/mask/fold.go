package mask

import (
	"strings"
	"unicode/utf8"
)

// runeAt reads the rune at i with full-width forms folded to ASCII; size is that
// of the original. At the end of the text size is 0.
func runeAt(text string, i int) (r rune, size int) {
	if i >= len(text) {
		return 0, 0
	}
	if b := text[i]; b < utf8.RuneSelf {
		return rune(b), 1
	}
	r, size = utf8.DecodeRuneInString(text[i:])
	return fold(r), size
}

// runeBefore reads the rune that ends at i, folded like runeAt.
func runeBefore(text string, i int) (r rune, size int) {
	if i <= 0 {
		return 0, 0
	}
	if b := text[i-1]; b < utf8.RuneSelf {
		return rune(b), 1
	}
	r, size = utf8.DecodeLastRuneInString(text[:i])
	return fold(r), size
}

func fold(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	case r == '\u3000' || r == '\u00a0' || r == '\u2002' || r == '\u2003' || r == '\u2009' || r == '\u202f':
		return ' '
	case r >= '\u2010' && r <= '\u2015' || r == '\u2212':
		return '-'
	}
	return r
}

// folded gives s with every rune folded.
func folded(s string) string { return strings.Map(fold, s) }

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func isHan(r rune) bool    { return r >= '\u4e00' && r <= '\u9fff' || r >= '\u3400' && r <= '\u4dbf' }

// backRunes walks n runes back from i, but not beyond floor.
func backRunes(text string, i, n, floor int) int {
	for ; n > 0 && i > floor; n-- {
		_, size := runeBefore(text, i)
		i -= size
	}
	return max(i, floor)
}

// wordBefore reports whether one of the words stands before i; blanks, colons and
// the little words between a label and its number do not count.
func wordBefore(text string, i int, words []string) bool {
	const reach = 60 // bytes
	before := folded(strings.ToValidUTF8(text[max(0, i-reach):i], " "))
	before = strings.TrimRight(before, " :#.-([【「\"“是为")
	for _, w := range words {
		if strings.HasSuffix(before, w) {
			return true
		}
	}
	return false
}
