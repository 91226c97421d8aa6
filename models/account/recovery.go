package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Ten codes of 80 bits each: a thief of the digests cannot try them all.
const (
	recoveryCodes = 10
	recoveryBytes = 10
)

type recoveryCode struct {
	UserID   id.User `gorm:"primaryKey"`
	CodeHash []byte  `gorm:"primaryKey"`
	UsedAt   *time.Time
}

// TableName is the table of recovery codes. Only digests are stored.
func (recoveryCode) TableName() string { return "recovery_code" }

var recoveryAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// canonicalRecovery gives the one spelling of a recovery code.
func canonicalRecovery(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' {
			return -1
		}
		return r
	}, tidy(typed))
}

func recoveryDigest(who id.User, code string) []byte {
	sum := sha256.Sum256([]byte("recovery\x00" + id.String(who) + "\x00" + code))
	return sum[:]
}

// renewRecoveryCodes replaces an account's codes and gives the new ones in the
// spelling that people write down.
func renewRecoveryCodes(tx *db.Tx, who id.User) ([]string, error) {
	if err := tx.Where("user_id = ?", who).Delete(&recoveryCode{}).Error; err != nil {
		return nil, fmt.Errorf("remove recovery codes: %w", err)
	}
	shown := make([]string, 0, recoveryCodes)
	rows := make([]recoveryCode, 0, recoveryCodes)
	for range recoveryCodes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
		code := recoveryAlphabet.EncodeToString(raw)
		rows = append(rows, recoveryCode{UserID: who, CodeHash: recoveryDigest(who, code)})
		shown = append(shown, strings.ReplaceAll(groups(code), " ", "-"))
	}
	if err := tx.Create(&rows).Error; err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}
	return shown, nil
}

func takeRecoveryCode(tx *db.Tx, who id.User, typed string) error {
	res := tx.Model(&recoveryCode{}).
		Where("user_id = ? AND code_hash = ? AND used_at IS NULL", who, recoveryDigest(who, canonicalRecovery(typed))).
		Update("used_at", tx.Now)
	switch {
	case res.Error != nil:
		return fmt.Errorf("use recovery code: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Invalid(keyCodeWrong).On(codeField)
	}
	return nil
}

// NewRecoveryCodes replaces the actor's recovery codes after a one-time code and
// gives the new ones, which are never shown again. The faults are those of
// ConsumeTOTP.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, by Actor, code string) ([]string, error) {
	if err := a.BeginCode(ctx, by); err != nil {
		return nil, err
	}
	var codes []string
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := a.ConsumeTOTP(tx, by.ID, code); err != nil {
			return err
		}
		var err error
		if codes, err = renewRecoveryCodes(tx, by.ID); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "recovery.renewed", ObjectKind: "account", Object: by.StaffNo})
	})
	if err != nil {
		return nil, a.NoteWrongCode(ctx, by, by.StaffNo, err)
	}
	return codes, nil
}
