package mask

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// formula lists what makes a spreadsheet take a cell for a formula, or split it, also as Chinese
// and Japanese keyboards write it.
const formula = "=+-@＝＋－＠\t\r\n\x00"

// Cell gives a text for a cell of a table file, so that no spreadsheet reads it as a formula: what
// could be one, also behind blanks that nobody sees, gets an apostrophe in front. A negative
// number stays a number. What begins with an apostrophe gets one more, so that taking the first
// one off always gives the text back, as qingdang-verify does with a manifest.
func Cell(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	if first != '\'' && !starts(first) && !(unseen(first) && starts(visible(s))) {
		return s
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] == '-' {
		return s
	}
	return "'" + s
}

// starts tells whether a formula may begin with a rune.
func starts(r rune) bool { return strings.ContainsRune(formula, r) }

// visible is the first rune that anybody sees.
func visible(s string) rune {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unseen))
	return r
}

func unseen(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) }
