package mask

import "slices"

// A group is digits without a gap; a run consists of groups with one separator
// between them, as in 138 0000 0000.
type group struct {
	digits     string // folded
	whole      string // the digits of all groups up to this one
	start, end int
	x          int  // end of an X behind the digits, or 0
	sep        rune // the separator behind, if a group follows
}

const (
	maxGroups = 19 // an identity card number digit by digit, and one more
	maxDigits = 40 // a bank card, a phone and some
	minDigits = 11
)

var (
	idWords    = []string{"身份证", "身份证号", "身份证号码", "证件号", "证件号码"}
	cardWords  = []string{"卡号", "银行卡", "储蓄卡", "信用卡", "借记卡"}
	labelWords = []string{"tel", "phone", "mobile", "mob", "id", "sfz", "card", "no", "wx", "vx", "v", "wechat", "weixin"}
)

// numbers finds identity cards, phones and bank cards.
func numbers(text string) []Span {
	var (
		spans   []Span
		scratch [maxGroups]group
	)
	for i := 0; i < len(text); {
		r, size := runeAt(text, i)
		if !isDigit(r) {
			i += size
			continue
		}
		s, ok := match(text, run(text, i, &scratch))
		if !ok {
			i = skipDigits(text, i)
			continue
		}
		spans = append(spans, s)
		i = s.End
	}
	return spans
}

func match(text string, g []group) (Span, bool) {
	if len(g) == 0 {
		return Span{}, false
	}
	if s, ok := matchID(text, g); ok {
		return s, true
	}
	if s, ok := matchPhone(text, g); ok {
		return s, true
	}
	return matchCard(text, g)
}

// run reads the groups from i on into groups, as far as a number can reach. It
// gives none when the digits are too few for any number.
func run(text string, i int, groups *[maxGroups]group) []group {
	var (
		digits [maxDigits]byte
		upto   [maxGroups]int // digits up to the end of a group
		n, k   int
	)
	for k < maxGroups {
		g, from := group{start: i, end: i}, n
		r, size := runeAt(text, i)
		for ; isDigit(r) && n < maxDigits; r, size = runeAt(text, g.end) {
			digits[n] = byte(r)
			n++
			g.end += size
		}
		if isDigit(r) {
			n = from // cut in the middle of a group: nothing of ours reaches that far
			break
		}
		after, _ := runeAt(text, g.end+size)
		switch {
		case (r == 'x' || r == 'X') && !isLetter(after) && !isDigit(after):
			g.x = g.end + size
		case (r == ' ' || r == '-') && isDigit(after):
			g.sep = r
		}
		groups[k], upto[k] = g, n
		k++
		if g.sep == 0 {
			break
		}
		i = g.end + size
	}
	if n < minDigits {
		return nil
	}
	all := string(digits[:n])
	from := 0
	for j := range k {
		groups[j].digits, groups[j].whole = all[from:upto[j]], all[:upto[j]]
		from = upto[j]
	}
	return groups[:k]
}

func skipDigits(text string, i int) int {
	for {
		r, size := runeAt(text, i)
		if !isDigit(r) {
			return i
		}
		i += size
	}
}

// matchID takes the number in any grouping: date and check digit leave nearly
// nothing to chance. The old form has neither and needs a word before it.
func matchID(text string, g []group) (Span, bool) {
	for _, part := range g {
		switch digits := part.whole; {
		case len(digits) > 18:
			return Span{}, false
		case len(digits) == 17 && part.x > 0 && idCard(digits+"X"):
			return Span{IDCard, g[0].start, part.x}, true
		case idCard(digits):
			return Span{IDCard, g[0].start, part.end}, true
		}
	}
	if old := g[0]; oldIDCard(old.digits) && wordBefore(text, old.start, idWords) {
		return Span{IDCard, old.start, old.end}, true
	}
	return Span{}, false
}

// matchCard takes the longest grouping that passes, but leaves a phone behind the
// card to itself.
func matchCard(text string, g []group) (Span, bool) {
	best := -1
	for k, part := range g {
		if len(part.whole) > 19 || best >= 0 && phoneGroups(g[best+1:]) > 0 {
			break
		}
		if card(text, g[0].start, part.whole) && !amountAfter(text, part.end) {
			best = k
		}
		if len(part.digits) < 3 {
			break // cards are written in larger groups; only the last may be short
		}
	}
	if best < 0 || glued(text, g[0].start) || wordBefore(text, g[0].start, orderWords) {
		return Span{}, false
	}
	return Span{BankCard, g[0].start, g[best].end}, true
}

func card(text string, start int, digits string) bool {
	if len(digits) < 15 || looksLikeID(digits) || !luhn(digits) {
		return false
	}
	return issued(digits) || digits[0] != '0' && wordBefore(text, start, cardWords)
}

// glued reports whether the number at i is the end of a longer word or number:
// SF076…, 3.141…
func glued(text string, i int) bool {
	r, size := runeBefore(text, i)
	switch {
	case r == '.' || r == '-' || r == '_':
		before, _ := runeBefore(text, i-size)
		return r == '_' || isDigit(before) || isLetter(before) && r == '-'
	case r == '¥' || r == '￥' || r == '$':
		return true
	case !isLetter(r):
		return false
	}
	word := ""
	for isLetter(r) && len(word) < 10 {
		word = string(r|0x20) + word
		i -= size
		r, size = runeBefore(text, i)
	}
	return isDigit(r) || r == '_' || r == '-' || !slices.Contains(labelWords, word)
}

// amountAfter reports whether the number that ends at i goes on as an amount.
func amountAfter(text string, i int) bool {
	r, size := runeAt(text, i)
	if r == '.' {
		after, _ := runeAt(text, i+size)
		return isDigit(after)
	}
	return r == '元' || r == '块'
}
