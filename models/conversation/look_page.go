package conversation

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/seal"
)

// How many bodies a search opens to count exactly, and how many at a time to fill a page.
const (
	countOpens = 250
	pageOpens  = 200
)

// settle opens what the terms cannot tell, if that is not too much, and takes away what does not match,
// so that every count is exact; otherwise it says false, and counts are of what may match.
func (l *look) settle(kinds []index.Kind) (exact bool, err error) {
	type doubt struct {
		s         *part
		in, asked *roaring.Bitmap
	}
	var doubts []doubt
	n := uint64(0)
	for _, s := range l.parts {
		if l.settled(s) {
			continue
		}
		asked := l.meeting(s).Clone()
		for _, k := range kinds {
			asked.Or(l.base(s, k))
		}
		in := l.doubtful(s, asked)
		if in.IsEmpty() {
			continue
		}
		if n += in.GetCardinality(); n+uint64(l.plan.Opened) > countOpens {
			return false, nil
		}
		doubts = append(doubts, doubt{s, in, asked})
	}
	var spots []spot
	for _, d := range doubts {
		for it := d.in.Iterator(); it.HasNext(); {
			spots = append(spots, spot{part: d.s, ord: it.Next()})
		}
	}
	if err := l.confirm(spots); err != nil {
		return false, err
	}
	for _, d := range doubts {
		d.s.within.And(d.asked) // what no count asks for was not looked at
	}
	for _, p := range spots {
		if !p.matches {
			p.part.within.Remove(p.ord)
		}
	}
	for _, d := range doubts {
		d.s.sure = true
		d.s.narrowed()
	}
	return true, nil
}

// spot is one conversation of a part.
type spot struct {
	part    *part
	ord     uint32
	matches bool
}

func (p spot) id() id.Conversation { return p.part.ID(p.ord) }

func idsOf(spots []spot) []id.Conversation {
	ids := make([]id.Conversation, len(spots))
	for i, p := range spots {
		ids[i] = p.id()
	}
	return ids
}

func (p spot) position() position { return position{p.part.LastAt(p.ord), p.id()} }

// compare puts older before newer.
func (p position) compare(q position) int { return cmp.Or(p.at.Compare(q.at), cmp.Compare(p.id, q.id)) }

// confirm opens the bodies of spots and notes which match the words. It keeps the documents that do:
// a page of them is shown next.
func (l *look) confirm(spots []spot) error {
	for part := range slices.Chunk(spots, looseAtOnce) {
		ids := idsOf(part)
		found, err := l.s.Vault.entries(l.tx, ids)
		if err != nil {
			return err
		}
		err = onAllCores(l.tx.Context(), len(ids), func(i int) {
			e := found[ids[i]]
			part[i].matches = e != nil && e.doc != nil && l.words.Match(e.doc.searched())
		})
		if err != nil {
			return err
		}
		for i, c := range ids {
			e := found[c]
			if e == nil {
				continue
			}
			var newer *seal.FormatError // this program cannot read it, and says so in its row
			if e.err != nil && !forever(e.err) && !errors.As(e.err, &newer) {
				return fmt.Errorf("%w: %w", fault.Busy("conversation.keys_away"), e.err)
			}
			l.stale = l.stale || errors.Is(e.err, seal.ErrDestroyed)
			if part[i].matches && len(l.opened) < countOpens {
				l.opened[c] = e
			}
		}
	}
	l.plan.Opened += len(spots)
	for _, p := range spots {
		if p.matches {
			l.plan.Confirmed++
		}
	}
	return nil
}

// line hands over what is left of a part in order.
type line struct {
	part *part
	next func() (uint32, bool)
	head spot
}

// queueFrom is what is left of all parts, from a position on.
func (l *look) queueFrom(at position, backward bool) *queue {
	q := &queue{backward: backward}
	for _, s := range l.parts {
		in := l.meeting(s)
		if !backward && at.id != 0 {
			in = in.Clone()
			in.RemoveRange(uint64(behind(s, at)), uint64(s.N()))
		}
		it := in.ReverseIterator()
		one := line{part: s, next: func() (uint32, bool) {
			if !it.HasNext() {
				return 0, false
			}
			return it.Next(), true
		}}
		if backward {
			up := in.Iterator()
			up.AdvanceIfNeeded(firstAt(s, at))
			one.next = func() (uint32, bool) {
				if !up.HasNext() {
					return 0, false
				}
				return up.Next(), true
			}
		}
		if one.step(at, backward) {
			q.lines = append(q.lines, one)
		}
	}
	heap.Init(q)
	return q
}

// queue hands over what is left of all parts in order: the line stands first whose head is next.
type queue struct {
	lines    []line
	backward bool
}

func (q *queue) Len() int { return len(q.lines) }

