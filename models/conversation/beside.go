package conversation

import (
	"context"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Beside is what stands on both sides of a conversation in the result of a search.
type Beside struct {
	Newer, Older     id.Conversation // 0 where the result ends
	ToNewer, ToOlder string          // cursors of the pages that end and begin there
}

// OpenIn opens a conversation as Open does, on the way through the result of a search. The search is asked
// again, as of now, from the place of the conversation, which it need not find any more; its conditions are
// noted with the opening. Detail.Beside is nil where the search cannot be asked: its words cannot be looked
// for now, the reading is over under which it was made, or it may not be made.
func (s *Conversations) OpenIn(ctx context.Context, by account.Actor, c id.Conversation, q Query) (*Detail, error) {
	conditions := s.Vault.Conditions(q)
	conditions["in_search"] = true
	if q.Saved != "" {
		conditions["saved"] = q.Saved
	}
	d, err := s.open(ctx, by, c, conditions)
	if err != nil {
		return nil, err
	}
	d.Beside, err = s.beside(ctx, by, q, position{d.LastAt, d.ID})
	if _, refused := fault.Of(err); refused {
		err = nil
	}
	return d, err
}

func (s *Conversations) beside(ctx context.Context, by account.Actor, q Query, at position) (*Beside, error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	q.Size, q.Cursor = 1, ""
	if err := q.check(); err != nil {
		return nil, err
	}
	var found [][]id.Conversation
	err := s.fresh(ctx, func(tx *db.Tx, last bool) (p *Page, err error) {
		p = &Page{}
		found, err = s.stretches(tx, by, q, p, last, stretch{at, true, 1}, stretch{at, false, 1})
		return p, err
	})
	switch {
	case fault.KindOf(err) == fault.KindForbidden:
		return nil, s.overdue(ctx, by, q, err)
	case err != nil:
		return nil, fmt.Errorf("look beside a conversation: %w", err)
	}
	b := &Beside{ToNewer: at.token(true), ToOlder: at.token(false)}
	for i, to := range []*id.Conversation{&b.Newer, &b.Older} {
		if len(found[i]) > 0 {
			*to = found[i][0]
		}
	}
	return b, nil
}
