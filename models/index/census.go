package index

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Tier counts the segments of one size.
type Tier struct {
	Tier     int
	Segments int
	Docs     int // that live
	Dead     int
	Bytes    int64
}

// Census is the state of the index, in counts only.
type Census struct {
	Tiers    []Tier
	Segments int
	Docs     int
	Dead     int
	Bytes    int64
	Building int       // segments that are being written, or that a dead run left
	Gone     int       // segments that are to be cleared away
	Changes  int64     // that wait
	Oldest   time.Time // the oldest of them
}

// Census counts; it opens nothing.
func (x *Index) Census(ctx context.Context) (c Census, err error) {
	err = x.DB.Read(ctx, func(tx *db.Tx) error {
		c = Census{}
		var rows []segmentRow
		if err := tx.Find(&rows).Error; err != nil {
			return fmt.Errorf("list segments: %w", err)
		}
		tiers := map[int]Tier{}
		for _, r := range rows {
			switch r.State {
			case building:
				c.Building++
			case gone:
				c.Gone++
			case ready:
				t := tiers[r.Tier]
				tiers[r.Tier] = Tier{r.Tier, t.Segments + 1, t.Docs + r.N - r.Dead, t.Dead + r.Dead, t.Bytes + r.Bytes}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(tiers)) {
			t := tiers[k]
			c.Tiers = append(c.Tiers, t)
			c.Segments, c.Docs, c.Dead, c.Bytes = c.Segments+t.Segments, c.Docs+t.Docs, c.Dead+t.Dead, c.Bytes+t.Bytes
		}
		if err := tx.Model(&changeRow{}).Count(&c.Changes).Error; err != nil {
			return fmt.Errorf("waiting changes: %w", err)
		}
		var oldest []time.Time
		if err := tx.Model(&changeRow{}).Order("changed_at").Limit(1).Pluck("changed_at", &oldest).Error; err != nil {
			return fmt.Errorf("waiting changes: %w", err)
		}
		for _, t := range oldest {
			c.Oldest = t
		}
		return nil
	})
	return c, err
}

// Rebuild makes the whole index anew from the conversations. The old segments answer until they are
// replaced, some thousand conversations at a time, so searches go on and stay exact; it may be stopped and
// begun again. progress is told how many conversations were done; nil is no one.
func (x *Index) Rebuild(ctx context.Context, progress func(done int)) (done Folded, err error) {
	if err := x.tidy(ctx); err != nil {
		return done, err
	}
	before, err := x.now(ctx)
	if err != nil {
		return done, err
	}
	for last := id.Conversation(0); ; {
		var ids []id.Conversation
		err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
			ids, err = x.Source.IDs(tx, last, foldAtOnce)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("list conversations: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		if err := x.DB.Write(ctx, func(tx *db.Tx) error { return Changed(tx, true, ids...) }); err != nil {
			return done, err
		}
		one, _, err := x.folding(ctx, last, idle)
		if err != nil {
			return done, err
		}
		done.add(one)
		last = ids[len(ids)-1]
		if progress != nil {
			progress(done.Docs)
		}
	}
	// What is left of the old segments belongs to conversations that are no more.
	if err := x.dropLeft(ctx, before); err != nil {
		return done, err
	}
	rest, err := x.Fold(ctx)
	done.add(rest)
	return done, err
}

// now lists the segments that are ready and opens them.
func (x *Index) now(ctx context.Context) (segments []*Segment, err error) {
	err = x.mending(ctx, func() error {
		return x.DB.Read(ctx, func(tx *db.Tx) (err error) {
			segments, err = x.segments(tx)
			return err
		})
	})
	return segments, err
}

// dropLeft scrubs the conversations that live in old segments still and whose rows are gone.
func (x *Index) dropLeft(ctx context.Context, before []*Segment) error {
	old := map[uint64]bool{}
	for _, s := range before {
		old[s.row.ID] = true
	}
	segments, err := x.now(ctx)
	if err != nil {
		return err
	}
	var left []id.Conversation
	for _, s := range segments {
		if old[s.row.ID] {
			for it := s.live.Iterator(); it.HasNext(); {
				left = append(left, s.ids[it.Next()])
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	var there map[id.Conversation]uint32
	err = x.DB.Write(ctx, func(tx *db.Tx) (err error) {
		there, err = x.lock(tx, left)
		return err
	})
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(c id.Conversation) bool { _, ok := there[c]; return ok })
	_, err = x.Scrub(ctx, left, nil)
	return err
}
