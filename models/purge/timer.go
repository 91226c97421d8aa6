package purge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// The kinds of jobs.
const (
	JobRun   = "purge.run"
	JobTimer = "purge.timer"
)

// timerEvery is how often deadlines are looked at.
const timerEvery = time.Minute

// resumeAfter is how long a failed execution waits.
const resumeAfter = 10 * time.Minute

// The reasons for which the system closes a request; each ends a catalogue key. When a
// consent no longer stands the reason is approval's.
const (
	lapseVotes      = "votes"      // not all voted in time
	lapseConfirm    = "confirm"    // legal did not confirm in time
	lapseSuperseded = "superseded" // a draft whose batch somebody requested
	lapseForged     = "forged"     // the request's own row was changed
	lapseManifest   = "manifest"   // the list is not the one that was agreed to
	lapseHold       = "hold"       // a hold on it was ended past the program
	lapsePolicy     = "policy"     // the floors are not those that somebody put in force
)

// Timer is the job that looks at deadlines. Missing it destroys nothing: the deadlines are
// checked again wherever they count.
type Timer struct{ Desk *Desk }

// Step looks once and waits for the next time.
func (t *Timer) Step(ctx context.Context, j *job.Job) (bool, error) {
	return job.Timer(t.Desk.DB, timerEvery, t.Desk.Tick).Step(ctx, j)
}

// Tick drafts requests for batches whose time in the bin is over, lets requests lapse whose
// votes or confirmation did not come in time, asks legal for the confirmation when the
// cooling-off of a purge of the whole organisation has ended, and looks at waiting lists again.
func (d *Desk) Tick(ctx context.Context) error {
	if err := d.draft(ctx); err != nil {
		return err
	}
	late, err := d.late(ctx)
	if err != nil {
		return err
	}
	if err := d.each(ctx, late, d.settle); err != nil {
		return err
	}
	if err := d.reviewAll(ctx); err != nil {
		return err
	}
	stuck, err := d.stuck(ctx)
	if err != nil {
		return err
	}
	return d.each(ctx, stuck, d.resume)
}

// each does one thing to several requests, each in its own transaction.
func (d *Desk) each(ctx context.Context, list []id.Purge, do func(*db.Tx, id.Purge) error) error {
	for _, p := range list {
		err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error { return do(tx, p) })
		// Somebody acted in the meantime: that settles it too.
		if err != nil && fault.KindOf(err) != fault.KindConflict {
			return err
		}
	}
	return nil
}

// stuck finds requests whose execution is over in the queue but not in truth: the job failed for
// good or somebody cancelled it. What has begun must end, or keys of erased
// conversations would stay.
func (d *Desk) stuck(ctx context.Context) (ids []id.Purge, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		var rows []Request
		err := tx.Select("id", "job_id").Where("job_id <> 0 AND phase <> ? AND state IN ?", PhaseEnd,
			[]State{CoolingOff, Scheduled, Running, Verifying, Done, DoneWithExceptions}).Order("id").Find(&rows).Error
		if err != nil {
			return fmt.Errorf("look for stuck purges: %w", err)
		}
		for _, r := range rows {
			j, err := job.Find(tx, r.JobID)
			switch {
			case fault.KindOf(err) == fault.KindNotFound:
			case err != nil:
				return err
			case !j.Over():
				continue
			}
			ids = append(ids, r.ID)
		}
		return nil
	})
	return ids, err
}

// resume queues the execution of a request again, after a pause: what made it fail may last.
func (d *Desk) resume(tx *db.Tx, p id.Purge) error {
	r, err := lockRequest(tx, p)
	if err != nil {
		return err
	}
	at := tx.Now.Add(resumeAfter)
	if r.DueAt != nil {
		at = later(at, *r.DueAt)
	}
	j, err := job.Enqueue(tx, job.New{Kind: JobRun, Subject: uint64(r.ID), Object: r.Code, By: r.RequesterID, RunAt: at, Total: r.Size, Solo: true})
	if err != nil {
		return err
	}
	if err := tx.Model(&Request{}).Where("id = ?", p).Update("job_id", j).Error; err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "purge.requeued", ObjectKind: "purge", Object: r.Code, Count: r.Size,
	})
}

