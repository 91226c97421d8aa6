package inspection_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/inspection"
)

func TestTheSampleSizeIsThatOfTheTextbooks(t *testing.T) {
	for n, want := range map[int64]int64{0: 0, 1: 1, 2: 2, 10: 10, 50: 45, 100: 80, 500: 218, 1000: 278, 10_000: 370, 100_000: 383, 412_906: 384, 100_000_000: 385} {
		if got := inspection.SampleSize(n); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}

// Whatever the batches are, the shares add up, none is larger than its batch, each batch has one if
// there are enough, and the order in which batches are given does not matter.
func TestTheSampleIsShared(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var strata []inspection.Stratum
		var n int64
		for b := range 1 + r.IntN(60) {
			p := 1 + r.Int64N(1+r.Int64N(3000))
			n += p
			strata = append(strata, inspection.Stratum{Batch: fmt.Sprintf("SC-%03d", b), Population: p})
		}
		size := inspection.SampleSize(n)
		out := inspection.Allocate(strata, size)
		var all int64
		for _, s := range out {
			all += s.Sample
			if s.Sample > s.Population || s.Sample < 0 || s.Sample == 0 && int64(len(out)) <= size {
				t.Fatalf("%d of %d in %s, of %d batches, sample %d", s.Sample, s.Population, s.Batch, len(out), size)
			}
		}
		if all != size {
			t.Fatalf("%d of %d", all, size)
		}
		r.Shuffle(len(strata), func(i, j int) { strata[i], strata[j] = strata[j], strata[i] })
		if again := inspection.Allocate(strata, size); !slices.Equal(again, out) {
			t.Fatal("another order gives other shares")
		}
	}
}

// recompute draws the sample again as the README tells it, with nothing of the program: from the lines
// of the population file and the seed.
func recompute(lines []string, seed string) (sample []string) {
	n := len(lines)
	size := (38416*n + 100*n + 38315) / (100*n + 38316)
	of := map[string][]string{}
	for _, l := range lines {
		of[l[:strings.IndexByte(l, '/')]] = append(of[l[:strings.IndexByte(l, '/')]], l)
	}
	var batches []string
	for b := range of {
		batches = append(batches, b)
	}
	slices.Sort(batches)
	share, rest := map[string]int{}, size
	for _, b := range batches {
		share[b] = size * len(of[b]) / n
		rest -= share[b]
	}
	byRest := slices.Clone(batches)
	slices.SortStableFunc(byRest, func(a, b string) int { return size*len(of[b])%n - size*len(of[a])%n })
	for _, b := range byRest[:rest] {
		share[b]++
	}
	for _, b := range batches {
		if share[b] == 0 && len(batches) <= size {
			most := slices.MaxFunc(batches, func(x, y string) int {
				if share[x] != share[y] {
					return share[x] - share[y]
				}
				return strings.Compare(y, x)
			})
			share[most]--
			share[b]++
		}
	}
	for _, b := range batches {
		slices.SortFunc(of[b], func(x, y string) int {
			a, c := sha256.Sum256([]byte(seed+x)), sha256.Sum256([]byte(seed+y))
			return bytes.Compare(a[:], c[:])
		})
		sample = append(sample, of[b][:share[b]]...)
	}
	slices.Sort(sample)
	return sample
}

func TestAnybodyRecomputesTheSample(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i := w.drawn(300, 70, 3, 41, 1)
		var file bytes.Buffer
		w.must(w.desk.WritePopulation(w.ctx(), w.auditor, i.Code, &file))
		sum := sha256.Sum256(file.Bytes())
		d := w.get(w.auditor, i.Code)
		if hex.EncodeToString(sum[:]) != d.PopulationRoot || d.Population != 415 {
			t.Errorf("the file of %d items is not what the root says", d.Population)
		}
		var drawn []string
		for _, item := range d.Items {
			drawn = append(drawn, item.Name())
		}
		if want := recompute(strings.Fields(file.String()), d.Seed); !slices.Equal(drawn, want) || len(want) != int(inspection.SampleSize(415)) {
			t.Errorf("drawn are %d\n%v\nrecomputed %d\n%v", len(drawn), drawn, len(want), want)
		}
		// The commitment was written down before there was anything to choose from.
		committed := sha256.Sum256(fmt.Appendf(nil, "qingdang inspection seed v1\n%s\n%s\n", d.Code, d.Seed))
		var leaf []string
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("n = ? AND action = 'inspection.opened'", d.CommitLeaf).Pluck("leaf", &leaf).Error
		}))
		if len(leaf) != 1 || !strings.Contains(leaf[0], hex.EncodeToString(committed[:])) || strings.Contains(leaf[0], d.Seed) {
			t.Errorf("the log's entry %d: %s", d.CommitLeaf, leaf)
		}
		if found := w.flaws(); len(found) > 0 {
			t.Errorf("flaws: %v", found)
		}
	})
}

// Until it is drawn nobody reads the seed: neither the page nor the table has it.
func TestTheSeedIsSecretUntilTheSampleIsDrawn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, err := w.desk.Open(w.ctx(), w.auditor)
		w.must(err)
		if i.Seed != "" || len(w.get(w.auditor, i.Code).Seed) != 0 {
			t.Error("the seed is shown before")
		}
		_, err = w.desk.Open(w.ctx(), w.other)
		w.want(err, "inspection.open_already")
		_, err = w.desk.Open(w.ctx(), w.legal)
		w.want(err, "account.forbidden")
		w.want(w.desk.WritePopulation(w.ctx(), w.auditor, i.Code, &bytes.Buffer{}), "inspection.not_drawn")
		w.discard(3)
		w.clock.Advance(24 * time.Hour)
		drawn, err := w.desk.Draw(w.ctx(), w.auditor, i.Code)
		w.must(err)
		if len(drawn.Seed) != 64 {
			t.Errorf("the seed is %q", drawn.Seed)
		}
		_, err = w.desk.Draw(w.ctx(), w.auditor, i.Code)
		w.want(err, "inspection.drawn_already")
	})
}
