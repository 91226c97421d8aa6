package conversation

import (
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// CloseBuckets stops buckets from taking new conversations, locks them in ascending order and
// gives those that were not destroyed already.
func CloseBuckets(tx *db.Tx, ids []id.Bucket) ([]Bucket, error) {
	var rows []Bucket
	if err := tx.ForUpdate().Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock buckets: %w", err)
	}
	if len(rows) != len(ids) {
		return nil, fmt.Errorf("lock buckets: %d of %d", len(rows), len(ids))
	}
	alive := slices.DeleteFunc(rows, func(b Bucket) bool { return b.State == BucketDestroyed })
	var open []id.Bucket
	for i := range alive {
		if alive[i].State == BucketOpen {
			open, alive[i].State = append(open, alive[i].ID), BucketClosing
		}
	}
	if len(open) == 0 {
		return alive, nil
	}
	if err := tx.Model(&Bucket{}).Where("id IN ?", open).Update("state", BucketClosing).Error; err != nil {
		return nil, fmt.Errorf("close buckets: %w", err)
	}
	return alive, nil
}

// Moved says where the data keys went that were left in a bucket, and how many.
type Moved struct {
	To id.Bucket
	N  int
}

// Rewrap moves the data keys that are left in closing buckets, which the caller has locked, under
// the keys of new buckets, one for each, so that the old keys can be destroyed without losing
// them. Buckets without any are left out of what it gives.
func Rewrap(tx *db.Tx, v Vault, old []Bucket) (map[id.Bucket]Moved, error) {
	moved := map[id.Bucket]Moved{}
	ids := make([]id.Bucket, len(old))
	for i, b := range old {
		if b.State != BucketClosing {
			return nil, fmt.Errorf("rewrap: bucket %d is not closing", b.ID)
		}
		ids[i] = b.ID
	}
	if len(ids) == 0 {
		return moved, nil
	}
	var keys []Key
	if err := tx.ForUpdate().Where("bucket_id IN ?", ids).Order("id").Find(&keys).Error; err != nil {
		return nil, fmt.Errorf("find surviving keys: %w", err)
	}
	for _, k := range keys {
		m := moved[k.BucketID]
		m.N++
		moved[k.BucketID] = m
	}
	if len(keys) == 0 {
		return moved, nil
	}
	if err := newHomes(tx, v, old, moved); err != nil {
		return nil, err
	}
	rows, err := rewrapAll(v, keys, moved)
	if err != nil {
		return nil, err
	}
	if err := tx.Overwrite("conversation_key", []string{"id"}, []string{"bucket_id", "wrapped"}, rows); err != nil {
		return nil, fmt.Errorf("store rewrapped keys: %w", err)
	}
	return moved, nil
}

// newHomes makes a bucket for each that has survivors, with one sync of the key store. If the
// transaction fails, the new keys stay behind unused.
func newHomes(tx *db.Tx, v Vault, old []Bucket, moved map[id.Bucket]Moved) error {
	fresh, err := v.Store.NewBuckets(len(moved))
	if err != nil {
		return fmt.Errorf("new bucket keys: %w", err)
	}
	rows := make([]Bucket, 0, len(moved))
	for _, b := range old {
		m, ok := moved[b.ID]
		if !ok {
			continue
		}
		m.To, fresh = id.Bucket(fresh[0]), fresh[1:]
		moved[b.ID] = m
		rows = append(rows, Bucket{ID: m.To, DepartmentID: b.DepartmentID, Month: b.Month, Used: m.N, State: BucketOpen, CreatedAt: tx.Now})
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("store buckets: %w", err)
	}
	return nil
}

// rewrapAll re-wraps data keys from their buckets' keys to the new ones and gives rows of id,
// bucket and wrapped key.
func rewrapAll(v Vault, keys []Key, moved map[id.Bucket]Moved) ([][]any, error) {
	type pair struct{ from, to *seal.Bucket }
	open := make(map[id.Bucket]pair, len(moved))
	for b, m := range moved {
		from, err := v.Store.Bucket(uint64(b))
		if err != nil {
			return nil, fmt.Errorf("bucket key: %w", err)
		}
		to, err := v.Store.Bucket(uint64(m.To))
		if err != nil {
			return nil, fmt.Errorf("bucket key: %w", err)
		}
		open[b] = pair{from, to}
	}
	rows := make([][]any, len(keys))
	for i, k := range keys {
		p := open[k.BucketID]
		wrapped, err := p.from.RewrapTo(p.to, uint64(k.ID), k.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("rewrap key: %w", err)
		}
		rows[i] = []any{k.ID, moved[k.BucketID].To, wrapped}
	}
	return rows, nil
}

// LockEmpty locks buckets whose keys are about to be destroyed, in ascending order, and makes
// sure that they take nothing new and that no data key is left under their keys.
func LockEmpty(tx *db.Tx, ids []id.Bucket) error {
	var rows []Bucket
	if err := tx.ForUpdate().Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("lock buckets: %w", err)
	}
	if len(rows) != len(ids) {
		return fmt.Errorf("lock buckets: %d of %d", len(rows), len(ids))
	}
	for _, b := range rows {
		if b.State == BucketOpen {
			return fmt.Errorf("bucket %d is open again", b.ID)
		}
	}
	var keys []Key
	if err := tx.ForUpdate().Select("id", "bucket_id").Where("bucket_id IN ?", ids).Limit(1).Find(&keys).Error; err != nil {
		return fmt.Errorf("look for keys in the buckets: %w", err)
	}
	if len(keys) > 0 {
		return fmt.Errorf("bucket %d still holds the key of conversation %d", keys[0].BucketID, keys[0].ID)
	}
	return nil
}

// BucketsGone notes that buckets' keys were destroyed in the key store.
func BucketsGone(tx *db.Tx, ids []id.Bucket) error {
	err := tx.Model(&Bucket{}).Where("id IN ? AND state <> ?", ids, BucketDestroyed).
		Updates(map[string]any{"state": BucketDestroyed, "destroyed_at": tx.Now, "used": 0}).Error
	if err != nil {
		return fmt.Errorf("note destroyed buckets: %w", err)
	}
	return nil
}
