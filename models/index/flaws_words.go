package index

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Worded is what CheckWords compared. Wrong counts the conversations that were found by other terms than
// their bodies say, Flaws names the first of them: conversation and segment, and never a term.
type Worded struct {
	Segments, Docs int
	Wrong          int
	Flaws          []Flaw
}

// CheckWords compares, in the segments that pick chooses, the terms of every conversation that is believed
// with those of its body. It keeps two numbers for each conversation of one segment in memory and nothing
// that grows with the archive. With mend, what is wrong is noted as changed: nobody believes the segment any
// more, and the next Fold takes it in anew. A body that does not open is another check's finding.
func (x *Index) CheckWords(ctx context.Context, pick func(segment uint64) bool, mend bool) (done Worded, err error) {
	var segments []*Segment
	err = x.DB.Read(ctx, func(tx *db.Tx) (err error) {
		segments, _, err = x.readable(tx) // Check tells of the others
		return err
	})
	if err != nil {
		return done, err
	}
	for _, s := range segments {
		if !pick(s.row.ID) {
			continue
		}
		one, err := x.checkWordsOf(ctx, s)
		if err != nil {
			return done, err
		}
		done.add(one)
		if mend {
			if err := x.mendWords(ctx, s, one); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (w *Worded) add(one *worded) {
	w.Segments++
	w.Docs, w.Wrong = w.Docs+one.docs, w.Wrong+len(one.wrong)
	w.Flaws = append(w.Flaws, one.flaws[:min(len(one.flaws), mostFlaws-len(w.Flaws))]...)
}

// worded is what was compared of one segment.
type worded struct {
	docs   int
	wrong  []id.Conversation // in order
	flaws  []Flaw
	broken bool // postings do not open
}

func (x *Index) mendWords(ctx context.Context, s *Segment, w *worded) error {
	if w.broken {
		return x.mend(ctx, s.row.ID)
	}
	return x.doubtSome(ctx, s, w.wrong)
}

// terms are what is compared of a conversation's terms: how many there are, and their sum. Tokens are keyed
// and as good as random, so that two sets of as many with one sum do not happen.
type terms struct {
	n   uint32
	sum uint64
}

func (t *terms) add(token Token) {
	t.n++
	t.sum += uint64(token)
}

// flaw says how what the index has differs from what is right, "" for not at all.
func (t terms) flaw(right terms) string {
	switch {
	case t == right:
		return ""
	case t.n == 0: // as of a conversation whose key was damaged when it was taken in
		return "fsck.index_wordless"
	case t.n < right.n:
		return "fsck.index_words_missing"
	case t.n > right.n:
		return "fsck.index_words_extra"
	}
	return "fsck.index_words_differ"
}

// checkWordsOf compares one segment. One that is replaced meanwhile is nobody's concern any more.
func (x *Index) checkWordsOf(ctx context.Context, s *Segment) (*worded, error) {
	have := make([]terms, len(s.ids))
	whole, err := x.eachShard(ctx, s, func(part int, sh *shard) (err error) {
		var ords []uint32
		for i, t := range sh.tokens {
			if shardOf(t, s.row.Parts) != part {
				continue // no search looks for it there
			}
			if ords, err = ordinals(sh.raw(i), ords[:0]); err != nil {
				return err
			}
			for _, ord := range ords {
				if int(ord) >= len(have) {
					return errShard
				}
				have[ord].add(t)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w := &worded{broken: !whole}
	if w.broken {
		w.flaws = []Flaw{{"fsck.index_unreadable", fmt.Sprint(s.row.ID)}}
		return w, nil
	}
	for ords := range slices.Chunk(s.byID, docsAtOnce) {
		there := false
		var right map[uint32]terms
		err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
			right, there, err = x.rightTerms(ctx, tx, s, ords)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !there {
			break
		}
		w.compare(s, ords, have, right)
	}
	return w, nil
}

func (w *worded) compare(s *Segment, ords []uint32, have []terms, right map[uint32]terms) {
	for _, ord := range ords {
		want, known := right[ord]
		if !known {
			continue
		}
		w.docs++
		if key := have[ord].flaw(want); key != "" {
			w.wrong = append(w.wrong, s.ids[ord])
			if len(w.flaws) < mostFlaws {
				w.flaws = append(w.flaws, Flaw{key, id.String(s.ids[ord]) + "/" + strconv.FormatUint(s.row.ID, 10)})
			}
		}
	}
}

// rightTerms opens bodies: those of the ordinals that the segment is believed about at this moment. There is
// false where the segment is gone.
func (x *Index) rightTerms(ctx context.Context, tx *db.Tx, s *Segment, ords []uint32) (right map[uint32]terms, there bool, err error) {
	now, noted, err := x.believed(tx, s, ords)
	if err != nil || now == nil {
		return nil, false, err
	}
	var ids []id.Conversation
	for _, ord := range ords {
		if c := s.ids[ord]; now.live.Contains(ord) && !noted[c] {
			ids = append(ids, c)
		}
	}
	docs, err := x.docs(ctx, tx, ids, true)
	if err != nil {
		return nil, false, err
	}
	right = make(map[uint32]terms, len(docs))
	for _, d := range docs {
		ord, _ := s.find(d.ID)
		if d.Terms == nil || d.Version != s.versions[ord] {
			continue
		}
		var all terms
		for _, t := range d.Terms {
			all.add(t)
		}
		right[ord] = all
	}
	return right, true, nil
}

// believed gives a segment as it is now, nil where it is gone or does not open, and which of the documents
// are noted as changed.
func (x *Index) believed(tx *db.Tx, s *Segment, ords []uint32) (now *Segment, noted map[id.Conversation]bool, err error) {
	var rows []segmentRow
	if err := tx.Where("id = ? AND state = ?", s.row.ID, ready).Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("look for segment: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil, nil
	}
	now = &Segment{row: rows[0]}
	if h, ok := x.heads.get(headKey{now.row.ID, now.row.Version}); ok {
		now.head = h
	} else if _, err := x.openHeads(tx, []*Segment{now}); err != nil || now.head == nil {
		return nil, nil, err
	}
	ids := make([]id.Conversation, len(ords))
	for i, ord := range ords {
		ids[i] = s.ids[ord]
	}
	var changed []id.Conversation
	if err := tx.Model(&changeRow{}).Where("conversation_id IN ?", ids).Pluck("conversation_id", &changed).Error; err != nil {
		return nil, nil, fmt.Errorf("read waiting changes: %w", err)
	}
	noted = make(map[id.Conversation]bool, len(changed))
	for _, c := range changed {
		noted[c] = true
	}
	return now, noted, nil
}
