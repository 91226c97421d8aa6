package purge

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
)

// putItems writes what became of every line of the manifest.
func (w *Runner) putItems(ctx context.Context, r *Request, put func(ledgerLine) error) error {
	gone, left := int64(0), int64(0)
	for next := int64(0); ; {
		var rows []struct {
			Item
			ExternalMAC []byte    `gorm:"column:external_mac"`
			By          *id.Purge // whose tombstone it is
		}
		err := w.DB.Read(ctx, func(tx *db.Tx) error {
			// The join names the conversation alone: offered the purge as well, SQLite takes that index and
			// reads all its tombstones for every line.
			return tx.Raw("SELECT i.*, t.external_mac, t.purge_id AS `by` FROM purge_item i LEFT JOIN tombstone t ON t.conversation_id = i.conversation_id "+
				"WHERE i.purge_id = ? AND i.seq >= ? ORDER BY i.seq LIMIT ?", r.ID, next, manifestPage).Scan(&rows).Error
		})
		if err != nil {
			return fmt.Errorf("read what was erased: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		for _, it := range rows {
			line := ledgerLine{Left: it.ConversationID, Reason: it.Reason, Platform: it.Platform, Department: it.DepartmentID}
			left++
			if it.State == Purged {
				line = ledgerLine{Gone: it.ConversationID, Platform: it.Platform, External: it.ExternalMAC, Department: it.DepartmentID}
				gone, left = gone+1, left-1
			}
			if it.State == Pending || it.State == Purged && (it.By == nil || *it.By != r.ID || len(it.ExternalMAC) == 0) {
				return fmt.Errorf("purge %s: line %d is %s and has no tombstone", r.Code, it.Seq, it.State)
			}
			if err := put(line); err != nil {
				return err
			}
		}
		next = rows[len(rows)-1].Seq + 1
	}
	if gone != r.Purged || left != r.Skipped {
		return fmt.Errorf("purge %s: %d erased and %d skipped, %d and %d were counted", r.Code, gone, left, r.Purged, r.Skipped)
	}
	return nil
}

// putBuckets writes the buckets whose keys are to be destroyed, and for each the data keys that
// moved out of it: not only where this purge put them, but where they are now, since
// another purge may have moved them on. One transaction sees both alike.
func (w *Runner) putBuckets(ctx context.Context, p id.Purge, put func(ledgerLine) error) error {
	var list []bucket
	err := w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("purge_id = ?", p).Order("bucket_id").Find(&list).Error })
	if err != nil {
		return fmt.Errorf("read buckets: %w", err)
	}
	for page := range slices.Chunk(list, bucketsAtOnce) {
		for _, b := range page {
			if b.State == touched {
				return fmt.Errorf("purge %d: bucket %d still holds survivors", p, b.BucketID)
			}
		}
		var kept map[id.Bucket][]keptKey
		err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
			kept, err = keptFrom(tx, bucketIDs(page))
			return err
		})
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := put(ledgerLine{Closed: b.BucketID}); err != nil {
				return err
			}
			for _, k := range kept[b.BucketID] {
				if err := put(ledgerLine{Kept: k.ID, Version: k.Version, Bucket: k.BucketID, Wrapped: k.Wrapped}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// bucketsAtOnce is how many buckets' survivors are read together; each has a thousand at most.
const bucketsAtOnce = 64

// keptKey is the data key of a version of a conversation, where it is now.
type keptKey struct {
	ID       id.Conversation
	Version  uint32
	BucketID id.Bucket
	Wrapped  []byte
}

// keptFrom gives the data keys that moved out of each of the buckets, where they are now.
func keptFrom(tx *db.Tx, from []id.Bucket) (map[id.Bucket][]keptKey, error) {
	homes, all, err := successors(tx, from)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var keys []keptKey
	// The row has its body's version (fsck proves it), and is read without a page of text for each.
	err = tx.Table("conversation_key k").Joins("JOIN conversation c ON c.id = k.id").Where("k.bucket_id IN ?", all).
		Select("k.id, c.version, k.bucket_id, k.wrapped").Order("k.id").Scan(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("read surviving keys: %w", err)
	}
	kept := make(map[id.Bucket][]keptKey, len(from))
	for _, k := range keys {
		for _, b := range homes[k.BucketID] {
			kept[b] = append(kept[b], k)
		}
	}
	return kept, nil
}

// successors follows the moves out of buckets, whoever made them: all are the buckets in which keys
// of theirs may be now, and homes says of each of them for which ones.
func successors(tx *db.Tx, from []id.Bucket) (homes map[id.Bucket][]id.Bucket, all []id.Bucket, err error) {
	homes = map[id.Bucket][]id.Bucket{}
	asked := map[id.Bucket]bool{}
	moves := map[id.Bucket][]id.Bucket{}
	for next := from; len(next) > 0; {
		var rows []bucket
		err := tx.Select("bucket_id", "moved_to").Where("bucket_id IN ? AND moved_to <> 0", next).Find(&rows).Error
		if err != nil {
			return nil, nil, fmt.Errorf("follow moved keys: %w", err)
		}
		for _, b := range next {
			asked[b] = true
		}
		next = nil
		for _, r := range rows {
			moves[r.BucketID] = append(moves[r.BucketID], r.MovedTo)
			if !asked[r.MovedTo] {
				asked[r.MovedTo] = true
				next = append(next, r.MovedTo)
			}
		}
	}
	for _, b := range from {
		seen := map[id.Bucket]bool{b: true}
		for next := moves[b]; len(next) > 0; next = next[1:] {
			to := next[0]
			if seen[to] {
				continue
			}
			seen[to] = true
			homes[to] = append(homes[to], b)
			next = slices.Concat(next, moves[to])
		}
	}
	return homes, slices.Sorted(maps.Keys(homes)), nil
}
