// Package job owns the work queue: what is to be done later, by whom it was
// asked, how far it has come, and which worker holds it. A worker holds a job by
// a lease and a fencing token; a worker that lost them can change nothing,
// because every step checks the token in its own transaction.
package job

import (
	"errors"
	"time"

	"qingdang/models/id"
)

// State is where a job stands.
type State string

// The states of a job.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// ErrFenced says that the job is in other hands: the lease ran out and somebody
// else took it, or it was cancelled. A step returns it, so that all it did is
// rolled back.
var ErrFenced = errors.New("job: another worker holds it, or it was cancelled")

// Job is one piece of work. Pos is the cursor of its runner, Done and Total are
// what people see. Attempts counts claims since the last progress.
type Job struct {
	ID         id.Job `gorm:"primaryKey"`
	Kind       string
	Subject    uint64
	Object     string
	Solo       *string
	State      State
	RunAt      time.Time
	LeaseUntil *time.Time
	Token      int64
	Owner      string
	Attempts   int
	Pos        int64
	Done       int64
	Total      int64
	Note       string
	Error      string
	CreatedBy  id.User
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	StartedAt  *time.Time
	FinishedAt *time.Time
	Version    int64
}

// TableName is part of GORM.
func (Job) TableName() string { return "job" }

// Over tells whether nothing more will happen.
func (j *Job) Over() bool { return j.State == Done || j.State == Failed || j.State == Cancelled }
