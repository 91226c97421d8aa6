package audit

import (
	"fmt"
	"time"

	"qingdang/models/db"
)

// explained is how near to a step back of the log's times the entry must stand that says that the clock was
// wrong. It is written within a minute.
const explained = 10 * time.Minute

// Backwards names the leaves whose time lies before the time of the leaf before them, at most limit. Where
// the log itself says that the clock was wrong then, the step is explained and not named.
func Backwards(tx *db.Tx, limit int) ([]int64, error) {
	var steps []struct {
		N  int64
		At time.Time
	}
	err := tx.Raw("SELECT b.n, b.at FROM audit_leaf b JOIN audit_leaf a ON a.n = b.n - 1 WHERE b.at < a.at ORDER BY b.n").Scan(&steps).Error
	if err != nil {
		return nil, fmt.Errorf("times of the log: %w", err)
	}
	var found []int64
	for _, s := range steps {
		var said int64
		err := tx.Model(&leafRow{}).Where("action IN ? AND n >= ? AND at >= ? AND at <= ?", clockActs, s.N, s.At.Add(-explained), s.At.Add(explained)).Count(&said).Error
		if err != nil {
			return nil, fmt.Errorf("times of the log: %w", err)
		}
		if said > 0 {
			continue
		}
		if found = append(found, s.N); len(found) == limit {
			break
		}
	}
	return found, nil
}
