package inspection

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"qingdang/models/id"
)

// The rule of the sample, in words that a stranger can follow without this program, stands in the
// README. A change here changes which sample an old seed gives: then Method needs a new number.
const Method = "qingdang-sample-1"

// SampleSize is how many of n items are looked at: 95 % confidence, 5 % error, p = 0.5, with finite
// population correction, rounded up: 384.16 n / (n + 383.16).
func SampleSize(n int64) int64 {
	if n <= 0 {
		return 0
	}
	over, under := 38416*n, 100*n+38316
	return (over + under - 1) / under
}

// Stratum is one batch's share of population and sample.
type Stratum struct {
	Batch      string `json:"batch"`
	Population int64  `json:"population"`
	Sample     int64  `json:"sample"`
}

// Allocate shares size among the strata in proportion to their populations: the whole parts first,
// what is left to the largest remainders, of equal ones to the smaller batch code. Then, if there are
// no more strata than items, each that has none gets one from the stratum that has most.
func Allocate(strata []Stratum, size int64) []Stratum {
	out := slices.Clone(strata)
	slices.SortFunc(out, func(a, b Stratum) int { return strings.Compare(a.Batch, b.Batch) })
	var n int64
	for _, s := range out {
		n += s.Population
	}
	if n == 0 {
		return out
	}
	order := make([]int, len(out))
	left := size
	for i := range out {
		order[i] = i
		out[i].Sample = size * out[i].Population / n
		left -= out[i].Sample
	}
	slices.SortStableFunc(order, func(a, b int) int {
		ra, rb := size*out[a].Population%n, size*out[b].Population%n
		switch {
		case ra > rb:
			return -1
		case ra < rb:
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		out[i].Sample++
	}
	if int64(len(out)) > size {
		return out
	}
	for i := range out {
		if out[i].Sample > 0 {
			continue
		}
		most := 0
		for k := range out {
			if out[k].Sample > out[most].Sample {
				most = k
			}
		}
		out[most].Sample--
		out[i].Sample++
	}
	return out
}

// itemName is one item of the population in a line.
func itemName(batch string, c id.Conversation) string { return batch + "/" + id.String(c) }

// rank is the place of an item in the order of its stratum: SHA-256 over the 64 digits of the seed
// and the item's line. The smallest are drawn.
func rank(seed, item string) [32]byte { return sha256.Sum256([]byte(seed + item)) }

// commitment is what the log says of a seed before it is revealed.
func commitment(code, seed string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "qingdang inspection seed v1\n%s\n%s\n", code, seed))
	return hex.EncodeToString(sum[:])
}

// smallest keeps the n items of the smallest rank.
type smallest struct {
	n     int64
	items []ranked
}

type ranked struct {
	rank [32]byte
	member
}

func (s *smallest) add(r ranked) {
	at, _ := slices.BinarySearchFunc(s.items, r, func(a, b ranked) int { return slices.Compare(a.rank[:], b.rank[:]) })
	if int64(at) >= s.n {
		return
	}
	s.items = slices.Insert(s.items, at, r)
	s.items = s.items[:min(int64(len(s.items)), s.n)]
}

// sampleRoot is SHA-256 over the lines of the sample, sorted.
func sampleRoot(names []string) string {
	names = slices.Sorted(slices.Values(names))
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintln(h, n)
	}
	return hex.EncodeToString(h.Sum(nil))
}
