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

// How many buckets one transaction takes at most: re-wrapping writes every survivor, of which a
// bucket may have a thousand, and destroying is one sync of the key store for all of them.
const (
	rewrapAtOnce   = 256
	destroyServer  = 4096
	destroyOnLocal = 128
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
		if open, err = buckets(tx, r.ID, closed, w.destroyAtOnce()); err != nil {
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

func (w *Runner) destroyAtOnce() int {
	if w.DB.Engine() == db.SQLite {
		return destroyOnLocal
	}
	return destroyServer
}

func buckets(tx *db.Tx, p id.Purge, s bucketState, n int) ([]bucket, error) {
	var rows []bucket
	if err := tx.Where("purge_id = ? AND state = ?", p, s).Order("bucket_id").Limit(n).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("next buckets: %w", err)
	}
	return rows, nil
}

// rewrap closes buckets and moves what survives in them. If the process dies before the
// commit, the new keys stay behind in the key store unused. It tells how many keys moved.
func (w *Runner) rewrap(tx *db.Tx, j *job.Job, r *Request, list []bucket) (survivors int, err error) {
	alive, err := conversation.CloseBuckets(tx, bucketIDs(list))
	if err != nil {
		return 0, err
	}
	moved, err := conversation.Rewrap(tx, w.Vault, alive)
	if err != nil {
		return 0, err
	}
	rows := make([][]any, len(list))
	for i, b := range list {
		// A bucket that another purge has destroyed goes through the same door: destroying is
		// repeated without harm.
		m := moved[b.BucketID]
		survivors += m.N
		rows[i] = []any{r.ID, b.BucketID, closed, m.N, m.To}
	}
	if err := tx.Overwrite("purge_bucket", []string{"purge_id", "bucket_id"}, []string{"state", "survivors", "moved_to"}, rows); err != nil {
		return 0, fmt.Errorf("note buckets: %w", err)
	}
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return 0, err
	}
	return survivors, audit.Append(tx, audit.Entry{
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
	ids := bucketIDs(list)
	if err := conversation.LockEmpty(tx, ids); err != nil {
		return err
	}
	if err := w.inLedger(r, list); err != nil {
		return err
	}
	keys := make([]uint64, len(ids))
	for i, b := range ids {
		keys[i] = uint64(b)
	}
	if err := w.Vault.Store.Destroy(keys...); err != nil {
		return fmt.Errorf("destroy bucket keys: %w", err)
	}
	if err := conversation.BucketsGone(tx, ids); err != nil {
		return err
	}
	res := tx.Model(&bucket{}).Where("purge_id = ? AND bucket_id IN ? AND state = ?", r.ID, ids, closed).
		Updates(map[string]any{"state": destroyed, "destroyed_at": tx.Now})
	switch {
	case res.Error != nil:
		return fmt.Errorf("note buckets: %w", res.Error)
	case res.RowsAffected != int64(len(ids)):
		return job.ErrFenced
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.keys_destroyed", ObjectKind: "purge", Object: r.Code, Count: int64(len(list)),
		Data: map[string]any{"buckets": ids},
	})
}

func bucketIDs(list []bucket) []id.Bucket {
	ids := make([]id.Bucket, len(list))
	for i, b := range list {
		ids[i] = b.BucketID
	}
	return ids
}
