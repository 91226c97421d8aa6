package bin

import (
	"fmt"
	"time"

	"qingdang/models/db"
)

// Shortened names the batches whose end of rest is earlier than the log says it was when they were
// moved to the bin (invariant I10): nothing makes it earlier, an extension makes it later.
func Shortened(tx *db.Tx) ([]string, error) {
	said, err := leavesOf(tx)
	if err != nil {
		return nil, err
	}
	var batches []struct {
		Code      string
		KeepUntil time.Time
	}
	if err := tx.Model(&Batch{}).Select("code, keep_until").Order("id").Scan(&batches).Error; err != nil {
		return nil, fmt.Errorf("ends of batches: %w", err)
	}
	var shortened []string
	for _, b := range batches {
		if b.KeepUntil.Before(said[b.Code].KeepUntil.Truncate(time.Microsecond)) {
			shortened = append(shortened, b.Code)
		}
	}
	return shortened, nil
}
