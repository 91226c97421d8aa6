package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Detail is a request with everything its page shows. The errors say why the reader may not
// do something now; nil means that they may.
type Detail struct {
	Request
	Now         time.Time
	Approval    approval.Approval
	Votes       []approval.Vote
	Batches     []Batch
	Departments []Share
	Changes     *Changes // the last hourly look; nil for a draft and after the end
	Progress    Progress
	Certificate *Head
	Reach       []Reach // what becomes, or became, of each class of copies
	KeepUntil   time.Time

	RequestRefused, VoteRefused, WithdrawRefused, ConfirmRefused error // RequestRefused is of a draft
}

// Get finds a request. The fault is not-found for a request outside the actor's departments.
func (d *Desk) Get(ctx context.Context, by account.Actor, p id.Purge) (*Detail, error) {
	var detail *Detail
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := visible(tx, by, p)
		if err != nil {
			return err
		}
		detail = &Detail{Request: *r, Now: tx.Now}
		return d.load(tx, by, detail)
	})
	if err != nil {
		return nil, d.unseen(ctx, by, p, err)
	}
	return detail, nil
}

func (d *Desk) load(tx *db.Tx, by account.Actor, g *Detail) (err error) {
	r := &g.Request
	if err := tx.Where("purge_id = ?", r.ID).Order("batch_id").Find(&g.Batches).Error; err != nil {
		return fmt.Errorf("read batches: %w", err)
	}
	if g.Departments, err = sharesStored(tx, r.ID); err != nil {
		return err
	}
	if g.Certificate, err = certificateOf(tx, r.ID); err != nil {
		return err
	}
	if g.Reach, err = d.reachNow(tx, g); err != nil {
		return err
	}
	if g.KeepUntil, err = plainKeepUntil(tx, g.Batches); err != nil {
		return err
	}
	g.VoteRefused, g.WithdrawRefused, g.ConfirmRefused = fault.Conflict("purge.closed"), fault.Conflict("purge.closed"), fault.Conflict("purge.not_awaiting_code")
	if r.State == Draft {
		g.RequestRefused, err = g.mayRequest(tx, by)
		return err
	}
	if g.Approval, g.Votes, err = approval.Find(tx, r.ApprovalID); err != nil {
		return err
	}
	if g.Progress, err = progressOf(tx, r); err != nil {
		return err
	}
	if r.State.Open() {
		if g.Changes, err = changesOf(tx, r.ID); err != nil {
			return err
		}
	}
	for _, ask := range []struct {
		into *error
		may  func(*db.Tx, account.Actor, *Request) error
	}{{&g.VoteRefused, mayVote}, {&g.WithdrawRefused, mayWithdraw}, {&g.ConfirmRefused, mayConfirm}} {
		*ask.into = ask.may(tx, by, r)
		// A refusal is an answer; anything else is not.
		if _, refused := fault.Of(*ask.into); *ask.into != nil && !refused {
			return *ask.into
		}
	}
	return nil
}

// mayRequest tells why the reader may not take a draft over, nil if they may.
func (g *Detail) mayRequest(tx *db.Tx, by account.Actor) (refused, err error) {
	if refused = by.Require(account.PurgeRequest); refused != nil {
		return refused, nil
	}
	ids := make([]id.Batch, len(g.Batches))
	for i, b := range g.Batches {
		ids[i] = b.BatchID
	}
	var batches []bin.Batch
	if err := tx.Where("id IN ?", ids).Find(&batches).Error; err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	refused = ownEnough(tx, by, batches)
	if _, ok := fault.Of(refused); refused != nil && !ok {
		return nil, refused
	}
	return refused, nil
}

// visible finds a request that the actor may know of: the own one, or one whose departments
// all lie in the actor's scope.
func visible(tx *db.Tx, by account.Actor, p id.Purge) (*Request, error) {
	if err := by.Require(account.PurgeRead); err != nil {
		return nil, err
	}
	var r Request
	switch err := seen(tx.Where("id = ?", p), by).Take(&r).Error; {
	case db.NotFound(err):
		return nil, noSuchPurge()
	case err != nil:
		return nil, fmt.Errorf("find request: %w", err)
	}
	return &r, nil
}

// seen is the one condition that says which requests an actor may know of.
func seen(q *gorm.DB, by account.Actor) *gorm.DB {
	if by.Scope.All {
		return q
	}
	return q.Where("(requester_id = ? AND requester_id <> 0 OR EXISTS (SELECT 1 FROM purge_department pd WHERE pd.purge_id = purge_request.id) "+
		"AND NOT EXISTS (SELECT 1 FROM purge_department pd WHERE pd.purge_id = purge_request.id AND NOT "+db.In("pd.department_id", by.Scope.Listed())+"))", by.ID)
}

// unseen writes down that somebody asked for a request that exists and is hidden from them;
// it gives err back.
func (d *Desk) unseen(ctx context.Context, by account.Actor, p id.Purge, err error) error {
	return audit.Unseen(ctx, d.DB, err, &Request{}, p, audit.Entry{Actor: by.Audit(), Action: "purge.refused", ObjectKind: "purge"})
}

// unseenBatches does the same for what somebody wants to request: the system's draft, or batches,
// of which it names the first that is hidden.
func (d *Desk) unseenBatches(ctx context.Context, by account.Actor, draft id.Purge, batches []id.Batch, err error) error {
	if draft != 0 || fault.KindOf(err) != fault.KindNotFound {
		return d.unseen(ctx, by, draft, err)
	}
	var hidden id.Batch
	looked := d.DB.Read(ctx, func(tx *db.Tx) error {
		for _, b := range batches {
			own, err := bin.AllWithin(tx, []id.Batch{b}, by.Scope)
			if err != nil {
				return err
			}
			if !own {
				hidden = b
				return nil
			}
		}
		return nil
	})
	if looked != nil {
		return errors.Join(err, looked)
	}
	return audit.Unseen(ctx, d.DB, err, &bin.Batch{}, hidden, audit.Entry{Actor: by.Audit(), Action: "purge.refused", ObjectKind: "batch"})
}

func departmentsOf(tx *db.Tx, p id.Purge) ([]id.Department, error) {
	var ids []id.Department
	if err := tx.Model(&Share{}).Where("purge_id = ?", p).Order("department_id").Pluck("department_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	if len(ids) == 0 {
		return nil, noSuchPurge()
	}
	return ids, nil
}

func sharesStored(tx *db.Tx, p id.Purge) ([]Share, error) {
	var shares []Share
	if err := tx.Where("purge_id = ?", p).Order("path").Find(&shares).Error; err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	return shares, nil
}

// plainKeepUntil is keepUntil without locks, for pages.
func plainKeepUntil(tx *db.Tx, batches []Batch) (keep time.Time, err error) {
	if len(batches) == 0 {
		return keep, nil
	}
	ids := make([]id.Batch, len(batches))
	for i, b := range batches {
		ids[i] = b.BatchID
	}
	var ends []time.Time
	if err := tx.Model(&bin.Batch{}).Where("id IN ?", ids).Pluck("keep_until", &ends).Error; err != nil {
		return keep, fmt.Errorf("read bin windows: %w", err)
	}
	for _, e := range ends {
		keep = later(keep, e)
	}
	return keep, nil
}
