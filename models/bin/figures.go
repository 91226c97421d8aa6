package bin

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
)

// Figures is the strip above the bin: conversations and batches by what can still be done.
type Figures struct {
	Restorable, RestorableBatches int64
	RestorableBytes               int64
	Soon, SoonBatches             int64 // of the restorable ones, within 24 hours
	Expired, ExpiredBatches       int64 // time over, on no purge's list
	Frozen, FrozenBatches         int64 // on the list of an open purge request
}

const soon = 24 * time.Hour

// Figures counts the bin as far as the actor sees it.
func (b *Bin) Figures(ctx context.Context, by account.Actor) (f Figures, err error) {
	if err := by.Require(account.BinRead); err != nil {
		return f, err
	}
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		f = Figures{}
		var rows []struct {
			State     string
			KeepUntil time.Time
			N, B      int64
		}
		err := ownItems(tx.Model(&Item{}), by).Joins("JOIN bin_batch ON bin_batch.id = bin_item.batch_id").Where("bin_item.state IN ?", resting).
			Select("bin_item.state, bin_batch.keep_until, COUNT(*) AS n, SUM(bin_item.bytes) AS b").
			Group("bin_item.state, bin_item.batch_id, bin_batch.keep_until").Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("count the bin: %w", err)
		}
		for _, r := range rows {
			f.add(r.State, r.KeepUntil.Sub(tx.Now), r.N, r.B)
		}
		return nil
	})
	return f, err
}

func (f *Figures) add(state string, left time.Duration, n, bytes int64) {
	if state == ItemFrozen {
		f.Frozen, f.FrozenBatches = f.Frozen+n, f.FrozenBatches+1
	} else if left <= 0 {
		f.Expired, f.ExpiredBatches = f.Expired+n, f.ExpiredBatches+1
	}
	if left <= 0 {
		return
	}
	f.Restorable, f.RestorableBytes = f.Restorable+n, f.RestorableBytes+bytes
	f.RestorableBatches++
	if left <= soon {
		f.Soon, f.SoonBatches = f.Soon+n, f.SoonBatches+1
	}
}
