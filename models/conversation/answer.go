package conversation

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/index"
)

// answer is what the conditions leave of a part, and how many of that have each value. People look at the same
// lists all day and page through what they found, and of a segment nothing changes: it remembers the answer.
type answer struct {
	mu     sync.Mutex
	meets  []*roaring.Bitmap              // by condition; nil: not asked yet
	left   map[index.Kind]*roaring.Bitmap // by all conditions but those about a kind
	counts map[index.Kind][]valueCount
	summed bool
	said   int64 // messages of what meets every condition, once they are summed
}

type valueCount struct {
	value string
	n     int64
}

// worthRemembering is from how many conversations on a part's answer is not as soon made as found again. What a rare
// word leaves of hundreds of segments would also drive out what is worth it.
const worthRemembering = 64

// noKind is no attribute.
const noKind = index.Kind(-1)

// name tells the conditions from all others, and whose departments are counted.
func (l *look) name() []byte {
	b := strconv.AppendBool(slices.Clone(l.own.name[:]), l.scope.All)
	for _, c := range l.conditions {
		b = strconv.AppendBool(append(b, c.name[:]...), c.not)
	}
	return b
}

// answers finds or begins the answer of every part, on all cores; found is what postings tell of the words.
func (l *look) answers(found map[*index.Segment]map[string]*roaring.Bitmap) error {
	name := l.name()
	return onAllCores(l.tx.Context(), len(l.parts), func(i int) {
		s := l.parts[i]
		s.answer = &answer{}
		if of := found[s.Segment]; of != nil {
			l.narrow(s, of)
		}
		if s.sealed && s.within.GetCardinality() >= worthRemembering {
			s.within.RunOptimize()
			if raw, err := s.within.ToBytes(); err == nil {
				s.answer = s.Remembered(sha256.Sum256(append(raw, name...)), func() any { return s.answer }).(*answer)
			}
		}
		l.meeting(s)
	})
}

// meeting gives what meets every condition. The bitmap is shared.
func (l *look) meeting(s *part) *roaring.Bitmap { return l.base(s, noKind) }

// base is what a facet is counted in: what meets all conditions but its own, of what the searcher may see. Of marks that is
// only what has none: the others were told by them, and opening their bodies as well would cost a count its exactness. The
// bitmap is shared.
func (l *look) base(s *part, k index.Kind) *roaring.Bitmap {
	s.answer.mu.Lock()
	defer s.answer.mu.Unlock()
	return l.leftOf(s, k)
}

func (l *look) leftOf(s *part, k index.Kind) *roaring.Bitmap {
	if k != index.Mark && (k != index.Department || l.scope.All) && !slices.ContainsFunc(l.conditions, func(c condition) bool { return c.kind == k }) {
		k = noKind
	}
	if out, ok := s.answer.left[k]; ok {
		return out
	}
	out := s.within.Clone()
	for i, c := range l.conditions {
		switch {
		case c.kind == k, c.kind == outdated && k == index.Mark:
		case c.not:
			out.AndNot(l.meets(s, i))
		default:
			out.And(l.meets(s, i))
		}
	}
	if k == index.Department && !l.scope.All {
		out.And(l.own.meet(s.Segment))
	}
	if k == index.Mark {
		l.unlooked(s, out)
	}
	if s.answer.left == nil {
		s.answer.left = map[index.Kind]*roaring.Bitmap{}
	}
	s.answer.left[k] = out
	return out
}

func (l *look) meets(s *part, condition int) *roaring.Bitmap {
	if s.answer.meets == nil {
		s.answer.meets = make([]*roaring.Bitmap, len(l.conditions))
	}
	if s.answer.meets[condition] == nil {
		s.answer.meets[condition] = l.conditions[condition].meet(s.Segment)
	}
	return s.answer.meets[condition]
}

// tally tells how many of what a facet is counted in have each value of it.
func (l *look) tally(s *part, k index.Kind) []valueCount {
	s.answer.mu.Lock()
	defer s.answer.mu.Unlock()
	out, ok := s.answer.counts[k]
	if ok {
		return out
	}
	in := k
	if k == index.Tag { // tags are counted in what was found: one may be asked for together with others
		in = noKind
	}
	s.Tally(k, l.leftOf(s, in), func(v string, n uint64) { out = append(out, valueCount{v, int64(n)}) })
	if s.answer.counts == nil {
		s.answer.counts = map[index.Kind][]valueCount{}
	}
	s.answer.counts[k] = out
	return out
}

// said sums the messages of what meets every condition.
func (l *look) said(s *part) int64 {
	s.answer.mu.Lock()
	defer s.answer.mu.Unlock()
	if !s.answer.summed {
		s.answer.said, s.answer.summed = s.Messages(l.leftOf(s, noKind)), true
	}
	return s.answer.said
}

// narrowed lets a part be asked again that has become less. Its conditions were all asked before, so that nobody
// writes meets any more.
func (s *part) narrowed() { s.answer = &answer{meets: s.answer.meets} }
