package purge

import (
	"fmt"
	"maps"
	"slices"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Reached gives the buckets in which something that a finished purge erased could still be reached from the key
// under which the bucket lies now: the proof that what is left of them does not open what is gone. It
// reads every line of every list.
func Reached(tx *db.Tx, keys *seal.Store) ([]id.Bucket, error) {
	erased, err := erasedLeaves(tx, "i.purge_id IN (SELECT p.id FROM purge_request p WHERE p.state IN ?)", []State{Done, DoneWithExceptions})
	if err != nil {
		return nil, err
	}
	return reached(tx, keys, erased)
}

// erasedLeaves gives the places of what was erased, by bucket, of the lines that meet a condition.
func erasedLeaves(tx *db.Tx, where string, args ...any) (map[id.Bucket]*seal.Leaves, error) {
	rows, err := tx.Raw("SELECT i.bucket_id, i.leaf FROM purge_item i WHERE "+where+" AND i.state = ? AND i.leaf >= 0", append(args, Purged)...).Rows()
	if err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	defer rows.Close()
	out := map[id.Bucket]*seal.Leaves{}
	for rows.Next() {
		var b id.Bucket
		var leaf int
		if err := rows.Scan(&b, &leaf); err != nil {
			return nil, fmt.Errorf("read what was erased: %w", err)
		}
		if out[b] == nil {
			out[b] = &seal.Leaves{}
		}
		out[b].Add(leaf)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	return out, nil
}

// reached gives those of the buckets that are there and cover one of the leaves.
func reached(tx *db.Tx, keys *seal.Store, erased map[id.Bucket]*seal.Leaves) (found []id.Bucket, err error) {
	for page := range slices.Chunk(slices.Sorted(maps.Keys(erased)), bucketsAtOnce) {
		var rows []conversation.Bucket
		if err := tx.Where("id IN ? AND state <> ?", page, conversation.BucketDestroyed).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read what is left of buckets: %w", err)
		}
		for _, b := range rows {
			status, err := keys.State(b.Slot)
			if err != nil {
				return nil, fmt.Errorf("ask the key store: %w", err)
			}
			if status.State != seal.Live {
				continue
			}
			t, err := keys.Tree(uint64(b.ID), b.Slot, b.Tree)
			if err != nil {
				return nil, fmt.Errorf("what is left of bucket %d: %w", b.ID, err)
			}
			if t.CoversAny(erased[b.ID]) {
				found = append(found, b.ID)
			}
		}
	}
	return found, nil
}

// slotsUpTo gives every slot under which the buckets of a purge lay until it, whichever purge destroyed it.
func slotsUpTo(tx *db.Tx, p id.Purge) (map[id.Bucket][]uint64, error) {
	var rows []struct {
		BucketID id.Bucket
		Slot     uint64
	}
	err := tx.Raw("SELECT b.bucket_id, e.slot FROM purge_bucket b JOIN purge_bucket e ON e.bucket_id = b.bucket_id AND e.slot <> 0 AND e.slot <= b.slot WHERE b.purge_id = ?", p).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read slots: %w", err)
	}
	out := map[id.Bucket][]uint64{}
	for _, r := range rows {
		out[r.BucketID] = append(out[r.BucketID], r.Slot)
	}
	return out, nil
}
