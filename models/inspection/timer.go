package inspection

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/job"
)

// JobTimer is the kind of job that opens each quarter's inspection and draws the sample once the
// quarter is over.
const JobTimer = "inspection.timer"

const timerEvery = time.Hour

// Timer is that job.
type Timer struct{ Desk *Desk }

// Step looks once and waits for the next time.
func (t *Timer) Step(ctx context.Context, j *job.Job) (bool, error) {
	return job.Timer(t.Desk.DB, timerEvery, t.Desk.Tick).Step(ctx, j)
}

// Tick opens the inspection of the present quarter if nobody did, and draws the samples of quarters
// that are over. A batch that is still being moved puts that off to the next time.
func (d *Desk) Tick(ctx context.Context) error {
	var there int64
	var due []string
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&Inspection{}).Where("code = ?", QuarterOf(tx.Now, d.zone()).Code()).Count(&there).Error; err != nil {
			return err
		}
		return tx.Model(&Inspection{}).Where("state = ? AND end_at <= ?", Opened, db.Instant(tx.Now.Add(-settleTime))).Order("id").Pluck("code", &due).Error
	})
	if err != nil {
		return fmt.Errorf("look for inspections: %w", err)
	}
	by := account.System("worker", "")
	if there == 0 {
		if _, err := d.open(ctx, by); err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	for _, code := range due {
		if _, err := d.draw(ctx, by, code); err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	return nil
}
