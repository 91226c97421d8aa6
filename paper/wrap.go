package paper

import (
	"strings"
	"unicode"
)

// What must not stand at the beginning of a line, and what not at its end (避头尾).
const (
	notFirst = "，。、；：？！）】》」』〉”’…—～·％%,.;:?!)]}"
	notLast  = "（【《「『〈“‘([{"
)

// wrap cuts a text into lines of at most a width. Words of letters and digits stay whole where
// they fit; a single word that is too long is cut.
func wrap(text string, width float64, measure func(string) float64) []string {
	var lines []string
	runes := []rune(text)
	for len(runes) > 0 {
		n := fitting(runes, width, measure)
		if n < len(runes) {
			n = breakBefore(runes, n)
		}
		if line := strings.TrimSpace(string(runes[:n])); line != "" || len(runes) == n {
			lines = append(lines, line)
		}
		for runes = runes[n:]; len(runes) > 0 && runes[0] == ' '; {
			runes = runes[1:]
		}
	}
	if lines == nil {
		return []string{""}
	}
	return lines
}

// fitting tells how many runes fit, at least one.
func fitting(runes []rune, width float64, measure func(string) float64) int {
	used := 0.0
	for i, r := range runes {
		if used += measure(string(r)); used > width && i > 0 {
			return i
		}
	}
	return len(runes)
}

// breakBefore finds the last place at or before n where a line may be broken.
func breakBefore(runes []rune, n int) int {
	for i := n; i > 0; i-- {
		before, after := runes[i-1], runes[i]
		if wordy(before) && wordy(after) || strings.ContainsRune(notFirst, after) || strings.ContainsRune(notLast, before) {
			continue
		}
		return i
	}
	return n
}

// wordy tells whether a rune belongs to a word, a number or a time that is not cut. Chinese may be
// cut anywhere.
func wordy(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_/+&#@'.,:*", r)) && !unicode.Is(unicode.Han, r)
}
