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
		return endSessions(tx, who, "")
	})
}

// EnableUser turns an account on again. An approver waits as after a new role. The
// faults are those of DisableUser.
func (a *Accounts) EnableUser(ctx context.Context, by Actor, who id.User) error {
	return a.manage(ctx, by, who, "account.enabled", nil, func(tx *db.Tx, u *user) error {
		if u.DisabledAt == nil {
			return errUnchanged
		}
		return setRole(tx, by, u, u.Role, map[string]any{"disabled_at": nil})
	})
}

// ChangeRole gives an account another role and ends its sessions. The faults are
// those of DisableUser, and invalid for an unknown role.
func (a *Accounts) ChangeRole(ctx context.Context, by Actor, who id.User, role Role) error {
	if !role.Valid() {
		return fault.Invalid("account.role_needed").On("role")
	}
	return a.manage(ctx, by, who, "account.role_changed", map[string]any{"role": string(role)}, func(tx *db.Tx, u *user) error {
		return setRole(tx, by, u, role, map[string]any{})
	})
}

func setRole(tx *db.Tx, by Actor, u *user, role Role, set map[string]any) error {
	set["role"], set["role_by"], set["role_since"] = role, by.ID, tx.Now
	set["role_confirmed_by"], set["vote_from"] = 0, firstVoteFrom(tx, role, by, u.Demo)
	if err := tx.Model(&user{}).Where("id = ?", u.ID).Updates(set).Error; err != nil {
		return fmt.Errorf("change role: %w", err)
	}
	return endSessions(tx, u.ID, "")
}

// ConfirmRole is the second administrator's word on a new approver, who may vote a
// day later. The faults are those of DisableUser, forbidden for the administrator
// who gave the role, and a conflict if there is nothing to confirm.
func (a *Accounts) ConfirmRole(ctx context.Context, by Actor, who id.User) error {
	if !by.Natural() {
		return fault.Forbidden("account.forbidden")
	}
	return a.manage(ctx, by, who, "account.role_confirmed", nil, func(tx *db.Tx, u *user) error {
		if !u.Role.Votes() || u.VoteFrom != nil {
			return fault.Conflict("account.nothing_to_confirm")
		}
		if same, err := samePerson(tx, u.RoleBy, by); err != nil || same {
			return errOr(err, fault.Forbidden("account.second_admin"))
		}
		err := tx.Model(&user{}).Where("id = ?", who).
			Updates(map[string]any{"role_confirmed_by": by.ID, "vote_from": tx.Now.Add(firstVote)}).Error
		if err != nil {
			return fmt.Errorf("confirm role: %w", err)
		}
		return nil
	})
}

// samePerson compares people, not accounts.
func samePerson(tx *db.Tx, other id.User, by Actor) (bool, error) {
	if other == 0 {
		return false, nil
	}
	u, err := findUser(tx, other)
	if err != nil {
		return false, err
	}
	return u.PersonID == by.PersonID, nil
}

// SetScope replaces the departments of an account. The faults are those of
// DisableUser.
func (a *Accounts) SetScope(ctx context.Context, by Actor, who id.User, rows []ScopeRow) error {
	return a.manage(ctx, by, who, "account.scope_changed", map[string]any{"scope": describe(rows)}, func(tx *db.Tx, _ *user) error {
		return replaceScope(tx, who, rows)
	})
}

// InviteLink gives an account without a password a new invitation. The faults are
// those of DisableUser, and a conflict if it has a password.
func (a *Accounts) InviteLink(ctx context.Context, by Actor, who id.User) (token string, err error) {
	err = a.manage(ctx, by, who, "account.invited", nil, func(tx *db.Tx, u *user) error {
		if u.Password != "" {
			return fault.Conflict("account.has_password")
		}
		token, err = newLink(tx, LinkInvite, who, by.ID, false, inviteLinkLife)
		return err
	})
	return token, err
}

// ResetLink gives an account a link to a new password and ends its sessions. The
// second factor stays: an administrator who takes the link cannot log in with it.
// Only the command line may ask for a new factor too. The faults are those of
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
