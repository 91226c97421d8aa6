package hold

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Criteria are the conditions of a hold, as they are stored: what a search takes, but for
// keywords. Empty fields do not narrow. Lists of one field are alternatives, but Tags must all be
// there and none of WithoutTags may.
type Criteria struct {
	Departments []id.Department `json:"departments,omitempty"`
	Sub         bool            `json:"sub,omitempty"` // everything below the departments too
	// From and To bound the time of the last message: From included, To excluded.
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	ServiceTypes []string  `json:"service_types,omitempty"`
	Tags         []string  `json:"tags,omitempty"`
	WithoutTags  []string  `json:"without_tags,omitempty"`
	Platforms    []string  `json:"platforms,omitempty"`
	Agents       []string  `json:"agents,omitempty"` // staff numbers
	// Within are the departments in which the person who placed the hold acted; Place sets it.
	// Null is everywhere.
	Within []id.Department `json:"within,omitempty"`
}

func (c Criteria) normal() Criteria {
	for _, list := range []*[]string{&c.ServiceTypes, &c.Tags, &c.WithoutTags, &c.Platforms, &c.Agents} {
		*list = words(*list)
	}
	c.Departments = slices.Clone(c.Departments)
	slices.Sort(c.Departments)
	c.Departments = slices.Compact(c.Departments)
	c.Within = nil
	return c
}

// empty tells whether nothing narrows: such a query would be a hold on everything.
func (c Criteria) empty() bool {
	return len(c.Departments) == 0 && c.From.IsZero() && c.To.IsZero() &&
		len(c.ServiceTypes)+len(c.Tags)+len(c.WithoutTags)+len(c.Platforms)+len(c.Agents) == 0
}

func (c Criteria) check() *fault.Fault {
	for _, list := range []struct {
		field string
		words []string
	}{
		{"service_types", c.ServiceTypes}, {"tags", c.Tags}, {"without_tags", c.WithoutTags}, {"platforms", c.Platforms}, {"agents", c.Agents},
	} {
		if len(list.words) > mostOfAList || slices.ContainsFunc(list.words, tooLong(longestWord)) {
			return fault.Invalid("hold.too_many_conditions", mostOfAList).On(list.field)
		}
	}
	switch {
	case len(c.Departments) > mostOfAList:
		return fault.Invalid("hold.too_many_conditions", mostOfAList).On("departments")
	case slices.Contains(c.Departments, 0):
		return fault.Invalid("hold.unknown_department").On("departments")
	case !c.From.IsZero() && !c.To.IsZero() && !c.From.Before(c.To):
		return fault.Invalid("conversation.dates_reversed").On("to")
	}
	return nil
}

// known refuses departments that are not there or in which the actor does not act.
func (c Criteria) known(t *department.Tree, by account.Actor) error {
	for _, d := range c.Departments {
		if t.Known(d) != nil || !by.Scope.Has(d) {
			return fault.Invalid("hold.unknown_department").On("departments")
		}
	}
	return nil
}

// everyState: a hold takes conversations wherever they are.
var everyState = []conversation.State{conversation.Active, conversation.Hidden, conversation.Binned, conversation.Frozen, conversation.Purging, conversation.Sealed}

// filter makes the criteria the one kind of condition that there is on conversations.
func (c Criteria) filter(t *department.Tree) conversation.Filter {
	where := account.Everywhere()
	if len(c.Departments) > 0 {
		rows := make([]account.ScopeRow, len(c.Departments))
		for i, d := range c.Departments {
			rows[i] = account.ScopeRow{Department: d, Sub: c.Sub}
		}
		where = t.Scope(rows)
	}
	if c.Within != nil {
		where = where.And(account.Within(c.Within...))
	}
	return conversation.Filter{
		From: c.From, To: c.To, Departments: where, ServiceTypes: c.ServiceTypes, Tags: c.Tags, WithoutTags: c.WithoutTags,
		Platforms: c.Platforms, AgentIDs: c.Agents, States: everyState,
	}
}

func (c Criteria) encode() (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write criteria: %w", err)
	}
	return string(b), nil
}

// CriteriaOf reads the conditions of a hold as it was placed; a hold on a department has its
// department in them. A hold on single conversations has none.
func (h *Hold) CriteriaOf() (c Criteria, err error) {
	if h.DepartmentID != 0 {
		return Criteria{Departments: []id.Department{h.DepartmentID}, Sub: h.Sub}, nil
	}
	if h.Criteria == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(h.Criteria), &c); err != nil {
		return c, fmt.Errorf("read the criteria of %s: %w", h.Code, err)
	}
	return c, nil
}
