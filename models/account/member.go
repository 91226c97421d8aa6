package account

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Member is an account as the page of members shows it.
type Member struct {
	Standing
	Email       string
	Scope       []ScopeRow
	Enrolled    bool
	Disabled    bool
	Unconfirmed bool     // a role that waits for a second administrator
	RoleBy      Standing // who gave the role; the zero value is the host
	RoleSince   time.Time
	Waiting     bool // a confirmed role whose first day is not over
	VoteFrom    *time.Time
	ExpiresAt   *time.Time
	CreatedAt   time.Time
	Demo        bool
}

// Members lists all accounts by staff number. The fault is forbidden without
// org.read.
func (a *Accounts) Members(ctx context.Context, by Actor) ([]Member, error) {
	if err := by.Require(OrgRead); err != nil {
		return nil, err
	}
	var users []user
	var scopes []userScope
	var now time.Time
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		users, scopes, now = nil, nil, tx.Now
		if err := tx.Order("staff_no").Find(&users).Error; err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		if err := tx.Order("user_id, department_id").Find(&scopes).Error; err != nil {
			return fmt.Errorf("list scopes: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows := map[id.User][]ScopeRow{}
	for _, s := range scopes {
		rows[s.UserID] = append(rows[s.UserID], ScopeRow{Department: s.DepartmentID, Sub: s.Sub})
	}
	known := make(map[id.User]Standing, len(users))
	for i := range users {
		known[users[i].ID] = users[i].standing()
	}
	out := make([]Member, 0, len(users))
	for i := range users {
		m := users[i].member(rows[users[i].ID], now)
		m.RoleBy = known[users[i].RoleBy]
		out = append(out, m)
	}
	return out, nil
}

func (u *user) member(scope []ScopeRow, now time.Time) Member {
	m := Member{
		Standing: u.standing(), Scope: scope, Enrolled: u.TOTPConfirmed, Disabled: u.DisabledAt != nil,
		Unconfirmed: u.unconfirmed(), RoleSince: u.RoleSince, VoteFrom: u.VoteFrom,
		Waiting:   u.VoteFrom != nil && now.Before(*u.VoteFrom),
		ExpiresAt: u.ExpiresAt, CreatedAt: u.CreatedAt, Demo: u.Demo,
	}
	if u.Email != nil {
		m.Email = *u.Email
	}
	return m
}
