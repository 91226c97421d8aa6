package bin

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Scope is what a person chose in the wizard's first step; at least one department is needed.
// Sub says 包含子部门: everything below the departments counts too, but for Without (each
// exactly that department, not what is below it). From and To are days of the organisation's
// zone, both included. OlderThan, in days, sets To when the draft is saved.
type Scope struct {
	Departments  []id.Department `json:"departments"`
	Sub          bool            `json:"sub"`
	Without      []id.Department `json:"without,omitempty"`
	From         string          `json:"from,omitempty"`
	To           string          `json:"to,omitempty"`
	OlderThan    int             `json:"older_than,omitempty"`
	ServiceTypes []string        `json:"service_types,omitempty"`
	Platforms    []string        `json:"platforms,omitempty"`
	Tags         []string        `json:"tags,omitempty"`
	WithoutTags  []string        `json:"without_tags,omitempty"`
	Agents       []string        `json:"agents,omitempty"`
	conversation.Traits
	// Picked, if set, is all of the scope: Departments are only where it was when it was chosen.
	Picked *Picked `json:"picked,omitempty"`
}

// reach is a scope resolved against the tree and the actor: the departments that are
// taken, and those below the chosen ones that are left out.
type reach struct {
	taken    account.Scope
	universe []id.Department // taken and left out, parents first
	outside  int             // departments below the chosen ones in which the actor may not act
	kind     string
	top      id.Department       // the one department above all that is taken, 0 if there is none
	filter   conversation.Filter // of everything matching, taken or not
	tree     *department.Tree
	picked   *Picked // nil: conditions
}

// Bounds of a scope.
const (
	longestList  = 200
	mostPicked   = 5000
	longestYears = 50
)

// resolve checks a scope and finds out what it reaches. The faults name the field.
func (s Scope) resolve(t *department.Tree, by account.Actor, zone *time.Location) (*reach, error) {
	if len(s.Departments) == 0 {
		return nil, fault.Invalid("bin.no_department").On("department")
	}
	for _, list := range [][]id.Department{s.Departments, s.Without} {
		if len(list) > mostPicked || t.Known(list...) != nil {
			return nil, fault.Invalid("bin.unknown_department").On("department")
		}
		for _, d := range list {
			// A department one may not act in is as unknown as one that is not there.
			if !by.Scope.Has(d) {
				return nil, fault.Invalid("bin.unknown_department").On("department")
			}
		}
	}
	filter, err := s.filter(zone)
	if err != nil {
		return nil, err
	}
	r := &reach{tree: t, kind: ScopeDepartment, filter: filter}
	taken := r.walk(s, by.Scope)
	if len(taken) == 0 {
		return nil, fault.Invalid("bin.no_department").On("department")
	}
	r.taken, r.top = account.Within(taken...), above(t, taken)
	r.filter.Departments = account.Within(r.universe...)
	return r, nil
}

// filter is the scope's conditions but for the departments. What was hidden counts: hiding
// changes nothing about how long something is kept.
func (s Scope) filter(zone *time.Location) (f conversation.Filter, err error) {
	var long []*fault.Fault
	for _, list := range []struct {
		field string
		words []string
	}{
		{"service_types", s.ServiceTypes}, {"platforms", s.Platforms}, {"tags", s.Tags}, {"without_tags", s.WithoutTags}, {"agents", s.Agents},
	} {
		if len(list.words) > longestList {
			long = append(long, fault.Invalid("bin.too_many_conditions", longestList).On(list.field))
		}
	}
	if err := fault.All(append(long, s.Traits.Check())...); err != nil {
		return f, err
	}
	from, to, err := s.period(zone)
	if err != nil {
		return f, err
	}
	return conversation.Filter{
		From: from, To: to, ServiceTypes: s.ServiceTypes, Platforms: s.Platforms, Tags: s.Tags, WithoutTags: s.WithoutTags, AgentIDs: s.Agents, Traits: s.Traits,
		States: []conversation.State{conversation.Active, conversation.Hidden},
	}, nil
}

