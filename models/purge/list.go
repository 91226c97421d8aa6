package purge

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
)

// Filter narrows a list of requests.
type Filter struct {
	States []State
	Mine   bool
	// Emergency keeps the emergencies, Incident those of one incident.
	Emergency bool
	Incident  string
	Before    id.Purge
	Size      int
}

// Row is one line of the list.
type Row struct {
	Request
	Shown   State
	Batches []string // codes
	Path    string   // of its largest department
	Paths   int      // how many departments
}

// Page is a part of the list, newest first.
type Page struct {
	Rows  []Row
	Total int64
	Next  id.Purge // hand over as Before; 0 = no more
	Now   time.Time
}

// largestPage bounds one page of a list.
const largestPage = 100

// List gives the requests that the actor may know of.
func (d *Desk) List(ctx context.Context, by account.Actor, f Filter) (Page, error) {
	if err := by.Require(account.PurgeRead); err != nil {
		return Page{}, err
	}
	size := f.Size
	if size < 1 || size > largestPage {
		size = 20
	}
	var page Page
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		page = Page{Now: tx.Now}
		query := func() *gorm.DB {
			q := seen(tx.Model(&Request{}), by)
			if len(f.States) > 0 {
				q = q.Where("state IN ?", f.States)
			}
			if f.Mine {
				q = q.Where("requester_id = ?", by.ID)
			}
			if f.Emergency {
				q = q.Where("incident <> ''")
			}
			if f.Incident != "" {
				q = q.Where("incident = ?", f.Incident)
			}
			return q
		}
		if err := query().Count(&page.Total).Error; err != nil {
			return fmt.Errorf("count requests: %w", err)
		}
		q := query()
		if f.Before != 0 {
			q = q.Where("id < ?", f.Before)
		}
		var rows []Request
		if err := q.Order("id DESC").Limit(size + 1).Find(&rows).Error; err != nil {
			return fmt.Errorf("list requests: %w", err)
		}
		if len(rows) > size {
			rows = rows[:size]
			page.Next = rows[size-1].ID
		}
		return page.fill(tx, rows)
	})
	return page, err
}

func (p *Page) fill(tx *db.Tx, rows []Request) error {
	ids := make([]id.Purge, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	if len(ids) == 0 {
		return nil
	}
	var batches []Batch
	if err := tx.Select("purge_id", "batch_id", "code").Where("purge_id IN ?", ids).Order("batch_id").Find(&batches).Error; err != nil {
		return fmt.Errorf("read batches: %w", err)
	}
	var shares []Share
	if err := tx.Where("purge_id IN ?", ids).Order("conversations DESC").Find(&shares).Error; err != nil {
		return fmt.Errorf("read departments: %w", err)
	}
	for _, r := range rows {
		row := Row{Request: r, Shown: r.Shown(tx.Now)}
		for _, b := range batches {
			if b.PurgeID == r.ID {
				row.Batches = append(row.Batches, b.Code)
			}
		}
		for _, s := range shares {
			if s.PurgeID == r.ID {
				if row.Paths++; row.Path == "" {
					row.Path = s.Path
				}
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}
