package words

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// People write a telephone, card or order number in one piece or in groups, and a search for it finds it
// either way. A number is a term of 7 to 32 digits, or of 17 and an X as identity numbers have, whatever
// separates its digits. It stands where its digits stand one behind the other in groups of at least three; the
// first begins a word and the last ends one. Between two groups stand at most three characters, of them at
// most one hyphen, dash or dot and otherwise blanks. A mobile number may have the country code before its
// first digit, and stands with and without it.
//
// The index has a number in groups as one word beside its groups, and so it is asked for one word, or three for a
// mobile number.
const (
	fewestDigits  = 7
	mostDigits    = 32
	smallestGroup = 3
)

var (
	numeric  = regexp.MustCompile(fmt.Sprintf(`^(\d{%d,%d}|\d{17}x)$`, fewestDigits, mostDigits))
	mobile   = regexp.MustCompile(`^(?:0086|86)?(1[3-9]\d{9})$`)
	homeland = []string{"86", "0086"}
)

// number is the digits of a term, and what may stand before the first of them in its group.
type number struct {
	digits string
	before []string
}

// number gives the number that a term is, if it is one.
func (t Term) number() (n number, ok bool) {
	if !isDigit(t.text[0]) || len(t.text) < fewestDigits || len(t.text) > 2*mostDigits {
		return n, false
	}
	digits := strings.ReplaceAll(t.text, string(gap), "")
	if !numeric.MatchString(digits) {
		return n, false
	}
	if m := mobile.FindStringSubmatch(digits); m != nil {
		return number{m[1], homeland}, true
	}
	return number{digits: digits}, true
}

// mostGrouped bounds the terms that a conversation has for its numbers in groups, each of which may begin several.
// One that would have more has overfull as well, which no text has by itself, and is opened for every number.
const (
	mostGrouped = 10_000
	overfull    = "#"
)

// terms gives the index terms of which what holds the number has one.
func (n number) terms() []string {
	out := []string{n.digits, overfull}
	for _, b := range n.before {
		out = append(out, b+n.digits)
	}
	return out
}

// grouped gives the numbers that stand in groups in folded text, each as one word: of a chain of groups whatever
// may be a number, since nobody knows where one ends and the next begins. It ends when do says so.
func grouped(folded string, do func(digits string) (more bool)) {
	for at := 0; ; {
		first := strings.IndexByte(folded[at:], joint)
		if first < 0 {
			return
		}
		var groups []string
		groups, at = chain(folded, at+first)
		for i := range groups {
			digits := groups[i]
			for _, g := range groups[i+1:] {
				if digits += g; len(digits) > mostDigits {
					break
				}
				if numeric.MatchString(digits) && !do(digits) {
					return
				}
			}
		}
	}
}

// chain gives the groups that follow one another, the first of which ends at a joint, and where to look for the next.
func chain(folded string, end int) (groups []string, next int) {
	from := end
	for from > 0 && isDigit(folded[from-1]) {
		from--
	}
	next = end + 1
	if end-from < smallestGroup || !whole(folded, from, end) {
		return nil, next
	}
	groups = append(groups, folded[from:end])
	for {
		end = next
		for end < len(folded) && isDigit(folded[end]) {
			end++
		}
		last := end < len(folded) && folded[end] == 'x'
		if last {
			end++
		}
		if end-next < smallestGroup || !whole(folded, end, end) {
			return groups, next
		}
		groups = append(groups, folded[next:end])
		if last || end == len(folded) || folded[end] != joint {
			return groups, end
		}
		next = end + 1
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// next finds the number in folded text from at on; start is negative where it is not.
func (n number) next(folded string, at int) (start, end int) {
	for i := at; i < len(folded); i++ {
		if !isDigit(folded[i]) || !whole(folded, i, i) {
			continue
		}
		if end := n.endOf(folded, i); end >= 0 {
			return i, end
		}
		for _, b := range n.before {
			if !strings.HasPrefix(folded[i:], b) {
				continue
			}
			if end := n.endOf(folded, i+len(b)); end >= 0 {
				return i, end
			}
		}
	}
	return -1, -1
}

// endOf gives where the number ends whose first digit stands at i, negative if it does not stand there.
func (n number) endOf(folded string, i int) int {
	for k, group := 0, 0; i < len(folded); i++ {
		switch {
		case folded[i] == n.digits[k]:
			k++
			group++
		case folded[i] == joint && group >= smallestGroup:
			group = 0
		default:
			return -1
		}
		if k == len(n.digits) {
			if group < smallestGroup || !whole(folded, i+1, i+1) {
				return -1
			}
			return i + 1
		}
	}
	return -1
}

// between is what separates two runs.
type between struct {
	border bool // a message ends
	signs  int
	joins  int // of them hyphens, dashes and dots
	other  bool
}

// mostBetween is how many characters may stand between two groups of a number.
const mostBetween = 3

func (b *between) add(r rune) {
	b.signs++
	switch r {
	case ' ', '\t', '\u3000':
	case '-', '‐', '‑', '‒', '–', '—', '―', '−', '.', '․', '·', '•', '・':
		b.joins++
	default:
		b.other = true
	}
}

// sign is what folded text has for it.
func (b between) sign() byte {
	switch {
	case b.border:
		return border
	case b.other || b.joins > 1 || b.signs > mostBetween:
		return gap
	}
	return joint
}

// mostTogether is how many digits words may have together that are taken for the groups of one number.
const mostTogether = 19

// Lists gives All, and beside each word that may be a group of a number the number itself: where somebody
// types the groups with blanks between them, every one is a word, and so the number stands for each. The
// groups are terms of digits one behind the other, of two or more each and 7 to 19 together.
func (q Query) Lists() [][]Term {
	lists := q.All
	for from := 0; from < len(q.All); {
		to, digits := from, ""
		for to < len(q.All) && isGroup(q.All[to]) {
			digits += strings.ReplaceAll(q.All[to][0].text, string(gap), "")
			to++
		}
		t := Term{digits}
		if to-from > 1 && len(digits) <= mostTogether && numeric.MatchString(digits) {
			lists = slices.Clone(lists)
			for i := from; i < to; i++ {
				lists[i] = []Term{q.All[i][0], t}
			}
		}
		from = max(to, from+1)
	}
	return lists
}

var digitsAlone = regexp.MustCompile(`^\d[\d ]*\dx?$`)

// isGroup tells whether a list is one term that may be a group of a number, or several.
func isGroup(list []Term) bool { return len(list) == 1 && digitsAlone.MatchString(list[0].text) }
