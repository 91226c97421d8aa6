package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qingdang/models/fault"
)

// The most that one query may hold.
const (
	MaxRunes = 200
	MaxTerms = 20
)

// The words of the query language.
const (
	orEnglish     = "OR"
	orChinese     = "或"
	fieldAgent    = "客服"
	fieldTag      = "标签"
	fieldPlatform = "平台"
	fieldCustomer = "客户"
)

var fields = map[string]string{
	fieldAgent: fieldAgent, fieldTag: fieldTag, fieldPlatform: fieldPlatform, fieldCustomer: fieldCustomer,
	"agent": fieldAgent, "tag": fieldTag, "platform": fieldPlatform, "customer": fieldCustomer,
}

// Parse reads what somebody typed:
//
//	退款 赔付          both
//	退款 OR 赔付       one of them (also 或, and | with or without spaces); binds tighter than a space
//	-赔付             not that
//	"已经 发货"        one after another (also “” and 「」)
//	138-0013-8000    a number, in whatever groups it is written
//	客服:李雨桐        the agent; likewise 标签: 平台: 客户: and agent: tag: platform: customer:
//	-标签:退款         without the tag
//
// Full-width signs do as well. The fault is invalid, on the field q, and its first argument is the
// place in the input, counted in characters from 1.
func Parse(input string) (Query, error) {
	p := parser{runes: []rune(input)}
	f := p.read()
	if f == nil && utf8.RuneCountInString(p.query.String()) > MaxRunes {
		// Folding may lengthen: ㍿ is four characters. What cannot be read back is not taken.
		f = fault.Invalid("words.too_long", len(p.runes), MaxRunes)
	}
	if f != nil {
		return Query{}, f.On("q")
	}
	return p.query, nil
}

type parser struct {
	runes  []rune
	at     int
	count  int // terms and values so far
	before piece
	or     int // the place of an OR that waits for its other side, 0 if none does
	query  Query
}

// piece is what stood before.
type piece int

const (
	nothing piece = iota
	plainTerm
	minusTerm
	fieldValue
)

func (p *parser) read() *fault.Fault {
	if len(p.runes) > MaxRunes {
		return fault.Invalid("words.too_long", MaxRunes+1, MaxRunes)
	}
	for {
		for p.has(unicode.IsSpace) {
			p.at++
		}
		if p.at == len(p.runes) {
			break
		}
		if f := p.next(); f != nil {
			return f
		}
	}
	if p.or > 0 {
		return fault.Invalid("words.or_alone", p.or)
	}
	var lists [][]Term
	for _, either := range p.query.All {
		if isGroup(either) || !slices.ContainsFunc(lists, func(l []Term) bool { return slices.Equal(l, either) }) {
			lists = append(lists, either)
		}
	}
	p.query.All = lists
	return nil
}

// has tells whether a rune of a kind stands here.
func (p *parser) has(kind func(rune) bool) bool { return p.at < len(p.runes) && kind(p.runes[p.at]) }

// next reads an operator, a term or a field.
func (p *parser) next() *fault.Fault {
	place := p.at + 1
	if n := p.operator(); n > 0 {
		p.at += n
		return p.join(place)
	}
	minus := p.has(isMinus)
	if minus {
		p.at++
		if p.at == len(p.runes) || p.has(unicode.IsSpace) || p.has(isBar) {
			return fault.Invalid("words.minus_alone", place)
		}
		if p.or > 0 {
			return fault.Invalid("words.minus_in_or", place)
		}
	}
	if p.count++; p.count > MaxTerms {
		return fault.Invalid("words.too_many", place, MaxTerms)
	}
	name := p.field()
	text, f := p.text()
	switch {
	case f != nil:
		return f
	case name != "":
		return p.value(place, name, strings.TrimSpace(text), minus)
	}
	return p.term(place, text, minus)
}

// join notes an OR, which stands between two terms.
func (p *parser) join(place int) *fault.Fault {
	switch {
	case p.or > 0 || p.before == nothing:
		return fault.Invalid("words.or_alone", place)
	case p.before == minusTerm:
		return fault.Invalid("words.minus_in_or", place)
	case p.before == fieldValue:
		return fault.Invalid("words.field_in_or", place)
	}
	p.or = place
	return nil
}

