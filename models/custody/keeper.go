package custody

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/seal"
)

// Keeper looks after an open key store. Folder is where each day's backup goes; empty = nobody makes
// any.
type Keeper struct {
	DB     *db.DB
	Store  *seal.Store
	Folder string
	Clock  *audit.ClockGuard // keeps backups from ending by a wrong clock; nil: it is trusted
}

// BackUp writes a backup into folder, with its leaf. The fault is invalid for a folder inside the key
// store. A backup that could not be written down is removed again.
func (k *Keeper) BackUp(ctx context.Context, by account.Actor, folder string) (b seal.Backup, err error) {
	return k.backUp(ctx, by, folder, 0)
}

func (k *Keeper) backUp(ctx context.Context, by account.Actor, folder string, removed int) (b seal.Backup, err error) {
	if err := require(by); err != nil {
		return b, err
	}
	err = k.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if b.File == "" { // the closure may run again
			if b, err = k.Store.Backup(folder, tx.Now); err != nil {
				return refusal(k.Store.Dir(), err)
			}
		}
		data := map[string]any{"made_at": b.MadeAt, "expires_at": b.ExpiresAt}
		if removed > 0 {
			data["removed"] = int64(removed)
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "keys.backed_up", ObjectKind: "keys", Object: k.Store.ID(), Count: 1, Data: data})
	})
	switch {
	case err == nil || b.File == "" || errors.Is(err, db.ErrCommitUnknown):
		return b, err
	default:
		return b, errors.Join(err, k.Store.DropBackup(b, b.MadeAt))
	}
}

// Daily removes the backups that have ended and makes the day's.
func (k *Keeper) Daily(ctx context.Context, by account.Actor) error {
	var now time.Time
	err := k.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		return k.Clock.Check(tx)
	})
	if err != nil {
		return err
	}
	removed, swept := k.Store.SweepBackups(k.Folder, now)
	if k.Folder != "" {
		_, err = k.backUp(ctx, by, k.Folder, removed)
	}
	return errors.Join(swept, err)
}

// Rotate puts a new root key in force, with its leaf; newRoot is empty where root.key is used. The
// fault is invalid for a root key that cannot be the next one, and busy when it is in force and could
// only not be written down.
func (k *Keeper) Rotate(ctx context.Context, by account.Actor, newRoot []byte) (done seal.Rotation, err error) {
	if err := require(by); err != nil {
		return done, err
	}
	err = k.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if done.Epoch == 0 { // the closure may run again
			if done, err = k.Store.RotateRoot(newRoot); err != nil {
				return refusal(k.Store.Dir(), err)
			}
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "keys.rotated", ObjectKind: "keys", Object: k.Store.ID(), Count: int64(done.Rewrapped),
			Data: map[string]any{"epoch": int64(done.Epoch), "damaged": int64(done.Damaged)},
		})
	})
	if err != nil && done.Epoch > 0 {
		err = fmt.Errorf("%w: %w", fault.Busy("keys.rotated_unwritten", done.Epoch), err)
	}
	return done, err
}

// Status is what an operator has to know about the key store.
type Status struct {
	Store    string
	Dir      string
	Suite    seal.Suite // of new records
	Buckets  seal.Census
	Missing  Missing
	RootFile string // "" = handed in
	Beside   bool   // a root key lies beside the slots
	Days     int    // that any copy may live
	Folder   string // of the daily backups
	Backups  []seal.Backup
	LostAt   time.Time // when the register of backups was found missing or altered
	Until    time.Time // when a key that is destroyed now is gone from every copy
	Now      time.Time
}

// Status looks at everything and changes nothing.
func (k *Keeper) Status(ctx context.Context) (st *Status, err error) {
	st = &Status{Store: k.Store.ID(), Dir: k.Store.Dir(), Suite: k.Store.Suite(), Days: k.Store.Days(), Folder: k.Folder}
	err = k.DB.Read(ctx, func(tx *db.Tx) error {
		st.Now = tx.Now
		return nil
	})
	if err != nil {
		return nil, err
	}
	if st.Buckets, err = k.Store.Census(); err == nil {
		st.Missing, err = missing(ctx, k.DB, k.Store)
	}
	if err == nil {
		st.RootFile, st.Beside, err = k.Store.Root()
	}
	if err == nil {
		st.Backups, st.LostAt, err = k.Store.Backups()
	}
	if err == nil {
		st.Until, err = k.Store.BackupsUntil(st.Now)
	}
	if err != nil {
		return nil, refusal(k.Store.Dir(), err)
	}
	return st, nil
}
