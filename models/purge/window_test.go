package purge

import (
	"testing"
	"time"
)

func TestTheMaintenanceWindow(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name       string
		w          Window
		now, first string
	}{
		{"in the afternoon it waits for 22:00", Window{}, "2026-11-22 14:00:00", "2026-11-22 22:00:00"},
		{"a second before it waits", Window{}, "2026-11-22 21:59:59", "2026-11-22 22:00:00"},
		{"at 22:00 it begins", Window{}, "2026-11-22 22:00:00", "2026-11-22 22:00:00"},
		{"before midnight it is open", Window{}, "2026-11-22 23:59:59", "2026-11-22 23:59:59"},
		{"at midnight it is open", Window{}, "2026-11-23 00:00:00", "2026-11-23 00:00:00"},
		{"a second before 06:00 it is open", Window{}, "2026-11-23 05:59:59", "2026-11-23 05:59:59"},
		{"at 06:00 it is closed", Window{}, "2026-11-23 06:00:00", "2026-11-23 22:00:00"},
		{"over the end of a month", Window{}, "2026-11-30 12:00:00", "2026-11-30 22:00:00"},
		{"over the end of a year", Window{}, "2026-12-31 23:30:00", "2026-12-31 23:30:00"},
		{"on a leap day", Window{}, "2028-02-29 07:00:00", "2028-02-29 22:00:00"},
		{"a window within one day", Window{From: 60, To: 120}, "2026-11-22 03:00:00", "2026-11-23 01:00:00"},
		{"a window within one day is open", Window{From: 60, To: 120}, "2026-11-22 01:30:00", "2026-11-22 01:30:00"},
		{"a whole day is always open", Window{From: 60, To: 60}, "2026-11-22 00:30:00", "2026-11-22 00:30:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := at(tt.now).UTC()
			if got := tt.w.Next(now, shanghai); !got.Equal(at(tt.first)) {
				t.Errorf("%v, want %v", got.In(shanghai), tt.first)
			}
		})
	}
}

// Whatever the time, the answer lies in the window, not before the question and less than a day later.
func TestTheWindowIsNeverFarAway(t *testing.T) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, w := range []Window{{}, {From: 1, To: 2}, {From: 1439, To: 1}, {From: 600, To: 600}} {
		for m := range 3 * 24 * 60 {
			now := start.Add(time.Duration(m) * time.Minute)
			got := w.Next(now, shanghai)
			if got.Before(now) || got.Sub(now) >= 24*time.Hour || !w.Next(got, shanghai).Equal(got) {
				t.Fatalf("%v: %v → %v", w, now, got)
			}
		}
	}
}

func TestCoolingOffIsNeverShortened(t *testing.T) {
	c := Cooling{Self: -time.Hour, Department: time.Hour, Organisation: time.Hour}
	for kind, want := range map[ScopeKind]time.Duration{Self: 0, Department: 24 * time.Hour, Organisation: 72 * time.Hour} {
		if got := c.of(kind); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if got := (Cooling{Department: 48 * time.Hour}).of(Department); got != 48*time.Hour {
		t.Errorf("lengthened: %v", got)
	}
}
