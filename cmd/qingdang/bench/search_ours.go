package bench

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/words"
)

// answer is what a candidate found: a page, or numbers. Part is the time of a part of it: of our search
// all but the leaf of the audit log, for which the disk is waited for; of a peer's the ids alone.
type answer struct {
	ids    []id.Conversation
	n      int64            // how many there are in all
	rough  bool             // that n is a bound, since there was too much to open
	weeks  map[string]int64 // by their Mondays
	part   time.Duration
	opened int // ours: bodies opened to make sure
}

func (a answer) equal(b answer) bool {
	return slices.Equal(a.ids, b.ids) && (a.n == b.n || a.rough || b.rough) && maps.Equal(a.weeks, b.weeks)
}

// search asks the console's own use case, as the page does: the audit log gets its leaf, the rows are
// opened, and what was found is counted.
func search(ctx context.Context, c *conversation.Conversations, by account.Actor, q *question) (answer, error) {
	w, err := words.Parse(q.words)
	if err != nil {
		return answer{}, err
	}
	wish := conversation.Query{Filter: q.filter, Words: w, Cursor: q.cursor, Size: searchPage}
	switch q.sort {
	case histogram:
		wish.Zone, wish.Size = time.UTC, 1
	case count:
		wish.Size = 1
	}
	p, err := c.Search(ctx, by, wish)
	switch {
	case err != nil:
		return answer{}, err
	case c.Index != nil && p.Plan.Way != conversation.WayIndex:
		return answer{}, errors.New("the index was not asked")
	}
	a := answer{n: p.Total, rough: !p.Exact, part: p.Plan.Took, opened: p.Plan.Opened}
	switch q.sort {
	case count:
	case histogram:
		a.weeks = weeks(p.Overview.Histogram.Bars)
	default:
		for i := range p.Rows {
			a.ids = append(a.ids, p.Rows[i].ID)
		}
	}
	return a, nil
}

// weeks gives the bars that have anything, by their first day.
func weeks(bars []conversation.Bar) map[string]int64 {
	out := map[string]int64{}
	for _, b := range bars {
		if b.Count > 0 {
			out[b.From.Format(time.DateOnly)] += b.Count
		}
	}
	return out
}

// descend turns pages until two thirds of what is found lie behind, and puts the question there.
func (o *site) descend(ctx context.Context, by account.Actor, q *question) error {
	const size = 100
	for seen := int64(0); ; {
		p, err := o.conversations.Search(ctx, by, conversation.Query{Filter: q.filter, Cursor: q.cursor, Size: size})
		if err != nil {
			return err
		}
		seen += int64(len(p.Rows))
		if len(p.Rows) == 0 || p.Older == "" || seen*3 > p.Total*2 {
			return nil
		}
		q.cursor, q.below = p.Older, p.Rows[len(p.Rows)-1].Conversation
	}
}

// rows asks the database in its own language for the same, in statements of their own; the optimizer
// chooses the plan. The ids of a page come first, then how many there are.
func (o *site) rows(ctx context.Context, q *question) (a answer, err error) {
	from := time.Now()
	err = o.db.Read(ctx, func(tx *db.Tx) error {
		s := q.filter.Apply(tx.Model(&conversation.Conversation{}))
		switch q.sort {
		case histogram:
			var found []struct {
				Day time.Time
				N   int64
			}
			a.weeks = map[string]int64{}
			const monday = "DATE(conversation.last_at) - INTERVAL WEEKDAY(conversation.last_at) DAY"
			err := s.Select(monday + " AS day, COUNT(*) AS n").Group("day").Scan(&found).Error
			for _, f := range found {
				a.weeks[f.Day.Format(time.DateOnly)] = f.N
				a.n += f.N
			}
			return err
		case count:
			return s.Count(&a.n).Error
		}
		if q.below.ID != 0 {
			at, c := q.below.LastAt, q.below.ID
			s = s.Where("conversation.last_at <= ? AND (conversation.last_at < ? OR conversation.id < ?)", at, at, c)
		}
		err := s.Order("conversation.last_at DESC").Order("conversation.id DESC").Limit(searchPage).Pluck("id", &a.ids).Error
		if a.part = time.Since(from); err != nil {
			return err
		}
		return q.filter.Apply(tx.Model(&conversation.Conversation{})).Count(&a.n).Error
	})
	return a, err
}
