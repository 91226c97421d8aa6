package account

import (
	"context"
	"fmt"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// One administrator who adds accounts and takes their links could be requester, supervisor
// and legal at once. So the roles that agree to things, and the administrator's, count only
// after the word of a second administrator, or of whoever keeps the host.

// ConfirmRole is the second administrator's word on a role, which counts a day later. It takes
// a one-time code. The faults are those of DisableUser and of ConsumeTOTP, forbidden for
// whoever gave the role or a link, and a conflict if there is nothing to confirm.
func (a *Accounts) ConfirmRole(ctx context.Context, by Actor, who id.User, code string) error {
	if err := by.Require(AccountManage); err != nil {
		return err
	}
	if err := a.BeginCode(ctx, by); err != nil {
		return err
	}
	err := a.manage(ctx, by, who, "account.role_confirmed", nil, func(tx *db.Tx, u *user) error {
		if !u.unconfirmed() {
			return fault.Conflict("account.nothing_to_confirm")
		}
		if involved, err := u.involves(tx, by); err != nil || involved {
			return errOr(err, fault.Forbidden("account.second_admin"))
		}
		if _, err := a.ConsumeTOTP(tx, by.ID, code); err != nil {
			return err
		}
		return u.confirm(tx, map[string]any{"role_confirmed_by": by.ID, "vote_from": tx.Now.Add(firstVote)})
	})
	return a.NoteWrongCode(ctx, by, by.StaffNo, err)
}

// ConfirmAtHost is the word of the host's keeper, for an organisation without a second
// administrator: the role counts as if it had been given on the command line. It gives the
// account with the instant from which it does. The faults are not found, forbidden for
// anybody but the command line, and a conflict if there is nothing to confirm.
func (a *Accounts) ConfirmAtHost(ctx context.Context, by Actor, staffNo string) (m Member, err error) {
	if !by.System {
		return m, fault.Forbidden("account.forbidden")
	}
	who, err := a.FindUser(ctx, by, staffNo)
	if err != nil {
		return m, err
	}
	err = a.manage(ctx, by, who.User, "account.role_confirmed", nil, func(tx *db.Tx, u *user) error {
		if !u.unconfirmed() {
			return fault.Conflict("account.nothing_to_confirm")
		}
		u.VoteFrom = countsFrom(tx, u.Role, by, u.Demo)
		m = u.member(nil, tx.Now)
		return u.confirm(tx, map[string]any{"vote_from": u.VoteFrom})
	})
	return m, err
}

func (u *user) confirm(tx *db.Tx, set map[string]any) error {
	if err := tx.Model(&user{}).Where("id = ?", u.ID).Updates(set).Error; err != nil {
		return fmt.Errorf("confirm role: %w", err)
	}
	return nil
}

// involves tells whether the administrator, under whatever account, gave the role or, since
// then, a link by which they could have become the account's holder.
func (u *user) involves(tx *db.Tx, by Actor) (bool, error) {
	var n int64
	links := tx.Model(&setupLink{}).Select("created_by").Where("user_id = ? AND created_at >= ?", u.ID, u.RoleSince)
	err := tx.Model(&user{}).Where("person_id = ? AND (id = ? OR id IN (?))", by.PersonID, u.RoleBy, links).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look who made the account: %w", err)
	}
	return n > 0, nil
}

// doubt takes the confirmation of a role back when an administrator gets a link to the account or
// turns it on again.
// Who gave the role stays written as long as nobody confirmed it: two of them are out then.
func doubt(tx *db.Tx, by Actor, u *user) error {
	if by.System || u.Demo || !u.Role.Confirmed() || u.unconfirmed() {
		return nil
	}
	err := tx.Model(&user{}).Where("id = ?", u.ID).
		Updates(map[string]any{"role_by": by.ID, "role_since": tx.Now, "role_confirmed_by": 0, "vote_from": nil}).Error
	if err != nil {
		return fmt.Errorf("doubt role: %w", err)
	}
	return nil
}
