package bin

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Detail is one batch with what its page shows.
type Detail struct {
	BatchRow
	Stayed map[string]int64 // skipped while moving, by reason
	Within bool             // all of it lies in the actor's scope
	Job    *job.Job         // of a large batch
	Raised *CapRaise        // who allowed it to go above the cap; nil if it did not
	Now    time.Time
}

// Get gives one batch. Outside the actor's scope it is not found.
func (b *Bin) Get(ctx context.Context, by account.Actor, batch id.Batch) (*Detail, error) {
	if err := by.Require(account.BinRead); err != nil {
		return nil, err
	}
	var d *Detail
	err := b.DB.Read(ctx, func(tx *db.Tx) error {
		var found []Batch
		if err := visible(tx.Model(&Batch{}), by).Where("bin_batch.id = ?", batch).Find(&found).Error; err != nil {
			return fmt.Errorf("find batch: %w", err)
		}
		if len(found) == 0 {
			return fault.NotFound("bin.batch_not_found")
		}
		tree, err := department.Seen(tx)
		if err != nil {
			return fmt.Errorf("load departments: %w", err)
		}
		rows, err := counted(tx, by, tree, found)
		if err != nil {
			return err
		}
		d = &Detail{BatchRow: rows[0], Stayed: map[string]int64{}, Now: tx.Now}
		return d.fill(tx, b.Keys, by)
	})
	return d, b.noteHidden(ctx, by, "batch.opened", batch, err)
}

func (d *Detail) fill(tx *db.Tx, k approval.Keys, by account.Actor) error {
	var stayed []struct {
		Reason string
		N      int64
	}
	err := ownItems(tx.Model(&Item{}), by).Where("bin_item.batch_id = ? AND bin_item.state = ?", d.ID, ItemSkipped).
		Select("bin_item.reason, COUNT(*) AS n").Group("bin_item.reason").Scan(&stayed).Error
	if err != nil {
		return fmt.Errorf("count skipped items: %w", err)
	}
	for _, s := range stayed {
		d.Stayed[s.Reason] = s.N
	}
	var all, mine int64
	if err := tx.Model(&Item{}).Where("batch_id = ?", d.ID).Count(&all).Error; err != nil {
		return fmt.Errorf("count items: %w", err)
	}
	if err := ownItems(tx.Model(&Item{}), by).Where("bin_item.batch_id = ?", d.ID).Count(&mine).Error; err != nil {
		return fmt.Errorf("count items: %w", err)
	}
	d.Within = all == mine
	if d.Raised, err = raiseOf(tx, k, &d.Batch); err != nil {
		return err
	}
	d.Job, err = job.Of(tx, JobMove, uint64(d.ID))
	if fault.KindOf(err) == fault.KindNotFound {
		d.Job, err = nil, nil
	}
	return err
}
