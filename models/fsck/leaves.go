package fsck

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// slotsLeft finds slots whose key a purge says it destroyed, and which the key store has.
func (c *Checker) slotsLeft(tx *db.Tx) (out []Finding, err error) {
	var gone []struct {
		BucketID id.Bucket
		Slot     uint64
	}
	if err := tx.Raw("SELECT DISTINCT bucket_id, slot FROM purge_bucket WHERE state = 'destroyed' AND slot <> 0").Scan(&gone).Error; err != nil {
		return nil, fmt.Errorf("slots: %w", err)
	}
	for _, g := range gone {
		s, err := c.Store.State(g.Slot)
		if err != nil {
			return nil, fmt.Errorf("slot %d: %w", g.Slot, err)
		}
		if s.State == seal.Live {
			out = append(out, Finding{"I9", "fsck.slot_alive", id.String(g.BucketID)})
		}
		if len(out) == perCheck {
			break
		}
	}
	return out, nil
}

// leavesThere finds conversations whose place was taken out of their bucket, and buckets whose rest does not open. A
// bucket that was never punctured has all its places.
func (c *Checker) leavesThere(tx *db.Tx) (out []Finding, err error) {
	for last, more := id.Bucket(0), true; more && len(out) < perCheck; {
		var page []conversation.Bucket
		err := tx.Where("id > ? AND state = ? AND tree IS NOT NULL", last, conversation.BucketOpen).Order("id").Limit(bodyPage).Find(&page).Error
		if err != nil {
			return nil, fmt.Errorf("buckets: %w", err)
		}
		if more = len(page) == bodyPage; len(page) == 0 {
			break
		}
		last = page[len(page)-1].ID
		trees := map[id.Bucket]*seal.Tree{}
		ids := make([]id.Bucket, len(page))
		for i, b := range page {
			ids[i] = b.ID
			t, err := c.Store.Tree(uint64(b.ID), b.Slot, b.Tree)
			switch {
			case err == nil:
				trees[b.ID] = t
			case !errors.Is(err, seal.ErrDestroyed): // which a purge beside us may have done, and bucketStates tells
				out = append(out, Finding{"I9", "fsck.bucket_unreadable", id.String(b.ID)})
			}
		}
		var keys []conversation.Key
		if err := tx.Select("id", "bucket_id", "leaf").Where("bucket_id IN ?", ids).Find(&keys).Error; err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		for _, k := range keys {
			if t := trees[k.BucketID]; t != nil && !t.Covers(k.Leaf) {
				out = append(out, Finding{"I5", "fsck.leaf_gone", id.String(k.ID)})
			}
		}
	}
	return out[:min(len(out), perCheck)], nil
}

// erasedReached finds buckets in which something that was purged could still be reached.
func (c *Checker) erasedReached(ctx context.Context) (out []Finding, err error) {
	err = c.DB.Read(ctx, func(tx *db.Tx) error {
		buckets, err := purge.Reached(tx, c.Store)
		out = nil
		for _, b := range buckets[:min(len(buckets), perCheck)] {
			out = append(out, Finding{"I9", "fsck.leaf_left", id.String(b)})
		}
		return err
	})
	return out, err
}
