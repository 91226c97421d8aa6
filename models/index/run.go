package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/seal"
)

// JobFold is the timer that takes changes into the index.
const JobFold = "index.fold"

func idle(*db.Tx) error { return nil }

// Fold takes all waiting changes into the index and merges what is to be merged.
func (x *Index) Fold(ctx context.Context) (Folded, error) {
	done, err := x.Catch(ctx)
	for err == nil {
		var n int
		if n, err = x.merging(ctx, idle); n == 0 {
			break
		}
		done.Merged += n
	}
	return done, err
}

// Catch is Fold without merging, for the middle of a large import.
func (x *Index) Catch(ctx context.Context) (done Folded, err error) {
	if err := x.tidy(ctx); err != nil {
		return done, err
	}
	for last := id.Conversation(0); ; {
		one, next, err := x.folding(ctx, last, idle)
		done.add(one)
		if err != nil || next == 0 {
			return done, err
		}
		last = next
	}
}

// tidy ends what others began: dead runs, and readers that met a segment that does not open.
func (x *Index) tidy(ctx context.Context) error {
	if err := x.Sweep(ctx); err != nil {
		return err
	}
	if err := x.Report(ctx); err != nil {
		return err
	}
	// A key store that is away for now has time for this later; what is read meanwhile says so itself.
	if _, err := x.Stray(ctx, abandoned); err != nil && !errors.Is(err, seal.ErrNoSlots) {
		return err
	}
	return x.dropOrphans(ctx)
}

// Report tells everybody which segments readers of this process could not open: the conversations in them
// are noted as changed. So every search asks the rows for them from now on, and whoever folds next takes
// them in anew and drops the segment.
func (x *Index) Report(ctx context.Context) error {
	x.listing.Lock()
	broken := slices.Collect(maps.Values(x.broken))
	clear(x.broken)
	x.listing.Unlock()
	for _, s := range broken {
		if err := x.doubt(ctx, s); err != nil {
			x.listing.Lock()
			x.broken[s.row.ID] = s
			x.listing.Unlock()
			return err
		}
	}
	return nil
}

// doubt notes the conversations of a segment as changed, unless it was replaced meanwhile. What was
// erased gets no note: nobody would take it away.
func (x *Index) doubt(ctx context.Context, s *Segment) error {
	var ids []id.Conversation
	for it := s.live.Iterator(); it.HasNext(); {
		ids = append(ids, s.ids[it.Next()])
	}
	slices.Sort(ids)
	return x.doubtSome(ctx, s, ids)
}

