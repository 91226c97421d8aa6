package purge

import (
	"database/sql"
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
	out := map[id.Bucket]*seal.Leaves{}
	var b id.Bucket
	var leaf int
	to := []any{db.Number(&b), db.Number(&leaf)}
	lines := tx.Raw("SELECT i.bucket_id, i.leaf FROM purge_item i WHERE "+where+" AND i.state = ? AND i.leaf >= 0", append(args, Purged)...)
	err := db.EachRow(lines, func(r *sql.Rows) error {
		if err := r.Scan(to...); err != nil {
			return err
		}
		if out[b] == nil {
			out[b] = &seal.Leaves{}
		}
		out[b].Add(leaf)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	return out, nil
}

// reached gives those of the buckets that are there and cover one of the leaves.
func reached(tx *db.Tx, keys *seal.Store, erased map[id.Bucket]*seal.Leaves) (found []id.Bucket, err error) {
	for page := range slices.Chunk(slices.Sorted(maps.Keys(erased)), bucketsAtOnce) {
		rows, err := conversation.Buckets(tx.Where("id IN ? AND state <> ?", page, conversation.BucketDestroyed))
		if err != nil {
			return nil, fmt.Errorf("read what is left of buckets: %w", err)
		}
		places := make([]seal.Place, len(rows))
		for i, b := range rows {
			places[i] = seal.Place{Bucket: uint64(b.ID), Slot: b.Slot, State: b.Tree}
		}
		trees, errs := keys.Trees(places)
		for i, b := range rows {
			if errs[i] != nil {
				switch status, err := keys.State(b.Slot); {
				case err != nil:
					return nil, fmt.Errorf("ask the key store: %w", err)
				case status.State == seal.Live:
					return nil, fmt.Errorf("what is left of bucket %d: %w", b.ID, errs[i])
				}
				continue
			}
			if trees[i].CoversAny(erased[b.ID]) {
				found = append(found, b.ID)
			}
		}
	}
	return found, nil
}

// slotsUpTo gives every slot under which the buckets of a purge lay until it, whichever purge destroyed it.
func slotsUpTo(tx *db.Tx, p id.Purge) (map[id.Bucket][]uint64, error) {
	out := map[id.Bucket][]uint64{}
	var b id.Bucket
	var slot uint64
	to := []any{db.Number(&b), db.Number(&slot)}
	slots := tx.Raw("SELECT b.bucket_id, e.slot FROM purge_bucket b JOIN purge_bucket e ON e.bucket_id = b.bucket_id AND e.slot <> 0 AND e.slot <= b.slot WHERE b.purge_id = ?", p)
	err := db.EachRow(slots, func(r *sql.Rows) error {
		err := r.Scan(to...)
		out[b] = append(out[b], slot)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read slots: %w", err)
	}
	return out, nil
}
