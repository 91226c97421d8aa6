package bin

import (
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
)

// Shortened names the batches whose end of rest is earlier than the log says it was when they were
// moved to the bin (invariant I10): nothing makes it earlier, an extension makes it later.
func Shortened(tx *db.Tx) ([]string, error) {
	said, err := endsSaid(tx)
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
		if b.KeepUntil.Before(said[b.Code].Truncate(time.Microsecond)) {
			shortened = append(shortened, b.Code)
		}
	}
	return shortened, nil
}

// endsSaid gives the end of rest of every batch as the log told it when the batch was made. The
// entry of a single conversation names the batch inside. A leaf that cannot be read is for the
// check of the log to tell.
func endsSaid(tx *db.Tx) (map[string]time.Time, error) {
	rows, err := tx.Table("audit_leaf").Select("object, leaf").
		Where("action IN ? AND result = ?", []string{"batch.discarded", "batch.started", "conversation.discarded"}, audit.OK).Rows()
	if err != nil {
		return nil, fmt.Errorf("leaves of batches: %w", err)
	}
	defer rows.Close()
	ends := map[string]time.Time{}
	for rows.Next() {
		var object string
		var leaf []byte
		if err := rows.Scan(&object, &leaf); err != nil {
			return nil, fmt.Errorf("leaf of a batch: %w", err)
		}
		var told struct {
			Data struct {
				Batch     string
				KeepUntil time.Time `json:"keep_until"`
			}
		}
		if json.Unmarshal(leaf, &told) != nil {
			continue
		}
		if told.Data.Batch != "" {
			object = told.Data.Batch
		}
		ends[object] = told.Data.KeepUntil
	}
	return ends, rows.Err()
}
