// Package retention owns how long conversations must at least be kept: floors per service
// type, counted from the last message. The longest one that applies wins.
package retention

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"qingdang/models/db"
)

// Rule is a floor of one service type; the one without a service type is for all of them.
// Basis is the organisation's own reference, BasisState says whether legal has confirmed it.
type Rule struct {
	ID          int `gorm:"primaryKey;autoIncrement:false"`
	ServiceType string
	FloorDays   int
	Forever     bool
	Basis       string
	BasisState  string
	Version     int
}

// TableName is retention_rule.
func (Rule) TableName() string { return "retention_rule" }

// Policy is all floors as of one transaction. Version changes with any of them.
type Policy struct {
	Version [32]byte
	floors  map[string]floor // by service type; never shorter than general
	general floor
}

// floor is a number of days, or forever.
type floor struct {
	days    int
	forever bool
}

func (f floor) longest(other floor) floor {
	return floor{max(f.days, other.days), f.forever || other.forever}
}

const (
	day = 24 * time.Hour
	// longestFloor keeps every deadline inside what both engines can store.
	longestFloor = 36_500
)

var errNoGeneral = errors.New("there is no retention rule for all service types")

// Load reads the policy. Without a rule for all service types it fails: no floor must never be
// taken for "nothing to keep".
func Load(tx *db.Tx) (*Policy, error) {
	var rules []Rule
	if err := tx.Order("id").Find(&rules).Error; err != nil {
		return nil, fmt.Errorf("load retention rules: %w", err)
	}
	return New(rules)
}

// New makes a policy of rules, in whatever order they come. Where several are about one service
// type, and beside the general one, the longest floor counts.
func New(rules []Rule) (*Policy, error) {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b Rule) int {
		return cmp.Or(strings.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.FloorDays, b.FloorDays), compareBool(a.Forever, b.Forever))
	})
	p := &Policy{floors: map[string]floor{}}
	digest := sha256.New()
	found := false
	for _, r := range rules {
		if r.FloorDays < 0 || r.FloorDays > longestFloor {
			return nil, fmt.Errorf("retention rule %d has a floor of %d days", r.ID, r.FloorDays)
		}
		fmt.Fprintf(digest, "%q %d %t\n", r.ServiceType, r.FloorDays, r.Forever)
		f, name := floor{r.FloorDays, r.Forever}, spelling(r.ServiceType)
		if name == "" {
			p.general, found = p.general.longest(f), true
			continue
		}
		p.floors[name] = p.floors[name].longest(f)
	}
	if !found {
		return nil, errNoGeneral
	}
	for name, f := range p.floors {
		p.floors[name] = f.longest(p.general)
	}
	p.Version = [32]byte(digest.Sum(nil))
	return p, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// spelling leaves out blanks at the end, which MySQL does not compare.
func spelling(serviceType string) string { return strings.TrimRight(serviceType, " ") }

func (p *Policy) floor(serviceType string) floor {
	if f, ok := p.floors[spelling(serviceType)]; ok {
		return f
	}
	return p.general
}

// Floor gives the floor of a service type in days; forever means until legal says otherwise.
func (p *Policy) Floor(serviceType string) (days int, forever bool) {
	f := p.floor(serviceType)
	return f.days, f.forever
}

// Until gives the instant from which a conversation may be destroyed; ok is false for never.
func (p *Policy) Until(serviceType string, lastAt time.Time) (at time.Time, ok bool) {
	f := p.floor(serviceType)
	if f.forever {
		return time.Time{}, false
	}
	return lastAt.Add(time.Duration(f.days) * day), true
}

// Within tells whether a conversation is inside its floor at now.
func (p *Policy) Within(serviceType string, lastAt, now time.Time) bool {
	until, ok := p.Until(serviceType, lastAt)
	return !ok || until.After(now)
}

// Condition is Within as a condition on the conversation table, so that counting and doing
// decide alike.
func (p *Policy) Condition(now time.Time) (cond string, args []any) {
	const column = "RTRIM(conversation.service_type)"
	var parts []string
	add := func(match string, f floor, matched ...any) {
		args = append(args, matched...)
		if !f.forever {
			match = "(" + match + " AND conversation.last_at > ?)"
			args = append(args, now.Add(-time.Duration(f.days)*day).UTC())
		}
		parts = append(parts, match)
	}
	known := slices.Sorted(maps.Keys(p.floors))
	for _, t := range known {
		add(column+" = ?", p.floors[t], t)
	}
	if len(known) == 0 {
		add("1 = 1", p.general)
	} else {
		add(column+" NOT IN ?", p.general, known)
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}
