package locale

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// None is what a table shows where there is no value. Zero is shown as 0.
const None = "—"

type integer interface {
	~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64
}

// N writes a whole number with its digits in groups of three, never shortened.
func N[I integer](_ context.Context, n I) string {
	if n < 0 {
		return "−" + group(strconv.FormatInt(int64(n), 10)[1:])
	}
	return group(strconv.FormatUint(uint64(n), 10))
}

func group(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Percent writes part of whole with one decimal; a whole of nothing is "—".
func Percent[I integer](_ context.Context, part, whole I) string {
	if whole == 0 {
		return None
	}
	return strconv.FormatFloat(float64(part)/float64(whole)*100, 'f', 1, 64) + "%"
}

// Bytes writes a size in decimal units: KB whole, MB with one decimal, GB and TB
// with two.
func Bytes[I integer](ctx context.Context, n I) string {
	const kilo = 1000.0
	size := float64(n)
	switch {
	case size < kilo:
		return N(ctx, n) + " B"
	case size < kilo*kilo:
		return strconv.FormatFloat(size/kilo, 'f', 0, 64) + " KB"
	case size < kilo*kilo*kilo:
		return strconv.FormatFloat(size/kilo/kilo, 'f', 1, 64) + " MB"
	case size < kilo*kilo*kilo*kilo:
		return strconv.FormatFloat(size/kilo/kilo/kilo, 'f', 2, 64) + " GB"
	default:
		return strconv.FormatFloat(size/kilo/kilo/kilo/kilo, 'f', 2, 64) + " TB"
	}
}

// layouts are the formats of UX section 10, one row per use.
type layout struct{ chinese, english string }

var (
	dateLayout    = layout{"2006-01-02 15:04", "2 Jan 2006, 15:04"}
	dateSecLayout = layout{"2006-01-02 15:04:05", "2 Jan 2006, 15:04:05"}
	dayLayout     = layout{"2006-01-02", "2 Jan 2006"}
	shortLayout   = layout{"01-02 15:04", "2 Jan, 15:04"}
	shortDay      = layout{"01-02", "2 Jan"}
	clockLayout   = layout{"15:04", "15:04"}
	clockSec      = layout{"15:04:05", "15:04:05"}
)

func (l layout) write(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return None
	}
	if Of(ctx) == English {
		return t.In(Zone(ctx)).Format(l.english)
	}
	return t.In(Zone(ctx)).Format(l.chinese)
}

// Date writes an instant to the minute: 2026-11-20 14:32.
func Date(ctx context.Context, t time.Time) string { return dateLayout.write(ctx, t) }

// DateSec writes an instant to the second, for audit records and certificates.
func DateSec(ctx context.Context, t time.Time) string { return dateSecLayout.write(ctx, t) }

// Day writes a calendar day: 2026-11-20.
func Day(ctx context.Context, t time.Time) string { return dayLayout.write(ctx, t) }

// Short writes an instant of this year: 11-20 14:32.
func Short(ctx context.Context, t time.Time) string { return shortLayout.write(ctx, t) }

// ShortDay writes a day of this year: 11-20.
func ShortDay(ctx context.Context, t time.Time) string { return shortDay.write(ctx, t) }

// Clock writes the time of day: 14:32.
func Clock(ctx context.Context, t time.Time) string { return clockLayout.write(ctx, t) }

// ClockSec writes the time of day to the second: 14:32:05.
func ClockSec(ctx context.Context, t time.Time) string { return clockSec.write(ctx, t) }

// Weekday writes 周五 or Fri.
func Weekday(ctx context.Context, t time.Time) string {
	day := t.In(Zone(ctx)).Weekday()
	if Of(ctx) == English {
		return day.String()[:3]
	}
	return "周" + []string{"日", "一", "二", "三", "四", "五", "六"}[day]
}

// Range writes the days from first to last, both included. An open end is "—".
func Range(ctx context.Context, first, last time.Time) string {
	return Span(ctx, Day(ctx, first), Day(ctx, last))
}

// Span joins two ends that are written already.
func Span(ctx context.Context, first, last string) string {
	if Of(ctx) == English {
		return first + " – " + last
	}
	return first + " ～ " + last
}

// ISO writes an instant for <time datetime>, in the zone of ctx.
func ISO(ctx context.Context, t time.Time) string { return t.In(Zone(ctx)).Format(time.RFC3339) }

// ZoneName writes the zone of ctx at t as UTC+8 or UTC+5:30.
func ZoneName(ctx context.Context, t time.Time) string {
	_, offset := t.In(Zone(ctx)).Zone()
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	if minutes := offset / 60 % 60; minutes != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, offset/3600, minutes)
	}
	return fmt.Sprintf("UTC%s%d", sign, offset/3600)
}

// Duration writes a span in its two largest units: 2 天 7 小时, 4 小时 08 分,
// 20 分 11 秒, 45 秒. Smaller units are dropped, not rounded, so that a countdown
// never promises more than is left; a negative span is 0.
func Duration(ctx context.Context, d time.Duration) string {
	d = max(d, 0)
	days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24
	minutes, seconds := int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0 && hours == 0:
		return T(ctx, "common.days", days)
	case days > 0:
		return T(ctx, "common.days_hours", days, hours)
	case hours > 0:
		return T(ctx, "common.hours_minutes", hours, fmt.Sprintf("%02d", minutes))
	case minutes > 0:
		return T(ctx, "common.minutes_seconds", minutes, fmt.Sprintf("%02d", seconds))
	default:
		return T(ctx, "common.seconds", seconds)
	}
}
