package subject

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/retention"
)

// The kinds of jobs: the timer looks at all open requests, JobBin at one, right after it was placed.
const (
	JobTimer = "subject.timer"
	JobBin   = "subject.bin"
)

const timerEvery = time.Hour

// The actions of the log, beside bin.ActSubject.
const (
	actPlaced = "subject.placed"
	actLifted = "subject.lifted"
	actDone   = "subject.done"
	actAgain  = "subject.binned_again"
)

// Timer is the job that moves into the bin what may go, and ends requests of which nothing is left.
func (r *Requests) Timer() job.Runner { return job.Timer(r.DB, timerEvery, r.Tick) }

// Binner does the jobs of kind JobBin. What is still to do is told by the request: if the process dies, the next
// worker goes on.
func (r *Requests) Binner() job.Runner {
	return job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
		if err := r.Settle(ctx, id.Subject(j.Subject)); err != nil {
			return false, err
		}
		return true, r.DB.Write(ctx, func(tx *db.Tx) error { return job.Finish(tx, j) })
	})
}

// Tick writes down outside what the folder lacks, and looks at every open request. One that cannot be settled does not keep the others waiting.
func (r *Requests) Tick(ctx context.Context) error {
	var open []id.Subject
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(&Request{}).Where("state = ?", Open).Order("id").Pluck("id", &open).Error
	})
	if err != nil {
		return fmt.Errorf("look for open requests: %w", err)
	}
	errs := []error{r.remember(ctx)}
	for _, one := range open {
		if err := r.Settle(ctx, one); err != nil {
			errs = append(errs, fmt.Errorf("request %d: %w", one, err))
		}
	}
	return errors.Join(errs...)
}

