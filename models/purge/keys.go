package purge

import (
	"context"
	"fmt"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// How many buckets one transaction takes: re-wrapping is one update per survivor, destroying
// is one sync of the key store for all of them.
const (
	rewrapAtOnce  = 4
	destroyAtOnce = 64
)

// keys makes what was erased unreadable in every backup of the database. The survivors of the
// touched buckets have moved under fresh keys, and the ledger outside says so.
func (w *Runner) keys(ctx context.Context, j *job.Job) error {
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		r, ok, err := lockPhase(tx, j, PhaseKeys)
		if err != nil || !ok {
			return err
		}
		open, err := buckets(tx, r.ID, touched, 1)
		if err != nil {
			return err
		}
		recorded, err := w.recorded(r)
		switch {
		case err != nil:
			return err
		case len(open) > 0 || !recorded:
			return w.backToLedger(tx, j, r)
		}
		if open, err = buckets(tx, r.ID, closed, destroyAtOnce); err != nil {
			return err
		}
		if len(open) > 0 {
			return w.destroy(tx, j, r, open)
		}
		if err := r.enter(tx, PhaseVerify); err != nil {
			return err
		}
		if err := job.Advance(tx, j, j.Pos, r.Size); err != nil {
			return err
		}
		if err := r.move(tx, Verifying, nil); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: w.system(), Action: "purge.erasure_ended", ObjectKind: "purge", Object: r.Code, Count: r.Purged})
	})
}

func buckets(tx *db.Tx, p id.Purge, s bucketState, n int) ([]bucket, error) {
	var rows []bucket
	if err := tx.Where("purge_id = ? AND state = ?", p, s).Order("bucket_id").Limit(n).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("next buckets: %w", err)
	}
	return rows, nil
}

// rewrap closes buckets and moves what survives in them. If the process dies before the
// commit, the new keys stay behind in the key store unused.
func (w *Runner) rewrap(tx *db.Tx, j *job.Job, r *Request, list []bucket) error {
	survivors := 0
	for _, b := range list {
		alive, err := conversation.CloseBucket(tx, b.BucketID)
		if err != nil {
			return err
		}
		n, to := 0, id.Bucket(0)
		if alive {
			if to, n, err = conversation.Rewrap(tx, w.Vault, b.BucketID); err != nil {
				return err
			}
		}
		survivors += n
		// A bucket that another purge has destroyed goes through the same door: destroying is
		// repeated without harm.
		if err := setBucket(tx, r.ID, b.BucketID, touched, map[string]any{"state": closed, "survivors": n, "moved_to": to}); err != nil {
			return err
		}
	}
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.keys_rewrapped", ObjectKind: "purge", Object: r.Code, Count: int64(survivors),
		Data: map[string]any{"buckets": bucketIDs(list)},
	})
}

// destroy takes the buckets' keys out of the key store. The rows of the buckets are locked and
// no data key points at them: a key is never destroyed under a conversation that lives. If
// the process dies between the key store and the commit, the next worker destroys again
// what is destroyed and writes it down.
func (w *Runner) destroy(tx *db.Tx, j *job.Job, r *Request, list []bucket) error {
	// First the token: a worker that lost the job must not touch the key store.
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return err
	}
	keys := make([]uint64, len(list))
	for i, b := range list {
		if err := unused(tx, b.BucketID); err != nil {
			return err
		}
		keys[i] = uint64(b.BucketID)
	}
	if err := w.inLedger(r, list); err != nil {
		return err
	}
	if err := w.Vault.Store.Destroy(keys...); err != nil {
		return fmt.Errorf("destroy bucket keys: %w", err)
	}
	for _, b := range list {
		if err := conversation.BucketGone(tx, b.BucketID); err != nil {
			return fmt.Errorf("note the destroyed bucket: %w", err)
		}
		if err := setBucket(tx, r.ID, b.BucketID, closed, map[string]any{"state": destroyed, "destroyed_at": tx.Now}); err != nil {
			return err
		}
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.keys_destroyed", ObjectKind: "purge", Object: r.Code, Count: int64(len(list)),
		Data: map[string]any{"buckets": bucketIDs(list)},
	})
}

// unused makes sure, under lock, that a bucket takes nothing new and that no data key is left
// under its key.
func unused(tx *db.Tx, b id.Bucket) error {
	var row conversation.Bucket
	if err := tx.ForUpdate().Where("id = ?", b).Take(&row).Error; err != nil {
		return fmt.Errorf("lock bucket: %w", err)
	}
	if row.State == conversation.BucketOpen {
		return fmt.Errorf("bucket %d is open again", b)
	}
	var keys []id.Conversation
	if err := tx.ForUpdate().Model(&conversation.Key{}).Where("bucket_id = ?", b).Limit(1).Pluck("id", &keys).Error; err != nil {
		return fmt.Errorf("look for keys in the bucket: %w", err)
	}
	if len(keys) > 0 {
		return fmt.Errorf("bucket %d still holds the key of conversation %d", b, keys[0])
	}
	return nil
}

func setBucket(tx *db.Tx, p id.Purge, b id.Bucket, from bucketState, fields map[string]any) error {
	res := tx.Model(&bucket{}).Where("purge_id = ? AND bucket_id = ? AND state = ?", p, b, from).Updates(fields)
	switch {
	case res.Error != nil:
		return fmt.Errorf("note bucket: %w", res.Error)
	case res.RowsAffected != 1:
		return job.ErrFenced
	}
	return nil
}

func bucketIDs(list []bucket) []id.Bucket {
	ids := make([]id.Bucket, len(list))
	for i, b := range list {
		ids[i] = b.BucketID
	}
	return ids
}
