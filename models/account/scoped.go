package account

import (
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Scoped is an account that is on and acts in departments, not everywhere.
type Scoped struct {
	Standing
	Rows []ScopeRow
}

// InDepartments gives the accounts whose reach depends on the tree of departments, by staff number.
func InDepartments(tx *db.Tx) ([]Scoped, error) {
	var users []user
	if err := tx.Where("disabled_at IS NULL").Order("staff_no").Find(&users).Error; err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	var scopes []userScope
	if err := tx.Order("user_id, department_id").Find(&scopes).Error; err != nil {
		return nil, fmt.Errorf("list scopes: %w", err)
	}
	rows := map[id.User][]ScopeRow{}
	for _, s := range scopes {
		rows[s.UserID] = append(rows[s.UserID], ScopeRow{Department: s.DepartmentID, Sub: s.Sub})
	}
	var out []Scoped
	for i := range users {
		if u := &users[i]; !u.Role.everywhere() && len(rows[u.ID]) > 0 {
			out = append(out, Scoped{u.standing(), rows[u.ID]})
		}
	}
	return out, nil
}
