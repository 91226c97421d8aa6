package format

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// china is China Standard Time: what a time without an offset means (rule 10).
var china = time.FixedZone("CST", 8*60*60)

// The range of times that are taken; what lies outside is a broken clock or a wrong unit.
var (
	firstTime = time.Date(1990, 1, 1, 0, 0, 0, 0, china)
	lastTime  = time.Date(2100, 1, 1, 0, 0, 0, 0, china)
)

// The written forms of rule 10, in one expression each: year month day, hour minute second
// fraction, offset.
var (
	dashed  = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:\s+|[Tt])(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?\s*([Zz]|[+-]\d{2}:?\d{2})?$`)
	slashed = regexp.MustCompile(`^(\d{4})/(\d{1,2})/(\d{1,2})\s+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?()$`)
	chinese = regexp.MustCompile(`^(\d{4})年(\d{1,2})月(\d{1,2})日\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?()$`)
)

// readTime reads a written time, and says why it cannot.
func readTime(s string) (time.Time, string) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, ReasonNoTime
	}
	switch len(s) { // the two usual forms, without the price of an expression
	case len(time.DateTime):
		if t, err := time.ParseInLocation(time.DateTime, s, china); err == nil {
			return inRange(t)
		}
	case len(time.RFC3339), len("2006-01-02T15:04:05Z"):
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return inRange(t)
		}
	}
	for _, form := range []*regexp.Regexp{dashed, slashed, chinese} {
		if part := form.FindStringSubmatch(s); part != nil {
			return assemble(part[1:])
		}
	}
	return time.Time{}, ReasonBadTime
}

// assemble builds a time that must exist on a calendar and a clock: time.Date would turn the
// 30th of February into the 1st of March.
func assemble(part []string) (time.Time, string) {
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(part[i]) // the expression lets digits through only; "" is 0
	}
	zone, ok := readZone(part[7])
	if !ok || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return time.Time{}, ReasonBadTime
	}
	frac := (part[6] + "000000000")[:9]
	ns, _ := strconv.Atoi(frac)
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], ns, zone)
	if t.Year() != n[0] || int(t.Month()) != n[1] || t.Day() != n[2] {
		return time.Time{}, ReasonBadTime
	}
	return inRange(t)
}

func readZone(s string) (*time.Location, bool) {
	switch {
	case s == "":
		return china, true
	case s == "Z" || s == "z":
		return time.UTC, true
	}
	h, _ := strconv.Atoi(s[1:3])
	m, _ := strconv.Atoi(s[len(s)-2:])
	seconds := h*3600 + m*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), h <= 23 && m <= 59
}

func inRange(t time.Time) (time.Time, string) {
	if t.Before(firstTime) || !t.Before(lastTime) {
		return time.Time{}, ReasonTimeRange
	}
	return t.UTC(), ""
}

// fromMillis reads a count of milliseconds, whatever its size.
func fromMillis(ms int64) (time.Time, string) { return inRange(time.UnixMilli(ms)) }

// fromSeconds reads a count of seconds, whatever its size.
func fromSeconds(s int64) (time.Time, string) { return inRange(time.Unix(s, 0)) }

// readCellTime reads the time of a table: a real date, 10 or 13 digits, or a written form.
func readCellTime(c cell) (time.Time, string) {
	if c.bad {
		return time.Time{}, ReasonBadCell
	}
	if !c.at.IsZero() {
		return inRange(c.at)
	}
	s := strings.TrimSpace(c.text)
	if n, ok := digits(s); ok {
		switch len(s) {
		case 10:
			return fromSeconds(n)
		case 13:
			return fromMillis(n)
		}
		return time.Time{}, ReasonBadTime
	}
	return readTime(s)
}

// digits reads a string of ASCII digits.
func digits(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
