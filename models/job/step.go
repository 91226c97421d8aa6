package job

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/fault"
)

// Advance writes down how far a step has come and renews the lease, in the
// step's own transaction. If another worker has the job by now it gives
// ErrFenced, and everything the step did is undone. j stays as it is: the
// closure may run again.
func Advance(tx *db.Tx, j *Job, pos, done int64) error {
	return update(tx, j, map[string]any{"pos": pos, "done": done, "attempts": 0, "error": "", "lease_until": tx.Now.Add(Lease)})
}

// Did is Advance for one of several parts of a step that run at once, each in its own
// transaction: it adds n to what is done, and moves the cursor forward only.
func Did(tx *db.Tx, j *Job, pos, n int64) error {
	return update(tx, j, map[string]any{
		"pos": gorm.Expr("CASE WHEN pos < ? THEN ? ELSE pos END", pos, pos), "done": gorm.Expr("done + ?", n),
		"attempts": 0, "error": "", "lease_until": tx.Now.Add(Lease),
	})
}

// Total sets what the job's progress is measured against.
func Total(tx *db.Tx, j *Job, total int64) error {
	return update(tx, j, map[string]any{"total": total})
}

// Remark sets the line that people see beside the progress.
func Remark(tx *db.Tx, j *Job, note string) error {
	return update(tx, j, map[string]any{"note": cut(note)})
}

// Finish ends the job together with what its last step did.
func Finish(tx *db.Tx, j *Job) error {
	return update(tx, j, map[string]any{"state": Done, "solo": nil, "lease_until": nil, "finished_at": tx.Now, "attempts": 0, "error": ""})
}

// Again ends this round of a timer: the same job waits for its next time.
func Again(tx *db.Tx, j *Job, at time.Time) error {
	return update(tx, j, map[string]any{
		"state": Queued, "run_at": db.Instant(at), "pos": 0, "done": 0, "attempts": 0, "error": "",
		"lease_until": nil, "finished_at": tx.Now,
	})
}

// Every is Again at the next multiple of the interval since the job's time, so
// that a timer neither drifts nor catches up on rounds that it missed.
func Every(tx *db.Tx, j *Job, interval time.Duration) error {
	late := max(tx.Now.Sub(j.RunAt), 0)
	return Again(tx, j, j.RunAt.Add(late.Truncate(interval)+interval))
}

// Timer is a job that does something and waits for its next time; see Every. What failed is tried again as every job is.
func Timer(d *db.DB, interval time.Duration, do func(context.Context) error) Runner {
	return RunnerFunc(func(ctx context.Context, j *Job) (bool, error) {
		if err := do(ctx); err != nil {
			return false, err
		}
		return false, d.Write(ctx, func(tx *db.Tx) error { return Every(tx, j, interval) })
	})
}

// Fail writes down that a step failed and lets the job wait, each time longer.
// After too many attempts without progress, or at once for a fault that waiting
// will not cure, it has failed for good.
func Fail(ctx context.Context, d *db.DB, j *Job, cause error) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		set := map[string]any{"error": cut(cause.Error()), "lease_until": nil}
		if j.Attempts >= mostAttempts || hopeless(cause) {
			set["state"], set["solo"], set["finished_at"] = Failed, nil, tx.Now
		} else {
			set["state"], set["run_at"] = Queued, tx.Now.Add(pause(j.Attempts))
		}
		return update(tx, j, set)
	})
}

// Release gives a job back as it is, for another worker to go on at once.
func Release(ctx context.Context, d *db.DB, j *Job) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		return update(tx, j, map[string]any{"state": Queued, "lease_until": nil, "attempts": max(j.Attempts-1, 0)})
	})
}

// Wait gives a job back as it is and says what it waits for. No time is set: the clock may be what is wrong.
func Wait(ctx context.Context, d *db.DB, j *Job, cause error) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		return update(tx, j, map[string]any{"state": Queued, "lease_until": nil, "attempts": max(j.Attempts-1, 0), "error": cut(cause.Error())})
	})
}

// update changes a job that this worker still holds.
func update(tx *db.Tx, j *Job, set map[string]any) error {
	set["version"] = plus("version")
	res := tx.Model(&Job{}).Where("id = ? AND token = ? AND state = ?", j.ID, j.Token, Running).Updates(set)
	switch {
	case res.Error != nil:
		return fmt.Errorf("job %d: %w", j.ID, res.Error)
	case res.RowsAffected != 1:
		return ErrFenced
	}
	return nil
}

func hopeless(cause error) bool {
	_, ok := fault.Of(cause)
	return ok && fault.KindOf(cause) != fault.KindBusy
}

// pause is 5 s, 10 s, 20 s … after the first, second, third attempt.
func pause(attempts int) time.Duration {
	p := firstPause
	for range attempts - 1 {
		if p *= 2; p >= longestPause {
			return longestPause
		}
	}
	return p
}

// cut makes a text fit its column.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) > textWidth {
		s = string([]rune(s)[:textWidth-1]) + "…"
	}
	return s
}
