package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/index"
)

// MostCounted is how many searches are counted at once.
const MostCounted = 200

// Count is how much a search finds now. Known is false where the index cannot tell.
type Count struct {
	Total int64
	Exact bool
	Known bool
}

// Counts tells how much each of several searches finds in the actor's own departments, as one entry of the
// log: that words are somewhere is an answer, too. The faults are forbidden, and invalid for too many.
func (s *Conversations) Counts(ctx context.Context, by account.Actor, qs []Query) ([]Count, error) {
	return s.countEach(ctx, by, qs, s.counted)
}

// Glance is Counts for numbers beside something else: it asks the index alone. It opens nothing to be exact, and
// does not know what rows would have to tell.
func (s *Conversations) Glance(ctx context.Context, by account.Actor, qs []Query) ([]Count, error) {
	return s.countEach(ctx, by, qs, s.glanced)
}

// counting fills in how much a search finds. The fault is busy where that cannot be told, and ErrUnreadable is given
// unless it is the last time.
type counting func(tx *db.Tx, by account.Actor, q Query, p *Page, last bool) error

func (s *Conversations) countEach(ctx context.Context, by account.Actor, qs []Query, count counting) (out []Count, err error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	if len(qs) > MostCounted {
		return nil, fault.Invalid("conversation.size", MostCounted)
	}
	for i := range qs {
		qs[i].Under = ""
	}
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (*Page, error) {
		whole := &Page{}
		out = make([]Count, len(qs))
		for i := range qs {
			p := &Page{Exact: true}
			err := count(tx, by, qs[i], p, last)
			if fault.KindOf(err) == fault.KindBusy {
				continue
			}
			if err != nil {
				return nil, err
			}
			out[i] = Count{Total: p.Total, Exact: p.Exact, Known: true}
			whole.stale = whole.stale || p.stale
		}
		return whole, nil
	})
	if err != nil {
		return nil, fmt.Errorf("count searches: %w", err)
	}
	return out, s.looks.Append(ctx, s.DB, audit.Entry{Actor: by.Audit(), Action: "search.counted", ObjectKind: "search", Count: int64(len(qs))})
}

// glanced counts by the index, and not what one customer has, whom only rows know.
func (s *Conversations) glanced(tx *db.Tx, by account.Actor, q Query, p *Page, last bool) error {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return err
	}
	if f.CustomerMAC != nil {
		return fault.Busy("conversation.index_behind")
	}
	l, err := s.lookAt(tx, f, scope, q)
	switch {
	case errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil:
		return err
	case errors.Is(err, index.ErrBehind), errors.Is(err, index.ErrUnreadable):
		return fault.Busy("conversation.index_behind")
	case err != nil:
		return err
	}
	for _, one := range l.parts {
		p.Exact = p.Exact && (l.settled(one) || l.doubtful(one, l.meeting(one)).IsEmpty())
	}
	p.Total = l.total()
	return nil
}

// counted counts as a search does.
func (s *Conversations) counted(tx *db.Tx, by account.Actor, q Query, p *Page, last bool) error {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return err
	}
	l, err := s.lookAt(tx, f, scope, q)
	if err == nil {
		if err = l.count(p, nil); err == nil {
			p.stale = l.stale
			return nil
		}
	}
	if errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil || !errors.Is(err, index.ErrBehind) && !errors.Is(err, index.ErrUnreadable) {
		return err
	}
	if q.Words.HasTerms() {
		return fault.Busy("conversation.index_behind")
	}
	return f.Apply(tx.Model(&Conversation{})).Count(&p.Total).Error
}

func (s *Conversations) lookAt(tx *db.Tx, f Filter, scope account.Scope, q Query) (*look, error) {
	if s.Index == nil {
		return nil, index.ErrUnreadable
	}
	return s.newLook(tx, f, scope, q.Words)
}

// Strangers gives those tags and agents that no conversation has which the actor may see, wherever it is:
// what a saved search asks for in vain.
func (s *Conversations) Strangers(ctx context.Context, by account.Actor, tags, agents []string) (noTags, noAgents []string, err error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, nil, err
	}
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (*Page, error) {
		noTags, noAgents = nil, nil
		none := func(f Filter) (bool, error) {
			f.States = slices.Clone(everyState)
			p := &Page{}
			err := s.counted(tx, by, Query{Filter: f}, p, last)
			return p.Total == 0, err
		}
		for _, t := range tags {
			switch missing, err := none(Filter{Departments: by.Scope, Tags: []string{t}}); {
			case err != nil:
				return nil, err
			case missing:
				noTags = append(noTags, t)
			}
		}
		for _, a := range agents {
			switch missing, err := none(Filter{Departments: by.Scope, AgentIDs: []string{a}}); {
			case err != nil:
				return nil, err
			case missing:
				noAgents = append(noAgents, a)
			}
		}
		return &Page{}, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("look for tags and agents: %w", err)
	}
	return noTags, noAgents, nil
}

// Kept counts what the archive has of some departments, without what rests in the recycle bin. It is no search:
// nothing is written into the log. tx must be one of db.Read.
func (s *Conversations) Kept(tx *db.Tx, of account.Scope) (active, hidden int64, err error) {
	f := Filter{Departments: of, States: []State{Active, Hidden}}
	l, err := s.lookAt(tx, f, of, Query{})
	if err == nil {
		states := l.states()
		return states[Active], states[Hidden], nil
	}
	if !errors.Is(err, index.ErrBehind) && !errors.Is(err, index.ErrUnreadable) {
		return 0, 0, err
	}
	var counts []struct {
		State State
		N     int64
	}
	err = f.Apply(tx.Model(&Conversation{})).Select("state, COUNT(*) AS n").Group("state").Scan(&counts).Error
	for _, c := range counts {
		if c.State == Active {
			active = c.N
		} else {
			hidden = c.N
		}
	}
	return active, hidden, err
}