// walk lists the departments that are taken and fills the universe they were chosen from.
func (r *reach) walk(s Scope, within account.Scope) (taken []id.Department) {
	included := s.takes(r.tree)
	seen := map[id.Department]bool{}
	for _, d := range s.Departments {
		for _, below := range r.tree.Subtree(d) {
			if seen[below] {
				continue
			}
			seen[below] = true
			if !within.Has(below) {
				r.outside++
				continue
			}
			r.universe = append(r.universe, below)
			if included[below] {
				taken = append(taken, below)
			}
		}
	}
	r.kind = scopeKind(r.tree, taken)
	return taken
}

// takes are the departments that a scope takes, whoever looks.
func (s Scope) takes(t *department.Tree) map[id.Department]bool {
	out := map[id.Department]bool{}
	for _, d := range s.Departments {
		if s.Sub {
			for _, below := range t.Subtree(d) {
				out[below] = true
			}
		}
	}
	for _, d := range s.Without {
		delete(out, d)
	}
	for _, d := range s.Departments {
		out[d] = true
	}
	return out
}

// scopeKind is organisation as soon as a root is taken together with anything below it. What covers
// everything without its root is found by coversAll, which needs to know what is stored where.
func scopeKind(t *department.Tree, taken []id.Department) string {
	roots := map[id.Department]bool{}
	for _, d := range taken {
		if dep, _ := t.Get(d); dep.Level == 1 {
			roots[d] = true
		}
	}
	for _, d := range taken {
		if dep, _ := t.Get(d); dep.Level > 1 && roots[t.Lineage(d)[0]] {
			return ScopeOrganisation
		}
	}
	return ScopeDepartment
}

// above finds the lowest department under which all the given ones lie.
func above(t *department.Tree, all []id.Department) id.Department {
	var common []id.Department
	for i, d := range all {
		path := t.Lineage(d)
		if i == 0 {
			common = path
			continue
		}
		n := 0
		for n < min(len(common), len(path)) && common[n] == path[n] {
			n++
		}
		common = common[:n]
	}
	if len(common) == 0 {
		return 0
	}
	return common[len(common)-1]
}

// period reads the two days. The first is included from its first instant, the last to its
// last.
func (s Scope) period(zone *time.Location) (from, to time.Time, err error) {
	var wrongFrom, wrongTo *fault.Fault
	if from, err = Day(s.From, zone); err != nil {
		wrongFrom = fault.Invalid("bin.bad_date").On("from")
	}
	if to, err = Day(s.To, zone); err != nil {
		wrongTo = fault.Invalid("bin.bad_date").On("to")
	}
	if err := fault.All(wrongFrom, wrongTo); err != nil {
		return from, to, err
	}
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, fault.Invalid("bin.dates_reversed").On("to")
	}
	return from, to, nil
}

// at gives the scope with To fixed for OlderThan as of now, so that the list does not grow by
// itself between two steps.
func (s Scope) at(now time.Time, zone *time.Location) Scope {
	if s.OlderThan > 0 {
		s.To = now.In(zone).AddDate(0, 0, -min(s.OlderThan, longestYears*365)-1).Format(time.DateOnly)
	}
	return s
}

// Day reads YYYY-MM-DD as the first instant of that day in the zone; "" is no bound.
func Day(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || at.Year() < 1970 || at.Year() > 2099 {
		return time.Time{}, fault.Invalid("bin.bad_date")
	}
	return at, nil
}

// ParseScope reads the scope that a batch keeps.
func ParseScope(stored string) (s Scope, err error) {
	err = json.Unmarshal([]byte(stored), &s)
	return s, err
}

// digest tells one scope from another.
func (s Scope) digest() []byte {
	sum := sha256.Sum256([]byte(asJSON(s)))
	return sum[:]
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// Only our own plain structs come here.
		panic(err)
	}
	return string(b)
}
