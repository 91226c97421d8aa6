package words_test

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The oracle says the same as this package with other means: it folds a text as a whole, cuts it
// by regular expressions, an ideograph at a time, and compares token by token from every place.

// token is a word or one ideograph; apart says that something stands before it that separates.
type token struct {
	text  string
	apart bool
}

var (
	overlaid = regexp.MustCompile(`[\p{Mn}\p{Me}\p{Cf}]+`)
	pieces   = regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}ー]|(?:[\p{L}\p{N}\p{Mc}])`)
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
			out = append(out, token{c, apart})
			word = letter
		}
		end = at[1]
	}
	return out
}

// stands tells whether a term, as it was typed, stands in a text.
func stands(typed, text string) bool { return standsAmong(tokens(typed), tokens(text)) }

func standsAmong(want, have []token) bool {
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
		}
	}
	return out
}
