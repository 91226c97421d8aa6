package bin

import (
	"fmt"

	"qingdang/models/db"
	"qingdang/models/id"
)

// PurgedAgain notes, wherever in the bin conversations lie, that a purge destroyed them before the
// database was restored. Only the replay of the outside ledger calls it.
func PurgedAgain(tx *db.Tx, p id.Purge, ids id.Set[id.Conversation]) error {
	err := tx.Model(&Item{}).Where("conversation_id IN ? AND state IN ?", ids.Values(), []string{ItemPending, ItemBinned, ItemFrozen}).
		Updates(map[string]any{"state": ItemPurged, "purge_id": p, "changed_at": tx.Now}).Error
	if err != nil {
		return fmt.Errorf("mark purged: %w", err)
	}
	return nil
}
