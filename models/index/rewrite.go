package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// merger writes segments anew without opening a single body: several into larger ones, or one without
// some of its documents. What is dead is left behind always.
type merger struct {
	x       *Index
	sources []*Segment
	outs    []*output
	to      [][]target // by source and ordinal
	beat    func(*db.Tx) error

	mu    sync.Mutex
	bytes []int64 // of the shards of each output
}

// target is where a document goes.
type target struct {
	out uint16 // counted from 1; 0 = it is left out
	ord uint16
}

// shape says what becomes of segments.
type shape struct {
	drop     map[id.Conversation]bool          // these are left out
	division func(id.Department) id.Department // cut into these; nil: every segment stays what it is
}

// rewrite replaces segments by new ones under new keys, in one transaction at its end, and destroys the
// old keys. errLost means that one of them was replaced meanwhile and nothing was done.
func (x *Index) rewrite(ctx context.Context, sources []*Segment, s shape, beat func(*db.Tx) error) error {
	m := &merger{x: x, sources: sources, beat: beat}
	if err := m.place(s); err != nil {
		return err
	}
	m.bytes = make([]int64, len(m.outs))
	x.at("read")
	err := x.begin(ctx, m.outs, func(tx *db.Tx) error {
		_, err := m.there(tx.ForUpdate())
		return err
	})
	if err != nil {
		return err
	}
	x.at("begun")
	err = m.copyShards(ctx)
	x.at("written")
	if err == nil {
		err = m.finish(ctx)
	}
	if errors.Is(err, db.ErrCommitUnknown) {
		return err
	}
	if err != nil {
		return errors.Join(err, x.abandon(ctx, m.outs))
	}
	return x.Sweep(ctx)
}

// candidate is a document on its way into a new segment.
type candidate struct {
	place
	source int
	ord    uint32
}

// place decides where every document goes: sorted by time, and by division where that is wanted.
func (m *merger) place(s shape) error {
	groups := map[id.Department][]candidate{}
	m.to = make([][]target, len(m.sources))
	for i, src := range m.sources {
		m.to[i] = make([]target, len(src.ids))
		divisions, err := divisionsOf(src, s.division)
		if err != nil {
			return err
		}
		for ord, c := range src.ids {
			if !s.drop[c] && src.live.Contains(uint32(ord)) {
				d := divisions(uint32(ord))
				groups[d] = append(groups[d], candidate{place{src.at[ord], c}, i, uint32(ord)})
			}
		}
	}
	type cutOut struct {
		division id.Department
		n        int
	}
	var cuts []cutOut
	for _, d := range slices.Sorted(maps.Keys(groups)) {
		all := groups[d]
		slices.SortFunc(all, func(a, b candidate) int { return a.compare(b.place) })
		pieces := (len(all) + MaxDocs - 1) / MaxDocs
		for piece := range slices.Chunk(all, (len(all)+pieces-1)/pieces) {
			cuts = append(cuts, cutOut{d, len(piece)})
			for ord, c := range piece {
				m.to[c.source][c.ord] = target{uint16(len(cuts)), uint16(ord)}
			}
		}
	}
	now := make([]*head, len(m.sources))
	for i, src := range m.sources {
		now[i] = src.head
	}
	heads := m.heads(now, len(cuts), func(i int) int { return cuts[i].n })
	for i, h := range heads {
		m.outs = append(m.outs, newOutput(cuts[i].division, h))
	}
	return nil
}

// divisionsOf tells the division of each document, or that of the whole segment.
func divisionsOf(s *Segment, division func(id.Department) id.Department) (func(uint32) id.Department, error) {
	if division == nil {
		return func(uint32) id.Department { return s.Division }, nil
	}
	of := make([]id.Department, len(s.ids))
	for value, b := range s.attrs[Department] {
		d, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return nil, unreadable(s.row.ID, errHead)
		}
		to := division(id.Department(d))
		for it := b.Iterator(); it.HasNext(); {
			of[it.Next()] = to
		}
	}
	return func(ord uint32) id.Department { return of[ord] }, nil
}

