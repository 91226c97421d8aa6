package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/job"
)

// Runner carries out uploaded imports. A run is one long step: if the process dies in it, the
// next worker reads the file again, and what was stored already is not stored twice.
func (im *Imports) Runner() job.Runner { return job.RunnerFunc(im.step) }

const (
	// pulse is how often a run says that it is alive and how far it is; a job's lease is a
	// minute.
	pulse     = 3 * time.Second
	mostTries = 5
)

func (im *Imports) step(ctx context.Context, j *job.Job) (done bool, err error) {
	r, s, err := im.begin(ctx, j)
	if err != nil || r == nil {
		return err == nil, err
	}
	by, err := im.owner(ctx, r, s)
	if err != nil {
		return false, err
	}
	report, err := im.carry(ctx, j, r, s, by)
	if err != nil {
		return false, err
	}
	if err := im.finish(ctx, j, r, s, by, report); err != nil {
		return false, err
	}
	// From here on nobody needs the upload. If the process dies first, a later sweep finds it.
	return true, errors.Join(removeSpool(im.Dir, r.Spool), im.sweep(ctx, time.Now()))
}

// begin notes one more try. A run that is over already gives nil.
func (im *Imports) begin(ctx context.Context, j *job.Job) (r *row, s source, err error) {
	err = im.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if r, err = find(tx.Model(&row{}), id.Import(j.Subject)); err != nil {
			return err
		}
		if r.State != RunWaiting {
			r = nil
			return nil
		}
		if r.Tries++; r.Tries > mostTries {
			// It may be the file that brings the process down.
			return fault.Conflict("import.given_up", mostTries)
		}
		if err := tx.Model(&row{}).Where("id = ?", r.ID).Update("tries", r.Tries).Error; err != nil {
			return fmt.Errorf("note try: %w", err)
		}
		return job.Advance(tx, j, 0, 0)
	})
	if err == nil && r != nil {
		err = im.open(r.Spool, r.Source, &s)
	}
	return r, s, err
}

// owner is the person who started the run, with the departments that were his then and the
// role that is his now.
func (im *Imports) owner(ctx context.Context, r *row, s source) (by account.Actor, err error) {
	err = im.DB.Read(ctx, func(tx *db.Tx) error {
		names, err := account.Names(tx, r.OwnerID)
		who := names[r.OwnerID]
		by = account.Actor{ID: who.User, PersonID: who.Person, StaffNo: who.StaffNo, Name: who.Name, Role: who.Role, Source: "worker", RequestID: r.Code}
		return err
	})
	by.Scope = account.Within(s.Departments...)
	if s.Everywhere {
		by.Scope = account.Everywhere()
	}
	return by, err
}

// carry imports the file while a second goroutine keeps the job's lease. When the lease is
// lost, the import is stopped.
func (im *Imports) carry(ctx context.Context, j *job.Job, r *row, s source, by account.Actor) (*Report, error) {
	body, err := openSpool(im.Dir, r.Spool, s.Key, r.Bytes)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var read, stored atomic.Int64
	before := r.AddedConversations
	note := func() error { return im.advance(ctx, j, r.ID, before+stored.Load(), read.Load()) }
	var beat sync.WaitGroup
	ended := make(chan struct{})
	beat.Go(func() {
		tick := time.NewTicker(pulse)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := note(); err != nil {
					stop(err)
				}
			}
		}
	})
	report, err := im.Importer.Import(ctx, by, format.Source{Name: s.Name, Body: body, Size: r.Bytes, Request: s.Request}, Options{
		Format: r.Asked, Department: r.DepartmentID, TempDir: im.TempDir, Limits: im.Limits,
		Progress: func(n, _ int64) { read.Store(n) },
		Stored: func(n int64) error {
			stored.Store(n)
			return note()
		},
	})
	close(ended)
	beat.Wait()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	report.AddedConversations += before
	return report, nil
}

// advance renews the lease and tells how far the run is.
func (im *Imports) advance(ctx context.Context, j *job.Job, run id.Import, stored, read int64) error {
	return im.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&row{}).Where("id = ?", run).Update("added_conversations", stored).Error; err != nil {
			return fmt.Errorf("note progress: %w", err)
		}
		return job.Advance(tx, j, stored, read)
	})
}

// finish stores the report. Of the source only the file's name is kept: its key is gone with
// the upload.
func (im *Imports) finish(ctx context.Context, j *job.Job, r *row, s source, by account.Actor, rep *Report) error {
	d := details{Rejects: rep.Rejects, More: rep.RejectsMore}
	state := RunDone
	if rep.FileError != nil {
		state, d.Error, d.Args = RunUnreadable, rep.FileError.Key, rep.FileError.Args
	}
	sealedDetails, err := im.seal(r.Spool, d)
	if err != nil {
		return err
	}
	sealedSource, err := im.seal(r.Spool, source{Name: s.Name})
	if err != nil {
		return err
	}
	return im.DB.Write(ctx, func(tx *db.Tx) error {
		res := tx.Model(&row{}).Where("id = ? AND state = ?", r.ID, RunWaiting).Updates(map[string]any{
			"state": state, "format": rep.Format, "source": sealedSource, "details": sealedDetails, "finished_at": tx.Now,
			"conversations": rep.Conversations, "messages": rep.Messages, "duplicates": rep.Duplicates, "events": rep.Events, "rejected": rep.Rejected,
			"recalled": rep.Recalled, "added_conversations": rep.AddedConversations, "added_messages": rep.AddedMessages, "purged_before": rep.PurgedBefore,
		})
		if res.Error != nil {
			return fmt.Errorf("store report: %w", res.Error)
		}
		if res.RowsAffected != 1 {
			return job.ErrFenced
		}
		if err := job.Advance(tx, j, rep.AddedConversations, r.Bytes); err != nil {
			return err
		}
		if err := job.Finish(tx, j); err != nil {
			return err
		}
		result := audit.OK
		if rep.FileError != nil {
			result = audit.ResultFailed
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "import.finished", ObjectKind: "import", Object: r.Code, Department: r.DepartmentID, Result: result, Count: rep.AddedConversations,
			Data: map[string]any{"conversations": rep.Conversations, "messages": rep.Messages, "rejected": rep.Rejected, "duplicates": rep.Duplicates, "purged_before": rep.PurgedBefore},
		})
	})
}
