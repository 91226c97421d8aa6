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

// The setting that marks a database as a demo for all time.
const (
	modeSetting = "mode"
	modeDemo    = "demo"
)

func (a *Accounts) demoData(ctx context.Context) (bool, error) {
	mode, err := a.db.Setting(ctx, modeSetting)
	if err != nil {
		return false, fmt.Errorf("read mode: %w", err)
	}
	return mode == modeDemo, nil
}

// Errors of CheckMode and MarkDemo; the program does not start with them.
var (
	ErrDemoData = errors.New("this is a demo database: serve it with the demo command only")
	ErrRealData = errors.New("this is not a demo database: the demo command does not touch it")
)

// MarkDemo makes an empty database a demo for all time. The error is ErrRealData if
// there is an account in it already, or a link that is to make the first one.
func (a *Accounts) MarkDemo(ctx context.Context) error {
	if demo, err := a.demoData(ctx); err != nil || demo {
		return err
	}
	some := false
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		if some, err = anyUser(tx); err != nil || some {
			return err
		}
		// A console that was started waits for its first administrator: it is a real one.
		var links int64
		err = tx.Model(&setupLink{}).Count(&links).Error
		some = links > 0
		return err
	})
	switch {
	case err != nil:
		return err
	case some:
		return ErrRealData
	}
	return a.db.SetSetting(ctx, modeSetting, modeDemo)
}

// CheckMode refuses to serve a demo database as a real one and a real one as a demo.
func (a *Accounts) CheckMode(ctx context.Context) error {
	switch demo, err := a.demoData(ctx); {
	case err != nil:
		return err
	case demo && !a.demo:
		return ErrDemoData
	case !demo && a.demo:
		return ErrRealData
	}
	return nil
}

// AddDemo makes an account with a known password and a second factor whose codes
// the demo shows. It refuses any database that was not made as a demo, and any
// program that does not serve one.
func (a *Accounts) AddDemo(ctx context.Context, n NewUser, password string) (who id.User, err error) {
	switch demo, err := a.demoData(ctx); {
	case err != nil:
		return 0, err
	case !demo || !a.demo:
		return 0, ErrRealData
	}
	if err := checkFields(n); err != nil {
		return 0, err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return 0, err
	}
	by := System("demo", "")
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		u, err := createUser(tx, n, by, true)
		if err != nil {
			return err
		}
		who = u.ID
		if err := setPassword(tx, u, hash, ""); err != nil {
			return err
		}
		if err := a.newSecret(tx, u); err != nil {
			return err
		}
		if err := tx.Model(&user{}).Where("id = ?", u.ID).Update("totp_confirmed", true).Error; err != nil {
			return fmt.Errorf("confirm second factor: %w", err)
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "account.added", ObjectKind: "account", Object: u.StaffNo,
			Data: map[string]any{"role": string(u.Role), "name": u.Name, "scope": describe(n.Scope), "demo": true},
		})
	})
	return who, err
}

// DemoAccounts lists the accounts that the demo's login page offers, none outside a
// demo.
func (a *Accounts) DemoAccounts(ctx context.Context) ([]Standing, error) {
	if !a.demo {
		return nil, nil
	}
	var out []Standing
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		var rows []user
		out = nil
		if err := tx.Where("demo = ? AND disabled_at IS NULL", true).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("list demo accounts: %w", err)
		}
		for i := range rows {
			out = append(out, rows[i].standing())
		}
		return nil
	})
	return out, err
}

// DemoCode gives the next code that a demo account can use, so that nobody needs an
// authenticator to try the product. The fault is not found for any other account
// and in any other mode.
func (a *Accounts) DemoCode(ctx context.Context, staffNo string) (code string, err error) {
	if !a.demo {
		return "", noSuchUser()
	}
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		u, err := takeUser(tx.Where("staff_no = ? AND demo = ?", tidy(staffNo), true))
		if err != nil {
			return err
		}
		secret, err := a.openSecret(u)
		if err != nil {
			return err
		}
		step := max(stepAt(tx.Now), u.TOTPLastStep+1)
		if step > stepAt(tx.Now)+skewSteps {
			return fault.Busy("account.demo_wait")
		}
		code, err = codeAt(secret, step)
		return err
	})
	return code, err
}
