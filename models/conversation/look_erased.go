package conversation

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/id"
	"qingdang/models/index"
)

// What a purge has erased stays in the segments until it scrubs them, near its end. Nobody finds it, as its
// row is gone, but it would be counted.

// erased remembers what the purges under way have erased.
type erased struct {
	mu    sync.RWMutex
	known map[id.Purge]*erasedBy
}

// erasedBy is what one of them has erased, of its list before settled all, and further on what was seen
// there. It only grows: what somebody sees who began earlier may have more than was erased then, which is gone
// now all the same.
type erasedBy struct {
	settled int64 // seq from which on something may have changed
	ids     map[id.Conversation]struct{}
}

// asked is up to how many rows are looked for rather than all that the purges under way have erased.
const asked = 1000

// dropErased takes what is erased and not scrubbed out of the parts. All of it was frozen before, so that a
// search asks for nothing more where nothing of the own is.
func (l *look) dropErased() error {
	frozen := make([]*roaring.Bitmap, len(l.parts))
	n := uint64(0)
	for i, s := range l.parts {
		frozen[i] = roaring.New()
		if !s.sealed {
			continue
		}
		frozen[i] = roaring.Or(s.Attr(index.State, stateValue(Frozen)), s.Attr(index.State, stateValue(Purging)))
		if frozen[i].And(s.within); !frozen[i].IsEmpty() && !l.scope.All {
			frozen[i].And(l.own.meet(s.Segment))
		}
		n += frozen[i].GetCardinality()
	}
	if n == 0 {
		return nil
	}
	running, err := l.running()
	if err != nil || len(running) == 0 {
		return err
	}
	gone, err := l.gone(running, frozen, n)
	if err != nil {
		return err
	}
	for i, s := range l.parts {
		for it := frozen[i].Iterator(); it.HasNext(); {
			if ord := it.Next(); gone(s.ID(ord)) {
				s.within.Remove(ord)
			}
		}
	}
	return nil
}

// running gives the purges that have erased something and not come to their end, with how much.
func (l *look) running() (map[id.Purge]int64, error) {
	var rows []struct {
		ID     id.Purge
		Purged int64
	}
	err := l.tx.Raw("SELECT id, purged FROM purge_request WHERE state IN ('running', 'verifying') AND purged > 0").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("purges under way: %w", err)
	}
	out := make(map[id.Purge]int64, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Purged
	}
	return out, nil
}

// gone tells of each of n frozen conversations whether it is erased: it asks for their rows where they are
// few, and for the tombstones of the purges under way otherwise.
func (l *look) gone(running map[id.Purge]int64, frozen []*roaring.Bitmap, n uint64) (func(id.Conversation) bool, error) {
	if n > asked {
		return l.s.erased.by(l, running)
	}
	ids := make([]id.Conversation, 0, n)
	for i, s := range l.parts {
		for it := frozen[i].Iterator(); it.HasNext(); {
			ids = append(ids, s.ID(it.Next()))
		}
	}
	var there []id.Conversation
	if err := l.tx.Model(&Conversation{}).Where("id IN ?", ids).Order("id").Pluck("id", &there).Error; err != nil {
		return nil, fmt.Errorf("frozen conversations: %w", err)
	}
	return func(c id.Conversation) bool {
		_, ok := slices.BinarySearch(there, c)
		return !ok
	}, nil
}

// by gives what the purges have erased. A purge counts it in the transaction that erases it: as long as no
// more is counted than is known, there is nothing to read.
func (e *erased) by(l *look, running map[id.Purge]int64) (func(id.Conversation) bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := make(map[id.Purge]*erasedBy, len(running))
	for p, n := range running {
		if known[p] = e.known[p]; known[p] == nil {
			known[p] = &erasedBy{settled: math.MinInt64, ids: map[id.Conversation]struct{}{}}
		}
		if err := known[p].read(l, p, n); err != nil {
			return nil, err
		}
	}
	e.known = known
	return func(c id.Conversation) bool {
		e.mu.RLock()
		defer e.mu.RUnlock()
		for _, k := range known {
			if _, ok := k.ids[c]; ok {
				return true
			}
		}
		return false
	}, nil
}

// manifestPage is how many entries of a purge's list are read at once.
const manifestPage = 5000

// read goes on through a purge's list, in whose order it erases, until it knows as many as are erased.
func (k *erasedBy) read(l *look, p id.Purge, n int64) error {
	from, all := k.settled, true // settled up to there
	for int64(len(k.ids)) < n {
		var items []struct {
			Seq            int64
			ConversationID id.Conversation
			State          string
		}
		err := l.tx.Raw("SELECT seq, conversation_id, state FROM purge_item WHERE purge_id = ? AND seq >= ? ORDER BY seq LIMIT ?", p, from, manifestPage).Scan(&items).Error
		if err != nil {
			return fmt.Errorf("list of a purge under way: %w", err)
		}
		for _, i := range items {
			if i.State == "purged" {
				k.ids[i.ConversationID] = struct{}{}
			}
			from, all = i.Seq+1, all && i.State != "pending"
			if all {
				k.settled = from
			}
		}
		if len(items) < manifestPage {
			return nil
		}
	}
	return nil
}
