package handlers

import (
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/report"
	"qingdang/templates"
	"qingdang/templates/locale"
)

// reportPeriods are the choices above the two days of a report, by name.
func reportPeriods(today time.Time) map[string][2]string {
	year, month, zone := today.Year(), today.Month(), today.Location()
	quarter := (month-1)/3*3 + 1
	days := func(y int, m time.Month, months int) [2]string {
		first := time.Date(y, m, 1, 0, 0, 0, 0, zone)
		last := first.AddDate(0, months, -1)
		if last.After(today) {
			last = today // a report about days to come would say that nothing happened
		}
		return [2]string{first.Format(time.DateOnly), last.Format(time.DateOnly)}
	}
	return map[string][2]string{
		"this_month": days(year, month, 1), "last_month": days(year, month-1, 1),
		"this_quarter": days(year, quarter, 3), "last_quarter": days(year, quarter-3, 3),
		"this_year": days(year, 1, 12), "last_year": days(year-1, 1, 12),
	}
}

// usualPeriod is the last whole period of the length that a kind is made for.
func usualPeriod(kind report.Kind) string {
	switch kind {
	case report.BinCheck:
		return "last_quarter"
	case report.Privacy:
		return "last_year"
	}
	return "last_month"
}

// choosePeriod fills the days of the form: those of the period that is named, or of the one that
// is usual for the kind.
func choosePeriod(c echo.Context, v *templates.ReportsView, name string) {
	if !slices.Contains(templates.ReportPeriods, name) {
		name = usualPeriod(report.Kind(v.Kind))
	}
	days := reportPeriods(now(c).In(locale.Zone(c.Request().Context())))[name]
	v.Period, v.From, v.To = name, days[0], days[1]
}
