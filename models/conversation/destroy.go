package conversation

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// LockFree locks buckets of which these slots' keys are about to be destroyed, in ascending order, and makes sure that
// nothing that lives needs one of them: a bucket has moved on to another slot, under which what is left of it
// opens, or it takes nothing new and holds no key that could be opened.
func LockFree(tx *db.Tx, v Vault, slots map[id.Bucket][]uint64) error {
	rows, err := lockBuckets(tx, slices.Collect(maps.Keys(slots)))
	if err != nil {
		return err
	}
	for part := range slices.Chunk(slices.Concat(slices.Collect(maps.Values(slots))...), idsAtOnce) {
		var open []id.Bucket
		if err := tx.Model(&Bucket{}).Where("slot IN ? AND state = ?", part, BucketOpen).Limit(1).Pluck("id", &open).Error; err != nil {
			return fmt.Errorf("look what lies under the keys: %w", err)
		}
		if len(open) > 0 {
			return fmt.Errorf("bucket %d is open under the key", open[0])
		}
	}
	var staying, ending []*Bucket
	var own []id.Bucket // of which the slot of their own number goes, which alone wraps without a leaf
	for i := range rows {
		switch b := &rows[i]; b.State {
		case BucketDestroyed:
			continue
		case BucketOpen:
			staying = append(staying, b)
		default:
			ending = append(ending, b)
		}
		if slices.Contains(slots[rows[i].ID], uint64(rows[i].ID)) {
			own = append(own, rows[i].ID)
		}
	}
	_, errs := v.trees(staying)
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("what is left of bucket %d: %w", staying[i].ID, err)
		}
	}
	if err := v.noneDirect(tx, own); err != nil {
		return err
	}
	return v.nothingIn(tx, ending)
}

// noneDirect makes sure that the keys of buckets themselves wrap nothing, as long as these keys are there.
func (v Vault) noneDirect(tx *db.Tx, own []id.Bucket) error {
	var direct []Key
	for part := range slices.Chunk(own, idsAtOnce) {
		var some []Key
		if err := tx.ForUpdate().Select("id", "bucket_id").Where("bucket_id IN ? AND leaf < 0", part).Find(&some).Error; err != nil {
			return fmt.Errorf("look for keys in the buckets: %w", err)
		}
		direct = append(direct, some...)
	}
	for _, k := range direct {
		switch status, err := v.Store.State(uint64(k.BucketID)); {
		case err != nil:
			return fmt.Errorf("ask the key store: %w", err)
		case status.State == seal.Live:
			return fmt.Errorf("bucket %d still holds the key of conversation %d", k.BucketID, k.ID)
		}
	}
	return nil
}

// nothingIn makes sure that no key lies in the buckets, but for those that are lost already.
func (v Vault) nothingIn(tx *db.Tx, ending []*Bucket) error {
	live, err := leavesOf(tx, ending)
	if err != nil {
		return err
	}
	for _, b := range ending {
		if len(live[b.ID]) == 0 {
			continue
		}
		t, err := v.tree(b)
		if errors.Is(err, seal.ErrDestroyed) {
			continue
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(live[b.ID], t.Covers) {
			return fmt.Errorf("bucket %d still holds keys", b.ID)
		}
	}
	return nil
}

// SlotsGone notes that slots' keys were destroyed in the key store: buckets that lie under one are destroyed.
func SlotsGone(tx *db.Tx, slots []uint64) error {
	for part := range slices.Chunk(slots, idsAtOnce) {
		err := tx.Model(&Bucket{}).Where("slot IN ? AND state <> ?", part, BucketDestroyed).
			Updates(map[string]any{"state": BucketDestroyed, "destroyed_at": tx.Now, "used": 0, "tree": nil}).Error
		if err != nil {
			return fmt.Errorf("note destroyed buckets: %w", err)
		}
	}
	return nil
}