func (p *parser) term(place int, text string, minus bool) *fault.Fault {
	t, ok := termOf(text)
	if !ok {
		return fault.Invalid("words.nothing", place)
	}
	q := &p.query
	switch {
	case minus:
		q.None, p.before = with(q.None, t), minusTerm
		return nil
	case p.or > 0:
		last := len(q.All) - 1
		q.All[last] = with(q.All[last], t)
	default:
		q.All = append(q.All, []Term{t})
	}
	p.or, p.before = 0, plainTerm
	return nil
}

func (p *parser) value(place int, name, value string, minus bool) *fault.Fault {
	q := &p.query
	switch {
	case p.or > 0:
		return fault.Invalid("words.field_in_or", place)
	case value == "":
		return fault.Invalid("words.field_empty", place, name)
	case minus && name != fieldTag:
		return fault.Invalid("words.minus_field", place, name)
	case name == fieldCustomer && q.Customer != "" && q.Customer != value:
		return fault.Invalid("words.customer_twice", place)
	}
	p.before = fieldValue
	switch {
	case minus:
		q.WithoutTags = with(q.WithoutTags, value)
	case name == fieldTag:
		q.Tags = with(q.Tags, value)
	case name == fieldAgent:
		q.Agents = with(q.Agents, value)
	case name == fieldPlatform:
		q.Platforms = with(q.Platforms, value)
	default:
		q.Customer = value
	}
	return nil
}

// operator gives the length of the OR that stands here, 0 where none does.
func (p *parser) operator() int {
	if p.has(isBar) {
		return 1
	}
	n := p.until(endsBare)
	if s := narrow(p.runes[p.at : p.at+n]); s == orEnglish || s == orChinese {
		return n
	}
	return 0
}

// field reads the name of a field with its colon, "" where none stands here.
func (p *parser) field() string {
	n := p.until(func(r rune) bool { return endsBare(r) || isColon(r) })
	if p.at+n == len(p.runes) || !isColon(p.runes[p.at+n]) {
		return ""
	}
	name := fields[strings.ToLower(narrow(p.runes[p.at:p.at+n]))]
	if name != "" {
		p.at += n + 1
	}
	return name
}

// text reads what is quoted here, or up to where a bare word ends.
func (p *parser) text() (string, *fault.Fault) {
	place, closes := p.at+1, endsBare
	switch {
	case p.has(isDouble):
		closes = isDouble
	case p.has(isCorner):
		closes = isClosingCorner
	default:
		n := p.until(closes)
		p.at += n
		return string(p.runes[p.at-n : p.at]), nil
	}
	p.at++
	n := p.until(closes)
	if p.at += n + 1; p.at > len(p.runes) {
		return "", fault.Invalid("words.unclosed", place)
	}
	return string(p.runes[p.at-n-1 : p.at-1]), nil
}

// until counts the runes before one of a kind.
func (p *parser) until(kind func(rune) bool) int {
	if n := slices.IndexFunc(p.runes[p.at:], kind); n >= 0 {
		return n
	}
	return len(p.runes) - p.at
}

// termOf makes a term, if there is anything to look for in the text.
func termOf(text string) (Term, bool) {
	const enough = 4
	for range enough {
		folded := strings.ReplaceAll(fold(text), string(joint), string(gap))
		if folded == text {
			return Term{folded}, folded != ""
		}
		text = folded
	}
	return Term{}, false
}

func with[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

func isMinus(r rune) bool         { return r == '-' || r == '－' || r == '−' }
func isBar(r rune) bool           { return r == '|' || r == '｜' }
func isColon(r rune) bool         { return r == ':' || r == '：' }
func isDouble(r rune) bool        { return r == '"' || r == '＂' || r == '“' || r == '”' }
func isCorner(r rune) bool        { return r == '「' }
func isClosingCorner(r rune) bool { return r == '」' }
func endsBare(r rune) bool        { return unicode.IsSpace(r) || isBar(r) || isDouble(r) || isCorner(r) }

// narrow gives full-width signs their usual width.
func narrow(runes []rune) string {
	return strings.Map(func(r rune) rune {
		if r >= firstWide && r <= lastWide {
			return r - firstWide + '!'
		}
		return r
	}, string(runes))
}
