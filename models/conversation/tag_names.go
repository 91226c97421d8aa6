package conversation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/index"
	"qingdang/models/words"
)

// TagNames gives the names of the tags that the actor's conversations have, in order.
func (s *Conversations) TagNames(ctx context.Context, by account.Actor) (names []string, err error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		names, err = s.tagsByIndex(tx, by)
		if errors.Is(err, index.ErrBehind) || errors.Is(err, index.ErrUnreadable) {
			names, err = tagsByRows(tx, by)
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// tagsByIndex asks the index, which knows without reading a row. The errors are those of newLook.
func (s *Conversations) tagsByIndex(tx *db.Tx, by account.Actor) ([]string, error) {
	if s.Index == nil {
		return nil, index.ErrUnreadable
	}
	l, err := s.newLook(tx, Filter{Departments: by.Scope, States: everyState}.known(by), by.Scope, words.Query{})
	if err != nil {
		return nil, err
	}
	used := map[string]int64{}
	for _, p := range l.parts {
		in := l.matching(p, noKind)
		for _, v := range p.Values(index.Tag) {
			if used[v] == 0 && in.Intersects(p.Attr(index.Tag, v)) {
				used[v] = 1
			}
		}
	}
	names, err := l.tagNames(used)
	return slices.Collect(maps.Keys(names)), err
}

// tagsByRows asks the rows: for each tag whether there is one.
func tagsByRows(tx *db.Tx, by account.Actor) (names []string, err error) {
	q := tx.Model(&Tag{})
	// LIMIT keeps MariaDB from reading the tags of every conversation at once: the first one tells.
	const one = "(SELECT 1 FROM conversation_tag ct JOIN conversation c ON c.id = ct.conversation_id WHERE ct.tag_id = tag.id AND c.state <> 6"
	switch {
	case by.May(account.ConversationSealed):
		q = q.Where("EXISTS (SELECT 1 FROM conversation_tag ct WHERE ct.tag_id = tag.id)")
	case by.Scope.All:
		q = q.Where(one + " LIMIT 1) IS NOT NULL")
	default:
		q = q.Where(one+" AND c.department_id IN ? LIMIT 1) IS NOT NULL", by.Scope.Listed())
	}
	if err := q.Pluck("name", &names).Error; err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return names, nil
}
