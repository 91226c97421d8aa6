package handlers

import (
	"unicode/utf8"

	"qingdang/models/mask"
	terms "qingdang/models/words"
	"qingdang/templates"
)

// maskedParts masks a whole text, marks in what is left of it what was looked for, and then cuts what is too
// long to be shown. A mark tells nothing about what is masked: it depends on what can be read alone, and none
// reaches into a masked part.
func maskedParts(text string, w terms.Query) (parts []templates.MaskedPart, clipped int) {
	left := clipRunes
	for _, p := range marked(mask.Text(text), w) {
		n := utf8.RuneCountInString(p.Text)
		if n > left {
			if p.Kind == "" {
				p.Text = string([]rune(p.Text)[:left]) + "…"
				parts = append(parts, p)
			}
			return parts, utf8.RuneCountInString(text)
		}
		left -= n
		parts = append(parts, p)
	}
	return parts, 0
}

// marked divides the parts of a masked text where a hit begins and ends; Hit is not the number yet.
func marked(text mask.Masked, w terms.Query) (out []templates.MaskedPart) {
	var hits []terms.Span
	whole := ""
	if len(w.All) > 0 {
		whole = text.String()
		hits = w.Hits(whole)
	}
	start := 0
	for _, p := range text.Parts {
		end := start + len(p.Text)
		if p.Kind != "" {
			out = append(out, templates.MaskedPart{Text: p.Text, Kind: p.Kind, Tail: p.Tail})
			start = end
			continue
		}
		at := start
		// Both come in their order; what begins before the part reaches out of one that is masked.
		for len(hits) > 0 && hits[0].Start < end {
			h := hits[0]
			hits = hits[1:]
			if h.Start < start || h.End > end {
				continue
			}
			if at < h.Start {
				out = append(out, templates.MaskedPart{Text: whole[at:h.Start]})
			}
			out = append(out, templates.MaskedPart{Text: whole[h.Start:h.End], Hit: 1})
			at = h.End
		}
		if at < end {
			out = append(out, templates.MaskedPart{Text: p.Text[at-start:]})
		}
		start = end
	}
	return out
}
