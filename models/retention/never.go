package retention

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/mask"
)

// never is a kind of data that must not be kept.
type never struct {
	Kind  mask.Kind `gorm:"primaryKey"`
	Since time.Time
}

// TableName is retention_never_keep.
func (never) TableName() string { return "retention_never_keep" }

// NeverKeep gives the kinds of data that must not be kept.
func NeverKeep(tx *db.Tx) (conversation.Personal, error) {
	var kinds []mask.Kind
	if err := tx.Model(&never{}).Pluck("kind", &kinds).Error; err != nil {
		return 0, fmt.Errorf("load what must not be kept: %w", err)
	}
	return conversation.PersonalOf(kinds...), nil
}

// Place is how many conversations of a department hold data that must not be kept, and into how many of
// it nobody has looked yet.
type Place struct {
	DepartmentID  id.Department
	Conversations int64
	Unlooked      int64
}

// Places counts, in the departments that narrow leaves, the conversations in any state that hold one of the
// kinds, most first. Departments in which there is nothing to say are left out.
func Places(tx *db.Tx, kinds conversation.Personal, narrow func(*gorm.DB) *gorm.DB) (rows []Place, err error) {
	err = narrow(tx.Table("conversation")).Where("personal IS NULL OR personal & ? <> 0", kinds).
		Select("department_id, SUM(CASE WHEN personal IS NULL THEN 0 ELSE 1 END) AS conversations, SUM(CASE WHEN personal IS NULL THEN 1 ELSE 0 END) AS unlooked").
		Group("department_id").Order("conversations DESC, department_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count what must not be kept: %w", err)
	}
	return rows, nil
}
