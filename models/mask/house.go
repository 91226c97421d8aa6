package mask

import "strings"

// A unit is the word behind a number: of a street, a building or a room.
type unit int

const (
	noUnit unit = iota
	streetUnit
	buildingUnit
	roomUnit
)

// units are looked through in this order, longer ones first.
var units = []struct {
	word string
	unit unit
}{
	{"号楼", buildingUnit},
	{"号院", streetUnit},
	{"号", streetUnit},
	{"號", streetUnit},
	{"弄", streetUnit},
	{"单元", buildingUnit},
	{"幢", buildingUnit},
	{"栋", buildingUnit},
	{"棟", buildingUnit},
	{"座", buildingUnit},
	{"室", roomUnit},
	{"户", roomUnit},
	{"房", roomUnit},
	{"层", buildingUnit},
	{"楼", buildingUnit},
	{"院", buildingUnit},
	{"组", buildingUnit},
	{"期", buildingUnit},
	{"门", buildingUnit},
	{"#", buildingUnit},
}

// house reads the number at i and, if it completes an address, gives all of it.
func (p *phrase) house(text string, i int) (Span, bool) {
	end, u := p.firstUnit(text, i)
	if u == noUnit {
		return Span{}, false
	}
	end, detailed := details(text, end, u)
	switch {
	case p.start >= 0 && (!p.short || p.district >= 0 || detailed || p.far(text, i)):
		return Span{Address, p.start, end}, true
	case p.start >= 0:
		return Span{}, false
	case p.district >= 0:
		return Span{Address, backRunes(text, p.district, p.districtName(text), p.begin), end}, true
	case u == streetUnit && detailed && strings.ContainsRune("路街巷弄道", p.last(0)):
		return Span{Address, backRunes(text, i, maxName, p.begin), end}, true
	}
	return Span{}, false
}

// firstUnit gives where the number at i ends with its unit, if what stands before
// lets it be a house number.
func (p *phrase) firstUnit(text string, i int) (int, unit) {
	end, ok := houseNumber(text, i)
	if !ok {
		return i, noUnit
	}
	end, u := unitAt(text, end)
	before := p.last(0)
	street := strings.ContainsRune(streets, before) && !strings.ContainsRune("知频渠通味报", p.last(1))
	switch {
	case street && u != noUnit:
		return end, u
	case u == streetUnit && strings.ContainsRune("区园苑院城镇", before):
		return end, u
	case u > streetUnit && strings.ContainsRune(compounds, before):
		return end, u
	}
	return i, noUnit
}

// last gives the nth rune before the number; a blank, a dash and the 甲 of 甲12号 do
// not count.
func (p *phrase) last(n int) rune {
	if r := p.prev[0]; r != 0 && strings.ContainsRune(" -甲乙丙附", r) {
		if n == 0 {
			return p.prev[1]
		}
		return 0
	}
	return p.prev[n]
}

// far reports whether more than a street's name lies between a short city name and
// the number: 北京东三环中路61号 is in 北京, 南京东路100号 is not in 南京.
func (p *phrase) far(text string, i int) bool {
	const street = 4 // a direction, 路, and what else a street has behind a city's name
	return len([]rune(text[p.behind:i])) >= street
}

// districtName gives how many runes before its end a district may begin.
func (p *phrase) districtName(text string) int {
	name := text[p.begin:p.district]
	for _, long := range []string{"自治县", "自治旗", "开发区", "示范区", "管理区", "新区"} {
		if strings.HasSuffix(name, long) {
			return 3 * maxName
		}
	}
	return maxName
}

// details reads on behind a house number: buildings, floors, rooms, and the name of
// a compound between them. It reports whether there were any.
func details(text string, i int, u unit) (end int, detailed bool) {
	const most = 8 // keeps the search linear in texts made of house numbers
	end, detailed = i, u > streetUnit
	for range most {
		next, nu := detail(text, end, u)
		if next == end {
			break
		}
		end, u, detailed = next, nu, true
	}
	return end, detailed
}

func detail(text string, i int, u unit) (int, unit) {
	at := i
	if r, size := runeAt(text, at); r == ' ' || r == '-' {
		at += size
	}
	at = compoundEnd(text, at)
	end, ok := houseNumber(text, at)
	if !ok {
		return i, u
	}
	if e, next := unitAt(text, end); next != noUnit {
		return e, next
	}
	if plainRoom(text, i, at, end, u) {
		return end, roomUnit
	}
	return i, u
}

// plainRoom reports whether the number without a unit from at to end is a room:
// 3幢402, 12号3-402, but not 12号2024-07-15, 12号13800000000 or 12号3月.
func plainRoom(text string, i, at, end int, u unit) bool {
	if !isDigitAt(text, at) || u == roomUnit {
		return false
	}
	joined := at == i
	if r, _ := runeAt(text, i); r == '-' {
		joined = true
	}
	after, size := runeAt(text, end)
	beyond, _ := runeAt(text, end+size)
	switch {
	case after == '.' && isDigit(beyond), after == '-', after == ':' && isDigit(beyond), isLetter(after):
		return false
	case after != 0 && strings.ContainsRune("元块月年日天点时分个件条折次人万千只台斤公米%", after):
		return false
	case u == streetUnit:
		return joined
	}
	return true
}

// compoundEnd gives where the name of a compound that starts at i and stands before
// a number ends, or i.
func compoundEnd(text string, i int) int {
	const longest = 12
	at, prev := i, rune(0)
	for range longest {
		r, size := runeAt(text, at)
		switch {
		case isDigit(r), isLetter(r):
			if prev != 0 && strings.ContainsRune(compounds+"村庄里坊层", prev) {
				return at
			}
			return i
		case !isHan(r) || strings.ContainsRune(hardStops, r):
			return i
		}
		prev = r
		at += size
	}
	return i
}

// houseNumber reads 12, 甲12, 12-3, A12, 12之1 or 十二 at i.
func houseNumber(text string, i int) (end int, ok bool) {
	const longest, parts = 6, 3
	end = i
	digits, words, dashes := 0, 0, 0
	for {
		r, size := runeAt(text, end)
		after, _ := runeAt(text, end+size)
		switch {
		case isDigit(r):
			digits++
		case isLetter(r) && digits+words <= 2:
			words++
		case (r == '-' || r == '之') && digits > 0 && isDigit(after):
			dashes++
			digits = 1
		case strings.ContainsRune(numerals, r) && size > 1 && digits == 0:
			words++
		default:
			return end, digits+words > 0 && digits+words <= longest
		}
		if digits+words > longest || dashes >= parts {
			return i, false
		}
		end += size
	}
}

// unitAt reads the unit at i, behind a blank if need be.
func unitAt(text string, i int) (end int, u unit) {
	if r, size := runeAt(text, i); r == ' ' {
		i += size
	}
	for _, c := range units {
		if strings.HasPrefix(text[i:], c.word) {
			end = i + len(c.word)
			if next, _ := runeAt(text, end); next == '线' {
				return i, noUnit // 地铁 3 号线
			}
			return end, c.unit
		}
	}
	return i, noUnit
}

func isDigitAt(text string, i int) bool {
	r, _ := runeAt(text, i)
	return isDigit(r)
}
