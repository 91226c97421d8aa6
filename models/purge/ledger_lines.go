package purge

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// putItems puts what became of every line of the manifest, once each has seen the line. What is wrong with one of them keeps the
// rest from being put, not from being seen.
func putItems(tx *db.Tx, r *Request, each func(*Item) error, put func(ledgerLine) error) (wrong, err error) {
	var it Item
	var external sql.RawBytes
	var by id.Purge // whose tombstone it is
	to := append(it.columns(), &external, db.Number(&by))
	gone, left := int64(0), int64(0)
	// The join names the conversation alone: offered the purge as well, SQLite takes that index and
	// reads all its tombstones for every line.
	lines := tx.Raw("SELECT "+itemColumns+", t.external_mac, t.purge_id FROM purge_item i LEFT JOIN tombstone t ON t.conversation_id = i.conversation_id "+
		"WHERE i.purge_id = ? ORDER BY i.seq", r.ID)
	err = db.EachRow(lines, func(rows *sql.Rows) error {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if err := each(&it); err != nil || wrong != nil {
			return err
		}
		if it.State == Pending || it.State == Purged && (by != r.ID || len(external) == 0) {
			wrong = fmt.Errorf("purge %s: line %d is %s and has no tombstone", r.Code, it.Seq, it.State)
			return nil
		}
		if it.State == Purged {
			gone++
			return put(ledgerLine{Gone: it.ConversationID, Platform: it.Platform, External: external, Department: it.DepartmentID})
		}
		left++
		return put(ledgerLine{Left: it.ConversationID, Reason: it.Reason, Platform: it.Platform, Department: it.DepartmentID})
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("write down what was erased: %w", err)
	case wrong == nil && (gone != r.Purged || left != r.Skipped):
		wrong = fmt.Errorf("purge %s: %d erased and %d skipped, %d and %d were counted", r.Code, gone, left, r.Purged, r.Skipped)
	}
	return wrong, nil
}

// putBuckets writes the slots whose keys are to be destroyed, and what is left of each bucket: not only what this
// purge left of it, but as it is now, since another purge may have taken more. One transaction sees both
// alike.
func (w *Runner) putBuckets(ctx context.Context, p id.Purge, put func(ledgerLine) error) error {
	var list []bucket
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = bucketsOf(tx.Where("purge_id = ?", p).Order("bucket_id"))
		return err
	})
	if err != nil {
		return err
	}
	for page := range slices.Chunk(list, bucketsAtOnce) {
		for _, b := range page {
			if b.State == touched {
				return fmt.Errorf("purge %d: bucket %d was not punctured", p, b.BucketID)
			}
		}
		var lines []ledgerLine
		err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
			lines, err = bucketLines(tx, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := put(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucketsAtOnce is how many buckets are read together; what is left of one takes 16 KB at most.
const bucketsAtOnce = 256

// bucketLines are the lines about some buckets of a purge.
func bucketLines(tx *db.Tx, page []bucket) (lines []ledgerLine, err error) {
	slots, lifted, err := slotsOf(tx, page)
	if err != nil {
		return nil, err
	}
	for _, b := range page {
		for _, s := range slots[b.BucketID] {
			lines = append(lines, ledgerLine{Closed: s, Bucket: b.BucketID})
		}
	}
	kept, err := liftedKeys(tx, lifted)
	if err != nil {
		return nil, err
	}
	about := bucketIDs(page)
	for _, k := range kept {
		about = append(about, k.BucketID)
	}
	rows, err := conversation.Buckets(tx.Where("id IN ? AND state = ? AND tree IS NOT NULL", about, conversation.BucketOpen).Order("id"))
	if err != nil {
		return nil, fmt.Errorf("read what is left of buckets: %w", err)
	}
	for _, b := range rows {
		lines = append(lines, ledgerLine{Now: b.ID, Slot: b.Slot, Tree: b.Tree})
	}
	for _, k := range kept {
		line := ledgerLine{Kept: k.ID, Version: k.Version, Bucket: k.BucketID, Wrapped: k.Wrapped}
		if k.Leaf >= 0 {
			line.Leaf = &k.Leaf
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// slotsOf gives the slots of a purge's buckets whose keys go with it: its own, and those of earlier purges that did not
// come to destroy them, under which what this one erased lay too. Of the buckets in lifted some keys got
// their leaf, or moved to another bucket as they did before there were leaves, while they lay under one of these.
func slotsOf(tx *db.Tx, list []bucket) (slots map[id.Bucket][]uint64, lifted []id.Bucket, err error) {
	own := make(map[id.Bucket]uint64, len(list))
	slots = make(map[id.Bucket][]uint64, len(list))
	for _, b := range list {
		own[b.BucketID], slots[b.BucketID] = b.Slot, []uint64{b.Slot}
		if b.Lifted > 0 {
			lifted = append(lifted, b.BucketID)
		}
	}
	earlier, err := bucketsOf(tx.Where("bucket_id IN ? AND state = ?", bucketIDs(list), closed).Order("bucket_id, slot"))
	if err != nil {
		return nil, nil, err
	}
	for _, b := range earlier {
		if b.Slot >= own[b.BucketID] || slices.Contains(slots[b.BucketID], b.Slot) {
			continue
		}
		slots[b.BucketID] = append(slots[b.BucketID], b.Slot)
		if b.Lifted > 0 {
			lifted = append(lifted, b.BucketID)
		}
	}
	return slots, lifted, nil
}

// keptKey is the data key of a version of a conversation, where it is now.
type keptKey struct {
	ID       id.Conversation
	Version  uint32
	BucketID id.Bucket
	Leaf     int
	Wrapped  []byte
}

// liftedKeys gives the data keys of buckets in which keys got their leaf: a backup from before that has them wrapped by
// the old slot's key itself, so that what is left of the bucket does not help it. Before there were leaves keys
// moved to other buckets instead, and maybe on from there.
func liftedKeys(tx *db.Tx, from []id.Bucket) ([]keptKey, error) {
	all := map[id.Bucket]bool{}
	for next := from; len(next) > 0; {
		for _, b := range next {
			all[b] = true
		}
		var to []id.Bucket
		if err := tx.Model(&bucket{}).Where("bucket_id IN ? AND moved_to <> 0", next).Pluck("moved_to", &to).Error; err != nil {
			return nil, fmt.Errorf("follow moved keys: %w", err)
		}
		next = slices.DeleteFunc(to, func(b id.Bucket) bool { return all[b] })
	}
	if len(all) == 0 {
		return nil, nil
	}
	var keys []keptKey
	// The row has its body's version (fsck proves it), and is read without a page of text for each.
	err := tx.Table("conversation_key k").Joins("JOIN conversation c ON c.id = k.id").Where("k.bucket_id IN ?", slices.Sorted(maps.Keys(all))).
		Select("k.id, c.version, k.bucket_id, k.leaf, k.wrapped").Order("k.id").Scan(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("read surviving keys: %w", err)
	}
	return keys, nil
}
