package mask

import "strings"

// An address is told by its end, a number with a unit behind a street or a
// compound (示例路 12 号, 示例苑 3 幢), and by its beginning, a province or city name or
// at least something that ends like a district. What lies between may be anything
// that does not break the phrase.

const (
	maxRegion = 48 // runes between the beginning and the first number
	maxName   = 6  // runes of a district or street whose beginning nothing marks
	// hardStops end a phrase; none of them is part of a division's name.
	hardStops = "在是到住址寄我你您他她它给了吗呢吧啊呀请问叫说把被"
	// softStops cannot begin a district, but occur in names of streets.
	softStops = "送看跟也还收货件与有没话想去就往"
	// streets are the endings that a house number follows directly.
	streets = "路街巷弄道号村屯庄里坊段胡同"
	// compounds are the endings that the number of a building may follow as well.
	compounds = "区园苑庭府城邸居舍厦寓院场湾岸郡厂心期堂家座楼"
	divided   = "区县旗市镇乡"
	lanes     = "路街巷弄道" // those that a number in words may follow
	numerals  = "零〇一二三四五六七八九十百"
)

// notDistrict are runes before 区, 市 and so on with which they make other words:
// 小区, 超市, 城乡.
const notDistrict = "小社园景大片分校库专市超门夜股城老商都上"

// A phrase is what has been read since the last break.
type phrase struct {
	begin    int // where it begins
	start    int // the province or city name in it, or -1
	short    bool
	behind   int // where the last division name ends, or -1
	district int // where the last 区, 县, … ends, or -1
	runes    int // since begin or start
	prev     [2]rune
}

func newPhrase(i int) phrase { return phrase{begin: i, start: -1, behind: -1, district: -1} }

// addresses finds postal addresses down to the house.
func addresses(text string) []Span {
	var spans []Span
	p := newPhrase(0)
	for i := 0; i < len(text); {
		r, size := runeAt(text, i)
		if isDigit(r) || p.counts(r) {
			if s, ok := p.house(text, i); ok {
				spans = append(spans, s)
				i = s.End
				p = newPhrase(i)
				continue
			}
			if isDigit(r) {
				i = skipDigits(text, i)
				p.number(i)
				continue
			}
		}
		if place, ok := placeAt(text, i); ok && p.enter(i, place) {
			i += len(place.name)
			continue
		}
		i += size
		p.take(text, r, i)
	}
	return spans
}

// counts reports whether r may begin a house number in words: 示例路十二号.
func (p *phrase) counts(r rune) bool {
	return is(r, numeral) && is(p.prev[0], lane)
}

// enter notes a province or city name at i. It says no where the name is only a
// part of what is being read, as 眉山市 in 乐山市峨眉山市.
func (p *phrase) enter(i int, at place) bool {
	const near = 2 * len("峨")
	follows := p.start >= 0 && p.behind == i
	if p.start >= 0 && !follows && (!at.full || i-p.behind <= near) {
		return false
	}
	if !follows {
		*p = newPhrase(i)
		p.start, p.short = i, true
	}
	p.short = p.short && !at.full
	p.behind = i + len(at.name)
	p.runes++
	p.prev = [2]rune{}
	return true
}

// number notes digits that are no house number.
func (p *phrase) number(end int) {
	if p.start < 0 {
		*p = newPhrase(end)
	}
	p.runes++
	p.push('0')
}

// take notes any other rune, which ends at end.
func (p *phrase) take(text string, r rune, end int) {
	switch {
	case !p.joins(r), p.runes >= maxRegion, is(r, hardStop),
		p.start < 0 && is(r, softStop):
		*p = newPhrase(end)
		return
	case is(r, division) && p.runes > 0 && (p.start >= 0 || !strings.ContainsRune(notDistrict, p.prev[0])):
		p.district, p.behind = end, end
	}
	p.runes++
	p.push(r)
}

// joins reports whether r lets the phrase go on: letters do, and within an address
// single blanks and dashes, and commas between its divisions.
func (p *phrase) joins(r rune) bool {
	switch {
	case isHan(r) || isLetter(r):
		return true
	case p.start < 0 || p.prev[0] == ' ':
		return false
	case r == ' ' || r == '-' || r == '/' || r == '·':
		return true
	}
	return strings.ContainsRune(",、", r) && (p.prev[0] == 0 || strings.ContainsRune(divided+"省州盟", p.prev[0]))
}

func (p *phrase) push(r rune) { p.prev[1], p.prev[0] = p.prev[0], r }
