package department

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Bounds of what the tables hold. How deep the tree is, only the length of a path bounds.
const (
	maxName = 100
	maxPath = 700
	maxRows = 100_000
)

// Departments is the organisation's department tree.
type Departments struct {
	DB   *db.DB
	last last
}

// Tree gives the tree as it is now, or as the request first saw it where its context remembers; it is
// for reading only.
func (d *Departments) Tree(ctx context.Context) (*Tree, error) {
	t, err := seenBy(ctx).get(func() (t *Tree, err error) {
		err = d.DB.Read(ctx, func(tx *db.Tx) error {
			t, err = d.last.load(tx)
			return err
		})
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	return t, nil
}

// Resolve is the account drawer's resolver: what an account's departments cover now.
func (d *Departments) Resolve(tx *db.Tx, rows []account.ScopeRow) (account.Scope, error) {
	t, err := seenBy(tx.Context()).get(func() (*Tree, error) { return d.last.load(tx) })
	if err != nil {
		return account.Scope{}, fmt.Errorf("load departments: %w", err)
	}
	return t.Scope(rows), nil
}

// Ensure gives the department of a path and creates what is missing of it. It tells
// how many departments it created. The fault is invalid for an empty or too long path.
func Ensure(tx *db.Tx, t *Tree, path string) (Department, int, error) {
	path = CleanPath(path)
	switch {
	case path == "":
		return Department{}, 0, fault.Invalid("department.path_empty").On("department")
	case utf8.RuneCountInString(path) > maxPath:
		return Department{}, 0, fault.Invalid("department.path_too_long", maxPath).On("department")
	}
	if d, ok := t.ByPath(path); ok {
		return d, 0, nil
	}
	return create(tx, t, path, nil)
}

func create(tx *db.Tx, t *Tree, path string, code *string) (Department, int, error) {
	d := Department{Name: path, Code: code, CreatedAt: tx.Now}
	on, made := Department{}, 0
	if cut := strings.LastIndex(path, "/"); cut >= 0 {
		parent, n, err := Ensure(tx, t, path[:cut])
		if err != nil {
			return Department{}, 0, err
		}
		on, d.ParentID, d.Name, made = parent, parent.ID, path[cut+1:], n
	}
	if utf8.RuneCountInString(d.Name) > maxName {
		return Department{}, 0, fault.Invalid("department.name_too_long", maxName).On("department")
	}
	if err := tx.Create(&d).Error; err != nil {
		return Department{}, 0, fmt.Errorf("create department: %w", err)
	}
	return t.add(d, on), made + 1, nil
}

// Ensure creates what is missing of a path, for the command line and imports that were
// told where to put conversations.
func (d *Departments) Ensure(ctx context.Context, by account.Actor, path string) (dep Department, err error) {
	if err := by.Require(account.OrgEdit); err != nil {
		return Department{}, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		t, err := Load(tx)
		if err != nil {
			return err
		}
		var made int
		if dep, made, err = Ensure(tx, t, path); err != nil || made == 0 {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "department.created", ObjectKind: "department", Object: dep.Path,
			Department: dep.ID, Count: int64(made),
		})
	})
	return dep, err
}

// ImportCSV reads departments from a table with the columns id, parent_id and name
// (level and path may be there and are checked, not trusted) and creates the
// ones that are missing. It tells how many it created. Everything or nothing is
// stored; the fault names the line.
func (d *Departments) ImportCSV(ctx context.Context, by account.Actor, r io.Reader) (created int, err error) {
	if err := by.Require(account.OrgEdit); err != nil {
		return 0, err
	}
	rows, err := readRows(r)
	if err != nil {
		return 0, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		created = 0
		t, err := Load(tx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if known, ok := t.ByPath(row.path); ok {
				if known.Code != nil && *known.Code != row.code {
					return fault.Conflict("department.code_differs", row.line, row.path, *known.Code)
				}
				if known.Code == nil {
					if err := tx.Model(&Department{}).Where("id = ?", known.ID).Update("code", row.code).Error; err != nil {
						return fmt.Errorf("set code: %w", err)
					}
				}
				continue
			}
			if _, taken := t.ByCode(row.code); taken {
				return fault.Conflict("department.code_taken", row.line, row.code)
			}
			_, n, err := create(tx, t, row.path, &row.code)
			if err != nil {
				return err
			}
			created += n
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "department.imported", ObjectKind: "department", Count: int64(created)})
	})
	return created, err
}

type row struct {
	line               int
	code, parent, name string
	path               string
}

func readRows(r io.Reader) ([]row, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	head, err := c.Read()
	if err != nil {
		return nil, fault.Invalid("department.csv_unreadable", 1)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	at := func(name string) int {
		return slices.IndexFunc(head, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
	}
	code, parent, name := at("id"), at("parent_id"), at("name")
	if code < 0 || parent < 0 || name < 0 {
		return nil, fault.Invalid("department.csv_columns", "id, parent_id, name")
	}
	var rows []row
	seen := map[string]bool{}
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := c.FieldPos(0)
		if err != nil || len(rec) <= max(code, parent, name) || !utf8.ValidString(strings.Join(rec, "")) {
			return nil, fault.Invalid("department.csv_unreadable", line)
		}
		w := row{line: line, code: strings.TrimSpace(rec[code]), parent: strings.TrimSpace(rec[parent]), name: strings.TrimSpace(rec[name])}
		switch {
		case w.code == "" || len(w.code) > 64 || w.name == "" || strings.Contains(w.name, "/"):
			return nil, fault.Invalid("department.csv_unreadable", line)
		case seen[w.code]:
			return nil, fault.Invalid("department.csv_twice", line, w.code)
		case len(rows) == maxRows:
			return nil, fault.Invalid("department.csv_too_long", maxRows)
		}
		seen[w.code] = true
		rows = append(rows, w)
	}
	return withPaths(rows)
}

// withPaths orders parents before children and gives every row its path. A parent that
// is not in the table, and a circle, are refused.
func withPaths(rows []row) ([]row, error) {
	below := map[string][]row{}
	codes := map[string]bool{"": true}
	for _, w := range rows {
		below[w.parent] = append(below[w.parent], w)
		codes[w.code] = true
	}
	for _, w := range rows {
		if !codes[w.parent] {
			return nil, fault.Invalid("department.csv_parent", w.line, w.parent)
		}
	}
	var out []row
	var walk func(parent, path string)
	walk = func(parent, path string) {
		for _, w := range below[parent] {
			w.path = CleanPath(path + "/" + w.name)
			out = append(out, w)
			walk(w.code, w.path)
		}
	}
	walk("", "")
	if len(out) != len(rows) {
		return nil, fault.Invalid("department.csv_circle")
	}
	return out, nil
}

// Known refuses an id that is no department, so that a typing error is never taken for
// "everything".
func (t *Tree) Known(ids ...id.Department) error {
	for _, d := range ids {
		if _, ok := t.byID[d]; !ok {
			return fault.NotFound("department.unknown")
		}
	}
	return nil
}
