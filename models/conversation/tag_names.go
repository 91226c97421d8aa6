package conversation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
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
	names, err := s.tagNames.of(tx, slices.Collect(maps.Keys(l.sum(index.Tag))))
	return slices.Collect(maps.Values(names)), err
}

// tagNames remembers the names of tags by their ids, as the index knows them. Nothing ever changes or removes a tag.
type tagNames struct {
	mu    sync.RWMutex
	known map[string]string
}

// of gives the names of tags; what does not exist has none.
func (t *tagNames) of(tx *db.Tx, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	var unknown []string
	t.mu.RLock()
	for _, v := range ids {
		if name, ok := t.known[v]; ok {
			out[v] = name
		} else {
			unknown = append(unknown, v)
		}
	}
	t.mu.RUnlock()
	if len(unknown) == 0 {
		return out, nil
	}
	var tags []Tag
	if err := tx.Where("id IN ?", unknown).Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("name tags: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]string{}
	}
	for _, tag := range tags {
		t.known[id.String(tag.ID)], out[id.String(tag.ID)] = tag.Name, tag.Name
	}
	return out, nil
}

// labels gives the names of the tags of each of some conversations, in order.
func (l *look) labels(of []spot) (map[id.Conversation][]string, error) {
	in := map[*part][]uint32{}
	for _, p := range of {
		in[p.part] = append(in[p.part], p.ord)
	}
	have := map[string][]id.Conversation{}
	for p, ords := range in {
		wanted := roaring.BitmapOf(ords...)
		for _, v := range p.Values(index.Tag) {
			tagged := p.Attr(index.Tag, v)
			if !tagged.Intersects(wanted) {
				continue
			}
			for ord := range roaring.Values(roaring.And(tagged, wanted)) {
				have[v] = append(have[v], p.ID(ord))
			}
		}
	}
	names, err := l.s.tagNames.of(l.tx, slices.Collect(maps.Keys(have)))
	if err != nil {
		return nil, err
	}
	out := make(map[id.Conversation][]string, len(of))
	for v, ids := range have {
		for _, c := range ids {
			if name, ok := names[v]; ok {
				out[c] = append(out[c], name)
			}
		}
	}
	for _, tags := range out {
		slices.Sort(tags)
	}
	return out, nil
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
