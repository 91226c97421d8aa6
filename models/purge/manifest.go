package purge

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/id"
)

// manifestPage is how many items are read at a time.
const manifestPage = 1000

// leaf is the one spelling of an item under the root.
func (i *Item) leaf() []byte {
	return fmt.Appendf(nil, "qingdang/manifest/v1\n%d\n%d\n%s\n%d\n%s\n", i.ConversationID, i.Version, hex.EncodeToString(i.Digest), i.DepartmentID, i.ServiceType)
}

// rootOf is the RFC 6962 root over the items in their order.
func rootOf(items []Item) [32]byte {
	var edge proof.Edge
	for i := range items {
		edge.Add(tlog.RecordHash(items[i].leaf()))
	}
	return edge.Root()
}

// storedRoot computes the root from the rows, for the look before anything is destroyed.
func storedRoot(tx *db.Tx, p id.Purge) (root [32]byte, size int64, err error) {
	var edge proof.Edge
	err = eachItem(tx, p, func(items []Item) error {
		for i := range items {
			edge.Add(tlog.RecordHash(items[i].leaf()))
		}
		return nil
	})
	return edge.Root(), edge.Size(), err
}

// eachItem gives the manifest in its order, a page at a time.
func eachItem(tx *db.Tx, p id.Purge, do func([]Item) error) error {
	for next := int64(0); ; {
		items, err := itemsFrom(tx, p, next, manifestPage)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := do(items); err != nil {
			return err
		}
		next = items[len(items)-1].Seq + 1
	}
}

func itemsFrom(tx *db.Tx, p id.Purge, seq int64, n int) ([]Item, error) {
	var items []Item
	if err := tx.Where("purge_id = ? AND seq >= ?", p, seq).Order("seq").Limit(n).Find(&items).Error; err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return items, nil
}
