package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/db"
)

// Stage says how far a session has come.
type Stage string

// The stages. With the password alone a session reaches the page that asks for the
// second factor and nothing else.
const (
	StagePassword Stage = "password"
	StageFull     Stage = "full"
)

// How long a session lives: without a request, in all, and with the password alone.
const (
	IdleLimit     = 30 * time.Minute
	AbsoluteLimit = 12 * time.Hour
	passwordLimit = 10 * time.Minute
	seenEvery     = time.Minute
)

// LargestSessionData bounds what a session keeps beside its row.
const LargestSessionData = 4096

// ErrNoSession says that a token belongs to no live session.
var ErrNoSession = errors.New("account: no such session")

// Client is where a request comes from.
type Client struct {
	Source    string // network address
	Agent     string // the browser's own description
	RequestID string
}

// Session is a live session as a request finds it.
type Session struct {
	Stage    Stage
	Actor    Actor
	Enrolled bool // a second factor is set up
	Lang     string
	Theme    string
	// NoShortcuts: single letters do nothing on the pages.
	NoShortcuts bool
	Demo        bool
	Data        []byte
	Until       time.Time // when it ends unless used
	Stale       bool      // its last use was noted a while ago: call Touch
}

// Session finds the live session of a token and resolves its actor anew, so
// that a changed role or scope counts from the next request on. The error is
// ErrNoSession if there is none, it has ended or its account is off.
func (a *Accounts) Session(ctx context.Context, token string, from Client) (*Session, error) {
	var found *Session
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		s, u, err := sessionOf(tx, token)
		if err != nil {
			return err
		}
		if !s.live(tx.Now) || !u.active(tx.Now, a.demo) {
			return ErrNoSession
		}
		actor, err := a.actor(tx, u, from)
		if err != nil {
			return err
		}
		actor.Pending = u.Role == Admin && !u.counts(tx.Now)
		found = &Session{
			Stage: s.Stage, Actor: actor, Enrolled: u.TOTPConfirmed, Lang: u.Lang, Theme: u.Theme, NoShortcuts: u.NoShortcuts, Demo: u.Demo,
			Data: s.Data, Until: s.until(), Stale: tx.Now.Sub(s.SeenAt) >= seenEvery,
		}
		return nil
	})
	return found, err
}

func (a *Accounts) actor(tx *db.Tx, u *user, from Client) (Actor, error) {
	actor := Actor{
		ID: u.ID, PersonID: u.PersonID, StaffNo: u.StaffNo, Name: u.Name, Role: u.Role,
		Source: from.Source, RequestID: from.RequestID,
	}
	rows, err := scopeRows(tx, u.ID)
	if err != nil {
		return Actor{}, err
	}
	actor.Scope, actor.Readings, err = a.reach(tx, u, rows)
	return actor, err
}

// Touch notes that the session was used now.
func (a *Accounts) Touch(ctx context.Context, token string) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		return tx.Model(&userSession{}).Where("id_hash = ?", digest(token)).Update("seen_at", tx.Now).Error
	})
}

// SaveData keeps a session's small data. It updates only: a session that was
// revoked meanwhile stays revoked, with ErrNoSession.
func (a *Accounts) SaveData(ctx context.Context, token string, data []byte) error {
	if len(data) > LargestSessionData {
		return fmt.Errorf("account: session data of %d bytes, at most %d fit", len(data), LargestSessionData)
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		res := tx.Model(&userSession{}).Where("id_hash = ?", digest(token)).Update("data", data)
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNoSession
		}
		return res.Error
	})
}
