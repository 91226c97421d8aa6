package report

import (
	"context"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Job is a piece of work with the name of the person who asked for it.
type Job struct {
	job.Job
	By string // empty for the system
}

// JobView chooses what of the queue is listed.
type JobView struct {
	States []job.State
	Before id.Job
	Size   int
}

// JobPage is a page of the queue, newest first.
type JobPage struct {
	Jobs  []Job
	Total int64
	More  bool
}

// Jobs gives a page of the queue: everything for those who see the whole organisation, and
// otherwise what the actor asked for.
func (r *Reader) Jobs(ctx context.Context, by account.Actor, v JobView) (*JobPage, error) {
	if err := by.Require(account.JobRead); err != nil {
		return nil, err
	}
	f := job.Filter{States: v.States, Before: v.Before, Size: v.Size + 1}
	if !by.Scope.All {
		f.By = by.ID
	}
	var page *JobPage
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := job.List(tx, f)
		if err != nil {
			return err
		}
		more := len(found.Jobs) > v.Size
		jobs, err := named(tx, found.Jobs[:min(v.Size, len(found.Jobs))])
		page = &JobPage{Jobs: jobs, Total: found.Total, More: more}
		return err
	})
	return page, err
}

// Job gives one piece of work. What the actor may not see is not found.
func (r *Reader) Job(ctx context.Context, by account.Actor, j id.Job) (*Job, error) {
	if err := by.Require(account.JobRead); err != nil {
		return nil, err
	}
	var one *Job
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := job.Find(tx, j)
		if err != nil {
			return err
		}
		if !by.Scope.All && found.CreatedBy != by.ID {
			return fault.NotFound("job.not_found")
		}
		jobs, err := named(tx, []job.Job{*found})
		if err != nil {
			return err
		}
		one = &jobs[0]
		return nil
	})
	return one, err
}

func named(tx *db.Tx, jobs []job.Job) ([]Job, error) {
	var users []id.User
	for _, j := range jobs {
		if j.CreatedBy != 0 {
			users = append(users, j.CreatedBy)
		}
	}
	names, err := account.Names(tx, users...)
	if err != nil {
		return nil, err
	}
	out := make([]Job, len(jobs))
	for i, j := range jobs {
		out[i] = Job{Job: j, By: names[j.CreatedBy].Name}
	}
	return out, nil
}
