package index

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// The states of a segment's key.
const (
	keyLive      = 1
	keyDoomed    = 2 // its segment is gone, the key store may still have it
	keyDestroyed = 3
)

// gone is a segment that nobody reads any more. Its key is destroyed at once, its parts are cleared
// away after that.
const gone = 3

// keyRow remembers which slots of the key store are the index's, also after their end: a backup of the
// key store must not bring them back.
type keyRow struct {
	BucketID    id.Bucket `gorm:"primaryKey;autoIncrement:false"`
	State       int
	CreatedAt   time.Time
	DestroyedAt *time.Time
}

// TableName is index_key.
func (keyRow) TableName() string { return "index_key" }

// keepDestroyed is how long the note of a destroyed key is kept: longer than any backup of the key
// store may live.
const keepDestroyed = 90 * 24 * time.Hour

// Dead gives the keys of the index that are destroyed or about to be, for restoring the key store, and the
// highest slot that the index ever took.
func Dead(tx *db.Tx) (dead []uint64, last uint64, err error) {
	if err := tx.Model(&keyRow{}).Where("state <> ?", keyLive).Order("bucket_id").Pluck("bucket_id", &dead).Error; err != nil {
		return nil, 0, fmt.Errorf("destroyed keys of the index: %w", err)
	}
	if err := tx.Model(&keyRow{}).Select("COALESCE(MAX(bucket_id), 0)").Scan(&last).Error; err != nil {
		return nil, 0, fmt.Errorf("newest key of the index: %w", err)
	}
	return dead, last, nil
}

// drop takes segments out of the index, in the transaction that replaces them. All must be in the state.
func drop(tx *db.Tx, segments []uint64, state int) error {
	res := tx.Model(&segmentRow{}).Where("id IN ? AND state = ?", segments, state).Update("state", gone)
	if res.Error != nil {
		return fmt.Errorf("drop segments: %w", res.Error)
	}
	if res.RowsAffected != int64(len(segments)) {
		return errLost
	}
	if err := tx.Model(&keyRow{}).Where("bucket_id IN ?", segments).Update("state", keyDoomed).Error; err != nil {
		return fmt.Errorf("doom keys of segments: %w", err)
	}
	return nil
}

// Sweep destroys the keys of segments that are gone and clears their parts away. It goes on where an
// earlier one was stopped, and two of them may run beside each other.
func (x *Index) Sweep(ctx context.Context) error {
	var doomed []uint64
	err := x.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&keyRow{}).Where("state = ?", keyDoomed).Order("bucket_id").Pluck("bucket_id", &doomed).Error
	})
	if err != nil {
		return fmt.Errorf("doomed keys of the index: %w", err)
	}
	if len(doomed) > 0 {
		if err := x.destroy(doomed); err != nil {
			return fmt.Errorf("destroy keys of segments: %w", err)
		}
		err := x.DB.Write(ctx, func(tx *db.Tx) error {
			if err := tx.Model(&keyRow{}).Where("bucket_id IN ? AND state = ?", doomed, keyDoomed).
				Updates(map[string]any{"state": keyDestroyed, "destroyed_at": tx.Now}).Error; err != nil {
				return err
			}
			return tx.Where("state = ? AND destroyed_at < ?", keyDestroyed, tx.Now.Add(-keepDestroyed)).Delete(&keyRow{}).Error
		})
		if err != nil {
			return fmt.Errorf("note destroyed keys of segments: %w", err)
		}
	}
	return x.clear(ctx)
}

// Stray destroys the keys of segments that the database does not know, if they are so old or older, and
// tells how many. It does not know them when it was restored from before they were made, and another copy
// of it may; or when their builder died before it wrote them down. Nothing is lost with them but a copy.
func (x *Index) Stray(ctx context.Context, age time.Duration) (n int, err error) {
	var keys []uint64
	err = x.DB.Read(ctx, func(tx *db.Tx) (err error) {
		keys, err = strays(tx, x.Store, age)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := x.Store.Destroy(keys...); err != nil {
		return 0, fmt.Errorf("destroy stray keys of segments: %w", err)
	}
	return len(keys), nil
}

func strays(tx *db.Tx, s *seal.Store, age time.Duration) ([]uint64, error) {
	var known []uint64
	if err := tx.Model(&keyRow{}).Pluck("bucket_id", &known).Error; err != nil {
		return nil, fmt.Errorf("keys of the index: %w", err)
	}
	live, err := s.LiveFor(seal.ForIndex, age)
	if err != nil {
		return nil, fmt.Errorf("keys of segments: %w", err)
	}
	here := make(map[uint64]bool, len(known))
	for _, k := range known {
		here[k] = true
	}
	return slices.DeleteFunc(live, func(k uint64) bool { return here[k] }), nil
}

// destroy takes keys out of the key store. One that an older key store never had is gone as well.
func (x *Index) destroy(keys []uint64) error {
	var there []uint64
	for _, k := range keys {
		st, err := x.Store.State(k)
		if err != nil {
			return err
		}
		if st.State != seal.Absent {
			there = append(there, k)
		}
	}
	return x.Store.Destroy(there...)
}

// clear removes the parts of segments that are gone, some at a time, and then their rows.
func (x *Index) clear(ctx context.Context) error {
	var rows []segmentRow
	err := x.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Where("state = ? AND NOT EXISTS (SELECT 1 FROM index_key k WHERE k.bucket_id = index_segment.id AND k.state <> ?)", gone, keyDestroyed).Order("id").Find(&rows).Error
	})
	if err != nil {
		return fmt.Errorf("segments that are gone: %w", err)
	}
	const atOnce = 256
	for _, r := range rows {
		for part := 0; part <= r.Parts; part += atOnce {
			err := x.DB.Write(ctx, func(tx *db.Tx) error {
				return tx.Where("segment_id = ? AND part >= ? AND part < ?", r.ID, part, part+atOnce).Delete(&partRow{}).Error
			})
			if err != nil {
				return fmt.Errorf("clear parts away: %w", err)
			}
		}
		err := x.DB.Write(ctx, func(tx *db.Tx) error {
			// Where somebody made the row's number of parts smaller there are more.
			if err := tx.Where("segment_id = ?", r.ID).Delete(&partRow{}).Error; err != nil {
				return err
			}
			return tx.Where("id = ? AND state = ?", r.ID, gone).Delete(&segmentRow{}).Error
		})
		if err != nil {
			return fmt.Errorf("clear segment away: %w", err)
		}
	}
	return nil
}
