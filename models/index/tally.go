package index

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// column tells of each document which value of a kind it has, of departments and of numbers of messages: there are
// hundreds of them, and asking the bitmap of each takes longer than all the rest of a page.
type column struct {
	once   sync.Once
	values []string
	of     []uint16 // by ordinal, the number of the value from 1; 0: none
}

// manyIn is up to how many documents a bitmap is a list, which is slow to compare with other lists.
const manyIn = 4096

// Tally tells how many of some living documents have each value of a kind, in no order. Values that none
// of them has are left out.
func (s *Segment) Tally(k Kind, in *roaring.Bitmap, each func(value string, n uint64)) {
	n := in.GetCardinality()
	if n == 0 {
		return
	}
	if n <= manyIn && k == Department && s.head.column(&s.departments, k) {
		s.tallyColumn(in, each)
		return
	}
	count := in.AndCardinality
	if n > 64 && n <= manyIn {
		count = listed(in)
	}
	for v, b := range s.attrs[k] {
		if n := count(b); n > 0 {
			each(v, n)
		}
	}
}

func (s *Segment) tallyColumn(in *roaring.Bitmap, each func(value string, n uint64)) {
	counts := make([]uint64, len(s.departments.values)+1)
	for it := in.Iterator(); it.HasNext(); {
		counts[s.departments.of[it.Next()]]++
	}
	for i, v := range s.departments.values {
		if n := counts[i+1]; n > 0 {
			each(v, n)
		}
	}
}

// Messages tells how many messages some living documents have together.
func (s *Segment) Messages(in *roaring.Bitmap) (sum int64) {
	if in.IsEmpty() {
		return 0
	}
	if !s.head.column(&s.messages, Messages) {
		for v, b := range s.attrs[Messages] {
			sum += decimal(v) * int64(b.AndCardinality(in))
		}
		return sum
	}
	each := make([]int64, len(s.messages.values)+1)
	for i, v := range s.messages.values {
		each[i+1] = decimal(v)
	}
	some := make([]uint32, 256)
	for it := in.ManyIterator(); ; {
		n := it.NextMany(some)
		if n == 0 {
			return sum
		}
		for _, o := range some[:n] {
			sum += each[s.messages.of[o]]
		}
	}
}

// decimal reads a number as each writes it.
func decimal(v string) int64 {
	n, _ := strconv.ParseInt(v, 10, 64)
	return n
}

// column makes the column of a kind where it is not there yet; it is not for more values than its numbers can tell.
func (h *head) column(c *column, k Kind) bool {
	c.once.Do(func() {
		if len(h.attrs[k]) > 1<<16-1 {
			return
		}
		c.values = slices.Collect(maps.Keys(h.attrs[k]))
		c.of = make([]uint16, len(h.ids))
		for i, v := range c.values {
			for it := h.attrs[k][v].Iterator(); it.HasNext(); {
				c.of[it.Next()] = uint16(i + 1)
			}
		}
	})
	return c.of != nil
}

// listed counts what other bitmaps have of one that is a list: of lists each element is looked up.
func listed(in *roaring.Bitmap) func(*roaring.Bitmap) uint64 {
	set := make([]uint64, in.Maximum()/64+1)
	for it := in.Iterator(); it.HasNext(); {
		o := it.Next()
		set[o/64] |= 1 << (o % 64)
	}
	some := make([]uint32, 256)
	return func(b *roaring.Bitmap) (n uint64) {
		if b.GetCardinality() > manyIn {
			return in.AndCardinality(b)
		}
		for it := b.ManyIterator(); ; {
			got := it.NextMany(some)
			if got == 0 {
				return n
			}
			for _, o := range some[:got] {
				if int(o/64) < len(set) {
					n += set[o/64] >> (o % 64) & 1
				}
			}
		}
	}
}
