package conversation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/seal"
)

// Back finds and locks the conversations that stand for the same as these tombstones: a restored
// database has them although they were destroyed. They are given in ascending order.
func Back(tx *db.Tx, stones []Tombstone) ([]id.Conversation, error) {
	byPlatform := map[string][][]byte{}
	for _, s := range stones {
		byPlatform[s.Platform] = append(byPlatform[s.Platform], s.ExternalMAC)
	}
	var ids []id.Conversation
	for platform, macs := range byPlatform {
		var found []id.Conversation
		err := tx.Model(&Conversation{}).Where("platform = ? AND external_mac IN ?", platform, macs).Pluck("id", &found).Error
		if err != nil {
			return nil, fmt.Errorf("find what is back: %w", err)
		}
		ids = append(ids, found...)
	}
	set, err := id.NewSet(ids...)
	if err != nil {
		return nil, nil // none is back
	}
	rows, err := Lock(tx, set)
	ids = ids[:0]
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// EraseAgain destroys locked conversations that a restored database has back, as Erase does, and
// leaves the tombstones, of these and of those that are not there. It fails where another
// purge has a tombstone. Only the replay of the outside ledger calls it.
func EraseAgain(tx *db.Tx, back []id.Conversation, stones []Tombstone) error {
	if len(back) > 0 {
		for _, part := range []struct {
			model any
			where string
		}{
			{&Key{}, "id IN ?"},
			{&Body{}, "id IN ?"},
			{&ConversationTag{}, "conversation_id IN ?"},
			{&RemovedTag{}, "conversation_id IN ?"},
			{&TaggedList{}, "conversation_id IN ?"},
			{&Conversation{}, "id IN ?"},
		} {
			if err := tx.Where(part.where, back).Delete(part.model).Error; err != nil {
				return fmt.Errorf("erase again: %w", err)
			}
		}
	}
	if err := index.Changed(tx, true, back...); err != nil {
		return err
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(stones, 500).Error; err != nil {
		return fmt.Errorf("write tombstones: %w", err)
	}
	return nil
}

// PutBuckets puts buckets of a restored database where they are now: under a slot that is alive, with what is left
// of them. They take nothing new from then on, since nobody knows which places were given meanwhile. It tells of
// how many keys in them the leaf is there.
func PutBuckets(tx *db.Tx, v Vault, now []Bucket) (found int, err error) {
	rows := make([]*Bucket, len(now))
	for i := range now {
		b := &now[i]
		rows[i] = b
		err := tx.Model(&Bucket{}).Where("id = ?", b.ID).Updates(map[string]any{"slot": b.Slot, "tree": b.Tree, "used": BucketSize}).Error
		if err != nil {
			return 0, fmt.Errorf("put bucket in place: %w", err)
		}
	}
	live, err := leavesOf(tx, rows)
	if err != nil {
		return 0, err
	}
	for _, b := range rows {
		t, err := v.tree(b)
		if err != nil {
			return 0, err
		}
		for _, leaf := range live[b.ID] {
			if t.Covers(leaf) {
				found++
			}
		}
	}
	return found, nil
}

// PutKey puts the data key of a conversation in place that is wrapped elsewhere than a restored database says, if
// it opens exactly the body that is there. It is false if it does not. The bucket's row is made where it is
// missing, of what the key says about its slot and tree.
func PutKey(tx *db.Tx, v Vault, kept Key, version uint32) (bool, error) {
	body, old, err := load(tx, kept.ID)
	switch {
	case db.NotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case body.Version != version || old.BucketID == kept.BucketID && old.Leaf == kept.Leaf && bytes.Equal(old.Wrapped, kept.Wrapped):
		return false, nil
	}
	var in Bucket
	err = tx.Where("id = ?", kept.BucketID).Take(&in).Error
	switch {
	case err == nil:
		kept.Slot, kept.Tree = in.Slot, in.Tree
	case !db.NotFound(err):
		return false, fmt.Errorf("find bucket: %w", err)
	}
	if _, err := v.Open(body, &kept); err != nil {
		if lost(err) {
			return false, nil
		}
		return false, err
	}
	if err := adopt(tx, &kept, &in, old.BucketID); err != nil {
		return false, err
	}
	err = tx.Model(&Key{}).Where("id = ?", kept.ID).Updates(map[string]any{"bucket_id": kept.BucketID, "leaf": kept.Leaf, "wrapped": kept.Wrapped}).Error
	if err != nil {
		return false, fmt.Errorf("put key in place: %w", err)
	}
	return true, nil
}

// lost tells of an error that a key does not open what it is tried on.
func lost(err error) bool {
	for _, no := range []error{seal.ErrDestroyed, seal.ErrTampered, seal.ErrNoBucket, seal.ErrDamaged} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// adopt counts one more key without a leaf in a bucket; a bucket without a row gets one of the same department and
// month as the bucket from which its keys came.
func adopt(tx *db.Tx, kept *Key, in *Bucket, from id.Bucket) error {
	if in.ID != 0 {
		if kept.Leaf >= 0 {
			return nil
		}
		if err := tx.Model(&Bucket{}).Where("id = ?", in.ID).Update("used", gorm.Expr("used + 1")).Error; err != nil {
			return fmt.Errorf("count key: %w", err)
		}
		return nil
	}
	var old Bucket
	if err := tx.Where("id = ?", from).Take(&old).Error; err != nil {
		return fmt.Errorf("find bucket: %w", err)
	}
	row := Bucket{ID: kept.BucketID, DepartmentID: old.DepartmentID, Month: old.Month, Used: 1, State: BucketOpen, CreatedAt: tx.Now, Slot: kept.Slot, Tree: kept.Tree}
	if kept.Leaf >= 0 {
		row.Used = BucketSize
	}
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store bucket: %w", err)
	}
	return nil
}

// OpenBuckets gives every bucket that is not destroyed, with its slot.
func OpenBuckets(tx *db.Tx) (map[id.Bucket]uint64, error) {
	var rows []Bucket
	if err := tx.Select("id", "slot").Where("state <> ?", BucketDestroyed).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find buckets: %w", err)
	}
	out := make(map[id.Bucket]uint64, len(rows))
	for _, b := range rows {
		out[b.ID] = b.Slot
	}
	return out, nil
}

// Stranded gives the conversations whose keys lie where nothing leads any more, in ascending order.
func Stranded(tx *db.Tx, v Vault) (ids []id.Conversation, err error) {
	for last, more := id.Bucket(0), true; more; {
		var page []*Bucket
		if err := tx.Where("id > ?", last).Order("id").Limit(500).Find(&page).Error; err != nil {
			return nil, fmt.Errorf("read buckets: %w", err)
		}
		if more = len(page) == 500; len(page) == 0 {
			break
		}
		last = page[len(page)-1].ID
		trees := make(map[id.Bucket]*seal.Tree, len(page))
		slots := make(map[id.Bucket]uint64, len(page))
		for _, b := range page {
			slots[b.ID] = b.Slot
			if trees[b.ID], err = v.tree(b); err != nil && !lost(err) {
				return nil, err
			}
		}
		var keys []Key
		if err := tx.Select("id", "bucket_id", "leaf").Where("bucket_id IN ?", bucketIDs(page)).Find(&keys).Error; err != nil {
			return nil, fmt.Errorf("find keys: %w", err)
		}
		for _, k := range keys {
			t := trees[k.BucketID]
			direct := k.Leaf < 0 && slots[k.BucketID] == uint64(k.BucketID)
			if t == nil || !direct && !t.Covers(k.Leaf) {
				ids = append(ids, k.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Unreadable marks conversations whose keys are lost, so that importing them again seals them anew
// although nothing about them changed.
func Unreadable(tx *db.Tx, ids []id.Conversation) error {
	err := tx.Model(&Conversation{}).Where("id IN ?", ids).Update("content_mac", make([]byte, 32)).Error
	if err != nil {
		return fmt.Errorf("mark unreadable conversations: %w", err)
	}
	return nil
}
