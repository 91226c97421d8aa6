// Package mask finds personal data in chat text and shows it masked. It is pure:
// no clock, no files, time linear in the length of the text. A finding is
// validated as far as its form allows (check digits, dates, issuer prefixes), so
// that order numbers and amounts stay readable.
package mask

// Kind names a sort of data. It is a plain string so that a page can build a
// catalogue key from it.
type Kind = string

// The kinds. Order, which covers order and tracking numbers, is no personal data:
// Find never reports it, Text masks it.
const (
	IDCard   Kind = "id_card"
	Phone    Kind = "phone"
	BankCard Kind = "bank_card"
	Email    Kind = "email"
	Address  Kind = "address"
	Order    Kind = "order"
)

// Span is a finding. Start and End are byte offsets in the text as it was given,
// End exclusive.
type Span struct {
	Kind       Kind
	Start, End int
}

// Find gives the personal data in text by position, without overlaps.
func Find(text string) []Span { return find(text, look(text)) }

func find(text string, s signs) (spans []Span) {
	if s.at {
		spans = emails(text)
	}
	if s.digit {
		spans = merge(spans, numbers(text))
	}
	if s.digit || s.numeral && s.street {
		spans = merge(spans, addresses(text))
	}
	return spans
}

// signs are runes without which there is nothing of a kind to find. Most of what people say has
// none of them, and one look is cheaper than four searches.
type signs struct{ at, digit, numeral, street bool }

func look(text string) (s signs) {
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9' || r >= '０' && r <= '９':
			s.digit = true
		case r == '@' || r == '＠':
			s.at = true
		case is(r, numeral|lane):
			s.numeral = s.numeral || is(r, numeral)
			s.street = s.street || is(r, lane)
		}
	}
	return s
}

// merge gives first with those of second that overlap none of them. Both are
// sorted, and so is the result.
func merge(first, second []Span) []Span {
	if len(second) == 0 {
		return first
	}
	if len(first) == 0 {
		return second
	}
	out := make([]Span, 0, len(first)+len(second))
	for _, s := range second {
		for len(first) > 0 && first[0].End <= s.Start {
			out = append(out, first[0])
			first = first[1:]
		}
		if len(first) == 0 || s.End <= first[0].Start {
			out = append(out, s)
		}
	}
	return append(out, first...)
}
