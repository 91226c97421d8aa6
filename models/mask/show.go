package mask

import "strings"

// A Part of a masked text is either plain or one masked value.
type Part struct {
	Text string
	Kind Kind   // "" is plain
	Tail string // the last four of a masked number, for those who hear the page
}

// Masked is a text in parts, so that a page can mark what it does not show.
type Masked struct{ Parts []Part }

// String gives the masked text as one string.
func (m Masked) String() string {
	var b strings.Builder
	for _, p := range m.Parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Text masks personal data, order numbers and tracking numbers in text.
func Text(text string) Masked {
	spans := sensitive(text)
	parts := make([]Part, 0, 2*len(spans)+1)
	at := 0
	for _, s := range spans {
		if s.Start > at {
			parts = append(parts, Part{Text: text[at:s.Start]})
		}
		value := text[s.Start:s.End]
		parts = append(parts, Part{Text: Value(s.Kind, value), Kind: s.Kind, Tail: tail(s.Kind, value)})
		at = s.End
	}
	if at < len(text) {
		parts = append(parts, Part{Text: text[at:]})
	}
	return Masked{Parts: parts}
}

// sensitive finds everything that Text masks.
func sensitive(text string) []Span {
	s := look(text)
	spans := find(text, s)
	if s.digit {
		spans = merge(spans, Orders(text))
	}
	return spans
}

// String is Text as one string.
func String(text string) string {
	at := 0
	var b strings.Builder
	for _, s := range sensitive(text) {
		b.WriteString(text[at:s.Start])
		b.WriteString(Value(s.Kind, text[s.Start:s.End]))
		at = s.End
	}
	if at == 0 {
		return text
	}
	b.WriteString(text[at:])
	return b.String()
}

// Value shows one value of a kind masked.
func Value(kind Kind, value string) string {
	switch kind {
	case Phone:
		code, number := "", compact(value)
		if n := len(number) - 11; n > 0 {
			code, number = "+86 ", number[n:]
		}
		return code + head(number, 3) + "****" + last4(number)
	case BankCard:
		return head(compact(value), 4) + " **** **** " + last4(compact(value))
	case IDCard:
		number := compact(value)
		return head(number, 3) + strings.Repeat("*", max(3, len(number)-7)) + last4(number)
	case Email:
		return email(folded(value))
	case Address:
		return region(value)
	case Order:
		return order(compact(value))
	}
	return hidden
}

// hidden stands for a value of which nothing may be shown.
const hidden = "******"

func email(value string) string {
	local, host, ok := strings.Cut(value, "@")
	if !ok {
		return hidden
	}
	return head(local, 1) + "***@" + host
}

// region keeps the province and the city of an address.
func region(value string) string {
	kept := 0
	for range 2 {
		p, ok := placeAt(value, kept)
		next, _ := runeAt(value, kept+len(p.name))
		if !ok || kept > 0 && !p.city || !p.full && strings.ContainsRune("区县旗", next) {
			break // 朝阳区 is not in 朝阳
		}
		kept += len(p.name)
	}
	if kept == 0 {
		return hidden
	}
	return value[:kept] + " " + hidden
}

// order keeps the last four, and of a tracking number its beginning, which names
// the carrier.
func order(value string) string {
	switch {
	case value == "":
		return hidden
	case isLetter(rune(value[0])):
		return head(value, 4) + hidden + last4(value)
	}
	return head(value, 1) + strings.Repeat("*", max(3, len(value)-5)) + last4(value)
}

// tail gives the last four of a number; mail and postal addresses have none.
func tail(kind Kind, value string) string {
	if kind == Email || kind == Address {
		return ""
	}
	return last4(compact(value))
}

// compact gives the letters and digits of value, folded.
func compact(value string) string {
	return strings.Map(func(r rune) rune {
		if r = fold(r); isDigit(r) || isLetter(r) {
			return r
		}
		return -1
	}, value)
}

func head(s string, n int) string { return s[:min(n, len(s))] }
func last4(s string) string       { return s[max(0, len(s)-4):] }
