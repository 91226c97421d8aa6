package account

import "qingdang/models/id"

// And gives what lies in both scopes. Nothing and anything is nothing.
func (s Scope) And(o Scope) Scope {
	switch {
	case s.All:
		return o
	case o.All:
		return s
	}
	var both []id.Department
	for _, d := range s.Departments.Values() {
		if o.Has(d) {
			both = append(both, d)
		}
	}
	return Within(both...)
}

// noDepartment is an id that no department has.
const noDepartment id.Department = 1<<63 - 1

// Listed gives the departments of a scope that is not everywhere, for a condition in SQL. It is never
// empty: a list of nothing is written NULL, and what is NOT IN (NULL) is never found, so that whoever looks
// for what is beyond a scope of nothing would take everything for within.
func (s Scope) Listed() []id.Department {
	if s.Departments.Len() == 0 {
		return []id.Department{noDepartment}
	}
	return s.Departments.Values()
}
