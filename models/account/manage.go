package account

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// errUnchanged ends an act in which there was nothing to do: it is done, and no entry says it was
// done again.
var errUnchanged = errors.New("nothing to change")

// manage runs one act of an administrator on another account. Nobody manages the
// own account here, so that an administrator cannot make an approver of
// themselves.
func (a *Accounts) manage(ctx context.Context, by Actor, who id.User, action string, data map[string]any, act func(*db.Tx, *user) error) error {
	if err := by.Require(AccountManage); err != nil {
		return err
	}
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		u, err := lockUser(tx, who)
		if err != nil {
			return err
		}
		if !by.System && (u.ID == by.ID || u.PersonID == by.PersonID) {
			return fault.Forbidden("account.not_yourself")
		}
		if err := act(tx, u); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "account", Object: u.StaffNo, Data: data})
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// DisableUser turns an account off and ends its sessions. The faults are forbidden
// without account.manage and for the own account, and not found.
func (a *Accounts) DisableUser(ctx context.Context, by Actor, who id.User) error {
	return a.manage(ctx, by, who, "account.disabled", nil, func(tx *db.Tx, u *user) error {
		if u.DisabledAt != nil {
			return errUnchanged
		}
		if err := tx.Model(&user{}).Where("id = ? AND disabled_at IS NULL", who).Update("disabled_at", tx.Now).Error; err != nil {
			return fmt.Errorf("disable account: %w", err)
		}
		if err := tx.Where("user_id = ? AND used_at IS NULL", who).Delete(&setupLink{}).Error; err != nil {
			return fmt.Errorf("remove links: %w", err)
		}
		if err := a.gone(tx, by, who); err != nil {
			return err
		}
		return endSessions(tx, who, "")
	})
}

// EnableUser turns an account on again. A role that counts only when confirmed has to be confirmed
// anew. The faults are those of DisableUser.
func (a *Accounts) EnableUser(ctx context.Context, by Actor, who id.User) error {
	return a.manage(ctx, by, who, "account.enabled", nil, func(tx *db.Tx, u *user) error {
		if u.DisabledAt == nil {
			return errUnchanged
		}
		if err := tx.Model(&user{}).Where("id = ?", who).Update("disabled_at", nil).Error; err != nil {
			return fmt.Errorf("enable account: %w", err)
		}
		return doubt(tx, by, u)
	})
}

// ChangeRole gives an account another role and ends its sessions. The faults are
// those of DisableUser, and invalid for an unknown role.
func (a *Accounts) ChangeRole(ctx context.Context, by Actor, who id.User, role Role) error {
	if !role.Valid() {
		return fault.Invalid("account.role_needed").On("role")
	}
	return a.manage(ctx, by, who, "account.role_changed", map[string]any{"role": string(role)}, func(tx *db.Tx, u *user) error {
		err := tx.Model(&user{}).Where("id = ?", who).Updates(map[string]any{
			"role": role, "role_by": by.ID, "role_since": tx.Now, "role_confirmed_by": 0, "vote_from": countsFrom(tx, role, by, u.Demo),
		}).Error
		if err != nil {
			return fmt.Errorf("change role: %w", err)
		}
		if err := a.gone(tx, by, who); err != nil {
			return err
		}
		return endSessions(tx, who, "")
	})
}

// SetScope replaces the departments of an account. What the account may read beside them stays as it was
// agreed to; what it agreed to for others is looked at again with the next request. The faults are those
// of DisableUser.
func (a *Accounts) SetScope(ctx context.Context, by Actor, who id.User, rows []ScopeRow) error {
	return a.manage(ctx, by, who, "account.scope_changed", map[string]any{"scope": describe(rows)}, func(tx *db.Tx, _ *user) error {
		return replaceScope(tx, who, rows)
	})
}

// ResetLink gives an account a link to a new password, or to its first, and ends its sessions.
// The second factor stays: an administrator who takes the link cannot log in with it. A role that
// counts only when confirmed has to be confirmed anew all the same, since they may have set the factor
// up themselves. Only the command line may ask for a new factor too. The faults are those of
// DisableUser.
func (a *Accounts) ResetLink(ctx context.Context, by Actor, who id.User, factor bool) (token string, err error) {
	if factor && !by.System {
		return "", fault.Forbidden("account.forbidden")
	}
	data := map[string]any{"factor": factor}
	err = a.manage(ctx, by, who, "account.reset", data, func(tx *db.Tx, u *user) error {
		if err := endSessions(tx, who, ""); err != nil {
			return err
		}
		if err := doubt(tx, by, u); err != nil {
			return err
		}
		kind := LinkReset
		if u.Password == "" {
			kind = LinkInvite
		}
		token, err = newLink(tx, kind, who, by.ID, factor, resetLinkLife)
		return err
	})
	return token, err
}

// FindUser gives the account of a staff number, for the command line. The fault is
// not found.
func (a *Accounts) FindUser(ctx context.Context, by Actor, staffNo string) (Standing, error) {
	if err := by.Require(AccountManage); err != nil {
		return Standing{}, err
	}
	var s Standing
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		u, err := takeUser(tx.Where("staff_no = ?", tidy(staffNo)))
		if err != nil {
			return err
		}
		s = u.standing()
		return nil
	})
	return s, err
}
