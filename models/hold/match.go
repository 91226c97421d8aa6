package hold

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// match is what a hold takes: a condition on the conversation table. Preview, Place and OnStore
// use the same, so they cannot disagree.
type match func(q *gorm.DB) *gorm.DB

const perStatement = 1000

// match gives the conditions of an order, each for a statement of its own. The faults are
// invalid for departments and conversations that are unknown or out of the actor's scope.
func (o *Order) match(tx *db.Tx, by account.Actor, macs [][]byte) ([]match, error) {
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	switch o.Kind {
	case OnConversations:
		return o.singles(tx, by)
	case OnDepartment:
		if tree.Known(o.Department) != nil {
			return nil, fault.Invalid("hold.scope_needed", MostSingle).On("department")
		}
		f := Criteria{Departments: []id.Department{o.Department}, Sub: o.Sub}.filter(tree)
		if !contained(f.Departments, by.Scope) {
			return nil, fault.Invalid("hold.sub_outside").On("department")
		}
		return []match{f.Apply}, nil
	}
	if err := o.Criteria.known(tree, by); err != nil {
		return nil, err
	}
	if !by.Scope.All {
		o.Criteria.Within = by.Scope.Departments.Values()
	}
	m := match(o.Criteria.filter(tree).Apply)
	if o.Kind == OnCustomers {
		return []match{m.and("conversation.customer_mac IN ?", macs)}, nil
	}
	return []match{m}, nil
}

// contained tells whether a scope reaches no further than another.
func contained(inner, outer account.Scope) bool {
	return outer.All || !inner.All && !slices.ContainsFunc(inner.Departments.Values(), func(d id.Department) bool { return !outer.Has(d) })
}

func (m match) and(where string, args ...any) match {
	return func(q *gorm.DB) *gorm.DB { return m(q).Where(where, args...) }
}

// singles checks that each conversation is there and in the actor's scope.
func (o *Order) singles(tx *db.Tx, by account.Actor) ([]match, error) {
	unknown := fault.Invalid("hold.unknown_conversation").On("conversations")
	all, err := id.NewSet(o.Conversations...)
	if err != nil {
		return nil, unknown
	}
	var out []match
	known := 0
	for part := range slices.Chunk(all.Values(), perStatement) {
		var rows []conversation.Conversation
		if err := tx.Select("id", "department_id").Where("id IN ?", part).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find conversations: %w", err)
		}
		for _, c := range rows {
			if by.Scope.Has(c.DepartmentID) {
				known++
			}
		}
		out = append(out, func(q *gorm.DB) *gorm.DB { return q.Where("conversation.id IN ?", part) })
	}
	if known != all.Len() {
		return nil, unknown
	}
	return out, nil
}

// match gives the condition of a hold that is there, nil when it takes nothing new, and the
// filter in it.
func (h *Hold) match(tree *department.Tree) (m match, f conversation.Filter, err error) {
	c, err := h.CriteriaOf()
	switch {
	case err != nil:
		return nil, f, err
	case h.Kind == OnConversations, h.Kind == "" && h.DepartmentID == 0:
		return nil, f, nil
	case h.Kind != OnCustomers && c.empty():
		return nil, f, fmt.Errorf("hold %s: a %q without a condition", h.Code, h.Kind)
	}
	f = c.filter(tree)
	m = f.Apply
	if h.Kind == OnCustomers {
		m = m.and("conversation.customer_mac IN (SELECT hc.customer_mac FROM hold_customer hc WHERE hc.hold_id = ?)", h.ID)
	}
	return m, f, nil
}

var outOfBin = []conversation.State{conversation.Active, conversation.Hidden, conversation.Sealed}
