package purge

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

// span is some lines of a purge's list: from, up to but without to.
type span struct {
	purge    id.Purge
	from, to int64
}

// in gives the span's lines in a state, for statements that join with them.
func (s span) in(state ItemState) db.List {
	return db.List{
		Table: "purge_item", Column: "conversation_id", Where: "l.purge_id = ? AND l.seq >= ? AND l.seq < ? AND l.state = ?",
		Args: []any{s.purge, s.from, s.to, state},
	}
}

// erase destroys the next chunks of the list, on a server several at once, each in a transaction of
// its own: each item is looked at again under lock and is either erased or skipped with its
// reason. The process may die anywhere: either a chunk is gone with its leaf and the cursor behind
// it, or nothing of it happened. What a part that died left behind the cursor is found at the
// end.
func (w *Runner) erase(ctx context.Context, j *job.Job, r *Request) error {
	from, err := w.firstPending(ctx, r.ID, j.Pos)
	if err != nil {
		return err
	}
	if from < 0 {
		return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
			r, ok, err := lockPhase(tx, j, PhaseErase)
			if err != nil || !ok {
				return err
			}
			return w.erased(tx, j, r)
		})
	}
	n := int64(w.chunk())
	return w.together(w.parts(), func(i int) error {
		s := span{purge: r.ID, from: from + int64(i)*n, to: min(from+int64(i+1)*n, r.Size)}
		if s.from >= s.to {
			return nil
		}
		began := time.Now()
		err := w.eraseChunk(ctx, j, s)
		w.pace.took(w.pacing(), int(s.to-s.from), time.Since(began))
		return err
	})
}

// eraseChunk is one transaction. The request is not locked before its end, or chunks would wait for
// each other: while it runs nobody but the holder of the job's token changes it, and a worker
// that lost the token changes nothing.
func (w *Runner) eraseChunk(ctx context.Context, j *job.Job, s span) error {
	var c *chunk
	err := w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		c = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		r, err := findRequest(tx, s.purge)
		if err != nil || r.Phase != PhaseErase {
			return err
		}
		_, broken, err := w.Desk.recheck(tx, r)
		if err != nil {
			return err
		}
		items, err := pendingIn(tx, s)
		switch {
		case err != nil:
			return err
		case len(items) == 0: // another worker was here
			return job.Did(tx, j, s.to, 0)
		}
		if c, err = w.judge(tx, s, items, broken); err != nil {
			return err
		}
		if err := c.carryOut(tx, s); err != nil {
			return err
		}
		if err := noteHeld(tx, r, "", pointerIDs(c.skip[Held])); err != nil {
			return err
		}
		if err := r.count(tx, len(c.erase), c.skipped()); err != nil {
			return err
		}
		if err := job.Did(tx, j, s.to, int64(len(items))); err != nil {
			return err
		}
		return audit.Append(tx, c.entry(w, r, items, broken))
	})
	if err == nil && c != nil && len(c.erase) > 0 {
		w.noted.add(s.purge, c.buckets)
	}
	return err
}

// pendingIn reads the lines of a span that nothing happened to yet.
func pendingIn(tx *db.Tx, s span) ([]Item, error) {
	items := make([]Item, 0, s.to-s.from)
	q := tx.Model(&Item{}).Select("seq, conversation_id, version, department_id, service_type, bucket_id, leaf, batch_id").
		Where("purge_id = ? AND seq >= ? AND seq < ? AND state = ?", s.purge, s.from, s.to, Pending).Order("seq")
	err := db.EachRow(q, func(r *sql.Rows) error {
		var it Item
		err := r.Scan(&it.Seq, &it.ConversationID, &it.Version, &it.DepartmentID, &it.ServiceType, &it.BucketID, &it.Leaf, &it.BatchID)
		items = append(items, it)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("next items: %w", err)
	}
	return items, nil
}

// count adds to the request's figures, if it is still being erased.
func (r *Request) count(tx *db.Tx, purged, skipped int) error {
	res := tx.Model(&Request{}).Where("id = ? AND phase = ?", r.ID, PhaseErase).
		Updates(map[string]any{"purged": gorm.Expr("purged + ?", purged), "skipped": gorm.Expr("skipped + ?", skipped)})
	switch {
	case res.Error != nil:
		return fmt.Errorf("count: %w", res.Error)
	case res.RowsAffected != 1:
		return job.ErrFenced
	}
	return nil
}

// firstPending gives the first line from pos on that nothing happened to yet, -1 if there is none.
func firstPending(tx *db.Tx, p id.Purge, pos int64) (int64, error) {
	var seq []int64
	err := tx.Model(&Item{}).Where("purge_id = ? AND seq >= ? AND state = ?", p, pos, Pending).Order("seq").Limit(1).Pluck("seq", &seq).Error
	switch {
	case err != nil:
		return 0, fmt.Errorf("look what is left: %w", err)
	case len(seq) == 0:
		return -1, nil
	}
	return seq[0], nil
}

func (w *Runner) firstPending(ctx context.Context, p id.Purge, pos int64) (seq int64, err error) {
	err = w.DB.Read(ctx, func(tx *db.Tx) error {
		seq, err = firstPending(tx, p, pos)
		return err
	})
	return seq, err
}

// erased ends the phase when nothing is left of the list.
func (w *Runner) erased(tx *db.Tx, j *job.Job, r *Request) error {
	left, err := firstPending(tx, r.ID, 0)
	if err != nil {
		return err
	}
	if left >= 0 {
		return job.Advance(tx, j, left, j.Done) // a part died behind the cursor: go back
	}
	if err := r.enter(tx, PhaseLedger); err != nil {
		return err
	}
	if err := job.Advance(tx, j, j.Pos, r.Size); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.rows_erased", ObjectKind: "purge", Object: r.Code, Count: r.Purged,
		Data: map[string]any{"root": hexOf(r.Root), "skipped": r.Skipped},
	})
}
