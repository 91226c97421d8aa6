package bin

import (
	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// OnDraft is a query for the ids on the frozen list of one of the actor's own drafts, for the backup
// before it is carried out; of a draft that was carried out it gives the batch instead. The fault is
// not-found, and a conflict while nothing is frozen.
func OnDraft(tx *db.Tx, by account.Actor, draft uint64) (*gorm.DB, id.Batch, error) {
	row, err := ownDraft(tx, by, draft, false)
	switch {
	case err != nil:
		return nil, 0, err
	case row.BatchID != nil:
		return nil, *row.BatchID, nil
	case row.FrozenAt == nil:
		return nil, 0, fault.Conflict("export.draft_not_frozen")
	}
	return tx.Model(&draftItem{}).Where("draft_id = ?", draft).Select("conversation_id"), 0, nil
}
