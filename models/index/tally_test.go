package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/id"
)

// However many there are to count in, the counts are those of the bitmaps.
func TestTallyIsWhatTheBitmapsSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	docs := make([]Doc, 20_000)
	for i := range docs {
		docs[i] = Doc{
			ID: id.Conversation(i + 1), LastAt: time.Unix(int64(i), 0), Department: id.Department(1 + random.IntN(300)), ServiceType: fmt.Sprint(random.IntN(3)),
			Platform: "p", State: 1 + random.IntN(2), Messages: random.IntN(400),
		}
		for tag := range 30 {
			if random.IntN(tag+2) == 0 {
				docs[i].Tags = append(docs[i].Tags, id.Tag(tag+1))
			}
		}
	}
	s := Unsealed(docs)
	for _, n := range []int{0, 1, 64, 65, 1000, manyIn, manyIn + 1, 15_000, len(docs)} {
		in := roaring.New()
		for _, o := range random.Perm(len(docs))[:n] {
			in.Add(uint32(o))
		}
		sum := int64(0)
		for v, b := range s.attrs[Messages] {
			sum += decimal(v) * int64(b.AndCardinality(in))
		}
		if got := s.Messages(in); got != sum {
			t.Errorf("%d documents have %d messages, want %d", n, got, sum)
		}
		for _, k := range []Kind{Department, ServiceType, Platform, State, Tag, Agent, Personal} {
			want, got := map[string]uint64{}, map[string]uint64{}
			for _, v := range s.Values(k) {
				if n := s.Attr(k, v).AndCardinality(in); n > 0 {
					want[v] = n
				}
			}
			s.Tally(k, in, func(v string, n uint64) { got[v] += n })
			if !maps.Equal(got, want) {
				t.Errorf("%d documents, %v: %v, want %v", n, k, got, want)
			}
		}
	}
}
