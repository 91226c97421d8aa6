package handlers

import (
	"cmp"
	"net/url"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/models/mask"
	terms "qingdang/models/words"
	"qingdang/templates"
	"qingdang/web"
)

// marks is what the search looked for from which a conversation was opened.
type marks struct {
	words terms.Query
	stale bool   // it was sealed, and that is over
	back  string // the way to it; "" leads to the plain search
}

// marksOf reads the words of the search to which back leads. They are in its address, sealed in it for half
// an hour, or saved under its code; the address of a conversation has them nowhere else. What is not to be
// read gives none.
func (h *Conversation) marksOf(c echo.Context, back string) (m marks, err error) {
	if back == "" || telling(back) {
		return m, nil
	}
	m.back = searchPath(back)
	s, ok := searchBack(back)
	if !ok {
		return m, nil
	}
	typed := s.Q
	switch {
	case s.Saved != "" && !s.Changed:
		saved, err := h.Saved.Open(c.Request().Context(), web.Actor(c), s.Saved)
		if _, refused := fault.Of(err); refused {
			return m, nil
		} else if err != nil {
			return m, err
		}
		typed = saved.Conditions.Words
	default:
		p, stale := openPrivate(h.Seal, web.Actor(c), s.SID, now(c))
		m.stale = stale != nil
		typed = cmp.Or(p.Q, typed)
	}
	m.words, err = parseWords(typed)
	if fault.KindOf(err) == fault.KindInvalid {
		err = nil
	}
	return m, err
}

// searchBack reads the search to which back leads, if it leads to one.
func searchBack(back string) (templates.Search, bool) {
	at, err := url.Parse(searchPath(back))
	if err != nil || at.Path != templates.ConversationsRoot {
		return templates.Search{}, false
	}
	return readSearch(at.Query()), true
}

// telling tells whether a way back has words that look like personal data: somebody wrote it by hand.
func telling(back string) bool {
	s, ok := searchBack(back)
	return ok && terms.LooksPersonal(s.Q)
}

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
