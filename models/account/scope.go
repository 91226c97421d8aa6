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
