package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Scrubbed is what Scrub did.
type Scrubbed struct {
	Rewritten int // segments that were written anew without the conversations
	Dropped   int // segments in which nothing else was, or that were still being built
}

// Scrub takes erased conversations out of the index for good: every segment that has one of them, dead or
// alive, is written anew without them under a new key, and the old key is destroyed; so are the keys of
// all segments that had gone before. Their rows must be gone already, or Fold may take them in again. It
// may be stopped at any instant and be called again, and several purges may be scrubbed at once. beat is
// called in every longer transaction, to renew a lease or to end all; nil is no one.
func (x *Index) Scrub(ctx context.Context, ids []id.Conversation, beat func(*db.Tx) error) (done Scrubbed, err error) {
	if beat == nil {
		beat = idle
	}
	erased := make(map[id.Conversation]bool, len(ids))
	for _, c := range ids {
		erased[c] = true
	}
	for lost := 0; ; {
		n, err := x.scrubOnce(ctx, erased, &done, beat)
		var broken *unreadableError
		switch {
		case errors.Is(err, errLost) && lost < retries:
			lost++
		case errors.As(err, &broken): // a shard of it: its head was opened
			if failed := x.mend(ctx, broken.segment); failed != nil {
				return done, errors.Join(err, failed)
			}
		case err != nil:
			return done, err
		case n == 0:
			// Not before: where a segment tells of an older state, the note keeps it from being believed.
			if err := x.forgetNotes(ctx, ids); err != nil {
				return done, err
			}
			return done, x.Sweep(ctx)
		default:
			lost = 0
		}
	}
}

// scrubOnce scrubs what has the conversations now, and tells how many segments that were.
func (x *Index) scrubOnce(ctx context.Context, erased map[id.Conversation]bool, done *Scrubbed, beat func(*db.Tx) error) (int, error) {
	var have []*Segment
	err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
		have, err = x.having(tx, erased, building, ready)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, s := range have {
		if s.row.State == building {
			// Its builder notices, and begins again without them.
			err := x.DB.Write(ctx, func(tx *db.Tx) error { return errors.Join(drop(tx, []uint64{s.row.ID}, building), beat(tx)) })
			if err != nil {
				return 0, err
			}
			done.Dropped++
			continue
		}
		if s.head == nil {
			return 0, unreadable(s.row.ID, errHead)
		}
		if err := x.rewrite(ctx, []*Segment{s}, shape{drop: erased}, beat); err != nil {
			return 0, err
		}
		if s.remain(erased) == 0 {
			done.Dropped++
		} else {
			done.Rewritten++
		}
	}
	return len(have), nil
}

// remain counts the living documents that are not erased.
func (s *Segment) remain(erased map[id.Conversation]bool) (n int) {
	for it := s.live.Iterator(); it.HasNext(); {
		if !erased[s.ids[it.Next()]] {
			n++
		}
	}
	return n
}

// having gives the segments in the states that have any of the conversations, or that may: those without
// a head do not open and have a key.
func (x *Index) having(tx *db.Tx, wanted map[id.Conversation]bool, states ...int) (have []*Segment, err error) {
	var rows []segmentRow
	if err := tx.Where("state IN ?", states).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	sorted := make([]id.Conversation, 0, len(wanted))
	for c := range wanted {
		sorted = append(sorted, c)
	}
	slices.Sort(sorted)
	for part := range slices.Chunk(rows, headsAtOnce) {
		segments := make([]*Segment, len(part))
		var missing []*Segment
		for i, r := range part {
			segments[i] = &Segment{Tier: r.Tier, Division: r.Division, row: r}
			if h, ok := x.heads.get(headKey{r.ID, r.Version}); ok {
				segments[i].head = h
			} else {
				missing = append(missing, segments[i])
			}
		}
		if len(missing) > 0 {
			if _, err := x.openHeads(tx, missing); err != nil {
				return nil, err
			}
		}
		for _, s := range segments {
			if s.head != nil && s.count(sorted) == 0 {
				continue
			}
			// A head may be remembered although nobody can open it any more; and one that is damaged here may be
			// whole in a backup, and tell of any of them, as long as its key lives.
			if s.head == nil || s.row.State == gone {
				st, err := x.Store.State(s.row.ID)
				if err != nil {
					return nil, fmt.Errorf("key of segment %d: %w", s.row.ID, err)
				}
				if st.State != seal.Live {
					continue
				}
			}
			have = append(have, s)
		}
	}
	return have, nil
}

// count tells how many of the conversations, which are in order, are in the head, dead or alive.
func (h *head) count(sorted []id.Conversation) (n int) {
	if len(h.ids) == 0 {
		return 0
	}
	lowest, highest := h.ids[h.byID[0]], h.ids[h.byID[len(h.byID)-1]]
	from, _ := slices.BinarySearch(sorted, lowest)
	for _, c := range sorted[from:] {
		if c > highest {
			break
		}
		if _, ok := slices.BinarySearchFunc(h.byID, c, func(ord uint32, c id.Conversation) int { return cmp.Compare(h.ids[ord], c) }); ok {
			n++
		}
	}
	return n
}

func (x *Index) forgetNotes(ctx context.Context, ids []id.Conversation) error {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for part := range slices.Chunk(ids, changesAtOnce) {
		err := x.DB.Write(ctx, func(tx *db.Tx) error { return tx.Where("conversation_id IN ?", part).Delete(&changeRow{}).Error })
		if err != nil {
			return fmt.Errorf("forget waiting changes: %w", err)
		}
	}
	return nil
}

// Holds counts what the index has of the conversations, for verification after Scrub: documents, dead
// or alive, in any segment whose key is still in the key store, and waiting changes.
func (x *Index) Holds(tx *db.Tx, ids []id.Conversation) (n int, err error) {
	wanted := make(map[id.Conversation]bool, len(ids))
	for _, c := range ids {
		wanted[c] = true
	}
	have, err := x.having(tx, wanted, building, ready, gone)
	if err != nil {
		return 0, err
	}
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	for _, s := range have {
		if s.head == nil {
			n++ // nobody can tell that it has none of them
			continue
		}
		n += s.count(sorted)
	}
	for part := range slices.Chunk(sorted, changesAtOnce) {
		var notes int64
		if err := tx.Model(&changeRow{}).Where("conversation_id IN ?", part).Count(&notes).Error; err != nil {
			return 0, fmt.Errorf("waiting changes: %w", err)
		}
		n += int(notes)
	}
	return n, nil
}
