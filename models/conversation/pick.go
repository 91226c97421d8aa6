package conversation

import (
	"context"
	"errors"
	"fmt"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

// Pick gives the ids of what a search finds, newest first, at most limit, all of one instant; what cannot be
// told from the index is opened, and nothing else. The search is noted in the log. The faults are those of
// Search, and forbidden under a reading, which is for reading only.
func (s *Conversations) Pick(ctx context.Context, by account.Actor, q Query, limit int) (ids []id.Conversation, err error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	if q.Under != "" {
		return nil, fault.Forbidden("conversation.reading_over")
	}
	q.Size, q.Cursor = 1, ""
	if err := q.check(); err != nil {
		return nil, err
	}
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (p *Page, err error) {
		p = &Page{}
		ids, err = s.pick(tx, by, q, limit, p, last)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("pick conversations: %w", err)
	}
	return ids, s.note(ctx, by, q, int64(len(ids)))
}

func (s *Conversations) pick(tx *db.Tx, by account.Actor, q Query, limit int, p *Page, last bool) (ids []id.Conversation, err error) {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return nil, err
	}
	ids, err = s.pickFromIndex(tx, f, scope, q, limit, p)
	if errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil || !errors.Is(err, index.ErrBehind) && !errors.Is(err, index.ErrUnreadable) {
		return ids, err
	}
	if q.Words.HasTerms() {
		return nil, fault.Busy("conversation.index_behind")
	}
	err = position{}.after(f.Apply(tx.Model(&Conversation{})), false).Limit(limit).Pluck("conversation.id", &ids).Error
	return ids, err
}

func (s *Conversations) pickFromIndex(tx *db.Tx, f Filter, scope account.Scope, q Query, limit int, p *Page) ([]id.Conversation, error) {
	if s.Index == nil {
		return nil, index.ErrUnreadable
	}
	l, err := s.newLook(tx, f, scope, q.Words)
	if err != nil {
		return nil, err
	}
	ids, err := l.take(position{}, false, limit)
	p.stale = l.stale
	return ids, err
}
