package hold

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// JobReturn is the kind of job that takes out of the bin what a large hold covers.
const JobReturn = "hold.return"

const (
	// returnAtOnce is how many conversations of the bin a hold takes back while it is placed.
	// Moving one costs seven index entries; a hundred thousand of them would keep everything
	// that bins, purges and imports waiting for longer than it waits. More go back by a job:
	// from the commit of the hold on they are covered, and only still lie in the bin.
	returnAtOnce = 2000
	returnAgain  = 10 * time.Minute
	resumePage   = 100
)

func (h *Holds) returnAtOnce() int64 {
	if h.AtOnce > 0 {
		return h.AtOnce
	}
	return returnAtOnce
}

func returnChunk(engine string) int {
	if engine == db.SQLite {
		return 400
	}
	return 1000
}

// Returner takes what a hold covers out of the bin, a chunk a step. If the process dies, the next
// worker goes on: what still lies in the bin tells what is to do.
type Returner struct {
	Holds *Holds
	Chunk int // 0 is the engine's own
}

// Step takes the next chunk out. When the hold is released meanwhile, the rest stays where it is.
func (r *Returner) Step(ctx context.Context, j *job.Job) (done bool, err error) {
	err = r.Holds.DB.Write(ctx, func(tx *db.Tx) error {
		done = false
		if err := ShareEpoch(tx); err != nil {
			return err
		}
		var of Hold
		if err := tx.Omit("criteria").Where("id = ?", j.Subject).Take(&of).Error; err != nil {
			return fmt.Errorf("find hold: %w", err)
		}
		ids, err := r.next(tx, &of, id.Conversation(j.Pos))
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			done = true
			return job.Finish(tx, j)
		}
		return r.take(tx, j, &of, ids)
	})
	return done, err
}

// next gives conversations of the hold that lie in the bin, from a place on and then, to be sure,
// from the beginning.
func (r *Returner) next(tx *db.Tx, of *Hold, after id.Conversation) (ids []id.Conversation, err error) {
	if of.ReleasedAt != nil {
		return nil, nil
	}
	n := r.Chunk
	if n == 0 {
		n = returnChunk(tx.Engine())
	}
	for {
		err := tx.Table("hold_item hi").Joins("JOIN conversation c ON c.id = hi.conversation_id").
			Where("hi.hold_id = ? AND hi.conversation_id > ? AND c.state NOT IN ?", of.ID, after, outOfBin).
			Order("hi.conversation_id").Limit(n).Pluck("hi.conversation_id", &ids).Error
		if err != nil {
			return nil, fmt.Errorf("find binned conversations: %w", err)
		}
		if len(ids) > 0 || after == 0 {
			return ids, nil
		}
		after = 0
	}
}

func (r *Returner) take(tx *db.Tx, j *job.Job, of *Hold, ids []id.Conversation) error {
	set, err := id.NewSet(ids...)
	if err != nil {
		return err
	}
	rows, err := conversation.Lock(tx, set)
	if err != nil {
		return err
	}
	var binned []id.Conversation
	for _, c := range rows {
		if !slices.Contains(outOfBin, c.State) {
			binned = append(binned, c.ID)
		}
	}
	if len(binned) > 0 {
		if err := r.Holds.Rescue(tx, binned); err != nil {
			return err
		}
	}
	if err := job.Advance(tx, j, int64(ids[len(ids)-1]), j.Done+int64(len(binned))); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "hold.returned", ObjectKind: "hold", Object: of.Code, Department: of.DepartmentID, Count: int64(len(binned)),
		Data: map[string]any{"placed_by": of.PlacedBy, "first": id.String(ids[0]), "last": id.String(ids[len(ids)-1])},
	})
}

// returnLater queues the way back of what a hold covers in the bin.
func returnLater(tx *db.Tx, of *Hold, at time.Time, n int64) error {
	_, err := job.Enqueue(tx, job.New{Kind: JobReturn, Subject: uint64(of.ID), Object: of.Code, By: of.PlacedBy, RunAt: at, Total: n, Solo: true})
	return err
}

// resume queues again what failed for good or was cancelled before it was done.
func (h *Holds) resume(ctx context.Context) error {
	return h.DB.Write(ctx, func(tx *db.Tx) error {
		over := job.Filter{Kinds: []string{JobReturn}, States: []job.State{job.Failed, job.Cancelled}, Size: resumePage}
		for {
			page, err := job.List(tx, over)
			if err != nil {
				return err
			}
			for _, j := range page.Jobs {
				if err := again(tx, &j); err != nil {
					return err
				}
				over.Before = j.ID
			}
			if len(page.Jobs) < resumePage {
				return nil
			}
		}
	})
}

// again queues one job once more, unless that was done before or its hold was released.
func again(tx *db.Tx, over *job.Job) error {
	last, err := job.Of(tx, JobReturn, over.Subject)
	if fault.KindOf(err) == fault.KindNotFound || err == nil && last.ID != over.ID {
		return nil
	}
	if err != nil {
		return err
	}
	var holds []Hold
	if err := tx.Where("id = ? AND released_at IS NULL", over.Subject).Find(&holds).Error; err != nil {
		return fmt.Errorf("find hold: %w", err)
	}
	if len(holds) == 0 {
		return nil
	}
	return returnLater(tx, &holds[0], tx.Now.Add(returnAgain), over.Total)
}
