// Package department owns the department tree.
package department

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Department is one node of the tree. Who it hangs on is stored; Level, from 1 at a root, and Path,
// which joins the names from the root with "/", are computed when the tree is loaded.
type Department struct {
	ID        id.Department `gorm:"primaryKey"`
	ParentID  id.Department
	Code      *string
	Name      string
	Level     int    `gorm:"-"`
	Path      string `gorm:"-"`
	CreatedAt time.Time
}

// TableName is department.
func (Department) TableName() string { return "department" }

// former is a path under which a department was found until it, or what it hangs on, was moved or renamed.
type former struct {
	Path         string `gorm:"primaryKey"`
	DepartmentID id.Department
	Until        time.Time
}

// TableName is department_path.
func (former) TableName() string { return "department_path" }

// Tree is the whole tree as of one transaction.
type Tree struct {
	byID     map[id.Department]Department
	children map[id.Department][]id.Department
	byPath   map[string]id.Department
	byFormer map[string]id.Department
	byCode   map[string]id.Department
}

// Load reads the tree. Departments that hang on each other in a circle, or on nothing that is there, are an
// error: nobody could say whose they are.
func Load(tx *db.Tx) (*Tree, error) {
	all, err := read(tx)
	if err != nil {
		return nil, err
	}
	t, err := grow(all)
	if err != nil {
		return nil, err
	}
	err = tx.Each(func(r *sql.Rows) error {
		var f former
		err := r.Scan(&f.Path, db.Number(&f.DepartmentID))
		t.byFormer[f.Path] = f.DepartmentID
		return err
	}, "SELECT path, department_id FROM department_path")
	if err != nil {
		return nil, err
	}
	return t, nil
}

// read reads the rows.
func read(tx *db.Tx) (all []Department, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		var d Department
		err := r.Scan(db.Number(&d.ID), db.Number(&d.ParentID), &d.Code, &d.Name, &d.CreatedAt)
		all = append(all, d)
		return err
	}, "SELECT id, parent_id, code, name, created_at FROM department")
	return all, err
}

// grow makes the tree of departments in any order.
func grow(all []Department) (*Tree, error) {
	t := &Tree{
		byID: make(map[id.Department]Department, len(all)), children: map[id.Department][]id.Department{},
		byPath: make(map[string]id.Department, len(all)), byFormer: map[string]id.Department{}, byCode: map[string]id.Department{},
	}
	below := map[id.Department][]Department{}
	for _, d := range all {
		below[d.ParentID] = append(below[d.ParentID], d)
	}
	for todo := []Department{{}}; len(todo) > 0; {
		on := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, d := range below[on.ID] {
			todo = append(todo, t.add(d, on))
		}
	}
	if len(t.byID) != len(all) {
		return nil, fmt.Errorf("department: %d of %d hang on no root", len(all)-len(t.byID), len(all))
	}
	return t, nil
}

// add hangs a department on another one that is in the tree, or on none, in the order of names.
func (t *Tree) add(d, on Department) Department {
	d.Level, d.Path = on.Level+1, strings.TrimPrefix(on.Path+"/"+d.Name, "/")
	t.byID[d.ID], t.byPath[d.Path] = d, d.ID
	if d.Code != nil {
		t.byCode[*d.Code] = d.ID
	}
	beside := t.children[on.ID]
	at, _ := slices.BinarySearchFunc(beside, d, func(b id.Department, d Department) int {
		return cmp.Or(strings.Compare(t.byID[b].Name, d.Name), cmp.Compare(b, d.ID))
	})
	t.children[on.ID] = slices.Insert(beside, at, d.ID)
	return d
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

// ByFormerPath finds a department by a path that was its own before something was moved or renamed; of
// several, the one that gave the path up last.
func (t *Tree) ByFormerPath(path string) (Department, bool) {
	dep, ok := t.byID[t.byFormer[CleanPath(path)]]
	return dep, ok
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
	return t.preorder(nil, d)
}

// Preorder gives every department, parents first.
func (t *Tree) Preorder() []id.Department {
	return t.preorder(make([]id.Department, 0, len(t.byID)), t.children[0]...)
}

func (t *Tree) preorder(all []id.Department, of ...id.Department) []id.Department {
	for _, d := range of {
		all = t.preorder(append(all, d), t.children[d]...)
	}
	return all
}

// Lineage gives a department's ancestors from the root, and itself; nothing for an unknown one.
func (t *Tree) Lineage(d id.Department) (line []id.Department) {
	for dep, ok := t.byID[d]; ok; dep, ok = t.byID[dep.ParentID] {
		line = append(line, dep.ID)
	}
	slices.Reverse(line)
	return line
}

// Division gives the part of the organisation that a department belongs to: the one below the lowest
// department that has everything under it. That department, and those it hangs on, are their own.
func (t *Tree) Division(d id.Department) id.Department {
	line := t.Lineage(d)
	top := id.Department(0)
	for _, a := range line {
		if len(t.children[top]) > 1 {
			return a
		}
		top = a
	}
	return d
}

// Divisions tells the search index which division a department belongs to now.
func Divisions(tx *db.Tx) (func(id.Department) id.Department, error) {
	t, err := Load(tx)
	if err != nil {
		return nil, err
	}
	return t.Division, nil
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