// draft writes one request per expired batch. It freezes nothing: a person has to want it.
func (d *Desk) draft(ctx context.Context) error {
	var batches []id.Batch
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		batches, err = bin.ExpiredWithoutRequest(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range batches {
		err := d.Clock.Write(ctx, d.DB, func(tx *db.Tx) error { return d.draftFor(tx, b) })
		// Somebody asked, restored or drafted in the meantime: that settles it too.
		if err != nil && fault.KindOf(err) != fault.KindConflict && !db.Duplicate(err) {
			return err
		}
	}
	return nil
}

// draftFor writes the draft for a batch. As in a request the serial comes before the batch, or
// the two would wait for each other.
func (d *Desk) draftFor(tx *db.Tx, batch id.Batch) error {
	r, err := d.create(tx, Request{State: Draft, RequestKey: draftKey + id.String(batch), RequesterRole: "system"})
	if err != nil {
		return err
	}
	b, err := bin.Drafted(tx, batch)
	if err != nil {
		return err
	}
	if err := bin.Genuine(d.Keys, *b); err != nil {
		return err
	}
	p, err := outlook(tx, []bin.Batch{*b}, "")
	if err != nil {
		return err
	}
	if p.Size == 0 {
		return fault.Conflict("purge.nothing_on_list")
	}
	if err := r.describe(tx, p); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "purge.drafted", ObjectKind: "purge", Object: r.Code, Count: p.Size,
		Data: map[string]any{"batch": b.Code, "excluded": p.Excluded},
	})
}

// describe stores what a draft is about, so that it is seen by those who see its departments:
// what could be frozen now, without what is protected.
func (r *Request) describe(tx *db.Tx, p *Preview) error {
	excluded, err := json.Marshal(p.Excluded)
	if err != nil {
		return fmt.Errorf("encode exclusions: %w", err)
	}
	err = tx.Model(&Request{}).Where("id = ?", r.ID).
		Updates(map[string]any{"size": p.Size, "messages": p.Messages, "attachments": p.Attachments, "bytes": p.Bytes, "scope_kind": p.ScopeKind, "excluded": string(excluded)}).Error
	if err != nil {
		return fmt.Errorf("store draft: %w", err)
	}
	for i := range p.Batches {
		p.Batches[i].PurgeID = r.ID
	}
	for i := range p.Departments {
		p.Departments[i].PurgeID = r.ID
	}
	for _, rows := range []any{&p.Batches, &p.Departments} {
		if err := tx.Create(rows).Error; err != nil {
			return fmt.Errorf("store draft: %w", err)
		}
	}
	return nil
}

// late finds the requests of which a deadline has passed.
func (d *Desk) late(ctx context.Context) (ids []id.Purge, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&Request{}).Where("state IN ? AND expires_at <= ?", []State{AwaitingSupervisor, AwaitingLegal}, tx.Now).
			Or("state IN ? AND scope_kind = ? AND cooling_until <= ?", []State{CoolingOff, AwaitingCodes}, Organisation, tx.Now).
			Order("id").Pluck("id", &ids).Error
	})
	if err != nil {
		return nil, fmt.Errorf("look for deadlines: %w", err)
	}
	return ids, nil
}

// settle does what a passed deadline asks for, if it still does.
func (d *Desk) settle(tx *db.Tx, p id.Purge) error {
	r, err := lockRequest(tx, p)
	if err != nil {
		return err
	}
	switch {
	case (r.State == AwaitingSupervisor || r.State == AwaitingLegal) && !tx.Now.Before(*r.ExpiresAt):
		return r.lapse(tx, lapseVotes)
	case r.ScopeKind != Organisation || r.Shown(tx.Now) != AwaitingCodes:
		return nil
	case !tx.Now.Before(r.CoolingUntil.Add(confirmTime)):
		return r.lapse(tx, lapseConfirm)
	case r.State == CoolingOff:
		if err := r.move(tx, AwaitingCodes, nil); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: account.System("worker", "").Audit(), Action: "purge.cooled", ObjectKind: "purge", Object: r.Code, Count: r.Size,
		})
	}
	return nil
}

// lapse closes a request that can no longer be carried out and says why.
func (r *Request) lapse(tx *db.Tx, reason string) error {
	if err := r.close(tx, Lapsed, "", reason); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: account.System("worker", "").Audit(), Action: "purge.lapsed", ObjectKind: "purge", Object: r.Code, Count: r.Size,
		Data: map[string]any{"reason": reason, "root": hexOf(r.Root)},
	})
}
