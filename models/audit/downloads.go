package audit

import (
	"fmt"

	"qingdang/models/db"
)

// Downloads counts the files that somebody has fetched about the objects of these names.
func Downloads(tx *db.Tx, objects ...string) (n int64, err error) {
	if len(objects) == 0 {
		return 0, nil
	}
	err = tx.Model(&leafRow{}).Where("object IN ? AND action LIKE ? AND result = ?", objects, "%downloaded", OK).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count downloads: %w", err)
	}
	return n, nil
}
