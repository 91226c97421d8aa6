package bench

import (
	"context"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
)

// answer is what a candidate found: a page, or numbers.
type answer struct {
	ids  []id.Conversation
	n    int64
	days map[string]int64
}

func (a answer) equal(b answer) bool {
	if !slices.Equal(a.ids, b.ids) || a.n != b.n || len(a.days) != len(b.days) {
		return false
	}
	for day, n := range a.days {
		if b.days[day] != n {
			return false
		}
	}
	return true
}

// search asks the console's own use case, as the page does: the audit log gets its leaf, the rows are
// opened, and the total is counted.
func (o *site) search(ctx context.Context, by account.Actor, q *question) (answer, error) {
	p, err := o.conversations.Search(ctx, by, conversation.Query{Filter: q.filter, Cursor: q.cursor, Size: searchPage})
	if err != nil {
		return answer{}, err
	}
	if q.sort == count {
		return answer{n: p.Total}, nil
	}
	ids := make([]id.Conversation, len(p.Rows))
	for i := range p.Rows {
		ids[i] = p.Rows[i].ID
	}
	return answer{ids: ids}, nil
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

// rows asks the database in its own language, as the console did before it had an index: the
// optimizer chooses the plan.
func (o *site) rows(ctx context.Context, q *question) (a answer, err error) {
	err = o.db.Read(ctx, func(tx *db.Tx) error {
		s := q.filter.Apply(tx.Model(&conversation.Conversation{}))
		switch q.sort {
		case count:
			return s.Count(&a.n).Error
		case histogram:
			var days []struct {
				Day time.Time
				N   int64
			}
			a.days = map[string]int64{}
			err := s.Select("DATE(conversation.last_at) AS day, COUNT(*) AS n").Group("DATE(conversation.last_at)").Scan(&days).Error
			for _, d := range days {
				a.days[d.Day.Format(time.DateOnly)] = d.N
			}
			return err
		}
		if q.below.ID != 0 {
			at, c := q.below.LastAt, q.below.ID
			s = s.Where("conversation.last_at <= ? AND (conversation.last_at < ? OR conversation.id < ?)", at, at, c)
		}
		return s.Order("conversation.last_at DESC").Order("conversation.id DESC").Limit(searchPage).Pluck("id", &a.ids).Error
	})
	return a, err
}
