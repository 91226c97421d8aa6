package index

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Segments of all divisions are small and fresh. Eight of a size make a larger one, and once they are
// large they are cut into the divisions, where four of a size make a larger one, until it is full: so
// a purge of a division's period finds most of what it takes in segments that hold little else, and every
// document is written a few times in its life.
const (
	mixedFanIn    = 8
	divisionFanIn = 4
	splitTier     = 4 // of mixed segments of 4,096 documents and more
	fullTier      = 5 // segments of half of MaxDocs and more stay as they are
)

// tierOf is the class of a segment by its size: eights of eights.
func tierOf(n int) int { return min((bits.Len(uint(max(n, 1)))-1)/3, fullTier) }

// merging is a piece of work for rewrite.
type merging struct {
	segments []uint64
	split    bool
}

// nextMerging chooses what is to be merged next: nil where nothing is.
func nextMerging(rows []segmentRow) *merging {
	type group struct {
		division id.Department
		tier     int
	}
	groups := map[group][]segmentRow{}
	for _, r := range rows {
		if r.Dead*2 > r.N {
			return &merging{segments: []uint64{r.ID}}
		}
		groups[group{r.Division, r.Tier}] = append(groups[group{r.Division, r.Tier}], r)
	}
	var best *merging
	var bestOf group
	for g, members := range groups {
		if !due(g.division, g.tier, members) {
			continue
		}
		if best != nil && cmp.Or(cmp.Compare(bestOf.tier, g.tier), cmp.Compare(bestOf.division, g.division)) < 0 {
			continue
		}
		m := &merging{split: g.division == 0 && g.tier >= splitTier}
		for _, r := range members[:min(len(members), mixedFanIn)] {
			m.segments = append(m.segments, r.ID)
		}
		best, bestOf = m, g
	}
	return best
}

func due(division id.Department, tier int, members []segmentRow) bool {
	if division == 0 {
		return len(members) >= mixedFanIn
	}
	n := 0
	for _, r := range members {
		n += r.N - r.Dead
	}
	return tier < fullTier && (len(members) >= divisionFanIn || n >= MaxDocs)
}

// mergeOnce does the next merging. It tells how many segments it took, 0 when there is nothing to do.
func (x *Index) mergeOnce(ctx context.Context, beat func(*db.Tx) error) (merged int, err error) {
	var sources []*Segment
	var m *merging
	var into shape
	err = x.DB.Read(ctx, func(tx *db.Tx) error {
		segments, err := x.segments(tx)
		if err != nil {
			return err
		}
		rows := make([]segmentRow, len(segments))
		for i, s := range segments {
			rows[i] = s.row
		}
		sources, into = nil, shape{}
		if m = nextMerging(rows); m == nil {
			return nil
		}
		if m.split {
			if into.division, err = x.divisions(tx); err != nil {
				return fmt.Errorf("divisions: %w", err)
			}
		}
		for _, s := range segments {
			if slices.Contains(m.segments, s.row.ID) {
				sources = append(sources, s)
			}
		}
		return nil
	})
	if err != nil || m == nil {
		return 0, err
	}
	return len(sources), x.rewrite(ctx, sources, into, beat)
}

// abandoned is how old a segment that is being built must be for its builder to be taken for dead. Where
// it was alive nevertheless, it notices and begins again.
const abandoned = 30 * time.Minute

// dropOrphans takes away what dead runs left half built.
func (x *Index) dropOrphans(ctx context.Context) error {
	err := x.DB.Write(ctx, func(tx *db.Tx) error {
		var orphans []uint64
		err := tx.ForUpdate().Model(&segmentRow{}).Where("state = ? AND created_at < ?", building, tx.Now.Add(-abandoned)).Order("id").Pluck("id", &orphans).Error
		if err != nil || len(orphans) == 0 {
			return err
		}
		return drop(tx, orphans, building)
	})
	if err != nil {
		return fmt.Errorf("orphaned segments: %w", err)
	}
	return x.Sweep(ctx)
}
