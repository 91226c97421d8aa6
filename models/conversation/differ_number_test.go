package conversation_test

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What a number is, and where one stands, is said here with other means than package words.

// numbers are what is written in ever other groups.
var numbers = []string{"13800138000", "13900139000", "20251019888001", "6222021234567890123", "11010519900307123x", "4008208820", "057187654321", "8887766", "88812345678901234567890"}

// number writes one of the numbers.
func (m *mirror) number() string {
	digits := pick(m.rnd, numbers)
	var b strings.Builder
	b.WriteString(pick(m.rnd, []string{"", "", "", "+86", "+86 ", "0086", "(86)", "电话", "#", "1-", "5"}))
	between := pick(m.rnd, []string{"", "-", " ", ".", "—", " - ", "　", "，", "--", "    ", "/"})
	for digits != "" {
		n := min(pick(m.rnd, []int{1, 2, 3, 3, 4, 4, 4, 5, 8, 30}), len(digits))
		b.WriteString(digits[:n])
		if digits = digits[n:]; digits != "" {
			b.WriteString(between)
		}
	}
	b.WriteString(pick(m.rnd, []string{"", "", "", " ", "。", "x", "0", "-1"}))
	text := b.String()
	if m.rnd.IntN(6) == 0 {
		text = strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + '０'
			}
			return r
		}, text)
	}
	return text
}

// spelt is a word; near says that what stands before it may divide a number.
type spelt struct {
	text string
	near bool
}

// spelling gives the words of a text. Ideographs are none, and divide.
func spelling(text string) (out []spelt) {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
			return -1
		case ideographic(r):
			return '，'
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(strings.ToLower(text)))
	end := 0
	for _, at := range wordOnly.FindAllStringIndex(text, -1) {
		gap := []rune(text[end:at[0]])
		signs, near := 0, len(gap) >= 1 && len(gap) <= 3
		for _, r := range gap {
			if r != ' ' && r != '\t' {
				signs++
				near = near && strings.ContainsRune("-‐‒–—―−.·•・", r)
			}
		}
		out = append(out, spelt{text[at[0]:at[1]], near && signs < 2})
		end = at[1]
	}
	return out
}

var (
	wordOnly  = regexp.MustCompile(`[\p{L}\p{N}\p{Mc}]+`)
	allDigits = regexp.MustCompile(`^(\d{7,32}|\d{17}x)$`)
	mobile    = regexp.MustCompile(`^(?:86|0086)?(1[3-9]\d{9})$`)
	someOf    = regexp.MustCompile(`^\d[\d ]*\dx?$`)
)

// numberOf is the digits of a word that is a number, "" for any other.
func numberOf(word string) string {
	digits := strings.ReplaceAll(meant(word), " ", "")
	if !allDigits.MatchString(digits) {
		return ""
	}
	if m := mobile.FindStringSubmatch(digits); m != nil {
		return m[1]
	}
	return digits
}

// spells tells whether words are the groups of a number, from some word to another.
func spells(words []spelt, number string) bool {
	if number == "" {
		return false
	}
	before := []string{""}
	if mobile.MatchString(number) {
		before = append(before, "86", "0086")
	}
	for from := range words {
		for _, b := range before {
			rest := b + number
			for i := from; i < len(words) && (i == from || words[i].near) && len(words[i].text) > 2 && (i > from || len(words[i].text) > len(b)+2); i++ {
				var ok bool
				if rest, ok = strings.CutPrefix(rest, words[i].text); !ok {
					break
				}
				if rest == "" {
					return true
				}
			}
		}
	}
	return false
}

// joinedOf gives the numbers that words are groups of which stand side by side in a question.
func joinedOf(all [][]string) []string {
	out := make([]string, len(all))
	for from := 0; from < len(all); {
		digits, to := "", from
		for ; to < len(all) && len(all[to]) == 1 && someOf.MatchString(meant(all[to][0])); to++ {
			digits += strings.ReplaceAll(meant(all[to][0]), " ", "")
		}
		if to > from+1 && len(digits) <= 19 && allDigits.MatchString(digits) {
			for i := from; i < to; i++ {
				out[i] = digits
			}
		}
		from = max(to, from+1)
	}
	return out
}
