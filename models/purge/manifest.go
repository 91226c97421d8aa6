package purge

import (
	"database/sql"
	"fmt"

	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/id"
)

// manifestPage is how many items are read at a time.
const manifestPage = 1000

// line appends the one spelling of an item under the root.
func (i *Item) line(b []byte) []byte {
	m := proof.ManifestItem{
		Conversation: uint64(i.ConversationID), Version: i.Version, Digest: i.Digest, Department: uint64(i.DepartmentID), Platform: i.Platform,
		Messages: i.Messages, Attachments: i.Attachments, Bytes: i.Bytes, LastAt: i.LastAt, ServiceType: i.ServiceType,
	}
	return m.AppendLine(b)
}

// outcome appends the one spelling of what became of an item, under the certificate's outcome root.
func (i *Item) outcome(b []byte) []byte {
	return proof.AppendOutcome(b, i.Seq, uint64(i.ConversationID), string(i.State), string(i.Reason))
}

// rootOf is the RFC 6962 root over the items in their order.
func rootOf(items []Item) [32]byte {
	var lines proof.Lines
	var room []byte
	for i := range items {
		room = items[i].line(room[:0])
		lines.Add(room)
	}
	return lines.Root()
}

// storedRoot computes the root from the rows, for the look before anything is destroyed.
func storedRoot(tx *db.Tx, p id.Purge) (root [32]byte, size int64, err error) {
	var list proof.Lines
	var room []byte
	err = eachLine(tx, p, func(it *Item) error {
		room = it.line(room[:0])
		list.Add(room)
		return nil
	})
	return list.Root(), list.Size(), err
}

// eachLine hands over the lines of a list in their order, as one query gives them. The line, but for its batch, and
// its digest are there until the next one is.
func eachLine(tx *db.Tx, p id.Purge, do func(*Item) error) error {
	var it Item
	to := it.columns()
	err := db.EachRow(tx.Raw("SELECT "+itemColumns+" FROM purge_item i WHERE i.purge_id = ? ORDER BY i.seq", p), func(r *sql.Rows) error {
		if err := r.Scan(to...); err != nil {
			return err
		}
		return do(&it)
	})
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	return nil
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
