package hold

import (
	"fmt"
	"slices"

	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// origin says how a conversation came under a hold.
type origin bool

const (
	atFirst origin = true  // when it was placed: the log tells how many these were
	later   origin = false // it was stored, tagged or moved so that a continuing hold took it
)

// coded is an item with the code over it, so that what a hold covers cannot be exchanged in the database for something
// else of the same number.
type coded struct {
	ConversationID id.Conversation
	HoldID         id.Hold
	MAC            []byte `gorm:"column:mac"`
}

// TableName is hold_item.
func (coded) TableName() string { return "hold_item" }

// code computes the code over an item. Half of a MAC is as much as a row among a hundred thousand needs.
func (o origin) code(k approval.Keys, h id.Hold, c id.Conversation) []byte {
	m := k.MAC("hold item", seal.Number(h), seal.Number(c), seal.Flag(bool(o)))
	return m[:16]
}

// cover writes an item for each conversation that matches and has none, and tells how many.
func cover(tx *db.Tx, k approval.Keys, h id.Hold, m match, o origin) (int64, error) {
	var ids []id.Conversation
	err := m(tx.Model(&conversation.Conversation{})).Where(uncovered, h).Order("conversation.id").Pluck("conversation.id", &ids).Error
	if err != nil {
		return 0, fmt.Errorf("find what a hold covers: %w", err)
	}
	for part := range slices.Chunk(ids, perStatement) {
		items := make([]coded, len(part))
		for i, c := range part {
			items[i] = coded{c, h, o.code(k, h, c)}
		}
		if err := tx.Create(&items).Error; err != nil {
			return 0, fmt.Errorf("cover conversations: %w", err)
		}
	}
	return int64(len(ids)), nil
}
