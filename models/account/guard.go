package account

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Five wrong tries, then half an hour. A row that nothing happened to for a day is
// forgotten.
const (
	mostWrong    = 5
	lockedFor    = 30 * time.Minute
	guardForgets = 24 * time.Hour
)

// loginGuard counts tries against one thing that can be guessed: a password, a code at
// login, a code for a dangerous act. Names without an account are counted like
// accounts, so that a lock does not tell which names exist.
type loginGuard struct {
	KeyHash     []byte `gorm:"primaryKey"`
	Failed      int
	LastAt      time.Time
	LockedUntil *time.Time
}

// TableName is the table of counted tries.
func (loginGuard) TableName() string { return "login_guard" }

// The things that can be guessed.
const (
	guardPassword = "password"
	guardCode     = "code"
	guardDanger   = "danger"
)

func (a *Accounts) userGuard(kind string, who id.User) []byte {
	return a.guardKey(kind, "user", id.String(who))
}

func (a *Accounts) nameGuard(login string) []byte { return a.guardKey(guardPassword, "name", login) }

func (a *Accounts) guardKey(kind, of, value string) []byte {
	mac := a.keys.MAC("account guard", []byte(kind), []byte(of), []byte(value))
	return mac[:]
}

// loginTag names an unknown login in the audit log. The typed text itself may
// be somebody's password in the wrong field, so only a keyed digest is kept.
func (a *Accounts) loginTag(login string) string {
	const enough = 6
	mac := a.keys.MAC("account login tag", []byte(login))
	return "login:" + hex.EncodeToString(mac[:enough])
}

// reserve counts a try before it is looked at and commits the count, so that
// many guesses at the same time are refused like many guesses one after another.
// A successful try clears the count. It tells how many tries are left after this
// one; the fault is busy, with the minutes left, while the thing is locked.
func (a *Accounts) reserve(ctx context.Context, key []byte, lockedKey string) (left int, err error) {
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		g := loginGuard{KeyHash: key, LastAt: tx.Now}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&g).Error; err != nil {
			return fmt.Errorf("count a try: %w", err)
		}
		var stored loginGuard
		if err := tx.ForUpdate().Where("key_hash = ?", key).Take(&stored).Error; err != nil {
			return fmt.Errorf("count a try: %w", err)
		}
		if until := stored.LockedUntil; until != nil && tx.Now.Before(*until) {
			return fault.Busy(lockedKey, minutesUntil(tx.Now, *until))
		}
		if stored.LockedUntil != nil || tx.Now.Sub(stored.LastAt) >= guardForgets {
			stored.Failed = 0
		}
		stored.Failed++
		left = mostWrong - stored.Failed
		var until *time.Time
		if left <= 0 {
			t := tx.Now.Add(lockedFor)
			until = &t
		}
		err := tx.Model(&loginGuard{}).Where("key_hash = ?", key).
			Updates(map[string]any{"failed": stored.Failed, "last_at": tx.Now, "locked_until": until}).Error
		if err != nil {
			return fmt.Errorf("count a try: %w", err)
		}
		return nil
	})
	return left, err
}

// reserved tells whether a try was counted and not yet settled.
func reserved(tx *db.Tx, key []byte) (bool, error) {
	var n int64
	err := tx.Model(&loginGuard{}).Where("key_hash = ? AND failed > 0", key).Count(&n).Error
	return n > 0, err
}

// settle forgets the tries after a right one.
func settle(tx *db.Tx, key []byte) error {
	if err := tx.Where("key_hash = ?", key).Delete(&loginGuard{}).Error; err != nil {
		return fmt.Errorf("forget wrong tries: %w", err)
	}
	return nil
}

// giveBack takes one counted try back: it was never looked at.
func (a *Accounts) giveBack(ctx context.Context, key []byte) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		return tx.Model(&loginGuard{}).Where("key_hash = ? AND failed > 0", key).
			Updates(map[string]any{"failed": clause.Expr{SQL: "failed - 1"}, "locked_until": nil}).Error
	})
}

func minutesUntil(now, then time.Time) int {
	return int((then.Sub(now) + time.Minute - 1) / time.Minute)
}
