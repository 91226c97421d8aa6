package conversation

import (
	"context"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/id"
)

// TaggedList says that an entry of the log, about the tags of many conversations, names this one.
type TaggedList struct {
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	Leaf           int64           `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is tagged_list.
func (TaggedList) TableName() string { return "tagged_list" }

// noteListed notes in which entry conversations are. It comes after the entry, whose number is known no
// sooner, and is one statement for each thousand.
func noteListed(tx *db.Tx, leaf int64, ids []id.Conversation) error {
	rows := make([]TaggedList, len(ids))
	for i, c := range ids {
		rows[i] = TaggedList{c, leaf}
	}
	if err := tx.CreateInBatches(rows, 1000).Error; err != nil {
		return fmt.Errorf("note the entry of a list: %w", err)
	}
	return nil
}

// Listed is a filter of the entries about the tags of many conversations in which one of them was, the
// latest most of them, and one of those that were written before it was noted; the latter is nil where there
// are none. Who may see them is left to the caller.
func (s *Conversations) Listed(ctx context.Context, c *Conversation, most int) (noted audit.Filter, before *audit.Filter, err error) {
	noted = audit.Filter{Actions: []string{tagged}, Leaves: []int64{}}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&TaggedList{}).Where("conversation_id = ?", c.ID).Order("leaf DESC").Limit(most).Pluck("leaf", &noted.Leaves).Error; err != nil {
			return err
		}
		var since []int64
		if err := tx.Model(&TaggedList{}).Where("conversation_id = 0").Pluck("leaf", &since).Error; err != nil {
			return err
		}
		before = nil
		if len(since) == 1 && since[0] > 0 {
			before = &audit.Filter{From: c.CreatedAt, Below: since[0], Actions: []string{tagged}, Holding: "," + id.String(c.ID) + ","}
		}
		return nil
	})
	if err != nil {
		return noted, nil, fmt.Errorf("find entries of lists: %w", err)
	}
	return noted, before, nil
}
