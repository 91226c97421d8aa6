// Package retention owns how long conversations are kept: per service type a floor, counted from the last
// message, of which the longest one that applies wins; a target and a ceiling after which they should have
// gone; which data must not be kept at all, and where it is; and how two people change all that.
package retention

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
)

// Rule is how long conversations of one service type are kept; the one without a service type is for all
// others. After TargetDays they are to be taken out of the archive, after CeilingDays they must be gone; 0 is
// no such bound, and that of the others counts. Floors and holds beat both. Basis is the organisation's own
// reference, BasisState says whether legal has confirmed it.
type Rule struct {
	ID          int `gorm:"primaryKey;autoIncrement:false"`
	ServiceType string
	FloorDays   int
	TargetDays  int
	CeilingDays int
	Forever     bool
	Basis       string
	BasisState  string
	Version     int
}

// TableName is retention_rule.
func (Rule) TableName() string { return "retention_rule" }

// Policy is all rules as of one transaction. Version changes with any of the floors. NeverKeep is the
// kinds of data that must not be kept.
type Policy struct {
	Version   [32]byte
	NeverKeep conversation.Personal
	rules     map[string]Rule // by service type; "" is for all others
	bounds    [2]map[string]int
	stored    []Rule
}

const (
	day = 24 * time.Hour
	// longestFloor keeps every instant inside what Go and the engines can count. What must
	// be kept longer is kept for ever.
	longestFloor = 36_500
)

// Load reads the policy. Without a rule for the other service types it fails: no floor must
// never be taken for "nothing to keep".
func Load(tx *db.Tx) (*Policy, error) {
	rules, err := stored(tx)
	if err != nil {
		return nil, err
	}
	p, err := New(rules)
	if err != nil {
		return nil, err
	}
	p.NeverKeep, err = NeverKeep(tx)
	return p, err
}

func stored(tx *db.Tx) (rules []Rule, err error) {
	if err := tx.Order("id").Find(&rules).Error; err != nil {
		return nil, fmt.Errorf("load retention rules: %w", err)
	}
	return rules, nil
}

// New makes a policy of rules. Of two rules that apply the longer one wins, so that a new rule
// never shortens what is kept.
func New(rules []Rule) (*Policy, error) {
	p := &Policy{Version: version(rules), rules: map[string]Rule{}, bounds: [2]map[string]int{{}, {}}, stored: rules}
	for _, r := range rules {
		if r.FloorDays < 0 || r.FloorDays > longestFloor {
			return nil, fmt.Errorf("retention rule %q has a floor of %d days", r.ServiceType, r.FloorDays)
		}
		r.ServiceType = spelling(r.ServiceType)
		for b := range p.bounds {
			days := Bound(b).of(r)
			if days < 0 || days > longestFloor {
				return nil, fmt.Errorf("retention rule %q has a bound of %d days", r.ServiceType, days)
			}
			p.bounds[b][r.ServiceType] = max(p.bounds[b][r.ServiceType], days)
		}
		p.rules[r.ServiceType] = longer(p.rules[r.ServiceType], r)
	}
	fallback, found := p.rules[""]
	if !found {
		return nil, fmt.Errorf("there is no retention rule for other service types")
	}
	for t, r := range p.rules {
		p.rules[t] = longer(r, fallback)
	}
	return p, nil
}

// spelling leaves out blanks at the end: some engines compare without them.
func spelling(serviceType string) string { return strings.TrimRight(serviceType, " ") }

func longer(a, b Rule) Rule {
	if a.Forever || !b.Forever && a.FloorDays > b.FloorDays {
		return a
	}
	return b
}

func version(rules []Rule) [32]byte {
	lines := make([]string, len(rules))
	for i, r := range rules {
		lines[i] = fmt.Sprintf("%q %d %t\n", r.ServiceType, r.FloorDays, r.Forever)
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "")))
}

// Floor gives the floor of a service type in days; forever means until legal says otherwise.
func (p *Policy) Floor(serviceType string) (days int, forever bool) {
	r, ok := p.rules[spelling(serviceType)]
	if !ok {
		r = p.rules[""]
	}
	return r.FloorDays, r.Forever
}

// Until gives the instant from which a conversation may be destroyed; ok is false for never.
func (p *Policy) Until(serviceType string, lastAt time.Time) (at time.Time, ok bool) {
	days, forever := p.Floor(serviceType)
	if forever {
		return time.Time{}, false
	}
	return lastAt.Add(time.Duration(days) * day), true
}

// Within tells whether a conversation is inside its floor at now.
func (p *Policy) Within(serviceType string, lastAt, now time.Time) bool {
	until, ok := p.Until(serviceType, lastAt)
	return !ok || until.After(now)
}

// Condition is Within as a condition on the conversation table, so that counting and doing
// decide alike.
func (p *Policy) Condition(now time.Time) (cond string, args []any) {
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(p.rules)) {
		// The rule for the others goes first and holds for all: the others are no shorter.
		part := "1 = 1"
		if t != "" {
			part, args = "RTRIM(conversation.service_type) = ?", append(args, t)
		}
		if r := p.rules[t]; !r.Forever {
			part, args = part+" AND conversation.last_at > ?", append(args, now.Add(-time.Duration(r.FloorDays)*day).UTC())
		}
		parts = append(parts, "("+part+")")
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}
