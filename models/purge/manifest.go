package purge

import (
	"fmt"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/id"
)

// manifestPage is how many items are read at a time.
const manifestPage = 1000

// line is the one spelling of an item under the root.
func (i *Item) line() []byte {
	return proof.ManifestItem{
		Conversation: uint64(i.ConversationID), Version: i.Version, Digest: i.Digest, Department: uint64(i.DepartmentID), Platform: i.Platform,
		Messages: i.Messages, Attachments: i.Attachments, Bytes: i.Bytes, LastAt: i.LastAt, ServiceType: i.ServiceType,
	}.Line()
}

// outcome is the one spelling of what became of an item, under the certificate's outcome root.
func (i *Item) outcome() []byte {
	return proof.OutcomeLine(i.Seq, uint64(i.ConversationID), string(i.State), string(i.Reason))
}

// rootOf is the RFC 6962 root over the items in their order.
func rootOf(items []Item) [32]byte {
	var lines proof.Lines
	for i := range items {
		lines.Add(items[i].line())
	}
	return lines.Root()
}

// storedRoot computes the root from the rows, for the look before anything is destroyed.
func storedRoot(tx *db.Tx, p id.Purge) (root [32]byte, size int64, err error) {
	list, _, err := storedRoots(tx, p)
	return list.Root(), list.Size(), err
}

// storedRoots computes from the rows the root of the list and the root of what became of it.
func storedRoots(tx *db.Tx, p id.Purge) (list, outcomes proof.Lines, err error) {
	err = eachItem(tx, p, func(items []Item) error {
		for i := range items {
			list.Add(items[i].line())
			outcomes.Add(items[i].outcome())
		}
		return nil
	})
	return list, outcomes, err
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
