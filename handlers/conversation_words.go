package handlers

import (
	"strings"
	"unicode/utf8"

	"qingdang/models/mask"
	terms "qingdang/models/words"
	"qingdang/templates"
)

// longestTyped bounds what is read of the keyword field; terms.Parse says how much it takes.
const longestTyped = 2 * terms.MaxRunes

// typedWords reads the keyword field as it was typed.
func typedWords(s string) string {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return ""
	}
	r := []rune(s)
	return string(r[:min(len(r), longestTyped)])
}

// parseWords reads keywords. Platforms are named in words of either language and searched by code. The
// fault is on the field q.
func parseWords(typed string) (terms.Query, error) {
	q, err := terms.Parse(typed)
	for i, p := range q.Platforms {
		q.Platforms[i] = templates.PlatformCode(p)
	}
	return q, err
}

// Where a snippet begins before its first hit, in characters.
const beforeHit = 16

// snippet is the part of a conversation that a list shows, with the hits marked. It masks first and
// looks for hits in what is left, so that a mark tells nothing about what is masked.
func snippet(text string, w terms.Query) []templates.Piece {
	masked := oneLine(mask.String(text))
	hits := w.Hits(masked)
	if len(hits) == 0 {
		return []templates.Piece{{Text: cutRunes(masked, previewRunes)}}
	}
	from := wordStart(masked, back(masked, hits[0].Start, beforeHit))
	to := forth(masked, from, previewRunes)
	var out []templates.Piece
	add := func(start, end int, hit bool) {
		if start < end {
			out = append(out, templates.Piece{Text: masked[start:end], Hit: hit})
		}
	}
	if from > 0 {
		out = append(out, templates.Piece{Text: "…"})
	}
	at := from
	for _, h := range hits {
		if h.Start >= to {
			break
		}
		add(at, h.Start, false)
		at = min(h.End, to)
		add(h.Start, at, true)
	}
	add(at, to, false)
	if to < len(masked) {
		out = append(out, templates.Piece{Text: "…"})
	}
	return out
}

// longestWord is how far a snippet reaches back for the beginning of a word, in bytes.
const longestWord = 20

// wordStart gives the beginning of the Latin word that the i-th byte stands in, so that a snippet begins with no half
// of one; i itself where there is none, or only far away.
func wordStart(s string, i int) int {
	at := i
	for at > 0 && at < len(s) && letter(s[at]) && letter(s[at-1]) {
		at--
	}
	if i-at > longestWord {
		return i
	}
	return at
}

func letter(b byte) bool { return b|' ' >= 'a' && b|' ' <= 'z' || b >= '0' && b <= '9' }

// back and forth give the byte n characters before or after a byte of a text.
func back(s string, at, n int) int {
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return at
}

func forth(s string, at, n int) int {
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}
