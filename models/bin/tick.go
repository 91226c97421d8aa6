package bin

import (
	"slices"

	"qingdang/models/account"
	"qingdang/models/department"
	"qingdang/models/id"
)

// Ticked gives the scope after a person ticked boxes in the tree: the boxes of the departments
// that are ticked now, and whether 包含子部门 is. While it is, a box that was just ticked
// takes everything below it along, and one that was just unticked lets it go; the page's
// script does the same, but the boxes must mean the same without it. Departments outside
// within are left out; Strangers names them for whoever must refuse them.
func (s Scope) Ticked(t *department.Tree, within account.Scope, boxes []id.Department, sub bool) Scope {
	before, now := s.takes(t), map[id.Department]bool{}
	for _, d := range boxes {
		if _, known := t.Get(d); known && within.Has(d) {
			now[d] = true
		}
	}
	switch {
	case sub && s.Sub:
		for d := range before {
			if !now[d] && within.Has(d) {
				set(now, t.Subtree(d), within, false)
			}
		}
		for _, d := range boxes {
			if now[d] && !before[d] {
				set(now, t.Subtree(d), within, true)
			}
		}
	case sub:
		for _, d := range boxes {
			set(now, t.Subtree(d), within, true)
		}
	case s.Sub:
		now = tops(t, now)
	}
	return s.of(t, within, now, sub)
}

// Strangers lists the boxes that are no department in which the person acts.
func Strangers(t *department.Tree, within account.Scope, boxes []id.Department) []id.Department {
	return slices.DeleteFunc(slices.Clone(boxes), func(d id.Department) bool {
		_, known := t.Get(d)
		return known && within.Has(d)
	})
}

// Including gives the scope with a department and everything below it taken along.
func (s Scope) Including(t *department.Tree, within account.Scope, d id.Department) Scope {
	now := s.takes(t)
	set(now, t.Subtree(d), within, true)
	return s.of(t, within, now, s.Sub)
}

// IncludingAll gives the scope with everything below what was chosen.
func (s Scope) IncludingAll() Scope {
	s.Sub, s.Without = true, nil
	return s
}

// Takes tells which departments a scope takes.
func (s Scope) Takes(t *department.Tree) map[id.Department]bool { return s.takes(t) }

// of writes a set of departments down as a scope.
func (s Scope) of(t *department.Tree, within account.Scope, taken map[id.Department]bool, sub bool) Scope {
	s.Sub, s.Departments, s.Without = sub, nil, nil
	if !sub {
		s.Departments = sorted(taken)
		return s
	}
	highest := tops(t, taken)
	s.Departments = sorted(highest)
	left := map[id.Department]bool{}
	for d := range highest {
		for _, below := range t.Subtree(d) {
			if !taken[below] && within.Has(below) {
				left[below] = true
			}
		}
	}
	s.Without = sorted(left)
	return s
}

// tops keeps the departments that have none of the others above them.
func tops(t *department.Tree, all map[id.Department]bool) map[id.Department]bool {
	out := map[id.Department]bool{}
	for d := range all {
		line := t.Lineage(d)
		if !slices.ContainsFunc(line[:len(line)-1], func(a id.Department) bool { return all[a] }) {
			out[d] = true
		}
	}
	return out
}

func set(into map[id.Department]bool, all []id.Department, within account.Scope, taken bool) {
	for _, d := range all {
		switch {
		case !taken:
			delete(into, d)
		case within.Has(d):
			into[d] = true
		}
	}
}

func sorted(all map[id.Department]bool) []id.Department {
	out := make([]id.Department, 0, len(all))
	for d := range all {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}
