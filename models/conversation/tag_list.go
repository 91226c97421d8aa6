package conversation

import (
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
func Listed(tx *db.Tx, c *Conversation, most int) (noted audit.Filter, before *audit.Filter, err error) {
	var rows []TaggedList
	// The row of no conversation says since when it is noted.
	err = tx.Where("conversation_id IN ?", []id.Conversation{0, c.ID}).Order("conversation_id, leaf DESC").Limit(most + 1).Find(&rows).Error
	if err != nil {
		return noted, nil, fmt.Errorf("find entries of lists: %w", err)
	}
	noted = audit.Filter{Actions: []string{tagged}, Leaves: []int64{}}
	for _, r := range rows {
		switch {
		case r.ConversationID != 0:
			noted.Leaves = append(noted.Leaves, r.Leaf)
		case r.Leaf > 0:
			before = &audit.Filter{From: c.CreatedAt, Below: r.Leaf, Actions: []string{tagged}, Holding: "," + id.String(c.ID) + ","}
		}
	}
	return noted, before, nil
}
