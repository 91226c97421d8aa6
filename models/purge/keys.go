package purge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
)

// How many buckets one transaction takes at most: destroying is one sync of the key store for all of them, and so is
// puncturing, which besides writes a row of some KB for each and seals it, for as long as a transaction should last.
const (
	destroyServer  = 1024
	destroyOnLocal = 128
)

var (
	puncturesOnServer = pacing{first: 128, least: 32, most: 512, goal: 200 * time.Millisecond}
	puncturesEmbedded = pacing{first: 16, least: 4, most: 128, goal: 20 * time.Millisecond}
)

// keys makes what was erased unreadable in every backup of the database. What is left of the touched buckets
// lies under fresh keys, and the ledger outside says so.
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
	return bucketsOf(tx.Where("purge_id = ? AND state = ?", p, s).Order("bucket_id").Limit(n))
}

func (w *Runner) puncturePacing() pacing {
	if w.DB.Engine() == db.SQLite {
		return puncturesEmbedded
	}
	return puncturesOnServer
}

// puncture takes what was erased out of the next touched buckets, on a server in several transactions at once;
// false when none is left.
func (w *Runner) puncture(ctx context.Context, j *job.Job) (more bool, err error) {
	atOnce := w.puncturePace.size(w.puncturePacing())
	var open []bucket
	err = w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		open, err = buckets(tx, id.Purge(j.Subject), touched, atOnce*w.parts())
		return err
	})
	if err != nil || len(open) == 0 {
		return false, err
	}
	parts := slices.Collect(slices.Chunk(bucketIDs(open), atOnce))
	return true, w.together(len(parts), func(i int) error {
		return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
			from := time.Now()
			r, ok, err := sharePhase(tx, j, PhaseLedger)
			if err != nil || !ok {
				return err
			}
			// By a range, or the optimizer may lock every bucket of the purge on its way to these.
			first, last := parts[i][0], parts[i][len(parts[i])-1]
			open, err := bucketsOf(tx.ForUpdate().Where("purge_id = ? AND bucket_id BETWEEN ? AND ? AND state = ?", r.ID, first, last, touched).Order("bucket_id"))
			if err != nil || len(open) == 0 { // another worker was here
				return err
			}
			err = w.puncturePart(tx, j, r, open)
			w.puncturePace.took(w.puncturePacing(), len(open), time.Since(from))
			return err
		})
	})
}

// puncturePart punctures buckets and notes which of their slots go. If the process dies before the commit, the fresh keys
// stay behind in the key store unused; if the transaction fails they go with it.
func (w *Runner) puncturePart(tx *db.Tx, j *job.Job, r *Request, list []bucket) error {
	ids := bucketIDs(list)
	punctured, err := conversation.Puncture(tx, w.Vault, ids)
	if err != nil {
		return err
	}
	survivors := 0
	rows := make([][]any, len(list))
	for i, b := range list {
		// A bucket that another purge has destroyed goes through the same door: destroying is
		// repeated without harm.
		p := punctured[b.BucketID]
		survivors += p.Live
		rows[i] = []any{r.ID, b.BucketID, closed, p.Slot, p.Live, p.To, p.Lifted}
	}
	if err := tx.Overwrite("purge_bucket", []string{"purge_id", "bucket_id"}, []string{"state", "slot", "survivors", "moved_to", "lifted"}, rows); err != nil {
		return fmt.Errorf("note buckets: %w", err)
	}
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.buckets_punctured", ObjectKind: "purge", Object: r.Code, Count: int64(survivors),
		Data: map[string]any{"buckets": ids},
	})
}

// destroy takes the keys of the buckets' slots out of the key store. The rows of the buckets are locked and
// nothing that lives lies under these slots: a key is never destroyed under a conversation that lives. If
// the process dies between the key store and the commit, the next worker destroys again
// what is destroyed and writes it down.
func (w *Runner) destroy(tx *db.Tx, j *job.Job, r *Request, list []bucket) error {
	// First the token: a worker that lost the job must not touch the key store.
	if err := job.Advance(tx, j, j.Pos, j.Done); err != nil {
		return err
	}
	slots, _, err := slotsOf(tx, list)
	if err != nil {
		return err
	}
	if err := conversation.LockFree(tx, w.Vault, slots); err != nil {
		return err
	}
	if err := w.inLedger(r, slots); err != nil {
		return err
	}
	keys := slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(slots))...)))
	if err := w.Vault.Store.Destroy(keys...); err != nil {
		return fmt.Errorf("destroy bucket keys: %w", err)
	}
	if err := conversation.SlotsGone(tx, keys); err != nil {
		return err
	}
	ids := bucketIDs(list)
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
		Data: map[string]any{"buckets": ids, "slots": keys},
	})
}

func bucketIDs(list []bucket) []id.Bucket {
	ids := make([]id.Bucket, len(list))
	for i, b := range list {
		ids[i] = b.BucketID
	}
	return ids
}
