package purge

import (
	"math/rand/v2"
	"testing"
	"time"
)

const cases = 100_000

// No setting shortens the cooling-off of a department or of the organisation, and writing it down
// in hours does not either.
func TestNoSettingShortensTheCoolingOff(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 1122))
	least := map[ScopeKind]time.Duration{Self: 0, Department: 24 * time.Hour, Organisation: 72 * time.Hour}
	setting := func() time.Duration { return time.Duration(r.Int64N(int64(240*time.Hour))) - 24*time.Hour }
	for range cases {
		c := Cooling{Self: setting(), Department: setting(), Organisation: setting()}
		wanted := map[ScopeKind]time.Duration{Self: c.Self, Department: c.Department, Organisation: c.Organisation}
		for kind, floor := range least {
			got := c.of(kind)
			stored := Request{CoolingHours: int((got + time.Hour - 1) / time.Hour)}
			if got < floor || got < wanted[kind] || stored.cooling() < got || stored.cooling() >= got+time.Hour {
				t.Fatalf("%+v: %s cools for %v, stored as %v", c, kind, got, stored.cooling())
			}
		}
		if c.of("something new") < least[Department] {
			t.Fatal("an unknown scope cools for less than a department")
		}
	}
}

// A purge runs at the first instant of the window from its time on, never before it.
func TestTheWindowNeverLetsAnythingRunEarlier(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 1122))
	for range cases {
		w := Window{From: r.IntN(24 * 60), To: r.IntN(24 * 60)}
		at := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(31), 0, 0, r.IntN(86_400), r.IntN(1e9), shanghai)
		next := w.Next(at, shanghai)
		inside := func(t time.Time) bool {
			from, to := w.orNight().From, w.orNight().To
			minute := t.In(shanghai).Hour()*60 + t.In(shanghai).Minute()
			return from == to || from < to && minute >= from && minute < to || from > to && (minute >= from || minute < to)
		}
		switch {
		case next.Before(at), !inside(next), next.Sub(at) > 24*time.Hour:
			t.Fatalf("%+v at %v: %v", w, at, next)
		case inside(at) && !next.Equal(at), !next.Equal(at) && inside(next.Add(-time.Nanosecond)):
			t.Fatalf("%+v at %v: %v is not the first instant", w, at, next)
		}
	}
}
