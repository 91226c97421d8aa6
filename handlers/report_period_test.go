package handlers_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/models/db/dbtest"
	"qingdang/models/report"
)

// A period is one press away, keeps what else was chosen, and makes nothing yet; the days offered first are
// the last whole period that a kind is made for.
func TestTheUsualPeriodsOfReports(t *testing.T) {
	e := openEvidence(t)
	c := e.As(e.auditor)
	days := func(path, from, to, chosen string) {
		t.Helper()
		page := c.Get(t, path).Want(t, 200, `value="`+chosen+`" formnovalidate aria-current="true"`)
		for name, want := range map[string]string{"from": from, "to": to} {
			m := regexp.MustCompile(`<input[^>]*name="` + name + `"[^>]*>`).FindString(page.Body)
			if !strings.Contains(m, `value="`+want+`"`) {
				t.Errorf("%s: %s, want %s", path, m, want)
			}
		}
	}
	leaves := dbtest.Count(t, e.db, &report.PeriodHead{})
	c.Post(t, "/reports", url.Values{"kind": {"bin"}, "department": {"7"}, "from": {""}, "to": {"x"}, "period": {"last_quarter"}}).
		WantRedirect(t, "/reports?department=7&kind=bin&period=last_quarter")
	if n := dbtest.Count(t, e.db, &report.PeriodHead{}); n != leaves {
		t.Errorf("a press on a period made %d reports", n-leaves)
	}
	// Today is 22 November 2026.
	for period, d := range map[string][2]string{
		"this_month": {"2026-11-01", "2026-11-22"}, "last_month": {"2026-10-01", "2026-10-31"},
		"this_quarter": {"2026-10-01", "2026-11-22"}, "last_quarter": {"2026-07-01", "2026-09-30"},
		"this_year": {"2026-01-01", "2026-11-22"}, "last_year": {"2025-01-01", "2025-12-31"},
	} {
		days("/reports?period="+period, d[0], d[1], period)
	}
	for path, d := range map[string][3]string{
		"/reports": {"2026-10-01", "2026-10-31", "last_month"}, "/reports?period=x&kind=access": {"2026-10-01", "2026-10-31", "last_month"},
		"/reports?kind=bin": {"2026-07-01", "2026-09-30", "last_quarter"}, "/reports?kind=privacy": {"2025-01-01", "2025-12-31", "last_year"},
		"/reports?kind=x": {"2026-10-01", "2026-10-31", "last_month"},
	} {
		days(path, d[0], d[1], d[2])
	}
	e.clock.Set(time.Date(2027, 1, 31, 17, 0, 0, 0, time.UTC)) // 1 February in the organisation's zone
	days("/reports?period=last_month", "2027-01-01", "2027-01-31", "last_month")
	days("/reports?period=last_quarter", "2026-10-01", "2026-12-31", "last_quarter")
}