// heads makes the heads of the outputs from those of the sources as they are now.
func (m *merger) heads(now []*head, n int, size func(int) int) []*head {
	outs := make([]*head, n)
	for i := range outs {
		h := &head{dead: roaring.New(), ids: make([]id.Conversation, size(i)), at: make([]int64, size(i)), versions: make([]uint32, size(i))}
		for k := range h.attrs {
			h.attrs[k] = map[string]*roaring.Bitmap{}
		}
		outs[i] = h
	}
	for i, src := range now {
		for ord, t := range m.to[i] {
			if t.out == 0 {
				continue
			}
			h := outs[t.out-1]
			h.ids[t.ord], h.at[t.ord], h.versions[t.ord] = src.ids[ord], src.at[ord], src.versions[ord]
			if src.dead.Contains(uint32(ord)) {
				h.dead.Add(uint32(t.ord))
			}
		}
		for k, values := range src.attrs {
			for v, b := range values {
				for it := b.Iterator(); it.HasNext(); {
					if t := m.to[i][it.Next()]; t.out != 0 {
						outs[t.out-1].bitmap(Kind(k), v).Add(uint32(t.ord))
					}
				}
			}
		}
	}
	for _, h := range outs {
		h.finish()
	}
	return outs
}

// there makes sure that the sources are there still, and gives them as they are now.
func (m *merger) there(q *gorm.DB) ([]segmentRow, error) {
	ids := make([]uint64, len(m.sources))
	for i, s := range m.sources {
		ids[i] = s.row.ID
	}
	var rows []segmentRow
	if err := q.Where("id IN ? AND state = ?", ids, ready).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock segments: %w", err)
	}
	if len(rows) != len(ids) {
		return nil, errLost
	}
	slices.SortFunc(rows, func(a, b segmentRow) int {
		return cmp.Compare(slices.Index(ids, a.ID), slices.Index(ids, b.ID))
	})
	return rows, nil
}

// copyShards carries the postings over. Shards are cut by the beginnings of tokens in powers of two, so
// that a range of tokens is some whole shards in every source and every output.
func (m *merger) copyShards(ctx context.Context) error {
	if len(m.outs) == 0 {
		return nil
	}
	ranges, bytes := MaxDocs, int64(0)
	for _, s := range m.sources {
		ranges, bytes = min(ranges, s.row.Parts), bytes+s.row.Bytes
	}
	for _, o := range m.outs {
		ranges = min(ranges, o.row.Parts)
	}
	const atOnce = 1 << 20
	for ranges > 1 && bytes/int64(ranges) < atOnce/2 {
		ranges /= 2
	}
	if err := onAll(ranges, func(r int) error { return m.copyRange(ctx, r, ranges) }); err != nil {
		return err
	}
	for i, o := range m.outs {
		o.row.Bytes += m.bytes[i]
	}
	return nil
}

// copyRange carries over the r-th of so many ranges of tokens.
func (m *merger) copyRange(ctx context.Context, r, ranges int) error {
	terms := make([]map[Token][]uint32, len(m.outs))
	for i := range terms {
		terms[i] = map[Token][]uint32{}
	}
	rows, err := m.readRange(ctx, r, ranges)
	if err != nil {
		return err
	}
	var ords []uint32
	for _, p := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		i := slices.IndexFunc(m.sources, func(s *Segment) bool { return s.row.ID == p.SegmentID })
		plain, err := open(m.sources[i].key, p, 0)
		if err != nil {
			return unreadable(p.SegmentID, err)
		}
		s, err := decodeShard(plain)
		if err != nil {
			return unreadable(p.SegmentID, err)
		}
		for j, token := range s.tokens {
			if ords, err = ordinals(s.raw(j), ords[:0]); err != nil {
				return unreadable(p.SegmentID, err)
			}
			for _, ord := range ords {
				if int(ord) >= len(m.to[i]) {
					return unreadable(p.SegmentID, errShard)
				}
				if t := m.to[i][ord]; t.out != 0 {
					terms[t.out-1][token] = append(terms[t.out-1][token], uint32(t.ord))
				}
			}
		}
	}
	var shards []shardOut
	for i, o := range m.outs {
		if len(m.sources) > 1 {
			for _, list := range terms[i] {
				slices.Sort(list)
			}
		}
		each := o.row.Parts / ranges
		shards = append(shards, cut(o, terms[i], r*each+1, (r+1)*each)...)
	}
	return m.x.put(ctx, shards, m.beat, m.note)
}

