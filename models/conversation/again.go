package conversation

import (
	"bytes"
	"errors"
	"fmt"

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
			{&Key{}, "id IN ?"}, {&Body{}, "id IN ?"}, {&ConversationTag{}, "conversation_id IN ?"}, {&Conversation{}, "id IN ?"},
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

// PutKey puts the data key of a conversation in place that is wrapped by another bucket than the
// one that a restored database names, if it opens exactly the body that is there. It is false
// if it does not. The new bucket's row is made where it is missing.
func PutKey(tx *db.Tx, v Vault, kept Key, version uint32) (bool, error) {
	body, old, err := load(tx, kept.ID)
	switch {
	case db.NotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case body.Version != version || old.BucketID == kept.BucketID && bytes.Equal(old.Wrapped, kept.Wrapped):
		return false, nil
	}
	if _, err := v.Open(body, &kept); err != nil {
		if errors.Is(err, seal.ErrDestroyed) || errors.Is(err, seal.ErrTampered) || errors.Is(err, seal.ErrNoBucket) {
			return false, nil
		}
		return false, err
	}
	if err := adopt(tx, kept.BucketID, old.BucketID); err != nil {
		return false, err
	}
	err = tx.Model(&Key{}).Where("id = ?", kept.ID).Updates(map[string]any{"bucket_id": kept.BucketID, "wrapped": kept.Wrapped}).Error
	if err != nil {
		return false, fmt.Errorf("put key in place: %w", err)
	}
	return true, nil
}

// adopt counts one more key in a bucket; a bucket without a row gets one of the same department and
// month as the bucket from which its keys came.
func adopt(tx *db.Tx, to, from id.Bucket) error {
	res := tx.Model(&Bucket{}).Where("id = ?", to).Update("used", gorm.Expr("used + 1"))
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	var old Bucket
	if err := tx.Where("id = ?", from).Take(&old).Error; err != nil {
		return fmt.Errorf("find bucket: %w", err)
	}
	row := Bucket{ID: to, DepartmentID: old.DepartmentID, Month: old.Month, Used: 1, State: BucketOpen, CreatedAt: tx.Now}
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store bucket: %w", err)
	}
	return nil
}

// KeysIn gives the conversations whose data keys lie in the buckets, in ascending order.
func KeysIn(tx *db.Tx, buckets []id.Bucket) ([]id.Conversation, error) {
	var ids []id.Conversation
	if err := tx.Model(&Key{}).Where("bucket_id IN ?", buckets).Order("id").Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("find keys: %w", err)
	}
	return ids, nil
}

// KeyBuckets gives every bucket that holds a data key.
func KeyBuckets(tx *db.Tx) ([]id.Bucket, error) {
	var ids []id.Bucket
	if err := tx.Model(&Key{}).Distinct().Order("bucket_id").Pluck("bucket_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("find buckets: %w", err)
	}
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
