package intake

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// RunPage is a page of imports, newest first.
type RunPage struct {
	Runs  []Run
	Total int64
	More  bool
}

// visible keeps the runs the actor may see: all of them for those who see the whole
// organisation, and otherwise one's own and those into one's departments.
func visible(q *gorm.DB, by account.Actor) *gorm.DB {
	if by.Scope.All {
		return q
	}
	return q.Where("(owner_id = ? OR department_id IN ?)", by.ID, by.Scope.Listed())
}

// List gives a page of imports.
func (im *Imports) List(ctx context.Context, by account.Actor, before id.Import, size int) (*RunPage, error) {
	if err := by.Require(account.ImportRead); err != nil {
		return nil, err
	}
	var page *RunPage
	err := im.DB.Read(ctx, func(tx *db.Tx) error {
		page = &RunPage{}
		if err := visible(tx.Model(&row{}), by).Count(&page.Total).Error; err != nil {
			return fmt.Errorf("count runs: %w", err)
		}
		q := visible(tx.Model(&row{}), by).Order("id DESC").Limit(size + 1)
		if before != 0 {
			q = q.Where("id < ?", before)
		}
		var rows []row
		if err := q.Find(&rows).Error; err != nil {
			return fmt.Errorf("list runs: %w", err)
		}
		page.More = len(rows) > size
		runs, err := im.runs(tx, rows[:min(size, len(rows))])
		page.Runs = runs
		return err
	})
	return page, err
}

func (im *Imports) runs(tx *db.Tx, rows []row) ([]Run, error) {
	var owners []id.User
	for _, r := range rows {
		owners = append(owners, r.OwnerID)
	}
	names, err := account.Names(tx, owners...)
	if err != nil {
		return nil, err
	}
	out := make([]Run, 0, len(rows))
	for _, r := range rows {
		one, err := im.run(tx, r, names)
		if err != nil {
			return nil, err
		}
		out = append(out, *one)
	}
	return out, nil
}

// Get gives one import. The fault is not-found for what the actor may not see.
func (im *Imports) Get(ctx context.Context, by account.Actor, run id.Import) (*Run, error) {
	if err := by.Require(account.ImportRead); err != nil {
		return nil, err
	}
	var one *Run
	err := im.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := find(visible(tx.Model(&row{}), by), run)
		if err != nil {
			return err
		}
		runs, err := im.runs(tx, []row{*r})
		if err != nil {
			return err
		}
		one = &runs[0]
		return nil
	})
	return one, err
}

// Rejects is Get for whoever takes the list of what was not taken along: that is written down.
func (im *Imports) Rejects(ctx context.Context, by account.Actor, run id.Import) (*Run, error) {
	one, err := im.Get(ctx, by, run)
	if err != nil {
		return nil, err
	}
	err = im.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "import.list_downloaded", ObjectKind: "import", Object: one.Code, Count: 1})
	})
	return one, err
}

func find(q *gorm.DB, run id.Import) (*row, error) {
	var rows []row
	if err := q.Where("id = ?", run).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find run: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.NotFound("import.run_not_found")
	}
	return &rows[0], nil
}

// Cancel ends an import that is waiting or running. What it has stored stays; the upload is
// deleted. The fault is a conflict when it is over.
func (im *Imports) Cancel(ctx context.Context, by account.Actor, run id.Import) error {
	if err := by.Require(account.ImportRun); err != nil {
		return err
	}
	var r *row
	err := im.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if r, err = find(visible(tx.ForUpdate().Model(&row{}), by), run); err != nil {
			return err
		}
		if r.State != RunWaiting {
			return fault.Conflict("job.finished")
		}
		if err := job.Cancel(tx, r.JobID); err != nil {
			return err
		}
		if err := tx.Model(&row{}).Where("id = ?", run).Updates(map[string]any{"state": RunCancelled, "finished_at": tx.Now}).Error; err != nil {
			return fmt.Errorf("cancel run: %w", err)
		}
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "import.cancelled", ObjectKind: "import", Object: r.Code, Count: r.AddedConversations})
	})
	if err != nil {
		return err
	}
	return removeSpool(im.Dir, r.Spool)
}
