package export

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"

	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/fault"
)

func number[T ~uint64 | ~int64 | ~int](n T) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

func flag(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

func instant(t *time.Time) []byte {
	if t == nil {
		return nil
	}
	return number(t.UnixMicro())
}

// wishRoot names what is asked for, by whom and on what terms. The second person agrees to it.
func wishRoot(k approval.Keys, e *Export) [32]byte {
	return k.MAC("export wish root", []byte(e.Code), []byte(e.Kind), []byte(e.Format), []byte(e.Mask), []byte(e.Purpose), number(e.OwnerID), number(e.OwnerPerson),
		e.Sealed, flag(e.Outside), []byte(e.RecipientKey), number(e.HoldID), number(e.BatchID), number(e.Days), number(e.Asked), number(e.DayBefore), instant(&e.CreatedAt))
}

// macOf computes the code over an export as it is.
func macOf(k approval.Keys, e *Export) []byte {
	m := k.MAC("export", number(e.ID), []byte(e.State), e.Root, number(e.ApprovalID), number(e.JobID), []byte(e.OwnerName), []byte(e.OwnerStaffNo), []byte(e.Lang),
		number(e.BucketID), e.Secret, e.SecretKey, number(e.Matched), number(e.Size), number(e.Written), number(e.LeftOut), number(e.Unreadable), number(e.Messages),
		number(e.Bytes), number(e.Parts), e.ManifestRoot, e.FileSHA256, instant(e.AnswerUntil), instant(e.FrozenAt), instant(e.ReadyAt),
		instant(e.ExpiresAt), instant(e.FetchedAt), instant(e.KeyGoneAt), instant(e.ClosedAt), number(e.ClosedBy), []byte(e.ClosedName), []byte(e.ClosedReason))
	return m[:]
}

// genuine tells whether an export is as this program left it.
func genuine(k approval.Keys, e *Export) bool {
	root := wishRoot(k, e)
	return subtle.ConstantTimeCompare(e.Root, root[:]) == 1 && subtle.ConstantTimeCompare(e.MAC, macOf(k, e)) == 1
}

// store writes an export that was in a state, sealed anew.
func (d *Desk) store(tx *db.Tx, e *Export, from State) error {
	e.MAC = macOf(d.Vault.Store, e)
	res := tx.Model(&Export{}).Where("id = ? AND state = ?", e.ID, from).Select("*").Omit("id", "code").Updates(e)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store export: %w", res.Error)
	case res.RowsAffected != 1:
		return fault.Conflict("export.changed")
	}
	return nil
}

// lock gives an export for a change. One that was written past this program is refused.
func (d *Desk) lock(tx *db.Tx, e *Export) (*Export, error) {
	now, err := byID(tx, true, e.ID)
	if err == nil && !genuine(d.Vault.Store, now) {
		err = fault.Conflict("export.forged")
	}
	return now, err
}
