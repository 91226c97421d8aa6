package purge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

// Changes is the look at a frozen list at an instant: what would be skipped if it ran then. It is
// taken every hour while a request waits, because a long list is not read for every look at
// its page. Nothing here stops a purge; the same look under lock, item by item, decides.
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

// reviewEvery is how often a waiting list is looked at.
const reviewEvery = time.Hour

// review is a stored look. It is a cache: whoever changes it deceives a page, not a purge.
type review struct {
	PurgeID id.Purge `gorm:"primaryKey;autoIncrement:false"`
	At      time.Time
	Size    int64
	Skipped string // JSON, by reason
	Policy  bool
}

// TableName is purge_review.
func (review) TableName() string { return "purge_review" }

func storeReview(tx *db.Tx, p id.Purge, c *Changes) error {
	skipped, err := json.Marshal(c.Skipped)
	if err != nil {
		return fmt.Errorf("encode review: %w", err)
	}
	if err := tx.Where("purge_id = ?", p).Delete(&review{}).Error; err != nil {
		return fmt.Errorf("store review: %w", err)
	}
	if err := tx.Create(&review{PurgeID: p, At: c.At, Size: c.Size, Skipped: string(skipped), Policy: c.Policy}).Error; err != nil {
		return fmt.Errorf("store review: %w", err)
	}
	return nil
}

// changesOf gives the last look at a request's list, nil if there was none yet.
func changesOf(tx *db.Tx, p id.Purge) (*Changes, error) {
	var rows []review
	if err := tx.Where("purge_id = ?", p).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read review: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	c := &Changes{At: rows[0].At, Size: rows[0].Size, Policy: rows[0].Policy, Skipped: map[Reason]int64{}}
	if err := json.Unmarshal([]byte(rows[0].Skipped), &c.Skipped); err != nil {
		return nil, fmt.Errorf("read review: %w", err)
	}
	return c, nil
}

// reviewAll looks again at every list that waits and was not looked at for an hour.
func (d *Desk) reviewAll(ctx context.Context) error {
	var due []Request
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Select("id", "policy_version", "size").Where("state IN ?", openStates).
			Where("NOT EXISTS (SELECT 1 FROM purge_review v WHERE v.purge_id = purge_request.id AND v.at > ?)", tx.Now.Add(-reviewEvery)).
			Order("id").Find(&due).Error
	})
	if err != nil {
		return fmt.Errorf("look for lists to review: %w", err)
	}
	for i := range due {
		c, err := d.review(ctx, &due[i])
		if err != nil {
			return err
		}
		if err := d.DB.Write(ctx, func(tx *db.Tx) error { return storeReview(tx, due[i].ID, c) }); err != nil {
			return err
		}
	}
	return nil
}

// review looks at a whole list, a page in each transaction: none of them is open for long.
func (d *Desk) review(ctx context.Context, r *Request) (*Changes, error) {
	c := &Changes{Size: r.Size, Skipped: map[Reason]int64{}}
	for next, more := int64(0), true; more; {
		err := d.DB.Read(ctx, func(tx *db.Tx) error {
			g, err := newGuard(tx)
			if err != nil {
				return err
			}
			if next == 0 {
				c.At, c.Policy = tx.Now, !bytes.Equal(g.floors.Version[:], r.PolicyVersion)
			}
			items, err := itemsFrom(tx, r.ID, next, manifestPage)
			if more = err == nil && len(items) > 0; !more {
				return err
			}
			l, err := lookAt(tx, idsOf(items), false)
			if err != nil {
				return err
			}
			for i := range items {
				if why := l.judge(tx, g, &items[i]); why != notExcluded {
					c.Skipped[why]++
				}
			}
			next = items[len(items)-1].Seq + 1
			return nil
		})
		if err != nil {
			return nil, err
		}
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
	Survivors        int64 // conversations that stayed in them
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
	var of struct{ All, Survivors, Destroyed int64 }
	err := tx.Model(&bucket{}).Where("purge_id = ?", r.ID).
		Select("COUNT(*) AS `all`, COALESCE(SUM(survivors), 0) AS survivors, COUNT(CASE WHEN state = ? THEN 1 END) AS destroyed", destroyed).Scan(&of).Error
	if err != nil {
		return p, fmt.Errorf("count buckets: %w", err)
	}
	p.Buckets, p.BucketsDestroyed, p.Survivors = of.All, of.Destroyed, of.Survivors
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
