package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

const (
	// sendTime is how long a file may be on its way before its key is taken for forgotten.
	sendTime = 6 * time.Hour
	// strayAge keeps files that are being written.
	strayAge = time.Hour
	// perSweep bounds one round.
	perSweep = 500
)

// Sweep ends what is over: wishes that nobody answered, files that nobody fetched in time, exports
// whose job failed or whose key is gone, keys of files that were sent, and files that belong to
// nothing. The worker does it every few minutes.
func (d *Desk) Sweep(ctx context.Context) error {
	var due []Export
	var now time.Time
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now
		if err := d.Clock.Check(tx); err != nil {
			return err
		}
		due, err = d.due(tx)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for i := range due {
		errs = append(errs, d.sweepOne(ctx, due[i].ID))
	}
	return errors.Join(append(errs, d.strays(ctx, now.Add(-strayAge)))...)
}

// due finds what may have to be ended; sweepOne decides.
func (d *Desk) due(tx *db.Tx) ([]Export, error) {
	var all, ready []Export
	err := tx.Where("(state = ? AND answer_until <= ?) OR (state = ? AND expires_at <= ?) OR (state = ? AND key_gone_at IS NULL AND fetched_at <= ?)",
		Waiting, tx.Now, Ready, tx.Now, Fetched, tx.Now.Add(-sendTime)).
		Or("state IN ? AND EXISTS (SELECT 1 FROM job j WHERE j.id = export.job_id AND j.state IN ?)", []State{Queued, Freezing, Running}, []job.State{job.Failed, job.Cancelled, job.Done}).
		Or("state IN ? AND bucket_id <> 0 AND key_gone_at IS NULL", []State{Expired, Recalled, Failed, Cancelled, Rejected}).
		Order("id").Limit(perSweep).Find(&all).Error
	if err != nil {
		return nil, fmt.Errorf("find exports that are over: %w", err)
	}
	// A key that the key store destroyed while the database does not know: after a crash, or a restored
	// database.
	if err := tx.Where("state IN ? AND bucket_id <> 0 AND key_gone_at IS NULL", []State{Freezing, Running, Ready, Fetched}).Find(&ready).Error; err != nil {
		return nil, fmt.Errorf("find exports with keys: %w", err)
	}
	for i := range ready {
		dead, err := d.keyDead(&ready[i])
		if err != nil {
			return nil, err
		}
		if dead {
			all = append(all, ready[i])
		}
	}
	return all, nil
}

func (d *Desk) sweepOne(ctx context.Context, which id.Export) error {
	var e *Export
	err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) (err error) {
		if e, err = byID(tx, true, which); err != nil {
			return err
		}
		return d.over(tx, e)
	})
	if errors.Is(err, errAsItIs) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.clear(e)
}

// errAsItIs ends a transaction in which there was nothing to end.
var errAsItIs = errors.New("export: nothing to end")

func (d *Desk) over(tx *db.Tx, e *Export) error {
	dead, err := d.keyDead(e)
	if err != nil {
		return err
	}
	entry := audit.Entry{Actor: systemActor(), ObjectKind: "export", Object: e.Code, Count: e.Written}
	to := e.State
	switch {
	case e.State == Waiting && e.AnswerUntil != nil && !tx.Now.Before(*e.AnswerUntil):
		if err := approval.Close(tx, e.ApprovalID, approval.Lapsed); err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
		to, entry.Action = Rejected, "export.lapsed"
		e.close(tx.Now, account.Actor{}, "export.no_answer")
	case e.State == Ready && e.ExpiresAt != nil && !tx.Now.Before(*e.ExpiresAt):
		to, entry.Action = Expired, "export.expired"
		e.close(tx.Now, account.Actor{}, "")
	case e.State.making() && e.BucketID != 0 && dead, e.State == Ready && dead:
		return d.failed(tx, e, "export.key_lost")
	case e.State.making():
		j, err := job.Find(tx, e.JobID)
		if fault.KindOf(err) == fault.KindNotFound || err == nil && j.Over() {
			return d.failed(tx, e, "export.job_gave_up")
		}
		if err != nil {
			return err
		}
		return errAsItIs
	case e.BucketID != 0 && e.KeyGoneAt == nil && (e.State != Fetched || dead || !tx.Now.Before(e.FetchedAt.Add(sendTime))) && e.State.Over():
		entry.Action = "export.key_destroyed"
	default:
		return errAsItIs
	}
	if err := d.end(tx, e, to); err != nil {
		return err
	}
	return audit.Append(tx, entry)
}

// strays removes files that no part of a living export names.
func (d *Desk) strays(ctx context.Context, before time.Time) error {
	names, err := d.files("", before)
	if err != nil || len(names) == 0 {
		return err
	}
	kept := map[string]bool{}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		var files []string
		err := tx.Table("export_part p").Joins("JOIN export e ON e.id = p.export_id").
			Where("e.key_gone_at IS NULL").Pluck("p.file", &files).Error
		for _, f := range files {
			kept[f] = true
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("find parts: %w", err)
	}
	return d.remove(without(names, kept)...)
}
