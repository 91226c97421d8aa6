package conversation

import (
	"fmt"

	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/id"
)

// RemovedTag says that somebody took a tag from a conversation. An import, which brings what the platform
// knows, does not give it back; a person may. It stays when a person does: as long as the conversation has the
// tag it says nothing, and only people take tags away.
type RemovedTag struct {
	ConversationID id.Conversation `gorm:"primaryKey;autoIncrement:false"`
	TagID          id.Tag          `gorm:"primaryKey;autoIncrement:false"`
}

// TableName is removed_tag.
func (RemovedTag) TableName() string { return "removed_tag" }

// noteRemoved notes which conversations each of the tags was taken from.
func noteRemoved(tx *db.Tx, tags []Tag, byName map[string][]id.Conversation) error {
	var rows []RemovedTag
	for _, t := range tags {
		for _, c := range byName[t.Name] {
			rows = append(rows, RemovedTag{c, t.ID})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, 1000).Error; err != nil {
		return fmt.Errorf("note tags that were taken away: %w", err)
	}
	return nil
}

// removedTags names the tags that people took from a conversation.
func removedTags(tx *db.Tx, c id.Conversation) (names []string, err error) {
	err = tx.Table("removed_tag r").Joins("JOIN tag t ON t.id = r.tag_id").Where("r.conversation_id = ?", c).Pluck("t.name", &names).Error
	if err != nil {
		return nil, fmt.Errorf("find tags that were taken away: %w", err)
	}
	return names, nil
}
