package custody

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/index"
	"qingdang/models/seal"
)

// Restored is what came back, and what is missing still.
type Restored struct {
	seal.Restored
	Missing Missing
}

// Restore brings the keys of a backup file back into the key store o.Dir, with its leaf. What the key store
// or the database knows as destroyed stays destroyed. backupRoot is the root key of the backup where it
// was rotated since, else empty. The faults: the file is no whole backup, has ended, or belongs to
// another key store; a root key is missing or does not fit; the database never had a key store.
func Restore(ctx context.Context, d *db.DB, by account.Actor, o seal.Options, file string, backupRoot []byte) (*Restored, error) {
	if err := require(by); err != nil {
		return nil, err
	}
	known, err := d.Setting(ctx, setting)
	if err != nil {
		return nil, err
	}
	if known == "" {
		return nil, fault.Conflict("keys.database_first")
	}
	done := &Restored{}
	err = d.Write(ctx, func(tx *db.Tx) error {
		if done.Epoch == 0 { // the closure may run again
			r := seal.Restoring{File: file, Store: known, BackupRoot: backupRoot, Now: tx.Now}
			var err error
			if r.Dead, r.Last, err = gone(tx); err != nil {
				return err
			}
			if done.Restored, err = seal.Restore(o, r); err != nil {
				return restoreRefusal(o.Dir, file, err)
			}
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "keys.restored", ObjectKind: "keys", Object: known, Count: int64(done.Brought),
			Data: map[string]any{
				"made_at": done.Backup.MadeAt, "expires_at": done.Backup.ExpiresAt, "epoch": int64(done.Epoch),
				"kept": int64(done.Kept), "stay_destroyed": int64(done.Entombed),
			},
		})
	})
	switch {
	case err != nil && done.Epoch > 0:
		return nil, fmt.Errorf("%w: %w", fault.Busy("keys.restored_unwritten"), err)
	case err != nil:
		return nil, err
	}
	return done, done.lookFor(ctx, d, o)
}

// gone gives the slots that must not come back and the highest one there is. A slot from which a purge has
// moved its bucket on is about to be destroyed, or was: the purge had not come to write it down. So is that of a
// bucket that is being closed and holds no data key any more.
func gone(tx *db.Tx) (dead []uint64, last uint64, err error) {
	var newest uint64
	err = tx.Model(&conversation.Bucket{}).Select("COALESCE(MAX(CASE WHEN slot > id THEN slot ELSE id END), 0)").Scan(&newest).Error
	if err == nil {
		err = tx.Model(&conversation.Bucket{}).
			Where("state = ? OR state = ? AND NOT EXISTS (SELECT 1 FROM conversation_key k WHERE k.bucket_id = key_bucket.id)",
				conversation.BucketDestroyed, conversation.BucketClosing).
			Order("slot").Pluck("slot", &dead).Error
	}
	if err != nil {
		return nil, 0, fmt.Errorf("destroyed buckets: %w", err)
	}
	var left []uint64
	err = tx.Raw("SELECT DISTINCT p.slot FROM purge_bucket p WHERE p.state <> 'touched' AND p.slot <> 0 " +
		"AND NOT EXISTS (SELECT 1 FROM key_bucket b WHERE b.slot = p.slot) ORDER BY p.slot").Scan(&left).Error
	if err != nil {
		return nil, 0, fmt.Errorf("slots that purges left: %w", err)
	}
	segments, highest, err := index.Dead(tx)
	if err != nil {
		return nil, 0, err
	}
	return slices.Concat(dead, left, segments), max(newest, highest), nil
}

func (r *Restored) lookFor(ctx context.Context, d *db.DB, o seal.Options) error {
	s, err := seal.OpenStore(o)
	if err != nil {
		return refusal(o.Dir, err)
	}
	r.Missing, err = missing(ctx, d, s)
	return errors.Join(err, s.Close())
}

// restoreRefusal is refusal for what may be wrong with the backup.
func restoreRefusal(dir, file string, err error) error {
	var expired *seal.ExpiredError
	var format *seal.FormatError
	var f *fault.Fault
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f = fault.NotFound("keys.no_file", file)
	case errors.Is(err, seal.ErrNoBackup):
		f = fault.Invalid("keys.no_backup", file)
	case errors.As(err, &expired):
		f = fault.Gone("keys.expired", expired.At)
	case errors.Is(err, seal.ErrOtherStore):
		f = fault.Conflict("keys.backup_of_another", file)
	case errors.Is(err, seal.ErrBackupRoot):
		f = fault.Conflict("keys.backup_root", file)
	case errors.Is(err, seal.ErrDamaged):
		f = fault.Conflict("keys.backup_damaged", file)
	case errors.As(err, &format) && format.What == "key store backup":
		f = fault.Conflict("keys.format", file, format.What, format.Got)
	default:
		return refusal(dir, err)
	}
	return fmt.Errorf("%w: %w", f, err)
}
