package hold

import (
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Forget takes conversations off every hold, because they were destroyed before the database was
// restored: when they were, no hold in force covered them. Only the replay of the outside
// ledger calls it. It tells how many it took off.
func Forget(tx *db.Tx, ids id.Set[id.Conversation]) (int64, error) {
	res := tx.Where("conversation_id IN ?", ids.Values()).Delete(&Item{})
	if res.Error != nil {
		return 0, fmt.Errorf("take off hold: %w", res.Error)
	}
	return res.RowsAffected, nil
}
