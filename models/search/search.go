// Package search owns saved searches (已存检索): the conditions that somebody keeps under a name, with whom
// they are shared, and in which order each reader sees them. A saved search is conditions and nothing else:
// whoever opens it searches within the own scope.
package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Audience says who but its maker sees a saved search.
type Audience string

// The audiences.
const (
	Private      Audience = "private"
	InDepartment Audience = "department" // everybody who works in a department, or below it
	InRole       Audience = "role"       // everybody of a role
)

// Share is an audience with the department or the role that it names.
type Share struct {
	With       Audience
	Department id.Department
	Role       account.Role
}

// Bounds of what is kept.
const (
	MostOwn      = 100 // of one person
	LongestName  = 40  // characters
	longestBytes = 8000
)

// Conditions are what is searched for, as the form has it: a period like "the last 30 days" stays one, and
// days stay days. The names of the department are as they were, so that what is gone can be named.
type Conditions struct {
	Words          string        `json:"q,omitempty"`
	Customer       string        `json:"customer,omitempty"`
	Period         string        `json:"period,omitempty"`
	From           string        `json:"from,omitempty"`
	To             string        `json:"to,omitempty"`
	Department     id.Department `json:"dept,omitempty"`
	DepartmentName string        `json:"dept_name,omitempty"`
	Sub            bool          `json:"sub,omitempty"`
	Types          []string      `json:"types,omitempty"`
	Platforms      []string      `json:"platforms,omitempty"`
	Tags           []string      `json:"tags,omitempty"`
	Agents         []string      `json:"agents,omitempty"`
	Personal       []string      `json:"personal,omitempty"`
	Least          string        `json:"least,omitempty"`
	Most           string        `json:"most,omitempty"`
	Attached       string        `json:"attached,omitempty"`
	Sensitive      string        `json:"sensitive,omitempty"`
	Languages      []string      `json:"languages,omitempty"`
	State          string        `json:"state,omitempty"`
	Sort           string        `json:"sort,omitempty"` // the order, which is no condition but belongs to it; "": the newest first
}

// Search is one saved search as a reader sees it.
type Search struct {
	ID         id.Search
	Code       string
	Name       string
	Conditions Conditions
	Share      Share
	Owner      account.Standing
	OwnerGone  bool // the account is turned off
	Own        bool
	CanRemove  bool
	Broken     bool // the row was changed past the program: it opens nothing
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// row is a saved search as stored. Name and conditions are sealed, bound to the code, the maker and the
// audience: a row whose maker or audience is changed past this program opens no more.
type row struct {
	ID           id.Search `gorm:"primaryKey"`
	Code         string
	OwnerID      id.User
	Audience     Audience
	DepartmentID id.Department
	Role         account.Role
	NameMAC      []byte `gorm:"column:name_mac"`
	Sealed       []byte
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// TableName is saved_search.
func (row) TableName() string { return "saved_search" }

// place is where a reader put a search in the own list.
type place struct {
	UserID   id.User   `gorm:"primaryKey;autoIncrement:false"`
	SearchID id.Search `gorm:"primaryKey;autoIncrement:false"`
	Place    int
}

// TableName is search_place.
func (place) TableName() string { return "search_place" }

// Keys seal what is kept; *seal.Store does.
type Keys interface {
	SealSmall(purpose string, aad, plain []byte) []byte
	OpenSmall(purpose string, aad, sealed []byte) ([]byte, error)
	MAC(purpose string, parts ...[]byte) [32]byte
}

// Desk is where searches are saved, found again and shared.
type Desk struct {
	DB   *db.DB
	Keys Keys
	Zone *time.Location // of the organisation
}

const (
	sealPurpose = "saved search"
	namePurpose = "saved search name"
)

// kept is what is sealed.
type kept struct {
	Name       string     `json:"name"`
	Conditions Conditions `json:"conditions"`
}

func (r *row) bound() []byte {
	return fmt.Appendf(nil, "%s|%d|%s|%d|%s", r.Code, r.OwnerID, r.Audience, r.DepartmentID, r.Role)
}

// put seals what is kept into a row. The fault is invalid for conditions that are too long.
func (d *Desk) put(r *row, k kept) error {
	plain, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("write conditions: %w", err)
	}
	if len(plain) > longestBytes {
		return fault.Invalid("search.conditions_long").On("name")
	}
	mac := d.Keys.MAC(namePurpose, fmt.Append(nil, r.OwnerID), []byte(folded(k.Name)))
	r.NameMAC, r.Sealed = mac[:], d.Keys.SealSmall(sealPurpose, r.bound(), plain)
	return nil
}

func (d *Desk) open(r *row) (k kept, err error) {
	plain, err := d.Keys.OpenSmall(sealPurpose, r.bound(), r.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &k)
	}
	if err != nil {
		return kept{}, fmt.Errorf("open saved search %s: %w", r.Code, err)
	}
	return k, nil
}

func (r *row) share() Share { return Share{r.Audience, r.DepartmentID, r.Role} }

func notFound() *fault.Fault { return fault.NotFound("search.not_found") }

var codeForm = regexp.MustCompile(`^SX-\d{8}-\d{3,6}$`)

// IsCode tells whether a text has the form of a saved search's code.
func IsCode(s string) bool { return codeForm.MatchString(s) }

// around are the departments that contain one where the actor works, or are one.
func around(tree *department.Tree, s account.Scope) []id.Department {
	seen := make(map[id.Department]bool, s.Departments.Len())
	for _, d := range s.Departments.Values() {
		for dep, ok := tree.Get(d); ok && !seen[dep.ID]; dep, ok = tree.Get(dep.ParentID) {
			seen[dep.ID] = true
		}
	}
	out := make([]id.Department, 0, len(seen))
	for d := range seen {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// visible keeps what the actor may see: the own, what is shared with the actor's role, and what is shared
// in a department that has the actor in it or below it. Who may remove what others share everywhere sees all
// of that.
func visible(tree *department.Tree, by account.Actor) (where string, args []any) {
	if by.Scope.All && by.May(account.SearchRemove) {
		return "(owner_id = ? OR audience <> ?)", []any{by.ID, Private}
	}
	where, args = "(owner_id = ? OR audience = ? AND role = ? OR audience = ?", []any{by.ID, InRole, by.Role, InDepartment}
	if !by.Scope.All {
		where += " AND " + db.In("department_id", append(around(tree, by.Scope), 0))
	}
	return where + ")", args
}

// refused writes down that somebody reached for a search that is hidden from them, or was forbidden to
// change one that they see; it gives err back.
func (d *Desk) refused(ctx context.Context, by account.Actor, code string, err error) error {
	entry := audit.Entry{Actor: by.Audit(), Action: "search.refused", ObjectKind: "search"}
	f, ok := fault.Of(err)
	if !ok || f.Kind != fault.KindForbidden && f.Kind != fault.KindNotFound || !IsCode(code) {
		return err
	}
	if f.Kind == fault.KindForbidden {
		entry.Object, entry.Data = code, map[string]any{"why": f.Key}
		return errors.Join(err, audit.Refused(ctx, d.DB, entry))
	}
	var ids []id.Search
	looked := d.DB.Read(ctx, func(tx *db.Tx) error { return tx.Model(&row{}).Where("code = ?", code).Pluck("id", &ids).Error })
	if looked != nil || len(ids) == 0 {
		return errors.Join(err, looked)
	}
	return audit.Unseen(ctx, d.DB, err, &row{}, ids[0], entry)
}
