package account

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// OwnSession is one of the actor's sessions as the account page shows it.
type OwnSession struct {
	Handle    string // for RevokeSession; not the token
	Source    string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool
}

// OwnSessions lists the actor's live sessions, the latest first. token is the
// session that asks.
func (a *Accounts) OwnSessions(ctx context.Context, by Actor, token string) ([]OwnSession, error) {
	var out []OwnSession
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		var rows []userSession
		out = nil
		if err := tx.Where("user_id = ?", by.ID).Order("seen_at DESC").Find(&rows).Error; err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		mine := digest(token)
		for i := range rows {
			if r := &rows[i]; r.live(tx.Now) {
				out = append(out, OwnSession{
					Handle: sessionHandle(r.IDHash), Source: r.Source, Agent: r.Agent,
					CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, Current: bytes.Equal(r.IDHash, mine),
				})
			}
		}
		return nil
	})
	return out, err
}

// RevokeSession ends one of the actor's sessions. The fault is not found.
func (a *Accounts) RevokeSession(ctx context.Context, by Actor, handle string) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		var rows []userSession
		if err := tx.Where("user_id = ?", by.ID).Find(&rows).Error; err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		for i := range rows {
			if sessionHandle(rows[i].IDHash) != handle {
				continue
			}
			if err := tx.Where("id_hash = ?", rows[i].IDHash).Delete(&userSession{}).Error; err != nil {
				return fmt.Errorf("end session: %w", err)
			}
			return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "session.revoked", ObjectKind: "account", Object: by.StaffNo})
		}
		return fault.NotFound("account.no_session")
	})
}

// ChangePassword sets the actor's password after the present one, which is counted
// like a login, and ends every session but this one, which goes on under a new token. The
// faults are invalid for a wrong or bad password, and busy after five wrong ones.
func (a *Accounts) ChangePassword(ctx context.Context, by Actor, token, present, fresh string, from Client) (*Passed, error) {
	if err := CheckPassword(fresh, by.StaffNo, by.Name); err != nil {
		return nil, err
	}
	key := a.userGuard(guardPassword, by.ID)
	var seen *user
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		seen, err = findUser(tx, by.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := a.reserve(ctx, key, "account.locked"); err != nil {
		return nil, err
	}
	switch right, err := matches(ctx, present, seen.Password); {
	case err != nil:
		return nil, err
	case !right:
		e := audit.Entry{Actor: by.Audit(), Action: "password.refused", ObjectKind: "account", Object: by.StaffNo}
		if err := audit.Refused(ctx, a.db, e); err != nil {
			return nil, fmt.Errorf("note refused password: %w", err)
		}
		return nil, fault.Invalid("account.present_wrong").On("present")
	}
	hash, err := hashPassword(ctx, fresh)
	if err != nil {
		return nil, err
	}
	var passed *Passed
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		u, err := lockUser(tx, by.ID)
		if err != nil {
			return err
		}
		if u.Password != seen.Password {
			return fault.Conflict("account.password_changed")
		}
		if err := settle(tx, key); err != nil {
			return err
		}
		if err := setPassword(tx, u, hash, ""); err != nil {
			return err
		}
		next, err := openSession(tx, u.ID, StageFull, from)
		if err != nil {
			return err
		}
		passed = &Passed{Token: next, Stage: StageFull, Enrolled: u.TOTPConfirmed, Lang: u.Lang, Theme: u.Theme}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "password.changed", ObjectKind: "account", Object: by.StaffNo})
	})
	return passed, err
}

// SetPreference keeps the actor's language or theme: empty values stay as they are.
func (a *Accounts) SetPreference(ctx context.Context, by Actor, lang, theme string) error {
	set := map[string]any{}
	if lang != "" {
		set["lang"] = cut(lang, 16)
	}
	if theme != "" {
		set["theme"] = cut(theme, 16)
	}
	return a.prefer(ctx, by, set)
}

// SetShortcuts stores whether single letters do something on the pages.
func (a *Accounts) SetShortcuts(ctx context.Context, by Actor, on bool) error {
	return a.prefer(ctx, by, map[string]any{"no_shortcuts": !on})
}

func (a *Accounts) prefer(ctx context.Context, by Actor, set map[string]any) error {
	if len(set) == 0 {
		return nil
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&user{}).Where("id = ?", by.ID).Updates(set).Error; err != nil {
			return fmt.Errorf("store preference: %w", err)
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "preference.changed", ObjectKind: "account", Object: by.StaffNo, Data: set})
	})
}

// Denied writes down that the actor was refused something: a route's permission or
// a use case's answer.
func (a *Accounts) Denied(ctx context.Context, by Actor, permission Permission, route string) error {
	return audit.Refused(ctx, a.db, audit.Entry{
		Actor: by.Audit(), Action: "access.denied", ObjectKind: "route", Object: route, Data: map[string]any{"permission": string(permission)},
	})
}
