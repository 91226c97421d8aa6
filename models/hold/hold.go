// Package hold owns legal holds: what they cover cannot be binned or destroyed by anybody.
package hold

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Hold is one legal hold on a department, with or without its sub-departments, or, with
// department 0, on single conversations. On a department it also covers what is imported there
// later, until it is released.
type Hold struct {
	ID           id.Hold `gorm:"primaryKey"`
	Code         string
	Name         string
	Reason       string
	DepartmentID id.Department // 0: on single conversations
	Sub          bool
	PlacedBy     id.User
	CreatedAt    time.Time
	ReleasedAt   *time.Time
}

// TableName is legal_hold.
func (Hold) TableName() string { return "legal_hold" }

// Item says that a conversation is covered by a hold.
type Item struct {
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	HoldID         id.Hold         `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is hold_item.
func (Item) TableName() string { return "hold_item" }

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
	wanted := make([]id.Hold, len(items))
	for i, it := range items {
		wanted[i] = it.HoldID
	}
	var holds []Hold
	if err := from().Where("id IN ? AND released_at IS NULL", wanted).Find(&holds).Error; err != nil {
		return nil, fmt.Errorf("find holds: %w", err)
	}
	byID := map[id.Hold]Hold{}
	for _, h := range holds {
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
