package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

type userSession struct {
	IDHash    []byte `gorm:"primaryKey;column:id_hash"`
	UserID    id.User
	Stage     Stage
	Data      []byte
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Source    string
	Agent     string
}

// TableName is the table of sessions. Only digests of their tokens are stored.
func (userSession) TableName() string { return "user_session" }

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// newToken makes a secret of 256 bits that fits into a cookie or an address.
func newToken() string {
	const size = 32
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// sessionOf finds a token's session and of its account what a request needs: neither password nor secret. The error is
// ErrNoSession where there is none.
func sessionOf(tx *db.Tx, token string) (s *userSession, u *user, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		s, u = &userSession{}, &user{}
		return r.Scan(db.Word(&s.Stage), &s.Data, &s.SeenAt, &s.ExpiresAt,
			db.Number(&u.ID), db.Number(&u.PersonID), &u.StaffNo, &u.Name, db.Word(&u.Role), &u.VoteFrom, &u.TOTPConfirmed, &u.DisabledAt,
			&u.ExpiresAt, &u.Lang, &u.Theme, &u.NoShortcuts, &u.Demo)
	}, "SELECT s.stage, s.data, s.seen_at, s.expires_at, "+
		"u.id, u.person_id, u.staff_no, u.name, u.role, u.vote_from, u.totp_confirmed, u.disabled_at, "+
		"u.expires_at, u.lang, u.theme, u.no_shortcuts, u.demo FROM user_session s JOIN `user` u ON u.id = s.user_id WHERE s.id_hash = ?", digest(token))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("read session: %w", err)
	case s == nil:
		return nil, nil, ErrNoSession
	}
	return s, u, nil
}

// live tells whether the session may still be used at now.
func (s *userSession) live(now time.Time) bool { return now.Before(s.until()) }

func (s *userSession) until() time.Time {
	if idle := s.SeenAt.Add(IdleLimit); s.Stage == StageFull && idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// openSession stores a new session and gives its token.
func openSession(tx *db.Tx, who id.User, stage Stage, from Client) (string, error) {
	token, life := newToken(), passwordLimit
	if stage == StageFull {
		life = AbsoluteLimit
	}
	err := tx.Create(&userSession{
		IDHash: digest(token), UserID: who, Stage: stage, Data: []byte{}, CreatedAt: tx.Now, SeenAt: tx.Now,
		ExpiresAt: tx.Now.Add(life), Source: cut(from.Source, 64), Agent: cut(from.Agent, 255),
	}).Error
	if err != nil {
		return "", fmt.Errorf("store session: %w", err)
	}
	return token, nil
}

// endSessions ends every session of an account but the one of keep, if any.
func endSessions(tx *db.Tx, who id.User, keep string) error {
	q := tx.Where("user_id = ?", who)
	if keep != "" {
		q = q.Where("id_hash <> ?", digest(keep))
	}
	if err := q.Delete(&userSession{}).Error; err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// CleanSessions removes sessions, links and counted tries that are long over, and
// tells how many rows went.
func (a *Accounts) CleanSessions(ctx context.Context) (removed int64, err error) {
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		removed = 0
		for _, rows := range []struct {
			model any
			cond  string
			than  time.Time
		}{
			{&userSession{}, "expires_at < ?", tx.Now},
			{&userSession{}, "stage = 'full' AND seen_at < ?", tx.Now.Add(-IdleLimit)},
			{&loginGuard{}, "last_at < ?", tx.Now.Add(-guardForgets)},
		} {
			res := tx.Where(rows.cond, rows.than).Delete(rows.model)
			if res.Error != nil {
				return fmt.Errorf("clean sessions: %w", res.Error)
			}
			removed += res.RowsAffected
		}
		return nil
	})
	return removed, err
}

// sessionHandle names a session to its owner without giving its token or the whole
// digest away.
func sessionHandle(hash []byte) string { return hex.EncodeToString(hash[:8]) }

// cut shortens a text of the outside to what its column holds, at a whole character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most]
}
