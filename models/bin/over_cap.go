package bin

import (
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// OverCap names the batches above the cap of their time without the word of a second person, whatever the program
// allowed (invariant I14). A batch's leaf says what its cap was where it was counted for; nothing is above
// MostItems without that word.
func OverCap(tx *db.Tx, k approval.Keys) ([]string, error) {
	var made []struct {
		Batch
		Leaf []byte
	}
	err := tx.Model(&Batch{}).Select("bin_batch.*, audit_leaf.leaf").
		Joins("LEFT JOIN audit_leaf ON audit_leaf.object = bin_batch.code AND audit_leaf.action IN ? AND audit_leaf.result = ?", []string{"batch.discarded", "batch.started"}, audit.OK).
		Where("bin_batch.size > ? OR INSTR(audit_leaf.leaf, ?) > 0", MostItems, `"cap":`).Order("bin_batch.id").Scan(&made).Error
	if err != nil {
		return nil, fmt.Errorf("batches with a cap: %w", err)
	}
	var over []string
	for i := range made {
		b := &made[i]
		most, err := capSaid(b.Leaf)
		if err != nil {
			return nil, fmt.Errorf("batch %s: %w", b.Code, err)
		}
		if b.Size <= most {
			continue
		}
		allowed, err := allowedAbove(tx, k, &b.Batch)
		if err != nil {
			return nil, err
		}
		if !allowed && !slices.Contains(over, b.Code) {
			over = append(over, b.Code)
		}
	}
	return over, nil
}

// capSaid reads the cap from the leaf of a batch.
func capSaid(leaf []byte) (int64, error) {
	var said struct{ Data struct{ Cap int64 } }
	if len(leaf) > 0 {
		if err := json.Unmarshal(leaf, &said); err != nil {
			return 0, fmt.Errorf("read leaf: %w", err)
		}
	}
	if said.Data.Cap == 0 {
		return MostItems, nil
	}
	return min(said.Data.Cap, MostItems), nil
}

// allowedAbove tells whether somebody else than the owner, with name and one-time code, allowed a batch of this
// size, and the log says so.
func allowedAbove(tx *db.Tx, k approval.Keys, b *Batch) (bool, error) {
	var raises []CapRaise
	err := tx.Model(&CapRaise{}).Joins("JOIN bin_draft ON bin_draft.id = bin_raise.draft_id").
		Where("bin_draft.batch_id = ? AND bin_raise.size >= ? AND bin_raise.name <> '' AND bin_raise.person_id NOT IN ? AND bin_raise.at <= ?",
			b.ID, b.Size, []id.Person{0, b.OwnerPerson}, b.CreatedAt).Find(&raises).Error
	if err != nil {
		return false, fmt.Errorf("raised caps: %w", err)
	}
	for i := range raises {
		if !raises[i].genuine(k) {
			continue
		}
		var said int64
		err := tx.Table("audit_leaf").Where("action = 'batch.cap_raised' AND object = ? AND result = ? AND item_count >= ?", draftName(raises[i].DraftID), audit.OK, b.Size).Count(&said).Error
		if err != nil {
			return false, fmt.Errorf("leaf of a raised cap: %w", err)
		}
		if said > 0 {
			return true, nil
		}
	}
	return false, nil
}