// doubtSome is doubt of some of them, which are in order.
func (x *Index) doubtSome(ctx context.Context, s *Segment, ids []id.Conversation) error {
	for part := range slices.Chunk(ids, changesAtOnce) {
		err := x.DB.Write(ctx, func(tx *db.Tx) error {
			if there, err := isReady(tx, s.row.ID); err != nil || !there {
				return err
			}
			there, err := x.lock(tx, part)
			if err != nil {
				return err
			}
			return Changed(tx, true, slices.Collect(maps.Keys(there))...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func isReady(tx *db.Tx, segment uint64) (bool, error) {
	var n int64
	if err := tx.Model(&segmentRow{}).Where("id = ? AND state = ?", segment, ready).Count(&n).Error; err != nil {
		return false, fmt.Errorf("look for segment: %w", err)
	}
	return n > 0, nil
}

// Runner is the job of Fold. Each step takes a few thousand changes, or merges one group of segments; when
// nothing is left it waits for the next time.
func (x *Index) Runner(interval time.Duration) job.Runner {
	return job.RunnerFunc(func(ctx context.Context, j *job.Job) (bool, error) {
		if j.Pos == 0 {
			if err := x.tidy(ctx); err != nil {
				return false, err
			}
		}
		beat := func(tx *db.Tx) error { return job.Advance(tx, j, j.Pos, j.Done) }
		done, next, err := x.folding(ctx, id.Conversation(j.Pos), beat)
		if err != nil {
			return false, err
		}
		if next != 0 {
			return false, x.DB.Write(ctx, func(tx *db.Tx) error { return job.Advance(tx, j, int64(next), j.Done+int64(done.Changes)) })
		}
		merged, err := x.merging(ctx, beat)
		if err != nil {
			return false, err
		}
		if merged > 0 {
			return false, x.DB.Write(ctx, beat)
		}
		return false, x.DB.Write(ctx, func(tx *db.Tx) error { return job.Every(tx, j, interval) })
	})
}

// A search looks at what waits conversation by conversation, and opens those whose texts are new, so that much of it
// is not left until the timer's next time. A new text counts as much as newText others: it costs searches more and
// Fold less, which writes the heads of segments anew for the others.
const (
	muchWaits = foldAtOnce
	newText   = 8
	lookEvery = 2 * time.Second
)

// Hasten lets the job of Fold run before its time as often as much waits, until the context ends.
func (x *Index) Hasten(ctx context.Context) error {
	since := epoch
	for {
		if err := x.hasten(ctx, &since); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "what waits for the search index was not counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
	}
}

// epoch is before every note.
var epoch = time.Unix(0, 0).UTC()

// hasten counts what was noted since it last let the job run: what still waits from before does not open for now, and does
// not open the sooner for being asked every time.
func (x *Index) hasten(ctx context.Context, since *time.Time) error {
	waits := int64(0)
	err := x.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Raw("SELECT COALESCE(SUM(CASE WHEN content = 0 THEN 1 ELSE ? END), 0) FROM (SELECT content FROM index_change WHERE changed_at > ? LIMIT ?) w",
			newText, *since, muchWaits).Scan(&waits).Error
	})
	if err != nil || waits < muchWaits {
		return err
	}
	var at time.Time
	var hastened bool
	err = x.DB.Write(ctx, func(tx *db.Tx) (err error) {
		at = tx.Now
		hastened, err = job.Hasten(tx, JobFold)
		return err
	})
	if err == nil && hastened {
		*since = at
	}
	return err
}

// folding is foldOnce; what does not open is taken out of the index first.
func (x *Index) folding(ctx context.Context, after id.Conversation, beat func(*db.Tx) error) (done Folded, next id.Conversation, err error) {
	err = x.mending(ctx, func() error {
		done, next, err = x.foldOnce(ctx, after, beat)
		return err
	})
	return done, next, err
}

// merging is mergeOnce, the same way. A merging that was overtaken is left for the next time.
func (x *Index) merging(ctx context.Context, beat func(*db.Tx) error) (merged int, err error) {
	err = x.mending(ctx, func() error {
		merged, err = x.mergeOnce(ctx, beat)
		return err
	})
	if errors.Is(err, errLost) {
		return 0, nil
	}
	return merged, err
}

// mending runs f, and mends the index each time that f meets a segment that does not open.
func (x *Index) mending(ctx context.Context, f func() error) error {
	for {
		err := f()
		var broken *unreadableError
		if !errors.As(err, &broken) {
			return err
		}
		if failed := x.mend(ctx, broken.segment); failed != nil {
			return errors.Join(err, failed)
		}
	}
}

// mend takes segments that do not open out of the index: the one that was met and those whose heads do
// not open. What was in them cannot be told, so every conversation that no other segment has is noted
// as changed before.
func (x *Index) mend(ctx context.Context, met uint64) error {
	there := false
	err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
		there, err = isReady(tx, met)
		return err
	})
	if err != nil || !there { // a scrub or a merge beside us was faster, and nothing is wrong
		return err
	}
	drops := map[uint64]bool{met: true}
	for last, more := id.Conversation(0), true; more; {
		var unknown []id.Conversation
		err := x.DB.Read(ctx, func(tx *db.Tx) error {
			segments, broken, err := x.readable(tx)
			if err != nil {
				return err
			}
			for _, b := range broken {
				drops[b.segment] = true
			}
			v := &View{Segments: slices.DeleteFunc(segments, func(s *Segment) bool { return drops[s.row.ID] })}
			ids, err := x.Source.IDs(tx, last, foldAtOnce)
			if err != nil {
				return fmt.Errorf("list conversations: %w", err)
			}
			if more = len(ids) > 0; more {
				last = ids[len(ids)-1]
			}
			unknown = slices.DeleteFunc(ids, func(c id.Conversation) bool {
				_, _, known := v.Find(c)
				return known
			})
			return nil
		})
		if err == nil && len(unknown) > 0 {
			err = x.DB.Write(ctx, func(tx *db.Tx) error { return Changed(tx, true, unknown...) })
		}
		if err != nil {
			return err
		}
	}
	for segment := range drops {
		err := x.DB.Write(ctx, func(tx *db.Tx) error { return drop(tx, []uint64{segment}, ready) })
		if err != nil && !errors.Is(err, errLost) { // then somebody else has taken it away
			return err
		}
	}
	return x.Sweep(ctx)
}
