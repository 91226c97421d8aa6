package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

func everySegment(uint64) bool { return true }

// forge writes the shards of a segment anew with what change makes of their terms, under the segment's own
// key: no code or key tells that it was not a fold.
func (w *world) forge(s *Segment, change func(terms map[Token][]uint32)) {
	w.t.Helper()
	terms := map[Token][]uint32{}
	if whole, err := w.x.eachShard(w.t.Context(), s, func(_ int, sh *shard) error {
		for i, t := range sh.tokens {
			ords, err := ordinals(sh.raw(i), nil)
			if err != nil {
				return err
			}
			terms[t] = ords
		}
		return nil
	}); err != nil || !whole {
		w.t.Fatal(whole, err)
	}
	change(terms)
	for t, ords := range terms {
		if slices.Sort(ords); len(ords) == 0 {
			delete(terms, t)
		}
	}
	w.forgeShards(s, cut(&output{row: s.row}, terms, 1, s.row.Parts))
}

func (w *world) forgeShards(s *Segment, shards []shardOut) {
	w.t.Helper()
	for _, sh := range shards {
		plain, err := encodeShard(sh.list, s.row.N)
		if err != nil {
			w.t.Fatal(err)
		}
		p, err := w.x.sealPart(s.key, s.row.ID, sh.part, 0, plain)
		if err != nil {
			w.t.Fatal(err)
		}
		w.exec("UPDATE index_part SET wrapped = ?, body = ? WHERE segment_id = ? AND part = ?", p.Wrapped, p.Body, s.row.ID, sh.part)
	}
}

func (w *world) segmentOf(c id.Conversation) (s *Segment, ord uint32) {
	w.t.Helper()
	err := w.d.Read(w.t.Context(), func(tx *db.Tx) error {
		v, err := w.x.View(tx)
		if err == nil {
			s, ord, _ = v.Find(c)
		}
		return err
	})
	if err != nil || s == nil {
		w.t.Fatal(s, err)
	}
	return s, ord
}

// What a segment says of a conversation's words is held against its body, in both directions: the
// conversation and the segment are named, and noting it mends it.
func TestTermsAreHeldAgainstBodies(t *testing.T) {
	tests := []struct {
		want  string // "" for nothing; of the one conversation, unless it is of the segment
		whole bool   // the flaw is the segment's
		plant func(w *world, s *Segment, ord uint32, had, lacks Token)
	}{
		{"", false, func(*world, *Segment, uint32, Token, Token) {}},
		{"fsck.index_words_missing", false, func(w *world, s *Segment, ord uint32, had, _ Token) {
			w.forge(s, func(terms map[Token][]uint32) { terms[had] = without(terms[had], ord) })
		}},
		{"fsck.index_words_extra", false, func(w *world, s *Segment, ord uint32, _, lacks Token) {
			w.forge(s, func(terms map[Token][]uint32) { terms[lacks] = append(terms[lacks], ord) })
		}},
		{"fsck.index_words_extra", false, func(w *world, s *Segment, ord uint32, _, _ Token) {
			w.forge(s, func(terms map[Token][]uint32) { terms[w.x.Token("nobody said this")] = []uint32{ord} })
		}},
		{"fsck.index_words_differ", false, func(w *world, s *Segment, ord uint32, had, lacks Token) {
			w.forge(s, func(terms map[Token][]uint32) {
				terms[had], terms[lacks] = without(terms[had], ord), append(terms[lacks], ord)
			})
		}},
		{"fsck.index_wordless", false, func(w *world, s *Segment, ord uint32, _, _ Token) {
			w.forge(s, func(terms map[Token][]uint32) {
				for t := range terms {
					terms[t] = without(terms[t], ord)
				}
			})
		}},
		{"fsck.index_words_missing", false, func(w *world, s *Segment, ord uint32, had, _ Token) {
			// The term is there, in a shard where no search looks for it.
			all := map[Token][]uint32{}
			w.forge(s, func(terms map[Token][]uint32) { terms[had] = without(terms[had], ord); all = terms })
			shards := cut(&output{row: s.row}, all, 1, s.row.Parts)
			other := &shards[shardOf(had, s.row.Parts)%s.row.Parts]
			other.list = append(other.list, postings{had, []uint32{ord}})
			slices.SortFunc(other.list, func(a, b postings) int {
				return strings.Compare(fmt.Sprintf("%020d", a.token), fmt.Sprintf("%020d", b.token))
			})
			w.forgeShards(s, shards)
		}},
		{"fsck.index_unreadable", true, func(w *world, s *Segment, _ uint32, had, _ Token) {
			w.forge(s, func(terms map[Token][]uint32) { terms[had] = append(terms[had], uint32(s.N())) })
		}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		for _, tt := range tests {
			t.Run(tt.want, func(t *testing.T) {
				ids := w.add(150)
				w.fold()
				// Some replaced, some gone, some with new attributes and some noted: none of them is wrong.
				w.grow(ids[:10]...)
				w.fold()
				w.turn(ids[10:20]...)
				w.fold()
				w.erase(ids[20:22]...)
				w.grow(ids[22:25]...)
				c := ids[40]
				said := w.said.get(c, 1)
				lacks := someWords[slices.IndexFunc(someWords, func(word string) bool { return !slices.Contains(said, word) })]
				s, ord := w.segmentOf(c)
				tt.plant(w, s, ord, w.x.Token(said[0]), w.x.Token(lacks))

				x := w.open(d)
				done, err := x.CheckWords(t.Context(), everySegment, false)
				if err != nil {
					t.Fatal(err)
				}
				var want []Flaw
				switch object := id.String(c) + "/" + fmt.Sprint(s.row.ID); {
				case tt.whole:
					want = []Flaw{{tt.want, fmt.Sprint(s.row.ID)}}
				case tt.want != "":
					want = []Flaw{{tt.want, object}}
				}
				if !slices.Equal(done.Flaws, want) {
					t.Errorf("%+v, want %v", done, want)
				}
				if !tt.whole && (done.Wrong != len(want) || done.Docs != 150-5) {
					t.Errorf("compared %d, wrong %d", done.Docs, done.Wrong)
				}
				if _, err := x.CheckWords(t.Context(), everySegment, true); err != nil {
					t.Fatal(err)
				}
				if done, err = x.CheckWords(t.Context(), everySegment, false); err != nil || len(done.Flaws) > 0 {
					t.Errorf("what is noted is believed: %+v, %v", done, err)
				}
				if _, err := x.Fold(t.Context()); err != nil {
					t.Fatal(err)
				}
				if done, err = x.CheckWords(t.Context(), everySegment, false); err != nil || len(done.Flaws) > 0 || done.Docs != 148 {
					t.Errorf("after mending: %+v, %v", done, err)
				}
				w.checkWith(x)
				w.erase(ids[22:]...) // the next one begins with nothing
				w.erase(ids[:20]...)
				w.scrub(ids...)
			})
		}
	})
}

func without(ords []uint32, ord uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(ords), func(o uint32) bool { return o == ord })
}

// Every segment comes up once in so many days, whatever its number is.
func TestOnlyChosenSegmentsAreCompared(t *testing.T) {
	d, _ := dbtest.New(t)
	w := newWorld(t, d)
	w.add(40)
	w.fold()
	w.add(30)
	w.fold()
	segments := w.segmentIDs()
	done, err := w.x.CheckWords(t.Context(), func(s uint64) bool { return s == segments[1] }, false)
	if err != nil || done.Segments != 1 || done.Docs != 30 {
		t.Errorf("%+v, %v", done, err)
	}
}
