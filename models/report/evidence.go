package report

import (
	"sync"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Evidence is where people read the audit log, have it checked, and get reports over it. One
// process has one: it remembers the last check.
type Evidence struct {
	DB           *db.DB
	Log          *audit.Log
	Zone         *time.Location // of the organisation; nil = Asia/Shanghai
	Organisation string

	looking sync.Mutex // held by the one who checks the chain
	mu      sync.Mutex // guards what follows
	chain   Chain
	tried   time.Time // when the chain was last looked at, successfully or not
}

var shanghai = time.FixedZone("UTC+8", 8*60*60)

func (e *Evidence) zone() *time.Location {
	if e.Zone == nil {
		return shanghai
	}
	return e.Zone
}

// The faults of a period stand at these fields.
const (
	fieldFirst = "from"
	fieldLast  = "to"
)

// longestPeriod is how many years one report or one look may cover.
const longestPeriod = 5

// Period is a stretch of days of the organisation's zone, both included, as people type them:
// YYYY-MM-DD. An empty end is open where the use case allows it.
type Period struct{ First, Last string }

// bounds gives the period as [from, to); an open end is the zero time.
func (p Period) bounds(zone *time.Location) (from, to time.Time, err error) {
	from, wrongFrom := day(p.First, zone, fieldFirst)
	last, wrongLast := day(p.Last, zone, fieldLast)
	if err := fault.All(wrongFrom, wrongLast); err != nil {
		return from, to, err
	}
	if !last.IsZero() {
		to = last.AddDate(0, 0, 1)
	}
	switch {
	case from.IsZero() || last.IsZero():
		return from, to, nil
	case last.Before(from):
		return from, to, fault.Invalid("report.dates_reversed", p.First, p.Last).On(fieldLast)
	case to.After(from.AddDate(longestPeriod, 0, 0)):
		return from, to, fault.Invalid("report.period_long", longestPeriod).On(fieldFirst)
	}
	return from, to, nil
}

func day(s string, zone *time.Location, field string) (time.Time, *fault.Fault) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || at.Year() < 1990 || at.Year() > 2099 {
		return time.Time{}, fault.Invalid("report.bad_date", s).On(field)
	}
	return at, nil
}

// whole is asked before anything that shows every department's acts.
func whole(by account.Actor) error { return by.Require(account.AuditRead) }
