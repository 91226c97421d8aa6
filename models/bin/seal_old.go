package bin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

const actSealed = "batch.sealed"

// SealOld gives a code to the rows from before there was one (migration 0029), once: of batches and
// raised caps whose entry in the log is from then, too, and says the same of who, how many and until
// when. What it leaves alone stays without a code, is refused by every purge and named by fsck; fsck names
// nothing that is only waiting for this, as after an upgrade or in an older database that was restored. What
// the log does not tell of such a row, its ticked departments above all, is taken as it stands.
func SealOld(ctx context.Context, d *db.DB, k approval.Keys) error {
	var old int64
	err := d.Read(ctx, func(tx *db.Tx) error {
		old = 0
		for _, model := range []any{&Batch{}, &CapRaise{}} {
			var n int64
			if err := tx.Model(model).Where("mac IS NULL").Count(&n).Error; err != nil {
				return fmt.Errorf("look for old rows: %w", err)
			}
			old += n
		}
		return nil
	})
	if err != nil || old == 0 {
		return err
	}
	return d.Write(ctx, func(tx *db.Tx) error { return sealOld(tx, k) })
}

func sealOld(tx *db.Tx, k approval.Keys) error {
	said, err := beforeCodes(tx)
	if err != nil || len(said) == 0 {
		return err
	}
	n, err := sealBatches(tx, k, said)
	if err != nil {
		return err
	}
	raises, err := sealRaises(tx, k, said)
	if err != nil || n+raises == 0 {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("migrate", "").Audit(), Action: actSealed, ObjectKind: "database", Count: n, Data: map[string]any{"raised_caps": raises},
	})
}

// beforeCodes gives what the log says of batches and raised caps while rows may still be from before there
// were codes, and nothing once the old ones were given theirs.
func beforeCodes(tx *db.Tx) (map[string]told, error) {
	var sealed int64
	if err := tx.Table("audit_leaf").Where("action = ?", actSealed).Count(&sealed).Error; err != nil {
		return nil, fmt.Errorf("look whether old rows were sealed: %w", err)
	}
	if sealed > 0 {
		return nil, nil
	}
	return leavesOf(tx)
}

// isOld tells whether a batch without a code is one from before there were any.
func (b *Batch) isOld(said map[string]told) bool {
	s, there := said[b.Code]
	return there && len(b.MAC) == 0 && !s.Sealed && s.Actor == b.OwnerID && s.Person == b.OwnerPerson && s.Count == b.Size &&
		!b.KeepUntil.Before(s.KeepUntil.Truncate(time.Microsecond))
}

// isOld tells the same of a raised cap.
func (r *CapRaise) isOld(said map[string]told) bool {
	s, there := said[draftName(r.DraftID)]
	return there && len(r.MAC) == 0 && !s.Sealed && s.Actor == r.UserID && s.Person == r.PersonID && s.Count == r.Size
}

func sealBatches(tx *db.Tx, k approval.Keys, said map[string]told) (n int64, err error) {
	var rows []Batch
	if err := tx.Where("mac IS NULL").Order("id").Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("read old batches: %w", err)
	}
	for i := range rows {
		b := &rows[i]
		if !b.isOld(said) {
			continue
		}
		b.Seal(k)
		res := tx.Model(&Batch{}).Where("id = ? AND mac IS NULL", b.ID).Update("mac", b.MAC)
		if res.Error != nil {
			return 0, fmt.Errorf("seal batch: %w", res.Error)
		}
		n += res.RowsAffected
	}
	return n, nil
}

func sealRaises(tx *db.Tx, k approval.Keys, said map[string]told) (n int64, err error) {
	var rows []CapRaise
	if err := tx.Where("mac IS NULL").Order("draft_id").Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("read old raised caps: %w", err)
	}
	for i := range rows {
		r := &rows[i]
		if !r.isOld(said) {
			continue
		}
		res := tx.Model(&CapRaise{}).Where("draft_id = ? AND mac IS NULL", r.DraftID).Update("mac", r.seal(k))
		if res.Error != nil {
			return 0, fmt.Errorf("seal raised cap: %w", res.Error)
		}
		n += res.RowsAffected
	}
	return n, nil
}

// told is what the log says of a batch or of a draft's raised cap.
type told struct {
	Actor     id.User
	Person    id.Person
	Count     int64
	KeepUntil time.Time
	Sealed    bool // the row had its code from the beginning
}

// leavesOf gives what the log says of each batch by its code and of each raised cap by its draft, the
// newest where there are several. The entry of a single conversation names the batch inside. A leaf that
// cannot be read is for the check of the log to tell.
func leavesOf(tx *db.Tx) (map[string]told, error) {
	rows, err := tx.Table("audit_leaf").Select("object, actor_id, person_id, item_count, leaf").
		Where("action IN ? AND result = ?", []string{"batch.discarded", "batch.started", "conversation.discarded", ActSubject, "batch.cap_raised"}, audit.OK).Order("n").Rows()
	if err != nil {
		return nil, fmt.Errorf("leaves of batches: %w", err)
	}
	defer rows.Close()
	said := map[string]told{}
	for rows.Next() {
		var object string
		var leaf []byte
		var t told
		if err := rows.Scan(&object, &t.Actor, &t.Person, &t.Count, &leaf); err != nil {
			return nil, fmt.Errorf("leaf of a batch: %w", err)
		}
		var in struct {
			Data struct {
				Batch     string
				KeepUntil time.Time `json:"keep_until"`
				Sealed    bool
			}
		}
		if json.Unmarshal(leaf, &in) != nil {
			continue
		}
		if in.Data.Batch != "" {
			object = in.Data.Batch
		}
		t.KeepUntil, t.Sealed = in.Data.KeepUntil, in.Data.Sealed
		said[object] = t
	}
	return said, rows.Err()
}
