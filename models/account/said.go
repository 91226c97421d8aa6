package account

import (
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Roles and departments are rows, and whoever has the database's password can write rows. The log tells who gave which
// role and which departments to whom, and nobody writes into it without being noticed.

var (
	actRoles  = []string{"account.added", "account.role_changed"}
	actScopes = []string{"account.added", "account.scope_changed"}
)

// said is what an entry tells of an account.
type said struct {
	Action string
	Object string // the staff number
	Leaf   []byte
}

// read gives the role and the departments, as describe writes them; an entry that cannot be read, or is about something
// else, tells of none. The first administrator has nobody's word but the link of the first start.
func (s *said) read() (role Role, scope []string) {
	var in struct {
		Data struct {
			Role  Role
			Scope []string
			Link  LinkKind
		}
	}
	if json.Unmarshal(s.Leaf, &in) == nil && in.Data.Link == LinkFirst {
		return Admin, nil
	}
	return in.Data.Role, in.Data.Scope
}

// lastSaid gives the newest entry of the account among acts; where there is none, one that tells of nothing.
func (u *user) lastSaid(tx *db.Tx, acts []string) (*said, error) {
	var last []said
	err := tx.Table("audit_leaf").Select("action, object, leaf").Where("object = ? AND action IN ? AND result = ?", u.StaffNo, acts, audit.OK).Order("n DESC").Limit(1).Scan(&last).Error
	if err != nil {
		return nil, fmt.Errorf("look who gave it: %w", err)
	}
	if len(last) == 0 {
		return &said{}, nil
	}
	return &last[0], nil
}

// given tells whether the log says that the account was given the role that it has. It is for roles that vote; the
// first administrator, whom nobody made, has none of them.
func (u *user) given(tx *db.Tx) (bool, error) {
	last, err := u.lastSaid(tx, actRoles)
	if err != nil {
		return false, err
	}
	role, _ := last.read()
	return role == u.Role, nil
}

// scopeGiven tells whether the log says that the account was given all the departments that it has, or it has a role that
// works everywhere anyhow. Fewer than were given take nothing from anybody.
func (u *user) scopeGiven(tx *db.Tx) (bool, error) {
	if u.Role.everywhere() {
		return true, nil
	}
	rows, err := scopeRows(tx, u.ID)
	if err != nil || len(rows) == 0 {
		return err == nil, err
	}
	last, err := u.lastSaid(tx, actScopes)
	if err != nil {
		return false, err
	}
	_, scope := last.read()
	return within(rows, scope), nil
}

// within tells whether rows reach no further than what describe wrote.
func within(rows []ScopeRow, said []string) bool {
	return !slices.ContainsFunc(rows, func(r ScopeRow) bool {
		alone, below := id.String(r.Department), id.String(r.Department)+belowToo
		return !slices.Contains(said, below) && (r.Sub || !slices.Contains(said, alone))
	})
}

// mustBeGiven is given and scopeGiven as a fault.
func (u *user) mustBeGiven(tx *db.Tx) error {
	if given, err := u.given(tx); err != nil {
		return err
	} else if !given {
		return fault.Forbidden("account.role_unsaid", u.StaffNo)
	}
	if given, err := u.scopeGiven(tx); err != nil {
		return err
	} else if !given {
		return fault.Forbidden("account.scope_unsaid", u.StaffNo)
	}
	return nil
}

// Unsaid names the accounts whose role, and those whose departments, nobody gave them, as the log tells it. It is for fsck.
func Unsaid(tx *db.Tx) (roles, scopes []string, err error) {
	role, scope, err := allSaid(tx)
	if err != nil {
		return nil, nil, err
	}
	var users []user
	if err := tx.Select("id", "staff_no", "role").Order("id").Find(&users).Error; err != nil {
		return nil, nil, fmt.Errorf("read accounts: %w", err)
	}
	var rows []userScope
	if err := tx.Order("user_id, department_id").Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("read scopes: %w", err)
	}
	has := map[id.User][]ScopeRow{}
	for _, r := range rows {
		has[r.UserID] = append(has[r.UserID], ScopeRow{Department: r.DepartmentID, Sub: r.Sub})
	}
	for _, u := range users {
		if role[u.StaffNo] != u.Role {
			roles = append(roles, u.StaffNo)
		}
		// Also fewer than were given: somebody wrote past the program.
		if given := slices.Compact(slices.Sorted(slices.Values(scope[u.StaffNo]))); !slices.Equal(given, slices.Sorted(slices.Values(describe(has[u.ID])))) {
			scopes = append(scopes, u.StaffNo)
		}
	}
	return roles, scopes, nil
}

// allSaid gives the newest word of the log on each account's role and departments, by staff number.
func allSaid(tx *db.Tx) (role map[string]Role, scope map[string][]string, err error) {
	entries, err := tx.Table("audit_leaf").Select("action, object, leaf").
		Where("(action IN ? OR action = 'password.set' AND INSTR(leaf, ?) > 0) AND result = ?", slices.Concat(actRoles, actScopes), LinkFirst, audit.OK).Order("n").Rows()
	if err != nil {
		return nil, nil, fmt.Errorf("entries of accounts: %w", err)
	}
	defer entries.Close()
	role, scope = map[string]Role{}, map[string][]string{}
	for entries.Next() {
		var s said
		if err := entries.Scan(&s.Action, &s.Object, &s.Leaf); err != nil {
			return nil, nil, fmt.Errorf("entry of an account: %w", err)
		}
		r, departments := s.read()
		if r != "" || slices.Contains(actRoles, s.Action) {
			role[s.Object] = r
		}
		if slices.Contains(actScopes, s.Action) {
			scope[s.Object] = departments
		}
	}
	return role, scope, entries.Err()
}
