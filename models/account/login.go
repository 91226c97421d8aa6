package account

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
)

// Attempt is one try to log in.
type Attempt struct {
	Login    string // staff number or e-mail address
	Password string
	Old      string // token of the session the browser already has, if any
	From     Client
}

// Passed is a session that came one step further. Its token replaces the one
// before, which is dead.
type Passed struct {
	Token    string
	Stage    Stage
	Enrolled bool
	Lang     string
	Theme    string
}

func loginWrong() *fault.Fault { return fault.Invalid("account.login_wrong") }

// Login checks the password and opens a session that may only give the second
// factor. The faults are invalid, the same for an unknown login, a wrong password
// and an account that is off; and busy after five failures. An unknown login goes
// the same way, with a password check of the same cost and a lock of its own, so
// that neither answer nor time tells who has an account.
func (a *Accounts) Login(ctx context.Context, try Attempt) (*Passed, error) {
	login := tidy(try.Login)
	u, err := a.findForLogin(ctx, login)
	if err != nil {
		return nil, err
	}
	key, hash := a.nameGuard(login), ""
	if u != nil {
		key, hash = a.userGuard(guardPassword, u.ID), u.Password
	}
	if _, err := a.reserve(ctx, key, "account.locked"); err != nil {
		return nil, err
	}
	right, err := matches(ctx, try.Password, hash)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, a.refuseLogin(ctx, login, u, try.From)
	}
	passed, err := a.passPassword(ctx, u, try, key)
	if errors.Is(err, errLoginChanged) {
		return nil, a.refuseLogin(ctx, login, u, try.From)
	}
	return passed, err
}

func (a *Accounts) findForLogin(ctx context.Context, login string) (*user, error) {
	var u *user
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		var err error
		u, err = findLogin(tx, login)
		return err
	})
	if fault.KindOf(err) == fault.KindNotFound {
		return nil, nil
	}
	return u, err
}

// errLoginChanged says that the account is off or its password was changed while
// the typed one was being checked.
var errLoginChanged = errors.New("account: changed during login")

func (a *Accounts) passPassword(ctx context.Context, seen *user, try Attempt, key []byte) (*Passed, error) {
	var passed *Passed
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		u, err := lockUser(tx, seen.ID)
		if err != nil {
			return err
		}
		if u.Password != seen.Password || !u.active(tx.Now, a.demo) {
			return errLoginChanged
		}
		if err := settle(tx, key); err != nil {
			return err
		}
		passed, err = a.firstStage(tx, u, try.Old, try.From)
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: u.audit(try.From), Action: "password.accepted", ObjectKind: "account", Object: u.StaffNo})
	})
	return passed, err
}

// firstStage opens the session that asks for the second factor. An account without
// one gets a fresh secret, which its owner confirms on the next page.
func (a *Accounts) firstStage(tx *db.Tx, u *user, old string, from Client) (*Passed, error) {
	if err := endSession(tx, old); err != nil {
		return nil, err
	}
	if !u.TOTPConfirmed {
		if err := a.newSecret(tx, u); err != nil {
			return nil, err
		}
	}
	token, err := openSession(tx, u.ID, StagePassword, from)
	if err != nil {
		return nil, err
	}
	return &Passed{Token: token, Stage: StagePassword, Enrolled: u.TOTPConfirmed, Lang: u.Lang, Theme: u.Theme}, nil
}

// refuseLogin writes the failed try down and gives the one answer there is.
func (a *Accounts) refuseLogin(ctx context.Context, login string, u *user, from Client) error {
	e := audit.Entry{
		Actor:  audit.Actor{Source: from.Source, RequestID: from.RequestID},
		Action: "login.refused", ObjectKind: "account", Object: a.loginTag(login),
	}
	if u != nil {
		// The account that was aimed at; who typed is not known.
		e.Object = u.StaffNo
	}
	if err := audit.Refused(ctx, a.db, e); err != nil {
		return fmt.Errorf("note refused login: %w", err)
	}
	return loginWrong()
}

func (u *user) audit(from Client) audit.Actor {
	return Actor{ID: u.ID, PersonID: u.PersonID, Name: u.Name, Role: u.Role, Source: from.Source, RequestID: from.RequestID}.Audit()
}

func endSession(tx *db.Tx, token string) error {
	if token == "" {
		return nil
	}
	if err := tx.Where("id_hash = ?", digest(token)).Delete(&userSession{}).Error; err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Logout ends the session of the token. One that is over already is no fault.
func (a *Accounts) Logout(ctx context.Context, token string, by Actor) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if err := endSession(tx, token); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "session.ended", ObjectKind: "account", Object: by.StaffNo})
	})
}
