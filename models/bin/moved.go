package bin

import (
	"encoding/json"
	"fmt"
	"maps"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/department"
)

// Touched counts drafts whose reach a change of the tree changes, and batches with conversations in the bin from
// departments that are moved. A batch, and the list that a draft has frozen, stay what they are.
type Touched struct{ Drafts, Batches int64 }

// TouchedBy counts what a change of the tree touches; of is what is moved.
func TouchedBy(tx *db.Tx, before, after *department.Tree, of account.Scope) (t Touched, err error) {
	var forms []string
	if err := tx.Model(&draftRow{}).Where("batch_id IS NULL").Order("id").Pluck("form", &forms).Error; err != nil {
		return t, fmt.Errorf("read drafts: %w", err)
	}
	for _, stored := range forms {
		var f Form
		if err := json.Unmarshal([]byte(stored), &f); err != nil {
			return t, fmt.Errorf("read draft: %w", err)
		}
		if !maps.Equal(f.Scope.takes(before), f.Scope.takes(after)) {
			t.Drafts++
		}
	}
	err = tx.Model(&Item{}).Where("state IN ? AND department_id IN ?", []string{ItemPending, ItemBinned, ItemFrozen}, of.Listed()).
		Distinct("batch_id").Count(&t.Batches).Error
	if err != nil {
		return t, fmt.Errorf("count batches: %w", err)
	}
	return t, nil
}
