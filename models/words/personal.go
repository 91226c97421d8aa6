package words

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"qingdang/models/mask"
)

// LooksPersonal tells whether what somebody typed may name a person: it holds a number of eight
// digits or more, as telephones, cards and orders have, an e-mail or home address, or names the customer. It
// errs to this side, since its answer keeps an input out of addresses and logs. The input need
// not be one that Parse takes.
func LooksPersonal(input string) bool {
	s := strings.ToLower(norm.NFKC.String(input))
	return longNumber(s) || address.MatchString(s) || customer.MatchString(s) || len(mask.Find(input)) > 0
}

var (
	address  = regexp.MustCompile(`[^\s@]@[^\s@]`)
	customer = regexp.MustCompile(`(` + fieldCustomer + `|customer)\s*:`)
)

// longNumber looks for eight digits, in any script or Chinese numerals, with nothing but signs and
// blanks between them.
func longNumber(s string) bool {
	const long = 8
	n := 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r) || strings.ContainsRune("〇零一二三四五六七八九幺", r):
			if n++; n == long {
				return true
			}
		case unicode.IsLetter(r):
			n = 0
		}
	}
	return false
}
