package purge

import (
	"bytes"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Changes is the look at a frozen list as things stand now: what would be skipped if it ran
// this instant. Nothing here stops a purge; the same look under lock, item by item, decides.
type Changes struct {
	At      time.Time
	Size    int64
	Skipped map[Reason]int64
	Policy  bool // the retention policy is another one than when the list was frozen
}

// Intact tells how many of the list are as they were.
func (c *Changes) Intact() int64 {
	n := c.Size
	for _, skipped := range c.Skipped {
		n -= skipped
	}
	return n
}

func changesOf(tx *db.Tx, r *Request) (*Changes, error) {
	g, err := newGuard(tx)
	if err != nil {
		return nil, err
	}
	c := &Changes{At: tx.Now, Size: r.Size, Skipped: map[Reason]int64{}, Policy: !bytes.Equal(g.floors.Version[:], r.PolicyVersion)}
	err = eachItem(tx, r.ID, func(items []Item) error {
		l, err := lookAt(tx, idsOf(items), false)
		if err != nil {
			return err
		}
		for i := range items {
			if why := l.judge(tx, g, &items[i]); why != notExcluded {
				c.Skipped[why]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func idsOf(items []Item) []id.Conversation {
	ids := make([]id.Conversation, len(items))
	for i := range items {
		ids[i] = items[i].ConversationID
	}
	return ids
}

// Progress is how far an execution is.
type Progress struct {
	State            State
	Phase            Phase
	Done, Total      int64 // conversations
	Buckets          int64 // key buckets that were touched
	BucketsDestroyed int64
	Survivors        int64 // data keys that moved to another bucket
	Skips            map[Reason]int64
	StartedAt        *time.Time
	FinishedAt       *time.Time
	JobState         string
	Attempts         int // tries of the current step that failed
	Now              time.Time
}

func progressOf(tx *db.Tx, r *Request) (Progress, error) {
	p := Progress{
		State: r.State, Phase: r.Phase, Done: r.Purged + r.Skipped, Total: r.Size, Skips: map[Reason]int64{},
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Now: tx.Now,
	}
	if r.StartedAt == nil {
		return p, nil
	}
	var buckets []bucket
	if err := tx.Where("purge_id = ?", r.ID).Find(&buckets).Error; err != nil {
		return p, fmt.Errorf("read buckets: %w", err)
	}
	for _, b := range buckets {
		p.Buckets++
		p.Survivors += int64(b.Survivors)
		if b.State == destroyed {
			p.BucketsDestroyed++
		}
	}
	var err error
	p.Skips, err = skips(tx, r.ID)
	if err == nil {
		err = p.job(tx, r.JobID)
	}
	return p, err
}

// skips counts the skipped items by reason.
func skips(tx *db.Tx, p id.Purge) (map[Reason]int64, error) {
	var rows []struct {
		Reason Reason
		N      int64
	}
	err := tx.Model(&Item{}).Where("purge_id = ? AND state = ?", p, Skipped).Select("reason, COUNT(*) AS n").Group("reason").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count skipped: %w", err)
	}
	out := map[Reason]int64{}
	for _, row := range rows {
		out[row.Reason] = row.N
	}
	return out, nil
}

// job adds what the queue knows.
func (p *Progress) job(tx *db.Tx, j id.Job) error {
	if j == 0 {
		return nil
	}
	found, err := job.Find(tx, j)
	if fault.KindOf(err) == fault.KindNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	p.JobState, p.Attempts = string(found.State), found.Attempts
	return nil
}
