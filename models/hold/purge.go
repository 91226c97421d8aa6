package hold

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Estrangement is how long after a release whoever took part in it may not approve the purge of
// what the hold covered.
const Estrangement = 30 * 24 * time.Hour

// ReleasedBy tells whether the person asked for or approved a release, ended within the last
// Estrangement or still in its buffer, of a hold that covered any of the conversations; conversations is
// a query for their ids. It is for those who approve purges: nobody both lifts a protection and
// destroys what it protected.
func ReleasedBy(tx *db.Tx, person id.Person, conversations *gorm.DB) (bool, error) {
	var holds []id.Hold
	err := tx.Model(&Release{}).Where("requester_person = ? OR approver_person = ?", person, person).
		Where("state = ? OR state = ? AND closed_at > ?", Approved, Ended, tx.Now.Add(-Estrangement)).Distinct().Pluck("hold_id", &holds).Error
	if err != nil {
		return false, fmt.Errorf("look for releases: %w", err)
	}
	if len(holds) == 0 {
		return false, nil
	}
	var one []id.Conversation
	err = tx.Model(&Item{}).Where("hold_id IN ? AND conversation_id IN (?)", holds, conversations).Limit(1).Pluck("conversation_id", &one).Error
	if err != nil {
		return false, fmt.Errorf("look for released conversations: %w", err)
	}
	return len(one) > 0, nil
}
