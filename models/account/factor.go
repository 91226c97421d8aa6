package account

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
)

func sessionOver() *fault.Fault { return fault.Conflict("account.session_over") }

// SecondFactor checks the one-time code of a session that has passed the password
// and replaces it by a full one. The faults are invalid for a wrong or used
// code, busy after five wrong ones, and a conflict when the session is over.
func (a *Accounts) SecondFactor(ctx context.Context, token, code string, from Client) (*Passed, error) {
	return a.pass(ctx, token, from, "session.started", nil, func(tx *db.Tx, u *user) error {
		_, err := a.consume(tx, u, code)
		return err
	})
}

// UseRecoveryCode lets a recovery code stand for the one-time code, once.
func (a *Accounts) UseRecoveryCode(ctx context.Context, token, code string, from Client) (*Passed, error) {
	data := map[string]any{"with": "recovery code"}
	return a.pass(ctx, token, from, "session.started", data, func(tx *db.Tx, u *user) error {
		if !u.TOTPConfirmed {
			return fault.Forbidden("account.no_factor")
		}
		return takeRecoveryCode(tx, u.ID, code)
	})
}

// Enrol confirms the fresh secret of an account with its first code, makes recovery
// codes, which are shown this once, and starts a full session.
func (a *Accounts) Enrol(ctx context.Context, token, code string, from Client) (passed *Passed, codes []string, err error) {
	passed, err = a.pass(ctx, token, from, "factor.enrolled", nil, func(tx *db.Tx, u *user) error {
		if u.TOTPConfirmed {
			return sessionOver()
		}
		u.TOTPConfirmed = true
		if _, err := a.consume(tx, u, code); err != nil {
			return err
		}
		if err := tx.Model(&user{}).Where("id = ?", u.ID).Update("totp_confirmed", true).Error; err != nil {
			return fmt.Errorf("confirm second factor: %w", err)
		}
		codes, err = renewRecoveryCodes(tx, u.ID)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return passed, codes, nil
}

// pass counts the try, runs the check and rotates the session, or writes the wrong
// code down.
func (a *Accounts) pass(ctx context.Context, token string, from Client, action string, data map[string]any, check func(*db.Tx, *user) error) (*Passed, error) {
	u, err := a.halfway(ctx, token)
	if err != nil {
		return nil, err
	}
	key := a.userGuard(guardCode, u.ID)
	left, err := a.reserve(ctx, key, keyCodeLocked)
	if err != nil {
		return nil, err
	}
	var passed *Passed
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		passed = nil
		u, err := lockUser(tx, u.ID)
		if err != nil {
			return err
		}
		if err := a.lockHalfway(tx, token, u); err != nil {
			return err
		}
		if err := check(tx, u); err != nil {
			return err
		}
		if err := settle(tx, key); err != nil {
			return err
		}
		if err := endSession(tx, token); err != nil {
			return err
		}
		fresh, err := openSession(tx, u.ID, StageFull, from)
		if err != nil {
			return err
		}
		passed = &Passed{Token: fresh, Stage: StageFull, Enrolled: true, Lang: u.Lang, Theme: u.Theme}
		return audit.Append(tx, audit.Entry{Actor: u.audit(from), Action: action, ObjectKind: "account", Object: u.StaffNo, Data: data})
	})
	if err == nil {
		return passed, nil
	}
	if f, ok := fault.Of(err); !ok || f.Key != keyCodeWrong {
		if back := a.giveBack(context.WithoutCancel(ctx), key); back != nil {
			return nil, errors.Join(err, back)
		}
		if ok && f.Key == keyCodeUsed {
			return nil, a.noteRepeated(ctx, u.audit(from), u.StaffNo, err)
		}
		return nil, err
	}
	return nil, a.refuseCode(ctx, u, left, from)
}

func (a *Accounts) refuseCode(ctx context.Context, u *user, left int, from Client) error {
	err := audit.Refused(ctx, a.db, audit.Entry{
		Actor: u.audit(from), Action: "code.refused", ObjectKind: "account", Object: u.StaffNo, Data: map[string]any{"left": max(left, 0)},
	})
	switch {
	case err != nil:
		return fmt.Errorf("note refused code: %w", err)
	case left <= 0:
		return fault.Busy(keyCodeLocked, int(lockedFor.Minutes()))
	}
	return fault.Invalid(keyCodeWrong, left).On(codeField)
}

// halfway gives the account of a session that has passed the password only.
func (a *Accounts) halfway(ctx context.Context, token string) (*user, error) {
	var u *user
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		var s userSession
		switch err := tx.Where("id_hash = ? AND stage = ?", digest(token), StagePassword).Take(&s).Error; {
		case db.NotFound(err):
			return sessionOver()
		case err != nil:
			return fmt.Errorf("read session: %w", err)
		case !s.live(tx.Now):
			return sessionOver()
		}
		var err error
		u, err = findUser(tx, s.UserID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// lockHalfway looks again under lock: of two submits of one page only the first
// still finds the session.
func (a *Accounts) lockHalfway(tx *db.Tx, token string, u *user) error {
	var s userSession
	err := tx.ForUpdate().Where("id_hash = ? AND stage = ? AND user_id = ?", digest(token), StagePassword, u.ID).Take(&s).Error
	switch {
	case db.NotFound(err):
		return sessionOver()
	case err != nil:
		return fmt.Errorf("lock session: %w", err)
	case !s.live(tx.Now) || !u.active(tx.Now, a.demo):
		return sessionOver()
	}
	return nil
}
