package job

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// New is a job to be enqueued. A zero RunAt means at once. Solo means that at most
// one job of this kind and subject is queued or running.
type New struct {
	Kind    string
	Subject uint64
	Object  string
	By      id.User
	RunAt   time.Time
	Total   int64
	Note    string
	Solo    bool
}

var errNoKind = errors.New("job: a job needs a kind")

const textWidth = 500

// Enqueue puts a job into the queue as part of the caller's transaction. For a
// solo job that is there already it gives that one's id.
func Enqueue(tx *db.Tx, n New) (id.Job, error) {
	if n.Kind == "" {
		return 0, errNoKind
	}
	j := Job{
		Kind: n.Kind, Subject: n.Subject, Object: n.Object, State: Queued, RunAt: db.Instant(n.RunAt), Total: n.Total,
		Note: cut(n.Note), CreatedBy: n.By, CreatedAt: tx.Now, Version: 1,
	}
	if n.RunAt.IsZero() {
		j.RunAt = tx.Now
	}
	if !n.Solo {
		if err := tx.Create(&j).Error; err != nil {
			return 0, fmt.Errorf("enqueue %s: %w", n.Kind, err)
		}
		return j.ID, nil
	}
	name := n.Kind + "/" + strconv.FormatUint(n.Subject, 10)
	j.Solo = &name
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&j).Error; err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", n.Kind, err)
	}
	// Whether it is ours or was there: the name tells.
	var there []Job
	if err := tx.Where("solo = ?", name).Find(&there).Error; err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", n.Kind, err)
	}
	if len(there) != 1 {
		return 0, fmt.Errorf("enqueue %s: %d rows are called %s", n.Kind, len(there), name)
	}
	return there[0].ID, nil
}

// Hasten lets the timers of a kind that wait for their time be run now, and tells whether there was one. One that failed goes
// on waiting.
func Hasten(tx *db.Tx, kind string) (bool, error) {
	res := tx.Model(&Job{}).Where("kind = ? AND state = ? AND run_at > ? AND attempts = 0", kind, Queued, tx.Now).
		Updates(map[string]any{"run_at": tx.Now, "version": plus("version")})
	if res.Error != nil {
		return false, fmt.Errorf("hasten %s: %w", kind, res.Error)
	}
	return res.RowsAffected > 0, nil
}

// Cancel ends a job that is queued or running. A worker that runs it is fenced out
// at its next step. The fault is not-found, or a conflict if the job is over.
func Cancel(tx *db.Tx, j id.Job) error {
	res := tx.Model(&Job{}).Where("id = ? AND state IN ?", j, []State{Queued, Running}).Updates(map[string]any{
		"state": Cancelled, "solo": nil, "lease_until": nil, "finished_at": tx.Now,
		"token": plus("token"), "version": plus("version"),
	})
	if res.Error != nil {
		return fmt.Errorf("cancel job: %w", res.Error)
	}
	if res.RowsAffected == 1 {
		return nil
	}
	if _, err := Find(tx, j); err != nil {
		return err
	}
	return fault.Conflict("job.finished")
}

// Find gives a job, or the not-found fault.
func Find(tx *db.Tx, j id.Job) (*Job, error) {
	var jobs []Job
	if err := tx.Where("id = ?", j).Find(&jobs).Error; err != nil {
		return nil, fmt.Errorf("find job: %w", err)
	}
	return one(jobs)
}

// Of gives the newest job of a kind for a subject, or the not-found fault.
func Of(tx *db.Tx, kind string, subject uint64) (*Job, error) {
	var jobs []Job
	if err := tx.Where("kind = ? AND subject = ?", kind, subject).Order("id DESC").Limit(1).Find(&jobs).Error; err != nil {
		return nil, fmt.Errorf("find job: %w", err)
	}
	return one(jobs)
}

func one(jobs []Job) (*Job, error) {
	if len(jobs) != 1 {
		return nil, fault.NotFound("job.not_found")
	}
	return &jobs[0], nil
}

// Filter chooses jobs; a zero field chooses all. Before is the cursor: jobs with
// smaller ids.
type Filter struct {
	Kinds  []string
	States []State
	By     id.User
	AtWork bool // only those of the function of that name
	Before id.Job
	Size   int
}

// Page is a page of jobs, newest first, with the number of all that the filter
// chooses.
type Page struct {
	Jobs  []Job
	Total int64
}

// AtWork narrows a query to the jobs that run, or will as soon as a worker is free, or are tried again. One that
// waits for its time, as a purge in its cooling-off does, is not at work.
func AtWork(q *gorm.DB, now time.Time) *gorm.DB {
	return q.Where("(state = ? OR (state = ? AND (run_at <= ? OR attempts > 0)))", Running, Queued, now)
}

const largestPage = 200

// List gives a page of jobs.
func List(tx *db.Tx, f Filter) (Page, error) {
	q := tx.Model(&Job{})
	if len(f.Kinds) > 0 {
		q = q.Where("kind IN ?", f.Kinds)
	}
	if len(f.States) > 0 {
		q = q.Where("state IN ?", f.States)
	}
	if f.By != 0 {
		q = q.Where("created_by = ?", f.By)
	}
	if f.AtWork {
		q = AtWork(q, tx.Now)
	}
	var p Page
	if err := q.Count(&p.Total).Error; err != nil {
		return Page{}, fmt.Errorf("count jobs: %w", err)
	}
	if f.Before != 0 {
		q = q.Where("id < ?", f.Before)
	}
	size := min(max(f.Size, 1), largestPage)
	if err := q.Order("id DESC").Limit(size).Find(&p.Jobs).Error; err != nil {
		return Page{}, fmt.Errorf("list jobs: %w", err)
	}
	return p, nil
}