// Settle moves of a request what may go, batch by batch, each in its own transaction, and ends it when nothing of it
// is left. One that was forged moves nothing; fsck tells of it.
func (r *Requests) Settle(ctx context.Context, request id.Subject) error {
	for more := true; more; {
		err := r.Clock.Write(ctx, r.DB, func(tx *db.Tx) (err error) {
			more, err = r.step(tx, request)
			return err
		})
		// Somebody acted in the meantime: that settles it too.
		if fault.KindOf(err) == fault.KindConflict {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step moves one batch, or ends the request when nothing of it is left. It tells whether there may be more.
func (r *Requests) step(tx *db.Tx, request id.Subject) (more bool, err error) {
	if err := hold.ShareEpoch(tx); err != nil {
		return false, err
	}
	of, err := lockRequest(tx, request)
	if err != nil || of.State != Open {
		return false, err
	}
	if err := r.mustBeGenuine(tx, of); err != nil {
		return false, err
	}
	left, err := stillThere(tx, of.ID)
	if err != nil {
		return false, err
	}
	if left == 0 {
		return false, r.end(tx, of)
	}
	due, err := dueOf(tx, of.ID)
	if err != nil || len(due.ids) == 0 {
		return false, err
	}
	room, err := r.Bin.Room(tx, of.Code, int64(len(due.ids)), due.departments)
	if err != nil || room == 0 {
		return false, err
	}
	batch, went, err := r.Bin.DiscardSealed(tx, bin.Due{Code: of.Code, Owner: of.owner(), IDs: due.ids[:room]})
	if err != nil || batch == nil {
		return false, err
	}
	res := tx.Model(&Item{}).Where("request_id = ? AND conversation_id IN ? AND binned_at IS NULL", of.ID, went).Update("binned_at", tx.Now)
	if res.Error == nil && res.RowsAffected != int64(len(went)) {
		return false, fmt.Errorf("%s: %d of %d noted as binned", of.Code, res.RowsAffected, len(went))
	}
	return true, res.Error
}

// owner is who answers for the batches of a request.
func (r *Request) owner() account.Actor {
	return account.Actor{ID: r.CreatedBy, PersonID: r.CreatorPerson, Name: r.CreatorName, Role: account.Legal}
}

// end closes a request of which nothing is left but certificates.
func (r *Requests) end(tx *db.Tx, of *Request) error {
	of.State, of.EndedAt = Done, &tx.Now
	if err := r.store(tx, of); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{Actor: account.System("worker", "").Audit(), Action: actDone, ObjectKind: "subject", Object: of.Code, Count: of.Size})
}

// there joins what a request reached with what of it is still stored.
func there(tx *db.Tx, request id.Subject) *gorm.DB {
	return tx.Table("subject_item").Joins("JOIN conversation ON conversation.id = subject_item.conversation_id").Where("subject_item.request_id = ?", request)
}

func stillThere(tx *db.Tx, request id.Subject) (n int64, err error) {
	if err := there(tx, request).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count what is left of a request: %w", err)
	}
	return n, nil
}

// dues are conversations of a request that may go into the bin now.
type dues struct {
	ids         []id.Conversation
	departments []id.Department
}

// dueOf finds what is sealed, protected by nothing, and was not in the bin before.
func dueOf(tx *db.Tx, request id.Subject) (out dues, err error) {
	policy, err := retention.Load(tx)
	if err != nil {
		return out, err
	}
	why, args := bin.Why(policy, tx.Now)
	var rows []struct {
		ID           id.Conversation
		DepartmentID id.Department
	}
	err = there(tx, request).Where("subject_item.binned_at IS NULL AND conversation.state = ?", conversation.Sealed).Where(why+" = ''", args...).
		Order("conversation.id").Select("conversation.id, conversation.department_id").Scan(&rows).Error
	if err != nil {
		return out, fmt.Errorf("find what may go into the bin: %w", err)
	}
	seen := map[id.Department]bool{}
	for _, c := range rows {
		out.ids = append(out.ids, c.ID)
		if !seen[c.DepartmentID] {
			seen[c.DepartmentID] = true
			out.departments = append(out.departments, c.DepartmentID)
		}
	}
	return out, nil
}

// lockRequest locks a request. Whoever moves, lifts or ends it waits here, so that one of them wins.
func lockRequest(tx *db.Tx, request id.Subject) (*Request, error) {
	var of Request
	err := tx.ForUpdate().Where("id = ?", request).Take(&of).Error
	if db.NotFound(err) {
		return nil, fault.NotFound("subject.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("lock request: %w", err)
	}
	return &of, nil
}

// BinAgain lets go into the bin again what came back out of it under seal: somebody restored it, or a hold took it
// out. It goes as everything does, when nothing protects it. It tells how many these are. The fault is forbidden but
// for legal, not-found, and a conflict when the request is over or nothing came back.
func (r *Requests) BinAgain(ctx context.Context, by account.Actor, request id.Subject) (n int64, err error) {
	if err := mayPlace(by); err != nil {
		return 0, err
	}
	err = r.Clock.Write(ctx, r.DB, func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		of, err := lockRequest(tx, request)
		if err != nil {
			return err
		}
		if of.State != Open {
			return fault.Conflict("subject.not_open")
		}
		if err := r.mustBeGenuine(tx, of); err != nil {
			return err
		}
		var back []id.Conversation
		err = there(tx, of.ID).Where("subject_item.binned_at IS NOT NULL AND conversation.state = ?", conversation.Sealed).
			Order("conversation.id").Pluck("conversation.id", &back).Error
		if err != nil {
			return fmt.Errorf("find what came back: %w", err)
		}
		if n = int64(len(back)); n == 0 {
			return fault.Conflict("subject.nothing_back")
		}
		if err := tx.Model(&Item{}).Where("request_id = ? AND conversation_id IN ?", of.ID, back).Update("binned_at", nil).Error; err != nil {
			return fmt.Errorf("note what came back: %w", err)
		}
		if _, err := job.Enqueue(tx, job.New{Kind: JobBin, Subject: uint64(of.ID), Object: of.Code, By: by.ID, Total: n, Solo: true}); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: actAgain, ObjectKind: "subject", Object: of.Code, Count: n})
	})
	return n, err
}
