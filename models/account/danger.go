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

const (
	keyCodeWrong  = "account.code_wrong"
	keyCodeUsed   = "account.code_used"
	keyCodeLocked = "account.code_locked"
	codeField     = "code"
)

// BeginCode counts a try to confirm a dangerous act with a one-time code, before the
// code is looked at. The tries of dangerous acts are counted apart from those
// at login. The fault is busy after five wrong codes, for half an hour.
func (a *Accounts) BeginCode(ctx context.Context, by Actor) error {
	if !by.Natural() {
		return fault.Forbidden("account.forbidden")
	}
	_, err := a.reserve(ctx, a.userGuard(guardDanger, by.ID), keyCodeLocked)
	return err
}

// ConsumeTOTP takes the code's time step for this one act, in the act's own
// transaction: if that rolls back, the step is free again, and no step serves two
// acts. It trusts the caller for everything but the code, and refuses to look at a
// code whose try BeginCode has not counted. The faults are invalid: a wrong code, or
// one that was used before.
func (a *Accounts) ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error) {
	key := a.userGuard(guardDanger, who)
	counted, err := reserved(tx, key)
	if err != nil {
		return 0, err
	}
	if !counted {
		return 0, errors.New("account: a code was handed over without BeginCode")
	}
	u, err := lockUser(tx, who)
	if err != nil {
		return 0, err
	}
	if !u.live(tx) {
		return 0, fault.Forbidden("account.forbidden")
	}
	if step, err = a.consume(tx, u, code); err != nil {
		return 0, err
	}
	return step, settle(tx, key)
}

// consume checks a code and takes its step by compare-and-set.
func (a *Accounts) consume(tx *db.Tx, u *user, code string) (int64, error) {
	if !u.TOTPConfirmed {
		return 0, fault.Forbidden("account.no_factor")
	}
	secret, err := a.openSecret(u)
	if err != nil {
		return 0, err
	}
	step, found, err := stepOf(secret, code, tx.Now)
	switch {
	case err != nil:
		return 0, err
	case !found:
		used, err := usedBefore(secret, code, u.TOTPLastStep, tx.Now)
		if err != nil {
			return 0, err
		}
		if used {
			return 0, fault.Invalid(keyCodeUsed).On(codeField)
		}
		return 0, fault.Invalid(keyCodeWrong).On(codeField)
	}
	if step < u.TOTPLastStep {
		// Older than the one taken last, and so over; whether it was ever used nobody knows.
		return 0, fault.Invalid(keyCodeWrong).On(codeField)
	}
	res := tx.Model(&user{}).Where("id = ? AND totp_last_step < ?", u.ID, step).Update("totp_last_step", step)
	switch {
	case res.Error != nil:
		return 0, fmt.Errorf("take the code's step: %w", res.Error)
	case res.RowsAffected != 1:
		return 0, fault.Invalid(keyCodeUsed).On(codeField)
	}
	return step, nil
}

// NoteWrongCode settles the try that BeginCode counted once the act has failed. A
// wrong code is written to the audit log, with a second entry when it was the one
// that locked approvals, and comes back with the tries that are left. Every other
// error gives the try back and passes through, as nil does; that a code was typed a
// second time is written down.
func (a *Accounts) NoteWrongCode(ctx context.Context, by Actor, object string, err error) error {
	if err == nil {
		return nil
	}
	key := a.userGuard(guardDanger, by.ID)
	f, ok := fault.Of(err)
	if !ok || f.Key != keyCodeWrong {
		if back := a.giveBack(context.WithoutCancel(ctx), key); back != nil {
			return errors.Join(err, back)
		}
		if ok && f.Key == keyCodeUsed {
			return a.noteRepeated(ctx, by.Audit(), object, err)
		}
		return err
	}
	left := 0
	noted := a.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		var g loginGuard
		if err := tx.Where("key_hash = ?", key).Take(&g).Error; err != nil {
			return fmt.Errorf("count wrong codes: %w", err)
		}
		left = max(mostWrong-g.Failed, 0)
		wrong := audit.Entry{Actor: by.Audit(), Action: "code.refused", ObjectKind: "account", Object: object, Result: audit.ResultRefused, Data: map[string]any{"left": left}}
		if left > 0 {
			return audit.Append(tx, wrong)
		}
		if err := audit.Append(tx, wrong); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "approvals.locked", ObjectKind: "account", Object: by.StaffNo, Result: audit.ResultRefused})
	})
	if noted != nil {
		return noted
	}
	if left == 0 {
		return fault.Busy(keyCodeLocked, int(lockedFor.Minutes()))
	}
	return fault.Invalid(keyCodeWrong, left).On(codeField)
}

// noteRepeated writes down that a code was typed that had been taken before: by its owner in a hurry, or by
// somebody who looked over a shoulder.
func (a *Accounts) noteRepeated(ctx context.Context, who audit.Actor, object string, err error) error {
	return errors.Join(err, audit.Refused(ctx, a.db, audit.Entry{Actor: who, Action: "code.repeated", ObjectKind: "account", Object: object}))
}

// CancelCode gives a counted try back when the act ended before its code was
// looked at.
func (a *Accounts) CancelCode(ctx context.Context, by Actor) error {
	return a.giveBack(context.WithoutCancel(ctx), a.userGuard(guardDanger, by.ID))
}
