package export

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

const mostRows = 200

// List gives a page of the exports that the actor may see: one's own; legal sees all, a supervisor
// those that lie in his departments.
func (d *Desk) List(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	if err := by.Require(account.ExportRead); err != nil {
		return nil, err
	}
	var page *Page
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		page = &Page{}
		where, args := visible(tx, by)
		from := func() *gorm.DB { return tx.Model(&Export{}).Where(where, args...) }
		err := from().Where("state IN ?", onShelf).Select("COUNT(*), COALESCE(SUM(bytes), 0)").Row().Scan(&page.OnShelf, &page.Bytes)
		if err != nil {
			return fmt.Errorf("count the shelf: %w", err)
		}
		if err := q.narrow(from(), by).Count(&page.Total).Error; err != nil {
			return fmt.Errorf("count exports: %w", err)
		}
		size := min(max(q.Size, 1), mostRows)
		rows := q.narrow(from(), by).Order("id DESC").Limit(size + 1)
		if q.Before != 0 {
			rows = rows.Where("id < ?", q.Before)
		}
		var found []Export
		if err := rows.Find(&found).Error; err != nil {
			return fmt.Errorf("list exports: %w", err)
		}
		page.More = len(found) > size
		for _, e := range found[:min(size, len(found))] {
			r, err := d.row(tx, by, e)
			if err != nil {
				return err
			}
			page.Rows = append(page.Rows, r)
		}
		return nil
	})
	return page, err
}

// onShelf are the states in which something lies in the folder.
var onShelf = []State{Running, Ready}

func (q *Query) narrow(db *gorm.DB, by account.Actor) *gorm.DB {
	if q.State != "" {
		db = db.Where("state = ?", q.State)
	}
	if q.Format != "" {
		db = db.Where("format = ?", q.Format)
	}
	if q.Mine {
		db = db.Where("owner_id = ?", by.ID)
	}
	if q.Text != "" {
		p := like(q.Text)
		db = db.Where("(code LIKE ? ESCAPE '!' OR purpose LIKE ? ESCAPE '!' OR owner_name LIKE ? ESCAPE '!' OR owner_staff_no LIKE ? ESCAPE '!')", p, p, p, p)
	}
	return db
}

func (d *Desk) row(tx *db.Tx, by account.Actor, e Export) (r Row, err error) {
	r = Row{Export: e}
	r.Done, r.Total, r.Ahead, err = progress(tx, &e)
	if err == nil && e.State == Waiting && by.May(account.ExportApprove) {
		may := approval.Check(tx, e.ApprovalID, by)
		r.MayApprove = may == nil
		if _, refused := fault.Of(may); may != nil && !refused {
			err = may
		}
	}
	return r, err
}

// progress tells how far an export is that the worker has, or how many are before it.
func progress(tx *db.Tx, e *Export) (done, total, ahead int64, err error) {
	if !e.State.making() {
		return 0, 0, 0, nil
	}
	j, err := job.Find(tx, e.JobID)
	if fault.KindOf(err) == fault.KindNotFound {
		return 0, 0, 0, nil
	}
	if err != nil {
		return 0, 0, 0, err
	}
	if e.State == Queued {
		err = tx.Model(&job.Job{}).Where("kind = ? AND state IN ? AND id < ?", JobRun, []job.State{job.Queued, job.Running}, j.ID).Count(&ahead).Error
	}
	return j.Done, j.Total, ahead, err
}

// Get gives one export. The fault is not-found for one that is hidden from the actor.
func (d *Desk) Get(ctx context.Context, by account.Actor, which id.Export) (*Detail, error) {
	if err := by.Require(account.ExportRead); err != nil {
		return nil, err
	}
	var g *Detail
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		e, err := d.seen(tx, by, which)
		if err != nil {
			return err
		}
		g = &Detail{Export: *e, Now: tx.Now, Needs: e.NeedsApproval(), Reasons: map[Reason]int64{}}
		return d.load(tx, by, g)
	})
	if err != nil {
		return nil, d.unseen(ctx, by, which, err)
	}
	return g, nil
}

func (d *Desk) load(tx *db.Tx, by account.Actor, g *Detail) error {
	e := &g.Export
	w, err := d.openWish(e)
	if err != nil {
		return err
	}
	g.Selection, g.Spread, g.Recipient, g.Consent, g.Zip = w.selection(), w.Spread, w.Recipient, w.Consent, w.Zip
	if err := tx.Where("export_id = ?", e.ID).Order("n").Find(&g.Shelf).Error; err != nil {
		return fmt.Errorf("read parts: %w", err)
	}
	if err := g.reasons(tx); err != nil {
		return err
	}
	if g.Done, g.Total, g.Ahead, err = progress(tx, e); err != nil {
		return err
	}
	if err := g.votes(tx); err != nil {
		return err
	}
	g.CancelRefused, g.RecallRefused, g.AgainRefused = mayCancel(by, e), mayRecall(by, e), mayAgain(by, e)
	if g.ApproveRefused = mayDecide(by); g.ApproveRefused == nil {
		g.ApproveRefused = fault.Conflict("approval.closed")
		if e.State == Waiting {
			g.ApproveRefused = approval.Check(tx, e.ApprovalID, by)
		}
	}
	g.FetchRefused = d.mayFetch(tx, by, e)
	for _, refused := range []error{g.ApproveRefused, g.FetchRefused} {
		// A refusal is an answer; anything else is not.
		if _, ok := fault.Of(refused); refused != nil && !ok {
			return refused
		}
	}
	return nil
}

func (g *Detail) votes(tx *db.Tx) error {
	if g.ApprovalID == 0 {
		return nil
	}
	_, votes, err := approval.Find(tx, g.ApprovalID)
	for _, v := range votes {
		g.Votes = append(g.Votes, Vote{Name: v.Name, StaffNo: v.StaffNo, Approved: v.Verdict == approval.Approve, Opinion: v.Opinion, At: v.At})
	}
	return err
}

// reasons counts what was left out or is special.
func (g *Detail) reasons(tx *db.Tx) error {
	var why []struct {
		Reason Reason
		N      int64
	}
	err := tx.Model(&Item{}).Where("export_id = ? AND reason <> ''", g.ID).Group("reason").Select("reason, COUNT(*) AS n").Scan(&why).Error
	if err != nil {
		return fmt.Errorf("count reasons: %w", err)
	}
	for _, r := range why {
		g.Reasons[r.Reason] = r.N
	}
	return nil
}
