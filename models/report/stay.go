package report

import (
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Stay is one time that a conversation was on its way into the bin. State is that of
// its item; Purge is the code of the request that it is or was on the list of.
type Stay struct {
	Batch        id.Batch
	Code         string
	Owner        string
	DepartmentID id.Department
	State        string
	At           time.Time // when the batch was made
	ChangedAt    time.Time
	Purge        string `gorm:"column:purge_code"` // PURGE itself is a word of MariaDB
}

const mostStays = 20

// stays gives a conversation's times in the bin in the actor's departments, newest first.
func stays(tx *db.Tx, by account.Actor, c id.Conversation) (stays []Stay, err error) {
	q := tx.Model(&bin.Item{}).Joins("JOIN bin_batch b ON b.id = bin_item.batch_id").Joins("LEFT JOIN purge_request p ON p.id = bin_item.purge_id").
		Where("bin_item.conversation_id = ?", c).Order("b.id DESC").
		Select("b.id AS batch, b.code, b.owner_name AS owner, bin_item.department_id, bin_item.state, b.created_at AS at, bin_item.changed_at, COALESCE(p.code, '') AS purge_code")
	if err := q.Scan(&stays).Error; err != nil {
		return nil, fmt.Errorf("read stays: %w", err)
	}
	stays = slices.DeleteFunc(stays, func(s Stay) bool { return !by.Scope.Has(s.DepartmentID) })
	return stays[:min(len(stays), mostStays)], nil
}
