package job

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"qingdang/models/db"
)

const (
	// Lease is how long a claim or a step's Advance holds a job.
	Lease = time.Minute
	// candidates is how many due jobs one claim tries before it gives up.
	candidates = 8
	// mostAttempts is how often a job is tried without any progress.
	mostAttempts = 8
	firstPause   = 5 * time.Second
	longestPause = 10 * time.Minute
)

// Claim takes the job that has been due longest and that nobody holds, or gives
// nil. It compares and sets instead of skipping locked rows, because that means
// the same on every engine. The claimed job has a new fencing token.
func Claim(ctx context.Context, d *db.DB, owner string, kinds []string) (*Job, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	var claimed *Job
	err := d.Write(ctx, func(tx *db.Tx) error {
		claimed = nil
		var due []Job
		err := tx.Where("kind IN ?", kinds).
			// No lease is that long: it was given by a clock that was ahead.
			Where("((state = ? AND run_at <= ?) OR (state = ? AND (lease_until <= ? OR lease_until > ?)))", Queued, tx.Now, Running, tx.Now, tx.Now.Add(2*Lease)).
			Order("run_at, id").Limit(candidates).Find(&due).Error
		if err != nil {
			return err
		}
		for i := range due {
			won, err := take(tx, &due[i], owner)
			if err != nil {
				return err
			}
			if won {
				claimed, err = Find(tx, due[i].ID)
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim job: %w", err)
	}
	return claimed, nil
}

// take sets the claim if the row is still as it was read. A job that was claimed
// too often without progress — its step kills the process, perhaps — fails.
func take(tx *db.Tx, j *Job, owner string) (won bool, err error) {
	set := map[string]any{"token": plus("token"), "version": plus("version")}
	if j.Attempts >= mostAttempts {
		set["state"], set["solo"], set["lease_until"], set["finished_at"] = Failed, nil, nil, tx.Now
		if j.Error == "" {
			set["error"] = fmt.Sprintf("given up after %d attempts", j.Attempts)
		}
	} else {
		set["state"], set["owner"], set["lease_until"] = Running, owner, tx.Now.Add(Lease)
		set["attempts"] = plus("attempts")
		if j.StartedAt == nil {
			set["started_at"] = tx.Now
		}
	}
	res := tx.Model(&Job{}).Where("id = ? AND version = ? AND state = ?", j.ID, j.Version, j.State).Updates(set)
	if res.Error != nil {
		return false, res.Error
	}
	return res.RowsAffected == 1 && set["state"] == Running, nil
}

func plus(column string) clause.Expr { return gorm.Expr("? + 1", clause.Column{Name: column}) }
