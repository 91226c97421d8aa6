package bin

import (
	"crypto/subtle"
	"fmt"

	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/seal"
)

// Seal computes the code over who put what into the bin and until when it rests there, so that a
// row that was changed past this program is noticed before anything is destroyed by its word. Of the
// state it holds whether the batch is still being moved: until then its end is not the last word. What
// moving, drafting and restoring count is not under it; fsck compares that with the items.
func (b *Batch) Seal(k approval.Keys) {
	m := k.MAC("bin batch and its end", append(b.said(), seal.Flag(b.State == Running))...)
	b.MAC = m[:]
}

func (b *Batch) said() [][]byte {
	return [][]byte{
		seal.Number(b.ID), []byte(b.Code), []byte(b.Kind), seal.Number(b.OwnerID), seal.Number(b.OwnerPerson), []byte(b.OwnerName),
		[]byte(b.Scope), []byte(b.ScopeKind), seal.Number(b.DepartmentID), []byte(b.Reason),
		[]byte(b.Residue), seal.Number(b.ResidueCount), []byte(b.ResidueReason), []byte(b.Excluded), seal.Number(b.Size), b.Fingerprint,
		seal.Instant(&b.KeepUntil), seal.Instant(b.ExtendedAt), seal.Instant(&b.CreatedAt),
	}
}

// Genuine refuses batches that were written past this program, with a conflict that names the first.
func Genuine(k approval.Keys, batches ...Batch) error {
	for i := range batches {
		if !batches[i].genuine(k) {
			return fault.Conflict(keyForged, batches[i].Code)
		}
	}
	return nil
}

const keyForged = "bin.batch_forged"

// IsForged tells whether a fault is Genuine's.
func IsForged(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Key == keyForged
}

func (b *Batch) genuine(k approval.Keys) bool {
	now := *b
	now.Seal(k)
	if subtle.ConstantTimeCompare(b.MAC, now.MAC) == 1 {
		return true
	}
	// Codes of before the state was under them; the program gives none any more.
	m := k.MAC("bin batch", b.said()...)
	return subtle.ConstantTimeCompare(b.MAC, m[:]) == 1
}

// seal computes the code over a second person's word.
func (r *CapRaise) seal(k approval.Keys) []byte {
	m := k.MAC("bin raise", seal.Number(r.DraftID), seal.Number(r.Size), seal.Number(r.Cap), r.Scope, seal.Number(r.UserID), seal.Number(r.PersonID),
		[]byte(r.Name), []byte(r.StaffNo), []byte(r.Role), []byte(r.Reason), seal.Number(r.TOTPStep), seal.Instant(&r.At))
	return m[:]
}

func (r *CapRaise) genuine(k approval.Keys) bool {
	return subtle.ConstantTimeCompare(r.MAC, r.seal(k)) == 1
}

// ForgedBatches names the batches that were written or changed past this program. It is for fsck.
func ForgedBatches(tx *db.Tx, k approval.Keys) (forged []string, err error) {
	said, err := beforeCodes(tx)
	if err != nil {
		return nil, err
	}
	for after := uint64(0); ; {
		var rows []Batch
		if err := tx.Where("id > ?", after).Order("id").Limit(page).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read batches: %w", err)
		}
		for i := range rows {
			if after = uint64(rows[i].ID); !rows[i].genuine(k) && !rows[i].isOld(said) {
				forged = append(forged, rows[i].Code)
			}
		}
		if len(rows) < page {
			return forged, nil
		}
	}
}

// ForgedRaises names the drafts for which somebody wrote a raised cap past this program.
func ForgedRaises(tx *db.Tx, k approval.Keys) (forged []string, err error) {
	said, err := beforeCodes(tx)
	if err != nil {
		return nil, err
	}
	var rows []CapRaise
	if err := tx.Order("draft_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read raised caps: %w", err)
	}
	for i := range rows {
		if !rows[i].genuine(k) && !rows[i].isOld(said) {
			forged = append(forged, draftName(rows[i].DraftID))
		}
	}
	return forged, nil
}
