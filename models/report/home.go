package report

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/job"
)

// Home is what stands on a person's home page. Parts that the person has no right to are
// empty, and Has tells which are meant.
type Home struct {
	At  time.Time
	Has struct{ Conversations, Bin, Holds, Purges, Imports, Jobs bool }

	Archive, Hidden  int64
	Binned           int64
	Soon             int64     // of the binned, within 24 hours
	FirstSoon        time.Time // the first of those deadlines
	SoonBatches      int64
	FirstEnd         time.Time // the first deadline in the bin, soon or not
	Held, Holds      int64
	Purged, Papers   int64 // in 30 days: conversations, certificates
	Imports, Brought int64 // in 30 days: runs, conversations that were new

	Todo         []Todo
	Expiry       []Day // the coming 7 days, today first
	Flow         []FlowDay
	Certificates []Paper
	Jobs         []Job
}

// Day is how many conversations reach the end of their time in the bin on a day.
type Day struct {
	At    time.Time
	Count int64
}

// Paper is a certificate in one line.
type Paper struct {
	ID      uint64
	Code    string
	Purge   string `gorm:"column:purge_code"` // PURGE itself is a word of MariaDB
	Purged  int64
	Skipped int64
	At      time.Time
}

const (
	month      = 30 * 24 * time.Hour
	soon       = 24 * time.Hour
	mostPapers = 3
	mostJobs   = 5
)

// shownJobs are the kinds a person asked for or waits for; timers run for ever.
var shownJobs = []string{"bin.move", "purge.run", "import.run"}

// Home gives the home page of the actor, all of it as of one moment.
func (r *Reader) Home(ctx context.Context, by account.Actor) (*Home, error) {
	if err := by.Require(account.HomeRead); err != nil {
		return nil, err
	}
	var h *Home
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		h = &Home{At: tx.Now}
		h.Has.Conversations = by.May(account.ConversationSearch)
		h.Has.Bin, h.Has.Purges = by.May(account.BinRead), by.May(account.CertificateRead)
		h.Has.Holds = by.May(account.HoldRead)
		h.Has.Imports, h.Has.Jobs = by.May(account.ImportRead) && !h.Has.Conversations, by.May(account.JobRead)
		q := &asking{Reader: r, tx: tx, by: by, home: h}
		for _, part := range []struct {
			on   bool
			fill func() error
		}{
			{h.Has.Conversations, q.archive},
			{h.Has.Bin, q.bin},
			{h.Has.Holds, q.holds},
			{h.Has.Purges, q.papers},
			{h.Has.Imports, q.imports},
			{h.Has.Jobs, q.jobs},
			{h.Has.Bin && h.Has.Purges, q.flow},
			{true, q.todo},
		} {
			if !part.on {
				continue
			}
			if err := part.fill(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read home: %w", err)
	}
	return h, nil
}

// asking is one reading of a home page.
type asking struct {
	*Reader
	tx   *db.Tx
	by   account.Actor
	home *Home
}

func (q *asking) archive() (err error) {
	q.home.Archive, q.home.Hidden, err = q.Conversations.Kept(q.tx, q.by.Scope)
	return err
}

func (q *asking) holds() error {
	h := q.home
	// A hold that covers nothing yet is in force too.
	items := q.tx.Table("legal_hold l").Joins("LEFT JOIN hold_item i ON i.hold_id = l.id").Where("l.released_at IS NULL")
	if !q.by.Scope.All {
		items = within(items.Joins("JOIN conversation c ON c.id = i.conversation_id"), "c.department_id", q.by.Scope)
	}
	var n struct{ Held, Holds int64 }
	if err := items.Select("COUNT(DISTINCT i.conversation_id) AS held, COUNT(DISTINCT l.id) AS holds").Scan(&n).Error; err != nil {
		return err
	}
	h.Held, h.Holds = n.Held, n.Holds
	return nil
}

func (q *asking) papers() error {
	h, since := q.home, q.tx.Now.Add(-month)
	var n struct{ Purged, Papers int64 }
	err := within(q.tx.Table("certificate c").Joins("JOIN purge_item i ON i.purge_id = c.purge_id"), "i.department_id", q.by.Scope).
		Where("c.issued_at >= ? AND i.state = ?", since, "purged").
		Select("COUNT(*) AS purged, COUNT(DISTINCT c.id) AS papers").Scan(&n).Error
	if err != nil {
		return err
	}
	h.Purged, h.Papers = n.Purged, n.Papers
	return purgesOf(q.tx.Table("certificate c"), "c.purge_id", q.by.Scope).Joins("JOIN purge_request r ON r.id = c.purge_id").
		Order("c.id DESC").Limit(mostPapers).
		Select("c.id, c.code, r.code AS purge_code, r.purged, r.skipped, c.issued_at AS at").Scan(&h.Certificates).Error
}

func (q *asking) imports() error {
	var n struct{ Runs, Brought int64 }
	err := q.tx.Table("import_run").Where("created_at >= ?", q.tx.Now.Add(-month)).
		Select("COUNT(*) AS runs, COALESCE(SUM(added_conversations), 0) AS brought").Scan(&n).Error
	q.home.Imports, q.home.Brought = n.Runs, n.Brought
	return err
}

func (q *asking) jobs() error {
	f := job.Filter{Kinds: shownJobs, AtWork: true, Size: mostJobs}
	if !q.by.Scope.All {
		f.By = q.by.ID
	}
	page, err := job.List(q.tx, f)
	if err != nil {
		return err
	}
	q.home.Jobs, err = named(q.tx, page.Jobs)
	return err
}
