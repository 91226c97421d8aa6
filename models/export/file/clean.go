package file

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// clean makes a text fit for a cell: whole UTF-8, one sort of line end, and what a table cannot
// hold as [U+0000]. It tells how often. Almost every text is given back as it is.
func clean(s string) (string, int) {
	if !strings.ContainsFunc(s, unfit) {
		return s, 0
	}
	var b strings.Builder
	n := 0
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, "[0x%02X]", s[i])
			n++
		case unfit(r) && r != utf8.RuneError:
			fmt.Fprintf(&b, "[U+%04X]", r)
			n++
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), n
}

// unfit tells what a text must be looked at for: control characters, what XML 1.0 forbids, and
// what may be broken UTF-8.
func unfit(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0xfffd && r <= 0xffff
}