func (q *queue) Less(i, j int) bool {
	c := q.lines[i].head.position().compare(q.lines[j].head.position())
	return q.backward && c < 0 || !q.backward && c > 0
}

func (q *queue) Swap(i, j int) { q.lines[i], q.lines[j] = q.lines[j], q.lines[i] }

func (q *queue) Push(one any) { q.lines = append(q.lines, one.(line)) }

func (q *queue) Pop() any {
	last := len(q.lines) - 1
	one := q.lines[last]
	q.lines = q.lines[:last]
	return one
}

// next takes the next one. There must be one.
func (q *queue) next() spot {
	first := q.lines[0].head
	if q.lines[0].step(position{}, q.backward) {
		heap.Fix(q, 0)
	} else {
		heap.Remove(q, 0)
	}
	return first
}

// firstAt and behind bound where in a part a position would stand.
func firstAt(s *part, at position) uint32 {
	lo, _ := s.Range(at.at, at.at)
	return lo
}

func behind(s *part, at position) uint32 {
	_, hi := s.Range(at.at, at.at.Add(1000)) // a microsecond, the finest that is stored
	return hi
}

// step moves to the next that is beyond the position.
func (n *line) step(at position, backward bool) bool {
	for {
		ord, ok := n.next()
		if !ok {
			return false
		}
		n.head = spot{part: n.part, ord: ord}
		if at.id == 0 {
			return true
		}
		if c := n.head.position().compare(at); backward && c > 0 || !backward && c < 0 {
			return true
		}
	}
}

// fewSteps is how many conversations are passed over one by one rather than by looking for a nearer instant.
const fewSteps = 100

// pass goes by the first n of what was found, and gives the position of the last of them. There must be so many, and all
// that was found must be certain.
func (l *look) pass(n int64, backward bool) position {
	start, before := l.instantBefore(n, backward)
	at := position{start, beyondIDs}
	if backward {
		at.id = noConversation
	}
	rest := l.queueFrom(at, backward)
	for range n - before - 1 {
		rest.next()
	}
	return rest.next().position()
}

// beyondIDs is more than any id.
const beyondIDs id.Conversation = 1 << 63

// instantBefore gives an instant at which or behind which the n-th of what was found stands, at most a few steps away if
// not many stand at one instant, and how many stand before that instant. It halves the time, so that it takes as long
// for a deep place as for a near one.
func (l *look) instantBefore(n int64, backward bool) (instant time.Time, before int64) {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range l.parts {
		if in := l.meeting(s); !in.IsEmpty() {
			first, last = min(first, s.LastAt(in.Minimum()).UnixMicro()), max(last, s.LastAt(in.Maximum()).UnixMicro())
		}
	}
	near, far := last, first-1 // before near stand fewer than n, before far do not
	if backward {
		near, far = first, last+1
	}
	for n-before > fewSteps && max(near-far, far-near) > 1 {
		middle := near + (far-near)/2
		if some := l.countBefore(time.UnixMicro(middle), backward); some < n {
			near, before = middle, some
		} else {
			far = middle
		}
	}
	return time.UnixMicro(near), before
}

// countBefore counts what stands before an instant in the order.
func (l *look) countBefore(instant time.Time, backward bool) (n int64) {
	for _, s := range l.parts {
		in := l.meeting(s)
		if backward {
			n += int64(rank(in, firstAt(s, position{at: instant})))
		} else {
			n += int64(in.GetCardinality() - rank(in, behind(s, position{at: instant})))
		}
	}
	return n
}

// take gives the next n conversations from a position on, newest first, or oldest first backward.
func (l *look) take(at position, backward bool, n int) ([]spot, error) {
	rest := l.queueFrom(at, backward)
	var found []spot
	for open := min(n+n/8, pageOpens); len(found) < n; open = min(4*open, pageOpens) { // most of what terms leave matches
		var some []spot
		for doubtful := 0; rest.Len() > 0 && len(found)+len(some) < n+doubtful && doubtful < open; {
			one := rest.next()
			if !l.certain(one.part, one.ord) {
				doubtful++
			}
			some = append(some, one)
		}
		if len(some) == 0 {
			return found, nil
		}
		if err := l.confirmDoubtful(some); err != nil {
			return nil, err
		}
		for _, p := range some {
			if p.matches {
				found = append(found, p)
			}
		}
	}
	return found[:n], nil
}

func (l *look) confirmDoubtful(some []spot) error {
	var doubtful []int
	for i := range some {
		if some[i].matches = l.certain(some[i].part, some[i].ord); !some[i].matches {
			doubtful = append(doubtful, i)
		}
	}
	if len(doubtful) == 0 {
		return nil
	}
	open := make([]spot, len(doubtful))
	for i, d := range doubtful {
		open[i] = some[d]
	}
	if err := l.confirm(open); err != nil {
		return err
	}
	for i, d := range doubtful {
		some[d].matches = open[i].matches
	}
	return nil
}
