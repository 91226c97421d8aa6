package audit

import (
	"fmt"
	"time"

	"qingdang/models/db"
)

// LastUses tells when something was done with each of several objects last, as far as it was not refused.
// Objects with which it never was are left out.
func LastUses(tx *db.Tx, action string, objects []string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for _, o := range objects {
		var rows []leafRow
		err := tx.Select("object, at").Where("object = ? AND action = ? AND result <> ?", o, action, ResultRefused).Order("n DESC").Limit(1).Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("find the last use: %w", err)
		}
		for _, r := range rows {
			out[o] = r.At
		}
	}
	return out, nil
}
