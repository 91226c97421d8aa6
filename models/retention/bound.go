package retention

import (
	"maps"
	"slices"
	"strings"
	"time"

	"qingdang/models/db"
)

// Bound is the target or the ceiling of rules.
type Bound int

// The bounds.
const (
	Target Bound = iota
	Ceiling
)

func (b Bound) of(r Rule) int {
	if b == Target {
		return r.TargetDays
	}
	return r.CeilingDays
}

// Bound gives the target or ceiling of a service type in days, 0 for none: the type's own one, else that of the
// others, and never below the floor.
func (p *Policy) Bound(b Bound, serviceType string) int {
	serviceType = spelling(serviceType)
	floor, forever := p.Floor(serviceType)
	days := p.bounds[b][serviceType]
	if days == 0 {
		days = p.bounds[b][""]
	}
	if days == 0 || forever {
		return 0
	}
	return max(days, floor)
}

// Bounded tells whether there is a target, or a ceiling, at all.
func (p *Policy) Bounded(b Bound) bool {
	for t := range p.rules {
		if p.Bound(b, t) > 0 {
			return true
		}
	}
	return false
}

// Past tells whether a conversation has passed its target or ceiling at now.
func (p *Policy) Past(b Bound, serviceType string, lastAt, now time.Time) bool {
	days := p.Bound(b, serviceType)
	return days > 0 && !lastAt.Add(time.Duration(days)*day).After(now)
}

// PastCondition is Past as a condition on the conversation table.
func (p *Policy) PastCondition(b Bound, now time.Time) (cond string, args []any) {
	parts := []string{"1 = 0"}
	var own []string
	for _, t := range slices.Sorted(maps.Keys(p.rules)) {
		if t == "" {
			continue
		}
		own = append(own, t)
		if days := p.Bound(b, t); days > 0 {
			parts = append(parts, "(RTRIM(conversation.service_type) = ? AND conversation.last_at <= ?)")
			args = append(args, t, db.Instant(now.Add(-time.Duration(days)*day)))
		}
	}
	if days := p.Bound(b, ""); days > 0 {
		part := "conversation.last_at <= ?"
		args = append(args, db.Instant(now.Add(-time.Duration(days)*day)))
		for _, t := range own {
			part, args = part+" AND RTRIM(conversation.service_type) <> ?", append(args, t)
		}
		parts = append(parts, "("+part+")")
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}
