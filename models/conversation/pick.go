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
	return ids, s.note(ctx, by, q, int64(len(ids)), 0, false)
}

func (s *Conversations) pick(tx *db.Tx, by account.Actor, q Query, limit int, p *Page, last bool) ([]id.Conversation, error) {
	found, err := s.stretches(tx, by, q, p, last, stretch{n: limit})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// stretch is the next n conversations of a search beyond a position.
type stretch struct {
	at       position
	backward bool
	n        int
}

// stretches gives the ids of several stretches of one search, all of one instant, each in the order of its way.
func (s *Conversations) stretches(tx *db.Tx, by account.Actor, q Query, p *Page, last bool, all ...stretch) ([][]id.Conversation, error) {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return nil, err
	}
	found, err := s.stretchesOfIndex(tx, f, scope, q, p, all)
	if errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil || !errors.Is(err, index.ErrBehind) && !errors.Is(err, index.ErrUnreadable) {
		return found, err
	}
	if q.Words.HasTerms() {
		return nil, fault.Busy("conversation.index_behind")
	}
	found = make([][]id.Conversation, len(all))
	for i, w := range all {
		err := w.at.after(f.Apply(tx.Model(&Conversation{})), w.backward).Limit(w.n).Pluck("conversation.id", &found[i]).Error
		if err != nil {
			return nil, fmt.Errorf("find conversations: %w", err)
		}
	}
	return found, nil
}

func (s *Conversations) stretchesOfIndex(tx *db.Tx, f Filter, scope account.Scope, q Query, p *Page, all []stretch) ([][]id.Conversation, error) {
	if s.Index == nil {
		return nil, index.ErrUnreadable
	}
	l, err := s.newLook(tx, f, scope, q.Words)
	if err != nil {
		return nil, err
	}
	found := make([][]id.Conversation, len(all))
	for i, w := range all {
		some, err := l.take(w.at, w.backward, w.n)
		if err != nil {
			return nil, err
		}
		found[i] = idsOf(some)
	}
	p.stale = l.stale
	return found, nil
}
