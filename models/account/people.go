package account

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm/clause"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// NewUser is an account to be made. HRKey names the person in the personnel
// records; empty, it is the staff number. Two accounts with one HR key are one
// person.
type NewUser struct {
	StaffNo   string
	HRKey     string
	Email     string
	Name      string
	Role      Role
	Scope     []ScopeRow
	ExpiresAt *time.Time
}

const (
	longestStaffNo = 64
	longestName    = 40 // characters
)

func checkFields(n NewUser) error {
	var staffNo, name, email, role *fault.Fault
	if s := tidy(n.StaffNo); s == "" || len(s) > longestStaffNo {
		staffNo = fault.Invalid("account.staff_no_needed", longestStaffNo).On("staff_no")
	}
	if s := strings.TrimSpace(n.Name); s == "" || utf8.RuneCountInString(s) > longestName || !utf8.ValidString(s) {
		name = fault.Invalid("account.name_needed", longestName).On("name")
	}
	if s := tidy(n.Email); s != "" {
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > 190 {
			email = fault.Invalid("account.email_malformed").On("email")
		}
	}
	if !n.Role.Valid() {
		role = fault.Invalid("account.role_needed").On("role")
	}
	return fault.All(staffNo, name, email, role)
}

// AddUser makes an account and gives the token of its invitation link. The faults
// are forbidden without account.manage, and invalid for bad or taken fields. An
// approver or an administrator added by an administrator counts only after a second one has
// confirmed the role, and not on the first day.
func (a *Accounts) AddUser(ctx context.Context, by Actor, n NewUser) (who id.User, token string, err error) {
	if err := by.Require(AccountManage); err != nil {
		return 0, "", err
	}
	if err := checkFields(n); err != nil {
		return 0, "", err
	}
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		u, err := createUser(tx, n, by, false)
		if err != nil {
			return err
		}
		who = u.ID
		if token, err = newLink(tx, LinkInvite, u.ID, by.ID, false, inviteLinkLife); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "account.added", ObjectKind: "account", Object: u.StaffNo,
			Data: map[string]any{"role": string(u.Role), "name": u.Name, "scope": describe(n.Scope)},
		})
	})
	if db.Duplicate(err) {
		return 0, "", taken()
	}
	return who, token, err
}

func taken() *fault.Fault { return fault.Invalid("account.taken").On("staff_no") }

func createUser(tx *db.Tx, n NewUser, by Actor, demo bool) (*user, error) {
	staffNo, email, key := tidy(n.StaffNo), tidy(n.Email), tidy(n.HRKey)
	if key == "" {
		key = staffNo
	}
	// A staff number may not be somebody's e-mail either: both are logins.
	var others int64
	q := tx.Model(&user{}).Where("staff_no = ? OR email = ?", staffNo, staffNo)
	if email != "" {
		q = tx.Model(&user{}).Where("staff_no IN ? OR email IN ?", []string{staffNo, email}, []string{staffNo, email})
	}
	if err := q.Count(&others).Error; err != nil {
		return nil, fmt.Errorf("look for the login: %w", err)
	}
	if others > 0 {
		return nil, taken()
	}
	whose, err := personOf(tx, key)
	if err != nil {
		return nil, err
	}
	u := &user{
		PersonID: whose, StaffNo: staffNo, Name: strings.TrimSpace(n.Name), Role: n.Role, RoleBy: by.ID, RoleSince: tx.Now,
		VoteFrom: countsFrom(tx, n.Role, by, demo), ExpiresAt: n.ExpiresAt, CreatedAt: tx.Now, CreatedBy: by.ID, Demo: demo,
	}
	if email != "" {
		u.Email = &email
	}
	if err := tx.Create(u).Error; err != nil {
		return nil, fmt.Errorf("store account: %w", err)
	}
	return u, replaceScope(tx, u.ID, n.Scope)
}

// countsFrom says from when on a role that was just given counts: never, until it is
// confirmed; for votes a day from now and for an administrator at once, if the command line,
// which stands for the host's keeper, gave it; at once in a demo. Other roles need no
// word and have no instant.
func countsFrom(tx *db.Tx, role Role, by Actor, demo bool) *time.Time {
	switch {
	case !role.Confirmed():
		return nil
	case demo, by.System && role == Admin:
		now := tx.Now
		return &now
	case by.System:
		t := tx.Now.Add(firstVote)
		return &t
	}
	return nil
}

func personOf(tx *db.Tx, key string) (id.Person, error) {
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&person{HRKey: key, CreatedAt: tx.Now}).Error; err != nil {
		return 0, fmt.Errorf("store person: %w", err)
	}
	var p person
	if err := tx.Where("hr_key = ?", key).Take(&p).Error; err != nil {
		return 0, fmt.Errorf("read person: %w", err)
	}
	return p.ID, nil
}

func replaceScope(tx *db.Tx, who id.User, rows []ScopeRow) error {
	if err := tx.Where("user_id = ?", who).Delete(&userScope{}).Error; err != nil {
		return fmt.Errorf("remove scope: %w", err)
	}
	for _, r := range rows {
		if err := tx.Create(&userScope{UserID: who, DepartmentID: r.Department, Sub: r.Sub}).Error; err != nil {
			return fmt.Errorf("store scope: %w", err)
		}
	}
	return nil
}

// belowToo marks a department with its sub-departments in the log.
const belowToo = "+"

// describe writes scope rows for the audit log: "3" for a department, "3+" with its
// sub-departments.
func describe(rows []ScopeRow) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		s := id.String(r.Department)
		if r.Sub {
			s += belowToo
		}
		out = append(out, s)
	}
	return out
}
