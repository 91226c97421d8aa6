package export

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
)

// waiting keeps what waits for the answer of the actor: in time, seen by them, and not their own.
func waiting(tx *db.Tx, by account.Actor) *gorm.DB {
	where, args := visible(tx, by)
	return tx.Model(&Export{}).Where(where, args...).Where("state = ? AND answer_until > ? AND owner_person <> ?", Waiting, tx.Now, by.PersonID)
}

// CountWaiting tells how many exports wait for the actor's own answer, for the menu.
func CountWaiting(tx *db.Tx, by account.Actor) (n int64, err error) {
	if mayDecide(by) != nil {
		return 0, nil
	}
	if err = waiting(tx, by).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count exports that wait: %w", err)
	}
	return n, nil
}

// WaitingFor gives the exports that wait for the actor's own answer, the first deadline first.
func WaitingFor(tx *db.Tx, by account.Actor, most int) (rows []Export, err error) {
	if mayDecide(by) != nil {
		return nil, nil
	}
	if err = waiting(tx, by).Order("answer_until, id").Limit(most).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find exports that wait: %w", err)
	}
	return rows, nil
}

// ToFetch gives the actor's own exports that lie ready, the first to end first.
func ToFetch(tx *db.Tx, by account.Actor, most int) ([]Export, error) {
	return own(tx, by, most, "expires_at, id", "state = ? AND expires_at > ?", Ready, tx.Now)
}

// CameToNothing gives the actor's own exports that were rejected, or failed, since then, the last first.
func CameToNothing(tx *db.Tx, by account.Actor, since time.Time, most int) ([]Export, error) {
	return own(tx, by, most, "id DESC", "state IN ? AND closed_at >= ?", []State{Rejected, Failed}, since)
}

func own(tx *db.Tx, by account.Actor, most int, order, where string, args ...any) (rows []Export, err error) {
	if !by.May(account.ExportRead) {
		return nil, nil
	}
	err = tx.Where("owner_id = ? AND owner_person = ?", by.ID, by.PersonID).Where(where, args...).Order(order).Limit(most).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find one's own exports: %w", err)
	}
	return rows, nil
}
