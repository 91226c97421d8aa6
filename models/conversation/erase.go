package conversation

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Lock reads and locks the rows of the conversations in ascending order, so that two
// callers never wait for each other in a circle. What is gone is left out.
func Lock(tx *db.Tx, ids id.Set[id.Conversation]) ([]Conversation, error) {
	var rows []Conversation
	if err := tx.ForUpdate().Where("id IN ?", ids.Values()).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock conversations: %w", err)
	}
	return rows, nil
}

// Move takes conversations that are in state from to state to and puts them into the batch
// (nil: into none). It tells how many it moved; the caller compares.
func Move(tx *db.Tx, ids id.Set[id.Conversation], from, to State, batch *id.Batch) (int64, error) {
	res := tx.Model(&Conversation{}).Where("id IN ? AND state = ?", ids.Values(), from).
		Updates(map[string]any{"state": to, "batch_id": batch})
	if res.Error != nil {
		return 0, fmt.Errorf("move conversations: %w", res.Error)
	}
	return res.RowsAffected, nil
}

// Erase destroys conversations for good, inside a purge's step: key first, then body, tags
// and row. In their place it leaves tombstones. Every id must be there and locked;
// otherwise it fails and nothing is erased. Only models/purge calls it.
func Erase(tx *db.Tx, ids id.Set[id.Conversation], purge id.Purge) error {
	list := ids.Values()
	err := tx.Exec("INSERT INTO tombstone (platform, external_mac, conversation_id, department_id, purge_id, created_at) "+
		"SELECT platform, external_mac, id, department_id, ?, ? FROM conversation WHERE id IN ?", purge, tx.Now, list).Error
	if err != nil {
		return fmt.Errorf("write tombstones: %w", err)
	}
	for _, part := range []struct {
		model any
		where string
		each  bool // exactly one row per conversation
	}{
		{&Key{}, "id IN ?", true},
		{&Body{}, "id IN ?", true},
		{&ConversationTag{}, "conversation_id IN ?", false},
		{&Conversation{}, "id IN ?", true},
	} {
		res := tx.Where(part.where, list).Delete(part.model)
		if res.Error != nil {
			return fmt.Errorf("erase: %w", res.Error)
		}
		if part.each && res.RowsAffected != int64(len(list)) {
			return fmt.Errorf("erase %T: %d rows for %d conversations", part.model, res.RowsAffected, len(list))
		}
	}
	return nil
}

// CloseBucket stops a bucket from taking new conversations. It is false when the bucket was
// destroyed already.
func CloseBucket(tx *db.Tx, b id.Bucket) (bool, error) {
	var row Bucket
	if err := tx.ForUpdate().Where("id = ?", b).Take(&row).Error; err != nil {
		return false, fmt.Errorf("lock bucket: %w", err)
	}
	if row.State == BucketDestroyed {
		return false, nil
	}
	return true, tx.Model(&Bucket{}).Where("id = ?", b).Update("state", BucketClosing).Error
}

// Rewrap moves the data keys that are left in a closing bucket under a new bucket's key, so
// that the old key can be destroyed without losing them. It tells which bucket that is, 0 if
// none was needed, and how many there were.
func Rewrap(tx *db.Tx, v Vault, b id.Bucket) (to id.Bucket, survivors int, err error) {
	var old Bucket
	if err := tx.ForUpdate().Where("id = ? AND state = ?", b, BucketClosing).Take(&old).Error; err != nil {
		return 0, 0, fmt.Errorf("lock bucket: %w", err)
	}
	var keys []Key
	if err := tx.ForUpdate().Where("bucket_id = ?", b).Order("id").Find(&keys).Error; err != nil {
		return 0, 0, fmt.Errorf("find surviving keys: %w", err)
	}
	if len(keys) == 0 {
		return 0, 0, nil
	}
	fresh, err := v.Store.NewBuckets(1)
	if err != nil {
		return 0, 0, fmt.Errorf("new bucket key: %w", err)
	}
	row := Bucket{ID: id.Bucket(fresh[0]), DepartmentID: old.DepartmentID, Month: old.Month, Used: len(keys), State: BucketOpen, CreatedAt: tx.Now}
	if err := tx.Create(&row).Error; err != nil {
		return 0, 0, fmt.Errorf("store bucket: %w", err)
	}
	return row.ID, len(keys), rewrapKeys(tx, v, keys, b, row.ID)
}

func rewrapKeys(tx *db.Tx, v Vault, keys []Key, from, to id.Bucket) error {
	var a, b *seal.Bucket
	var err error
	if a, err = v.Store.Bucket(uint64(from)); err == nil {
		b, err = v.Store.Bucket(uint64(to))
	}
	if err != nil {
		return fmt.Errorf("bucket keys: %w", err)
	}
	for part := range slices.Chunk(keys, rewrapAtOnce) {
		for i := range part {
			if part[i].Wrapped, err = a.RewrapTo(b, uint64(part[i].ID), part[i].Wrapped); err != nil {
				return fmt.Errorf("rewrap key: %w", err)
			}
		}
		if err := storeRewrapped(tx, part, from, to); err != nil {
			return err
		}
	}
	return nil
}

// rewrapAtOnce is how many keys one statement stores. One statement each would take longer than a
// worker's lease where the database is some milliseconds away.
const rewrapAtOnce = 256

func storeRewrapped(tx *db.Tx, keys []Key, from, to id.Bucket) error {
	var cases strings.Builder
	args, ids := []any{to}, make([]id.Conversation, len(keys))
	for i, k := range keys {
		cases.WriteString(" WHEN ? THEN ?")
		args, ids[i] = append(args, k.ID, k.Wrapped), k.ID
	}
	res := tx.Exec("UPDATE conversation_key SET bucket_id = ?, wrapped = CASE id"+cases.String()+" END WHERE id IN ? AND bucket_id = ?", append(args, ids, from)...)
	switch {
	case res.Error != nil:
		return fmt.Errorf("store rewrapped keys: %w", res.Error)
	case res.RowsAffected != int64(len(keys)):
		return fmt.Errorf("store rewrapped keys: %d rows for %d keys", res.RowsAffected, len(keys))
	}
	return nil
}

// BucketGone notes that a bucket's key was destroyed in the key store.
func BucketGone(tx *db.Tx, b id.Bucket) error {
	res := tx.Model(&Bucket{}).Where("id = ? AND state <> ?", b, BucketDestroyed).
		Updates(map[string]any{"state": BucketDestroyed, "destroyed_at": tx.Now, "used": gorm.Expr("0")})
	return res.Error
}
