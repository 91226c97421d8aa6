package conversation

import (
	"context"

	"qingdang/models/account"
	"qingdang/models/db"
)

// Each hands over the conversations of a search in its order, at most limit (0: all), page
// by page, so that memory stays flat. It is for the command line and for jobs.
func (s *Conversations) Each(ctx context.Context, by account.Actor, q Query, limit int, f func(*Row) error) error {
	for n := 0; ; {
		q.Size = pageLimit
		if limit > 0 {
			q.Size = min(pageLimit, limit-n)
		}
		var page *Page
		var err error
		if n == 0 {
			page, err = s.Search(ctx, by, q)
		} else {
			page, err = s.more(ctx, by, q)
		}
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if err := f(&page.Rows[i]); err != nil {
				return err
			}
		}
		n += len(page.Rows)
		q.Cursor = page.Older
		if q.Oldest {
			q.Cursor = page.Newer
		}
		if q.Cursor == "" || limit > 0 && n >= limit {
			return nil
		}
	}
}

// more is Search without a count and without an entry: the first page noted the search.
func (s *Conversations) more(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	at, backward, err := q.place()
	if err != nil {
		return nil, err
	}
	var p *Page
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (*Page, error) {
		p, err = s.page(tx, by, q, at, backward, last, nil)
		return p, err
	})
	return p, err
}
