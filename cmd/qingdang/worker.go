package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/export"
	"qingdang/models/fault"
	"qingdang/models/fsck"
	"qingdang/models/hold"
	"qingdang/models/inspection"
	"qingdang/models/intake"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/retention"
	"qingdang/models/subject"
)

// workerCommand runs jobs only: large batches, purges, imports, timers.
type workerCommand struct{}

// Run works until the process is told to stop; the step in hand is finished first.
func (workerCommand) Run(t *terminal) error {
	return t.withApp(func(a *app) error {
		if err := a.accounts.CheckMode(t.ctx); err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(t.ctx)
		g.Go(func() error { return a.beat(ctx) })
		g.Go(func() error { return a.work(ctx) })
		return g.Wait()
	})
}

// work runs the worker loop, and the search index's beside it.
func (a *app) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.workIndex(ctx) })
	g.Go(func() error { return a.workJobs(ctx) })
	return g.Wait()
}

func (a *app) workJobs(ctx context.Context) error {
	if err := a.walk().Hurry(ctx); err != nil {
		return err
	}
	return job.Work(ctx, a.db, workerName(), a.runners(), job.Options{Timers: a.timers(), Log: slog.Default(), Waits: audit.Halted})
}

func (a *app) walk() *retention.Walk { return &retention.Walk{DB: a.db, Vault: a.vault()} }

// timers are the jobs that must always be waiting for their next time.
func (a *app) timers() []job.New {
	all := []job.New{
		{Kind: purge.JobTimer},
		{Kind: hold.JobTimer},
		{Kind: inspection.JobTimer},
		{Kind: retention.JobWalk},
		{Kind: retention.JobTimer},
		{Kind: subject.JobTimer},
		{Kind: jobCheckpoint},
		{Kind: jobCheck},
		{Kind: jobSessions},
		{Kind: jobUploads},
		{Kind: jobFsck},
		{Kind: jobKeys},
		{Kind: jobExports},
		{Kind: jobAccess},
	}
	if a.log.Witness != nil {
		all = append(all, job.New{Kind: jobWitness})
	}
	return all
}

// runners are the kinds of jobs and who does them.
func (a *app) runners() map[string]job.Runner {
	return map[string]job.Runner{
		bin.JobMove:         a.bin.Mover(),
		purge.JobRun:        a.purgeRunner(workerName()),
		purge.JobTimer:      &purge.Timer{Desk: a.purges},
		hold.JobReturn:      &hold.Returner{Holds: a.holds},
		hold.JobTimer:       &hold.Timer{Holds: a.holds},
		inspection.JobTimer: &inspection.Timer{Desk: a.inspections},
		intake.JobRun:       a.imports.Runner(),
		retention.JobTimer:  &retention.Timer{Desk: a.retention},
		retention.JobWalk:   a.walk(),
		export.JobRun:       a.exports.Runner(),
		subject.JobTimer:    a.subjects.Timer(),
		subject.JobBin:      a.subjects.Binner(),
		jobExports:          a.every(10*time.Minute, a.exports.Sweep),
		jobAccess:           a.every(5*time.Minute, a.access.Tick),
		jobCheckpoint: a.every(24*time.Hour, func(ctx context.Context) error {
			_, err := a.log.Checkpoint(ctx)
			if fault.KindOf(err) == fault.KindConflict {
				return nil // the log is still empty
			}
			return err
		}),
		jobWitness: job.RunnerFunc(a.tellWitness),
		jobCheck: a.every(24*time.Hour, func(ctx context.Context) error {
			_, err := a.evidence.Check(ctx, account.System("worker", ""))
			return err
		}),
		jobFsck: a.nightly(func(ctx context.Context) error {
			_, err := a.checker().Record(ctx, account.System("worker", ""))
			return err
		}),
		jobKeys: a.every(24*time.Hour, func(ctx context.Context) error {
			return a.keeper().Daily(ctx, account.System("worker", ""))
		}),
		jobUploads: a.every(time.Hour, a.imports.Sweep),
		jobSessions: a.every(time.Hour, func(ctx context.Context) error {
			_, err := a.accounts.CleanSessions(ctx)
			return err
		}),
	}
}

// The kinds of the timers that only the wiring knows.
const (
	jobCheckpoint = "audit.checkpoint"
	jobWitness    = "audit.witness"
	jobCheck      = "audit.check"
	jobSessions   = "session.clean"
	jobUploads    = "upload.sweep"
	jobFsck       = "data.check"
	jobKeys       = "keys.backup"
	jobExports    = "export.sweep"
	jobAccess     = "access.sweep"
)

// every makes a timer of a function: it runs and then waits for its next time.
func (a *app) every(interval time.Duration, f func(context.Context) error) job.Runner {
	return job.Timer(a.db, interval, f)
}

// nightly makes a timer of a function that runs at once and then each night, in the
// organisation's zone, when few people look and purges are mostly done.
func (a *app) nightly(f func(context.Context) error) job.Runner {
	const hour = 4
	return job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
		if err := f(ctx); err != nil {
			return false, err
		}
		return false, a.db.Write(ctx, func(tx *db.Tx) error {
			now := tx.Now.In(a.config.location)
			next := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, now.Location())
			if !next.After(now) {
				next = next.AddDate(0, 0, 1)
			}
			return job.Again(tx, j, next)
		})
	})
}

func (a *app) checker() *fsck.Checker {
	return &fsck.Checker{DB: a.db, Store: a.store, Log: a.log, Ledger: a.ledger, Index: a.index, Sensitive: a.config.sensitive}
}

func (a *app) purgeRunner(worker string) *purge.Runner {
	return &purge.Runner{
		DB: a.db, Vault: a.vault(), Desk: a.purges, Log: a.log, Ledger: a.ledger, Index: a.index,
		Organisation: a.config.Organisation, Worker: worker,
	}
}

// workerName tells on the job page who works: host and process.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
