package account

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// user is an account as stored. Its password hash and sealed secret never leave
// this package.
type user struct {
	ID              id.User
	PersonID        id.Person
	StaffNo         string
	Email           *string
	Name            string
	Role            Role
	RoleBy          id.User
	RoleSince       time.Time
	RoleConfirmedBy id.User
	VoteFrom        *time.Time // from then on the role counts; nil: it was not confirmed
	Password        string
	PasswordAt      *time.Time
	TOTP            []byte `gorm:"column:totp"`
	TOTPConfirmed   bool   `gorm:"column:totp_confirmed"`
	TOTPLastStep    int64  `gorm:"column:totp_last_step"`
	DisabledAt      *time.Time
	ExpiresAt       *time.Time
	CreatedAt       time.Time
	CreatedBy       id.User
	Lang            string
	Theme           string
	NoShortcuts     bool // single letters do nothing on the pages (WCAG 2.1.4)
	Demo            bool
}

// TableName is the table of accounts.
func (user) TableName() string { return "user" }

// active tells whether the account may be used at now. Demo accounts exist only
// where the program serves a demo database.
func (u *user) active(now time.Time, demo bool) bool {
	return u.DisabledAt == nil && (u.ExpiresAt == nil || now.Before(*u.ExpiresAt)) && (!u.Demo || demo)
}

// unconfirmed tells whether the role waits for somebody's word.
func (u *user) unconfirmed() bool { return u.Role.Confirmed() && u.VoteFrom == nil }

// counts tells whether the role, if it needs a confirmation, has one and its first day is over.
func (u *user) counts(now time.Time) bool {
	return !u.Role.Confirmed() || u.VoteFrom != nil && !now.Before(*u.VoteFrom)
}

type person struct {
	ID        id.Person
	HRKey     string `gorm:"column:hr_key"`
	CreatedAt time.Time
}

// TableName is the table of people.
func (person) TableName() string { return "person" }

type userScope struct {
	UserID       id.User       `gorm:"primaryKey"`
	DepartmentID id.Department `gorm:"primaryKey"`
	Sub          bool
}

// TableName is the table of scopes.
func (userScope) TableName() string { return "user_scope" }

// takeUser reads the one account of a query; a missing row is a not-found fault.
func takeUser(q *gorm.DB) (*user, error) {
	var u user
	switch err := q.Take(&u).Error; {
	case db.NotFound(err):
		return nil, noSuchUser()
	case err != nil:
		return nil, fmt.Errorf("read account: %w", err)
	}
	return &u, nil
}

func findUser(tx *db.Tx, who id.User) (*user, error) { return takeUser(tx.Where("id = ?", who)) }

// findLogin looks an account up by what was typed as login: staff number or e-mail.
func findLogin(tx *db.Tx, login string) (*user, error) {
	return takeUser(tx.Where("staff_no = ? OR email = ?", login, login).Order("id"))
}

// lockUser reads an account and keeps it as it is until the transaction ends.
func lockUser(tx *db.Tx, who id.User) (*user, error) {
	return takeUser(tx.ForUpdate().Where("id = ?", who))
}

func scopeRows(tx *db.Tx, who id.User) ([]ScopeRow, error) {
	var rows []ScopeRow
	err := tx.Each(func(r *sql.Rows) error {
		var s ScopeRow
		err := r.Scan(db.Number(&s.Department), &s.Sub)
		rows = append(rows, s)
		return err
	}, "SELECT department_id, sub FROM user_scope WHERE user_id = ? ORDER BY department_id", who)
	if err != nil {
		return nil, fmt.Errorf("read scope: %w", err)
	}
	return rows, nil
}

func noSuchUser() *fault.Fault { return fault.NotFound("account.no_user") }

// tidy writes a staff number, an HR key or an e-mail address the one way in which it
// is stored and looked up.
func tidy(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return -1
		case r > '！' && r <= '～': // full-width forms of ASCII, as Chinese keyboards type them
			return unicode.ToLower(r - '！' + '!')
		}
		return unicode.ToLower(r)
	}, s)
}
