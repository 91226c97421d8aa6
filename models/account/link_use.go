package account

import (
	"context"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/db"
)

// LinkForm is what the page of a one-time link sends. StaffNo and Name are asked
// for by LinkFirst only.
type LinkForm struct {
	Token    string
	StaffNo  string
	Name     string
	Password string
	From     Client
}

// UseLink sets the password and opens the session that asks for the second factor.
// Every other session of the account ends. The faults are not found for a link that
// is over, and invalid for a bad password or, with LinkFirst, bad fields.
func (a *Accounts) UseLink(ctx context.Context, form LinkForm) (*Passed, error) {
	link, err := a.OpenLink(ctx, form.Token)
	if err != nil {
		return nil, err
	}
	if link.Kind == LinkFirst {
		link.Name, link.StaffNo = form.Name, form.StaffNo
		if err := checkFields(NewUser{StaffNo: form.StaffNo, Name: form.Name, Role: Admin}); err != nil {
			return nil, err
		}
	}
	if err := CheckPassword(form.Password, link.StaffNo, link.Name); err != nil {
		return nil, err
	}
	hash, err := hashPassword(ctx, form.Password)
	if err != nil {
		return nil, err
	}
	var passed *Passed
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		l, err := findLink(tx, form.Token)
		if err != nil {
			return err
		}
		if err := tx.Model(&setupLink{}).Where("token_hash = ?", l.TokenHash).Update("used_at", tx.Now).Error; err != nil {
			return fmt.Errorf("use link: %w", err)
		}
		u, err := a.userOfLink(tx, l, form)
		if err != nil {
			return err
		}
		if err := setPassword(tx, u, hash, ""); err != nil {
			return err
		}
		if err := settle(tx, a.userGuard(guardPassword, u.ID)); err != nil {
			return err
		}
		if passed, err = a.firstStage(tx, u, "", form.From); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: u.audit(form.From), Action: "password.set", ObjectKind: "account", Object: u.StaffNo, Data: map[string]any{"link": string(l.Kind)},
		})
	})
	return passed, err
}

func (a *Accounts) userOfLink(tx *db.Tx, l *setupLink, form LinkForm) (*user, error) {
	if l.Kind == LinkFirst {
		if some, err := anyUser(tx); err != nil || some {
			return nil, errOr(err, linkOver())
		}
		return createUser(tx, NewUser{StaffNo: form.StaffNo, Name: form.Name, Role: Admin}, System("setup", ""), false)
	}
	u, err := lockUser(tx, l.UserID)
	if err != nil {
		return nil, err
	}
	if !u.active(tx.Now, a.demo) {
		return nil, linkOver()
	}
	if l.Factor {
		u.TOTPConfirmed = false // firstStage makes a fresh secret
	}
	return u, nil
}

// setPassword stores the hash and ends every session but the one of keep.
func setPassword(tx *db.Tx, u *user, hash, keep string) error {
	err := tx.Model(&user{}).Where("id = ?", u.ID).Updates(map[string]any{"password": hash, "password_at": tx.Now}).Error
	if err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return endSessions(tx, u.ID, keep)
}
