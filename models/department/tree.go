// Package department owns the department tree.
package department

import (
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Department is one node of the tree. Level counts from 1 at a root; Path joins
// the names from the root with "/".
type Department struct {
	ID        id.Department `gorm:"primaryKey"`
	ParentID  id.Department
	Code      *string
	Name      string
	Level     int
	Path      string
	CreatedAt time.Time
}

// TableName is department.
func (Department) TableName() string { return "department" }

// Tree is the whole tree as of one transaction.
type Tree struct {
	byID     map[id.Department]Department
	children map[id.Department][]id.Department
	byPath   map[string]id.Department
	byCode   map[string]id.Department
}

// Load reads the tree.
func Load(tx *db.Tx) (*Tree, error) {
	var all []Department
	if err := tx.Order("path").Find(&all).Error; err != nil {
		return nil, err
	}
	t := &Tree{
		byID: map[id.Department]Department{}, children: map[id.Department][]id.Department{},
		byPath: map[string]id.Department{}, byCode: map[string]id.Department{},
	}
	for _, d := range all {
		t.add(d)
	}
	return t, nil
}

func (t *Tree) add(d Department) {
	t.byID[d.ID] = d
	t.children[d.ParentID] = append(t.children[d.ParentID], d.ID)
	t.byPath[d.Path] = d.ID
	if d.Code != nil {
		t.byCode[*d.Code] = d.ID
	}
}

// Len is the number of departments.
func (t *Tree) Len() int { return len(t.byID) }

// Get finds a department.
func (t *Tree) Get(d id.Department) (Department, bool) {
	dep, ok := t.byID[d]
	return dep, ok
}

// Path gives a department's path, "" for an unknown one.
func (t *Tree) Path(d id.Department) string { return t.byID[d].Path }

// Name gives a department's own name, "" for an unknown one.
func (t *Tree) Name(d id.Department) string { return t.byID[d].Name }

// ByPath finds a department by its path. Blanks around the parts do not count.
func (t *Tree) ByPath(path string) (Department, bool) {
	d, ok := t.byPath[CleanPath(path)]
	return t.byID[d], ok
}

// ByCode finds a department by the code of the organisation's own directory.
func (t *Tree) ByCode(code string) (Department, bool) {
	d, ok := t.byCode[code]
	return t.byID[d], ok
}

// Roots gives the departments without a parent.
func (t *Tree) Roots() []id.Department { return slices.Clone(t.children[0]) }

// Children gives the direct sub-departments in the order of their names.
func (t *Tree) Children(d id.Department) []id.Department { return slices.Clone(t.children[d]) }

// Subtree gives the department and everything below it, parents first; nothing for an
// unknown one.
func (t *Tree) Subtree(d id.Department) []id.Department {
	if _, ok := t.byID[d]; !ok {
		return nil
	}
	all := []id.Department{d}
	for _, child := range t.children[d] {
		all = append(all, t.Subtree(child)...)
	}
	return all
}

// Preorder gives every department, parents first.
func (t *Tree) Preorder() []id.Department {
	var all []id.Department
	for _, r := range t.children[0] {
		all = append(all, t.Subtree(r)...)
	}
	return all
}

// Levels gives the ancestors (or the department itself) on levels 1, 2 and 3, 0
// where the department is higher up. Conversations carry them, so that a subtree
// is one indexed condition.
func (t *Tree) Levels(d id.Department) [3]id.Department {
	var l [3]id.Department
	for dep, ok := t.byID[d]; ok; dep, ok = t.byID[dep.ParentID] {
		if dep.Level <= 3 {
			l[dep.Level-1] = dep.ID
		}
	}
	return l
}

// Scope resolves the departments of an account to everything it covers now.
func (t *Tree) Scope(rows []account.ScopeRow) account.Scope {
	var all []id.Department
	for _, r := range rows {
		if _, known := t.byID[r.Department]; !known {
			continue
		}
		if r.Sub {
			all = append(all, t.Subtree(r.Department)...)
		} else {
			all = append(all, r.Department)
		}
	}
	return account.Within(all...)
}

// CleanPath gives the one spelling of a path: no blanks around the parts, no empty
// parts.
func CleanPath(path string) string {
	var parts []string
	for p := range strings.SplitSeq(path, "/") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "/")
}