func (m *merger) note(o *output, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes[slices.Index(m.outs, o)] += bytes
}

// readRange reads the sources' shards of a range in one statement.
func (m *merger) readRange(ctx context.Context, r, ranges int) (rows []partRow, err error) {
	var either []string
	var args []any
	want := 0
	for _, s := range m.sources {
		each := s.row.Parts / ranges
		either, args = append(either, "segment_id = ? AND part BETWEEN ? AND ?"), append(args, s.row.ID, r*each+1, (r+1)*each)
		want += each
	}
	err = m.x.DB.Read(ctx, func(tx *db.Tx) error {
		rows = nil
		return tx.Where(strings.Join(either, " OR "), args...).Find(&rows).Error
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read shards: %w", err)
	case len(rows) == want:
		return rows, nil
	}
	// Either a source was replaced and cleared away, or somebody took shards from it.
	err = m.x.DB.Read(ctx, func(tx *db.Tx) error { _, err := m.there(tx.DB); return err })
	if err != nil {
		return nil, err
	}
	have := map[uint64]int{}
	for _, p := range rows {
		have[p.SegmentID]++
	}
	for _, s := range m.sources {
		if have[s.row.ID] != s.row.Parts/ranges {
			return nil, unreadable(s.row.ID, errMissing)
		}
	}
	return nil, errLost
}

var errMissing = errors.New("index: a shard is missing")

// finish ends the work with one transaction. Where heads of the sources were changed while their shards were
// carried over, the changes are taken along.
func (m *merger) finish(ctx context.Context) error {
	known := make([]uint32, len(m.sources)) // the versions that the heads of the outputs tell of
	for i, s := range m.sources {
		known[i] = s.row.Version
	}
	for range retries {
		err := m.x.DB.Write(ctx, func(tx *db.Tx) error { return m.settle(tx, known) })
		if !errors.Is(err, errMoved) {
			return err
		}
		if known, err = m.follow(ctx); err != nil {
			return err
		}
	}
	return errLost
}

// errMoved says that the head of a source is another one by now.
var errMoved = errors.New("index: a head was changed meanwhile")

// follow makes the heads of the outputs anew, from those that the sources have now, and seals them: before
// the transaction that needs them, since that keeps SQLite's one writer.
func (m *merger) follow(ctx context.Context) (known []uint32, err error) {
	now := make([]*head, len(m.sources))
	err = m.x.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := m.there(tx.DB)
		if err != nil {
			return err
		}
		known = make([]uint32, len(rows))
		fresh := make([]*Segment, len(rows))
		for i, r := range rows {
			known[i], fresh[i] = r.Version, &Segment{row: r}
		}
		for part := range slices.Chunk(fresh, headsAtOnce) {
			broken, err := m.x.openHeads(tx, part)
			if err == nil && len(broken) > 0 {
				err = broken[0]
			}
			if err != nil {
				return err
			}
		}
		for i := range fresh {
			now[i] = fresh[i].head
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	heads := m.heads(now, len(m.outs), func(i int) int { return m.outs[i].row.N })
	return known, onAll(len(heads), func(i int) error { return m.x.change(m.outs[i], heads[i]) })
}

// settle is the last transaction: the outputs are ready, the sources are gone.
func (m *merger) settle(tx *db.Tx, known []uint32) error {
	rows, err := m.there(tx.ForUpdate())
	if err != nil {
		return err
	}
	ids := make([]uint64, len(rows))
	for i, r := range rows {
		if ids[i] = r.ID; r.Version != known[i] {
			return errMoved
		}
	}
	if err := drop(tx, ids, ready); err != nil {
		return err
	}
	for _, o := range m.outs {
		if err := o.finish(tx); err != nil {
			return err
		}
	}
	return m.beat(tx)
}
