package account

import (
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Made tells when an account was made, and whether it is a demo's.
func Made(tx *db.Tx, who id.User) (at time.Time, demo bool, err error) {
	var u user
	if err := tx.Where("id = ?", who).Take(&u).Error; err != nil {
		return time.Time{}, false, fmt.Errorf("find account: %w", err)
	}
	return u.CreatedAt, u.Demo, nil
}
