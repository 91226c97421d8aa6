package bin

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

// JobMove is the kind of job that moves a large batch.
const JobMove = "bin.move"

// Mover does the jobs that move large batches, one chunk a step. What is still to do is told by
// the items themselves: if the process dies, the next worker goes on behind the last chunk
// that was committed.
type Mover struct {
	DB    *db.DB
	Keys  approval.Keys
	Chunk int               // 0 is the engine's own
	Clock *audit.ClockGuard // nil: the clock is trusted
}

// Mover gives the runner of jobs of kind JobMove.
func (b *Bin) Mover() *Mover { return &Mover{DB: b.DB, Keys: b.Keys, Clock: b.Clock} }

// Step moves the next chunk.
func (m *Mover) Step(ctx context.Context, j *job.Job) (done bool, err error) {
	err = m.Clock.Write(ctx, m.DB, func(tx *db.Tx) error {
		done = false
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		found, err := Batches(tx, id.Batch(j.Subject))
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("move batch %d: not there", j.Subject)
		}
		batch := &found[0]
		if batch.State != Running {
			done = true
			return job.Finish(tx, j)
		}
		if err := Genuine(m.Keys, *batch); err != nil {
			return err
		}
		return m.step(tx, j, batch, &done)
	})
	return done, err
}

func (m *Mover) step(tx *db.Tx, j *job.Job, batch *Batch, done *bool) error {
	n := m.Chunk
	if n == 0 {
		n = chunk(tx.Engine())
	}
	moved, skipped := batch.Moved, batch.Skipped
	last, err := moveNext(tx, m.Keys, batch, id.Conversation(j.Pos), n)
	if err != nil {
		return err
	}
	if *done = batch.State != Running; *done {
		err = job.Finish(tx, j)
	} else {
		err = job.Advance(tx, j, int64(last), batch.Moved+batch.Skipped)
	}
	if err != nil {
		return err
	}
	action := "batch.moved"
	if *done {
		action = "batch.finished"
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: action, ObjectKind: "batch", Object: batch.Code, Department: batch.DepartmentID,
		Count: batch.Moved - moved,
		Data: map[string]any{
			"skipped": batch.Skipped - skipped, "state": batch.State, "requested_by": id.String(batch.OwnerID),
		},
	})
}

// Retry lets a batch whose job failed for good go on with what is left. The fault is a conflict
// while there is nothing to retry.
func (b *Bin) Retry(ctx context.Context, by account.Actor, batch id.Batch) error {
	if err := by.Require(account.BatchCreate); err != nil {
		return err
	}
	err := b.DB.Write(ctx, func(tx *db.Tx) error {
		row, err := lockVisible(tx, by, batch)
		if err != nil {
			return err
		}
		j, err := job.Of(tx, JobMove, uint64(batch))
		if err != nil && fault.KindOf(err) != fault.KindNotFound {
			return err
		}
		if row.State != Running || j != nil && (j.State == job.Queued || j.State == job.Running) {
			return fault.Conflict("bin.nothing_to_retry")
		}
		if _, err := job.Enqueue(tx, job.New{Kind: JobMove, Subject: uint64(batch), Object: row.Code, By: by.ID, Total: row.Size, Solo: true}); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "batch.retried", ObjectKind: "batch", Object: row.Code, Department: row.DepartmentID, Count: row.Size - row.Moved - row.Skipped,
		})
	})
	return b.noteHidden(ctx, by, "batch.retried", batch, err)
}

// noteHidden writes down that somebody reached for a batch that exists but is not theirs to
// see; to them it is not found.
func (b *Bin) noteHidden(ctx context.Context, by account.Actor, action string, batch id.Batch, err error) error {
	return audit.Unseen(ctx, b.DB, err, &Batch{}, batch, audit.Entry{Actor: by.Audit(), Action: action, ObjectKind: "batch"})
}
