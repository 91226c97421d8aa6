package purge

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
)

// A chunk is one transaction. SQLite has one writer, who should not wait long.
const (
	chunkServer   = 1000
	chunkEmbedded = 400
)

// erase destroys the next chunk of the list: each item is looked at again under lock and is
// either erased or skipped with its reason. The process may die anywhere: either the
// chunk is gone with its leaf and the cursor behind it, or nothing of it happened.
func (w *Runner) erase(ctx context.Context, j *job.Job) error {
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		r, ok, err := lockPhase(tx, j, PhaseErase)
		if err != nil || !ok {
			return err
		}
		_, broken, err := w.Desk.recheck(tx, r)
		if err != nil {
			return err
		}
		items, err := pendingFrom(tx, r.ID, j.Pos, w.chunk())
		switch {
		case err != nil:
			return err
		case len(items) == 0:
			return w.erased(tx, j, r)
		}
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		c, err := w.judge(tx, items, broken)
		if err != nil {
			return err
		}
		if err := c.carryOut(tx, r.ID); err != nil {
			return err
		}
		if err := noteHeld(tx, r, "", pointerIDs(c.skip[Held])); err != nil {
			return err
		}
		err = tx.Model(&Request{}).Where("id = ?", r.ID).Updates(map[string]any{
			"purged": gorm.Expr("purged + ?", len(c.erase)), "skipped": gorm.Expr("skipped + ?", c.skipped()),
		}).Error
		if err != nil {
			return fmt.Errorf("count: %w", err)
		}
		last := items[len(items)-1].Seq
		if err := job.Advance(tx, j, last+1, j.Done+int64(len(items))); err != nil {
			return err
		}
		return audit.Append(tx, c.entry(w, r, items, broken))
	})
}

func (w *Runner) chunk() int {
	switch {
	case w.Chunk > 0:
		return w.Chunk
	case w.DB.Engine() == db.SQLite:
		return chunkEmbedded
	}
	return chunkServer
}

func pendingFrom(tx *db.Tx, p id.Purge, seq int64, n int) ([]Item, error) {
	var items []Item
	err := tx.Where("purge_id = ? AND seq >= ? AND state = ?", p, seq, Pending).Order("seq").Limit(n).Find(&items).Error
	if err != nil {
		return nil, fmt.Errorf("next items: %w", err)
	}
	return items, nil
}

// erased ends the phase when nothing is left of the list.
func (w *Runner) erased(tx *db.Tx, j *job.Job, r *Request) error {
	var left int64
	if err := tx.Model(&Item{}).Where("purge_id = ? AND state = ?", r.ID, Pending).Count(&left).Error; err != nil {
		return fmt.Errorf("count what is left: %w", err)
	}
	if left > 0 {
		return job.Advance(tx, j, 0, j.Done) // somebody moved the cursor: begin again
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
