package purge

import (
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/approval"
	"qingdang/models/db"
)

func count(q *gorm.DB) (n int64, err error) {
	if err := q.Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

func tally(tx *db.Tx, query string, args ...any) (n int64, err error) {
	if err := tx.Raw(query, args...).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

// ForgedVotes names the purges with a vote that was not cast here, for the checker of the
// whole database.
func ForgedVotes(tx *db.Tx, k approval.Keys) ([]string, error) {
	subjects, err := approval.Forged(tx, k, approval.Purge)
	if err != nil || len(subjects) == 0 {
		return nil, err
	}
	var codes []string
	if err := tx.Model(&Request{}).Where("id IN ?", subjects).Order("id").Pluck("code", &codes).Error; err != nil {
		return nil, fmt.Errorf("name forged purges: %w", err)
	}
	return codes, nil
}

// ChangedManifests names the purges whose stored list no longer gives the root that was agreed
// to.
func ChangedManifests(tx *db.Tx) ([]string, error) {
	var rows []Request
	if err := tx.Select("id", "code", "root", "size").Where("requester_id <> 0").Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read purges: %w", err)
	}
	var changed []string
	for _, r := range rows {
		root, size, err := storedRoot(tx, r.ID)
		if err != nil {
			return nil, err
		}
		if size != r.Size || string(root[:]) != string(r.Root) {
			changed = append(changed, r.Code)
		}
	}
	return changed, nil
}
