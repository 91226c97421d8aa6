package purge

import (
	"encoding/json"
	"fmt"
	"slices"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// origin is where a request's list came from and how it divides: the batches that were taken, with what they say
// of residue, and the departments in all of which an approver must be allowed to act.
type origin struct {
	batches []Batch
	shares  []Share
}

func originOf(tx *db.Tx, p id.Purge) (*origin, error) {
	o := &origin{}
	var err error
	if o.batches, err = batchesOf(tx, p); err != nil {
		return nil, err
	}
	if err := tx.Where("purge_id = ?", p).Order("department_id").Find(&o.shares).Error; err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	return o, nil
}

// parts are the parts of a code over every row with all that it says.
func (o *origin) parts() [][]byte {
	parts := [][]byte{seal.Number(len(o.batches))}
	for _, b := range o.batches {
		parts = append(parts, seal.Number(b.BatchID), []byte(b.Code), seal.Number(b.ResidueCount), []byte(b.ResidueReason), []byte(b.Residue))
	}
	for _, s := range o.shares {
		parts = append(parts, seal.Number(s.DepartmentID), []byte(s.Path),
			seal.Number(s.Conversations), seal.Number(s.Messages), seal.Number(s.Attachments), seal.Number(s.Bytes))
	}
	return parts
}

// asTold tells whether the batches are those that the request's entry in the log names. It speaks for requests whose
// code is from before their batches were under it; what the log does not tell, the departments above all, is taken as
// it stands.
func (o *origin) asTold(tx *db.Tx, code string) (bool, error) {
	var entries []struct{ Leaf []byte }
	err := tx.Table("audit_leaf").Select("leaf").
		Where("object = ? AND action IN ? AND result = ?", code, []string{"purge.requested", "purge.emergency_requested"}, audit.OK).Scan(&entries).Error
	if err != nil {
		return false, fmt.Errorf("entry of the request: %w", err)
	}
	var said struct{ Data struct{ Batches []string } }
	if len(entries) != 1 || json.Unmarshal(entries[0].Leaf, &said) != nil {
		return false, nil
	}
	rows := make([]string, len(o.batches))
	ids := make([]id.Batch, len(o.batches))
	for i, b := range o.batches {
		rows[i], ids[i] = b.Code, b.BatchID
	}
	var theirs []string // the batches' own codes, which are under theirs
	if err := tx.Model(&bin.Batch{}).Where("id IN ?", ids).Order("id").Pluck("code", &theirs).Error; err != nil {
		return false, fmt.Errorf("read batches: %w", err)
	}
	same := slices.Equal(rows, theirs)
	slices.Sort(rows)
	slices.Sort(said.Data.Batches)
	return same && slices.Equal(rows, said.Data.Batches), nil
}
