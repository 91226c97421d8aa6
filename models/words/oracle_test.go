package words_test

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The oracle says the same as this package with other means: it folds a text as a whole, cuts it
// by regular expressions, an ideograph at a time, and compares token by token from every place.

// token is a word or one ideograph; apart says that something stands before it that separates, joint
// that it may divide a number.
type token struct {
	text         string
	apart, joint bool
}

var (
	overlaid = regexp.MustCompile(`[\p{Mn}\p{Me}\p{Cf}]+`)
	pieces   = regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}ー]|(?:[\p{L}\p{N}\p{Mc}])`)
	between  = regexp.MustCompile(`^(?:[ \t]{1,3}|[ \t]{0,2}[-‐‒–—―−.·•・]|[ \t]?[-‐‒–—―−.·•・][ \t]|[-‐‒–—―−.·•・][ \t]{2})$`)
	oneOfUs  = regexp.MustCompile(`^[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}ー]$`)
)

func oracleFold(text string) string {
	text = strings.Map(unicode.ToLower, norm.NFKC.String(strings.Map(unicode.ToLower, text)))
	return overlaid.ReplaceAllString(text, "")
}

func tokens(text string) (out []token) {
	folded := oracleFold(text)
	end, word := 0, false // where the last character ended, and whether it was one of a word
	for _, at := range pieces.FindAllStringIndex(folded, -1) {
		c := folded[at[0]:at[1]]
		apart := at[0] > end && len(out) > 0
		if letter := !oneOfUs.MatchString(c); letter && word && !apart {
			out[len(out)-1].text += c
		} else {
			out = append(out, token{c, apart, apart && between.MatchString(folded[end:at[0]])})
			word = letter
		}
		end = at[1]
	}
	return out
}

// stands tells whether a term, as it was typed, stands in a text.
func stands(typed, text string) bool { return standsAmong(tokens(typed), tokens(text)) }

func standsAmong(want, have []token) bool {
	return standsAsTyped(want, have) || numberStands(want, have)
}

var (
	oneNumber = regexp.MustCompile(`^([0-9]{7,32}|[0-9]{17}x)$`)
	phone     = regexp.MustCompile(`^(86|0086)?(1[3-9][0-9]{9})$`)
	grouped   = regexp.MustCompile(`^[0-9]{2,}x?$`)
)

// numberStands tells whether tokens that are a number as a whole stand among others in whatever groups.
func numberStands(want, have []token) bool {
	digits := ""
	for _, w := range want {
		digits += w.text
	}
	if !oneNumber.MatchString(digits) {
		return false
	}
	spelt := map[string]int{digits: 3} // and how long the first group has to be
	if m := phone.FindStringSubmatch(digits); m != nil {
		spelt = map[string]int{m[2]: 3, "86" + m[2]: 5, "0086" + m[2]: 7}
	}
	for from := range have {
		run := ""
		for i, h := range have[from:] {
			if i > 0 && !h.joint || len(h.text) < 3 {
				break
			}
			run += h.text
			if first, ok := spelt[run]; ok && len(have[from].text) >= first {
				return true
			}
		}
	}
	return false
}

func standsAsTyped(want, have []token) bool {
	for from := 0; from+len(want) <= len(have); from++ {
		same := true
		for i, w := range want {
			h := have[from+i]
			if h.text != w.text || i > 0 && h.apart && !w.apart {
				same = false
			}
		}
		if same {
			return true
		}
	}
	return false
}

func standsIn(typed string, texts []string) bool {
	for _, t := range texts {
		if stands(typed, t) {
			return true
		}
	}
	return false
}

// oracleTerms gives the index terms that texts must have.
func oracleTerms(texts []string) map[string]bool {
	out := map[string]bool{}
	for _, t := range texts {
		all := tokens(t)
		for i, k := range all {
			out[k.text] = true
			if i > 0 && !k.apart && oneOfUs.MatchString(k.text) && oneOfUs.MatchString(all[i-1].text) {
				out[all[i-1].text+k.text] = true
			}
			run := k.text
			for _, next := range all[i+1:] {
				if len(k.text) < 3 || !next.joint || len(next.text) < 3 {
					break
				}
				if run += next.text; oneNumber.MatchString(run) {
					out[run] = true
				}
			}
		}
	}
	return out
}
