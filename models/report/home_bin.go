package report

import (
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
)

// restorable are the items in the bin whose time is not over, as far as the actor may see them; an
// agent sees those of his own conversations. It is what every number beside "recycle bin" counts:
// of the menu, of the home page and of the bin's own list.
func restorable(tx *db.Tx, by account.Actor) *gorm.DB {
	items := within(tx.Table("bin_item i").Joins("JOIN bin_batch b ON b.id = i.batch_id"), "i.department_id", by.Scope).
		Where("i.state IN ? AND b.keep_until > ?", []string{"binned", "frozen"}, tx.Now)
	if by.Role == account.Agent {
		items = items.Joins("JOIN conversation c ON c.id = i.conversation_id").Where("c.agent_id = ?", by.StaffNo)
	}
	return items
}

const week = 7

// bin counts what rests in the bin by the deadlines of its batches.
func (q *asking) bin() error {
	h, now := q.home, q.tx.Now
	var batches []struct {
		KeepUntil time.Time
		N         int64
	}
	err := restorable(q.tx, q.by).Select("b.keep_until, COUNT(*) AS n").Group("b.id, b.keep_until").Scan(&batches).Error
	if err != nil {
		return err
	}
	today := q.day(now)
	h.Expiry = make([]Day, week)
	for i := range h.Expiry {
		h.Expiry[i].At = today.AddDate(0, 0, i)
	}
	for _, b := range batches {
		h.Binned += b.N
		if h.FirstEnd.IsZero() || b.KeepUntil.Before(h.FirstEnd) {
			h.FirstEnd = b.KeepUntil
		}
		if !b.KeepUntil.After(now.Add(soon)) {
			h.Soon, h.SoonBatches = h.Soon+b.N, h.SoonBatches+1
			if h.FirstSoon.IsZero() || b.KeepUntil.Before(h.FirstSoon) {
				h.FirstSoon = b.KeepUntil
			}
		}
		for i := range h.Expiry {
			if q.day(b.KeepUntil).Equal(h.Expiry[i].At) {
				h.Expiry[i].Count += b.N
			}
		}
	}
	return nil
}

// FlowDay is what went into the archive, into the bin and out of existence on one day.
type FlowDay struct {
	At     time.Time
	Added  int64 // only for those who see the whole organisation: imports name no department
	Binned int64
	Purged int64
}

const flowDays = 30

func (q *asking) flow() error {
	h, first := q.home, q.day(q.tx.Now).AddDate(0, 0, 1-flowDays)
	h.Flow = make([]FlowDay, flowDays)
	for i := range h.Flow {
		h.Flow[i].At = first.AddDate(0, 0, i)
	}
	binned := within(q.tx.Table("bin_item i").Joins("JOIN bin_batch b ON b.id = i.batch_id"), "i.department_id", q.by.Scope).
		Where("b.created_at >= ? AND i.state NOT IN ?", first.UTC(), []string{"pending", "skipped"}).
		Select("b.created_at AS at, COUNT(*) AS n").Group("b.id, b.created_at")
	purged := within(q.tx.Table("purge_item i").Joins("JOIN certificate c ON c.purge_id = i.purge_id"), "i.department_id", q.by.Scope).
		Where("c.issued_at >= ? AND i.state = ?", first.UTC(), "purged").
		Select("c.issued_at AS at, COUNT(*) AS n").Group("c.id, c.issued_at")
	if err := q.byDay(binned, func(d *FlowDay, n int64) { d.Binned += n }); err != nil {
		return err
	}
	if err := q.byDay(purged, func(d *FlowDay, n int64) { d.Purged += n }); err != nil {
		return err
	}
	if !q.by.Scope.All {
		return nil
	}
	added := q.tx.Table("audit_leaf").Where("action = ? AND at >= ?", "conversation.imported", first.UTC()).Select("at, item_count AS n")
	return q.byDay(added, func(d *FlowDay, n int64) { d.Added += n })
}

func (q *asking) byDay(rows *gorm.DB, add func(*FlowDay, int64)) error {
	var found []struct {
		At time.Time
		N  int64
	}
	if err := rows.Scan(&found).Error; err != nil {
		return err
	}
	for _, f := range found {
		day := q.day(f.At)
		for i := range q.home.Flow {
			if q.home.Flow[i].At.Equal(day) {
				add(&q.home.Flow[i], f.N)
			}
		}
	}
	return nil
}
