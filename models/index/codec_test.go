package index

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qingdang/models/id"
	"qingdang/models/seal"
)

func TestAShardGivesBackWhatWasPutIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "documents")
		terms := map[Token][]uint32{}
		for range rapid.IntRange(0, 30).Draw(t, "terms") {
			ords := rapid.SliceOfNDistinct(rapid.Uint32Range(0, uint32(n-1)), 1, min(n, 900), rapid.ID).Draw(t, "ordinals")
			slices.Sort(ords)
			terms[Token(rapid.Uint64().Draw(t, "token"))] = ords
		}
		o := &output{row: segmentRow{N: n, Parts: shardsFor(n)}}
		seen := 0
		for _, out := range cut(o, terms, 1, o.row.Parts) {
			b, err := encodeShard(out.list, n)
			if err != nil {
				t.Fatal(err)
			}
			s, err := decodeShard(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range out.list {
				m, err := s.find(p.token)
				if err != nil || !slices.Equal(m.ToArray(), terms[p.token]) {
					t.Fatalf("%v %v", m, err)
				}
				seen++
			}
			if m, err := s.find(1); err != nil || terms[1] == nil && !m.IsEmpty() {
				t.Fatalf("an unknown token: %v %v", m, err)
			}
		}
		if seen != len(terms) {
			t.Fatalf("%d of %d terms", seen, len(terms))
		}
	})
}

func TestShardsAreCutByPowersOfTwo(t *testing.T) {
	for n, want := range map[int]int{1: 1, 64: 1, 65: 2, 4096: 64, 4097: 512, 65_536: 4096} {
		if got := shardsFor(n); got != want {
			t.Errorf("%d documents: %d shards, want %d", n, got, want)
		}
	}
	for _, parts := range []int{1, 2, 64, 4096} {
		if first, last := shardOf(0, parts), shardOf(^Token(0), parts); first != 1 || last != parts {
			t.Errorf("%d shards: %d…%d", parts, first, last)
		}
	}
}

// A head of another format, be it older or newer, does not open: what it says of words is not what is said now.
func TestAHeadOfAnotherFormatDoesNotOpen(t *testing.T) {
	now, err := newHead([]Doc{{ID: 5, Version: 1, Department: 7, Platform: "qq", Tags: []id.Tag{3}}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for f := range byte(2 * headFormat) {
		_, err := decodeHead(append([]byte{f}, now[1:]...))
		var format *seal.FormatError
		if f == headFormat && err != nil || f != headFormat && !errors.As(err, &format) {
			t.Errorf("format %d: %v", f, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	h, _ := newHead([]Doc{{ID: 5, Version: 1, Tags: []id.Tag{3}}, {ID: 9, Version: 2}}).encode()
	s, _ := encodeShard([]postings{{7, []uint32{0, 1}}, {9, []uint32{1}}}, 2)
	f.Add(h)
	f.Add(s)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if h, err := decodeHead(b); err == nil && len(h.ids) > len(b) {
			t.Errorf("%d documents out of %d bytes", len(h.ids), len(b))
		}
		if s, err := decodeShard(b); err == nil {
			for _, token := range s.tokens {
				_, _ = s.find(token)
			}
		}
	})
}
