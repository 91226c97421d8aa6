// Package bench measures the console on real databases, and fills databases fast for that and
// for tests that need a hundred thousand conversations at once.
package bench

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/hold"
)

// Shape says what Fill stores. Zero fields are the usual ones: 10 divisions of 6 departments of
// 5 teams below one root, 371 in all, and 24 calendar months of UTC that end half a year before
// the database's now, so that no floor keeps anything.
type Shape struct {
	Conversations int
	Divisions     int
	Departments   int // of each division
	Teams         int // of each department
	Months        int
	Until         time.Time // the end of the last month
	Seed          uint64

	next   func(p place, from time.Time) conversation.New                  // makes a conversation; nil: newTalk's
	stored func(batch []conversation.New, as []conversation.Outcome) error // told of each batch after its commit
}

const (
	safelyOld = 190 * 24 * time.Hour
	fillBatch = 1000
)

func (s Shape) orUsual(now time.Time) Shape {
	set := func(field *int, usual int) {
		if *field == 0 {
			*field = usual
		}
	}
	set(&s.Divisions, 10)
	set(&s.Departments, 6)
	set(&s.Teams, 5)
	set(&s.Months, 24)
	if s.Until.IsZero() {
		s.Until = now.Add(-safelyOld)
	}
	y, m, _ := s.Until.UTC().Date()
	s.Until = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	return s
}

// months gives the beginnings of the months, the oldest first.
func (s Shape) months() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for m := -s.Months; m < 0; m++ {
			if !yield(s.Until.AddDate(0, m, 0)) {
				return
			}
		}
	}
}

// Fill makes the departments where they are missing and stores conversations in them: real
// documents, really sealed, in buckets of their department and month. It goes through
// conversation.Store with a leaf for each batch, on all cores. The first division has four
// tenths of everything, the others share the rest; every conversation is in no bin.
func Fill(ctx context.Context, d *db.DB, v conversation.Vault, s Shape) error {
	var places []place
	err := d.Write(ctx, func(tx *db.Tx) (err error) {
		s = s.orUsual(tx.Now)
		if places, err = organisation(tx, s); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: filler(), Action: "department.created", ObjectKind: "department", Object: rootName, Count: int64(len(places))})
	})
	if err != nil {
		return fmt.Errorf("make departments: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for batch := range batches(s, places) {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return store(ctx, d, v, s, batch) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

func filler() audit.Actor { return account.System("bench", "").Audit() }

func store(ctx context.Context, d *db.DB, v conversation.Vault, s Shape, batch []conversation.New) error {
	var as []conversation.Outcome
	err := d.Write(ctx, func(tx *db.Tx) (err error) {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		if as, err = conversation.Store(tx, v, batch); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: filler(), Action: "conversation.imported", ObjectKind: "import", Count: int64(len(batch))})
	})
	if err != nil || s.stored == nil {
		return err
	}
	return s.stored(batch, as)
}

// batches gives the conversations month by month, in a month department by department: ids that
// are neighbours in time are neighbours on disk, and a batch touches few buckets.
func batches(s Shape, places []place) iter.Seq[[]conversation.New] {
	return func(yield func([]conversation.New) bool) {
		done, month := 0, 0
		if s.next == nil {
			s.next = newTalk(s).next
		}
		var batch []conversation.New
		for from := range s.months() {
			month++
			weight := 0.0
			for _, p := range places {
				weight += p.weight
				upTo := s.Conversations * (month - 1) / s.Months
				upTo += int(float64(s.Conversations*month/s.Months-upTo)*weight + 0.5)
				for ; done < upTo; done++ {
					if batch = append(batch, s.next(p, from)); len(batch) < fillBatch {
						continue
					}
					if !yield(batch) {
						return
					}
					batch = nil
				}
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}
