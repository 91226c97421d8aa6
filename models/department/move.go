package department

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Place is where a department hangs, 0 = nowhere, and how it is called there.
type Place struct {
	Parent id.Department
	Name   string
}

// normal gives the place with the name as it is stored.
func (p Place) normal() Place {
	p.Name = strings.TrimSpace(p.Name)
	return p
}

// Moved gives the tree as it would be with a department, and all that hangs on it, in another place. The
// faults are not-found for an unknown department; invalid for a name that is none or that a sibling has,
// for a parent that is unknown or lies below the department itself, for paths that would be too long, and
// when nothing would change.
func (t *Tree) Moved(d id.Department, to Place) (*Tree, error) {
	dep, ok := t.byID[d]
	if !ok {
		return nil, fault.NotFound("department.unknown")
	}
	to = to.normal()
	if err := fault.All(to.nameFault(), t.parentFault(d, to.Parent)); err != nil {
		return nil, err
	}
	if dep.ParentID == to.Parent && dep.Name == to.Name {
		return nil, fault.Invalid("department.unchanged").On("parent")
	}
	for _, beside := range t.children[to.Parent] {
		if beside != d && t.byID[beside].Name == to.Name {
			return nil, fault.Invalid("department.name_taken", to.Name).On("name")
		}
	}
	all := maps.Clone(t.byID)
	dep.ParentID, dep.Name = to.Parent, to.Name
	all[d] = dep
	after, err := grow(slices.Collect(maps.Values(all)))
	if err != nil {
		return nil, err
	}
	for _, below := range after.Subtree(d) {
		if utf8.RuneCountInString(after.Path(below)) > maxPath {
			return nil, fault.Invalid("department.path_too_long", maxPath).On("parent")
		}
	}
	after.byFormer = maps.Clone(t.byFormer)
	for _, below := range t.Subtree(d) {
		after.byFormer[t.Path(below)] = below
	}
	return after, nil
}

func (p Place) nameFault() *fault.Fault {
	switch {
	case p.Name == "" || strings.Contains(p.Name, "/") || !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl):
		return fault.Invalid("department.name_needed").On("name")
	case utf8.RuneCountInString(p.Name) > maxName:
		return fault.Invalid("department.name_too_long", maxName).On("name")
	}
	return nil
}

func (t *Tree) parentFault(d, parent id.Department) *fault.Fault {
	switch {
	case parent != 0 && t.Known(parent) != nil:
		return fault.Invalid("department.unknown").On("parent")
	case slices.Contains(t.Lineage(parent), d):
		return fault.Invalid("department.below_itself", t.Name(d)).On("parent")
	}
	return nil
}

// Move puts a department, with all that hangs on it, in another place and gives the tree as it is then. It
// changes one row, however much hangs on it; the paths that end are remembered for exports that still say
// them. The tree was loaded in the same transaction, by a caller who has the hold epoch alone: that keeps two
// moves from making a circle. The faults are Moved's.
func Move(tx *db.Tx, t *Tree, d id.Department, to Place) (*Tree, error) {
	after, err := t.Moved(d, to)
	if err != nil {
		return nil, err
	}
	to = to.normal()
	was := t.byID[d]
	res := tx.Model(&Department{}).Where("id = ? AND parent_id = ? AND name = ?", d, was.ParentID, was.Name).
		Updates(map[string]any{"parent_id": to.Parent, "name": to.Name})
	switch {
	case db.Duplicate(res.Error):
		return nil, fault.Invalid("department.name_taken", to.Name).On("name") // made a moment ago
	case res.Error != nil:
		return nil, fmt.Errorf("move department: %w", res.Error)
	case res.RowsAffected != 1:
		return nil, fault.Conflict("department.changed")
	}
	return after, remember(tx, t, t.Subtree(d))
}

// remember keeps the paths that departments had until now.
func remember(tx *db.Tx, t *Tree, all []id.Department) error {
	for part := range slices.Chunk(all, pathsAtOnce) {
		rows, paths := make([]former, len(part)), make([]string, len(part))
		for i, d := range part {
			paths[i] = t.Path(d)
			rows[i] = former{Path: paths[i], DepartmentID: d, Until: tx.Now}
		}
		if err := tx.Where("path IN ?", paths).Delete(&former{}).Error; err != nil {
			return fmt.Errorf("forget paths: %w", err)
		}
		if err := tx.Create(&rows).Error; err != nil {
			return fmt.Errorf("remember paths: %w", err)
		}
	}
	return nil
}

// pathsAtOnce bounds the rows of one statement.
const pathsAtOnce = 500
