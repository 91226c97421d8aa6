// Package hold owns legal holds: what they cover cannot be binned or destroyed by anybody, and
// how a hold is placed, reviewed and, by two people and after a week, released.
package hold

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Hold is one legal hold. It is in force until ReleasedAt is set, which only the end of an
// approved release does.
type Hold struct {
	ID           id.Hold `gorm:"primaryKey"`
	Code         string
	Name         string
	Reason       string
	Kind         Kind
	Continuing   bool          // it also covers what begins to match later
	DepartmentID id.Department // of a hold on a department, else 0
	Sub          bool
	Criteria     string // JSON of Criteria; empty on departments and single conversations
	PlacedBy     id.User
	OwnerID      id.User // of legal, who reviews it
	ReviewAt     *time.Time
	RequestKey   *string
	CreatedAt    time.Time
	ReleasedAt   *time.Time
}

// TableName is legal_hold.
func (Hold) TableName() string { return "legal_hold" }

// Item says that a conversation is covered by a hold. It stays when the hold is released, or
// the conversation purged later: who released what must remain known.
type Item struct {
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	HoldID         id.Hold         `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is hold_item.
func (Item) TableName() string { return "hold_item" }

// customer is one customer of a hold: the keyed name that conversations carry, and what legal
// typed, sealed.
type customer struct {
	HoldID      id.Hold `gorm:"primaryKey;autoIncrement:false"`
	CustomerMAC []byte  `gorm:"column:customer_mac;primaryKey"`
	Sealed      []byte
}

// TableName is hold_customer.
func (customer) TableName() string { return "hold_customer" }

// Covers is the condition on the conversation table that a hold in force covers the row.
const Covers = "EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = conversation.id AND lh.released_at IS NULL)"

// ShareEpoch is the first lock of everything that bins, destroys or imports. Placing a hold
// takes the same row alone, so it waits for at most one such step, and no later step can
// miss it (invariant I3).
func ShareEpoch(tx *db.Tx) error { return epoch(tx.ForShare()) }

func epoch(q *gorm.DB) error {
	var n []int64
	if err := q.Table("hold_epoch").Where("id = ?", 1).Pluck("n", &n).Error; err != nil {
		return fmt.Errorf("hold epoch: %w", err)
	}
	if len(n) != 1 {
		return fmt.Errorf("hold epoch: no row")
	}
	return nil
}

// nextEpoch counts what was placed and released. The caller has the epoch alone.
func nextEpoch(tx *db.Tx) error {
	if err := tx.Exec("UPDATE hold_epoch SET n = n + 1 WHERE id = 1").Error; err != nil {
		return fmt.Errorf("hold epoch: %w", err)
	}
	return nil
}

// Covering gives the holds in force on each of the conversations. With lock, the rows of the conversations
// must be locked already: a plain read before that could miss a hold.
func Covering(tx *db.Tx, ids id.Set[id.Conversation], lock bool) (map[id.Conversation][]Hold, error) {
	from := func() *gorm.DB { return tx.DB }
	if lock {
		from = tx.ForShare
	}
	var items []Item
	if err := from().Where("conversation_id IN ?", ids.Values()).Find(&items).Error; err != nil {
		return nil, fmt.Errorf("find hold items: %w", err)
	}
	if len(items) == 0 {
		return nil, nil
	}
	wanted := map[id.Hold]bool{}
	for _, it := range items {
		wanted[it.HoldID] = true
	}
	holds := make([]id.Hold, 0, len(wanted))
	for h := range wanted {
		holds = append(holds, h)
	}
	var found []Hold
	if err := from().Omit("criteria").Where("id IN ? AND released_at IS NULL", holds).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find holds: %w", err)
	}
	byID := map[id.Hold]Hold{}
	for _, h := range found {
		byID[h.ID] = h
	}
	out := map[id.Conversation][]Hold{}
	for _, it := range items {
		if h, ok := byID[it.HoldID]; ok {
			out[it.ConversationID] = append(out[it.ConversationID], h)
		}
	}
	return out, nil
}
