package retention

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/mask"
)

// The states of a rule's basis.
const (
	BasisOpen      = "待核"
	BasisConfirmed = "已确认"
)

const (
	mostRules   = 50
	longestType = 32
	longestText = 500
)

// Draft is a whole policy as somebody writes it: what a change would put in place of the present one.
type Draft struct {
	Rules     []DraftRule `json:"rules"` // the one for all others first, then by service type
	NeverKeep []mask.Kind `json:"never_keep"`
}

// DraftRule is one rule of a draft.
type DraftRule struct {
	ServiceType string `json:"service_type"`
	FloorDays   int    `json:"floor_days"`
	Forever     bool   `json:"forever,omitempty"`
	TargetDays  int    `json:"target_days,omitempty"`
	CeilingDays int    `json:"ceiling_days,omitempty"`
	Basis       string `json:"basis,omitempty"`
	Confirmed   bool   `json:"confirmed,omitempty"`
}

// Draft is the policy as a draft that changes nothing.
func (p *Policy) Draft() Draft {
	d := Draft{NeverKeep: append([]mask.Kind{}, p.NeverKeep.Kinds()...), Rules: []DraftRule{}}
	for _, r := range p.stored {
		d.Rules = append(d.Rules, DraftRule{spelling(r.ServiceType), r.FloorDays, r.Forever, r.TargetDays, r.CeilingDays, r.Basis, r.BasisState == BasisConfirmed})
	}
	return d.Normal()
}

// Normal writes the same draft always the same way: that is what is compared and put in force.
func (d Draft) Normal() Draft {
	out := d.tidy()
	slices.SortFunc(out.Rules, func(a, b DraftRule) int { return cmp.Compare(a.ServiceType, b.ServiceType) })
	return out
}

// tidy is Normal with the rules in the order in which they were typed.
func (d Draft) tidy() Draft {
	out := Draft{Rules: slices.Clone(d.Rules), NeverKeep: append([]mask.Kind{}, conversation.PersonalOf(d.NeverKeep...).Kinds()...)}
	for i := range out.Rules {
		r := &out.Rules[i]
		r.ServiceType, r.Basis = strings.TrimSpace(r.ServiceType), strings.Join(strings.Fields(r.Basis), " ")
		if r.Forever {
			r.FloorDays, r.TargetDays, r.CeilingDays = 0, 0, 0
		}
	}
	return out
}

// check says at which field what is wrong: floor-2 is the floor of the third rule as it was typed.
func (d Draft) check(before Draft) (wrong []*fault.Fault) {
	d = d.tidy()
	at := func(i int, field, key string, args ...any) {
		wrong = append(wrong, fault.Invalid(key, args...).On(fmt.Sprint(field, "-", i)))
	}
	seen := map[string]bool{}
	for i, r := range d.Rules {
		switch {
		case seen[r.ServiceType]:
			at(i, "type", "retention.type_twice", r.ServiceType)
		case utf8.RuneCountInString(r.ServiceType) > longestType || !utf8.ValidString(r.ServiceType) || strings.ContainsRune(r.ServiceType, 0):
			at(i, "type", "retention.type_long", longestType)
		case r.FloorDays < 0 || r.FloorDays > longestFloor:
			at(i, "floor", "retention.days", longestFloor)
		case r.TargetDays < 0 || r.TargetDays > longestFloor:
			at(i, "target", "retention.days", longestFloor)
		case r.CeilingDays < 0 || r.CeilingDays > longestFloor:
			at(i, "ceiling", "retention.days", longestFloor)
		case r.TargetDays > 0 && r.TargetDays < r.FloorDays:
			at(i, "target", "retention.below_floor", r.FloorDays)
		case r.CeilingDays > 0 && r.CeilingDays < max(r.FloorDays, r.TargetDays):
			at(i, "ceiling", "retention.below_target", max(r.FloorDays, r.TargetDays))
		case utf8.RuneCountInString(r.Basis) > longestText || !utf8.ValidString(r.Basis):
			at(i, "basis", "retention.basis_long", longestText)
		}
		seen[r.ServiceType] = true
	}
	for _, r := range before.Rules {
		if !seen[r.ServiceType] {
			wrong = append(wrong, fault.Invalid("retention.type_missing").On("rules"))
			break
		}
	}
	if len(d.Rules) > mostRules {
		wrong = append(wrong, fault.Invalid("retention.too_many", mostRules).On("rules"))
	}
	return wrong
}

// policy is what the draft would be in force.
func (d Draft) policy() (*Policy, error) {
	rules := make([]Rule, len(d.Rules))
	for i, r := range d.Rules {
		rules[i] = Rule{ServiceType: r.ServiceType, FloorDays: r.FloorDays, Forever: r.Forever, TargetDays: r.TargetDays, CeilingDays: r.CeilingDays}
	}
	p, err := New(rules)
	if err == nil {
		p.NeverKeep = conversation.PersonalOf(d.NeverKeep...)
	}
	return p, err
}

// Weakens tells whether something would be protected less than before: a floor, or for ever, that gets
// shorter, a target or a ceiling that comes earlier, a kind of data that may be kept again.
func (d Draft) Weakens(before Draft) bool {
	now, err := d.policy()
	was, old := before.policy()
	if err != nil || old != nil || was.NeverKeep&^now.NeverKeep != 0 {
		return true
	}
	types := []string{""}
	for _, r := range append(slices.Clone(d.Rules), before.Rules...) {
		types = append(types, r.ServiceType)
	}
	for _, t := range types {
		days, forever := now.Floor(t)
		wasDays, wasForever := was.Floor(t)
		if wasForever && !forever || !forever && days < wasDays {
			return true
		}
		for _, b := range []Bound{Target, Ceiling} {
			is, before := now.Bound(b, t), was.Bound(b, t)
			if is > 0 && (before == 0 || is < before) {
				return true
			}
		}
	}
	return false
}

func (d Draft) text() string {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	return string(b)
}

// rootOf is what is agreed to: this change of exactly this policy for this reason.
func rootOf(code, was, proposal, reason string) [32]byte {
	var b strings.Builder
	for _, part := range []string{"qingdang retention change v1", code, was, proposal, reason} {
		fmt.Fprintf(&b, "%d:%s\n", len(part), part)
	}
	return sha256.Sum256([]byte(b.String()))
}
