package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// Flaw is something that must not be. Key is a sentence of the catalogue, Object the number of a segment
// or a conversation.
type Flaw struct {
	Key    string
	Object string
}

// strayAge is how old a key that no segment has may become: every fold destroys those that it sees.
const strayAge = 24 * time.Hour

// mostFlaws is how many flaws of one look are told.
const mostFlaws = 20

// Keys compares the keys of the segments with the key store: those that are destroyed must be so, and what
// is ready must open.
func Keys(tx *db.Tx, s *seal.Store) (flaws []Flaw, err error) {
	var keys []struct {
		BucketID uint64
		State    int
		Segment  int
	}
	err = tx.Table("index_key k").Joins("LEFT JOIN index_segment s ON s.id = k.bucket_id").
		Select("k.bucket_id, k.state, COALESCE(s.state, 0) AS segment").Order("k.bucket_id").Scan(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("keys of the index: %w", err)
	}
	for _, k := range keys {
		st, err := s.State(k.BucketID)
		if err != nil {
			return nil, fmt.Errorf("key of segment %d: %w", k.BucketID, err)
		}
		alive := st.State == seal.Live
		switch {
		case k.State == keyDestroyed && alive:
			flaws = append(flaws, Flaw{"fsck.index_key_alive", fmt.Sprint(k.BucketID)})
		case k.State == keyLive && k.Segment == ready && !alive:
			flaws = append(flaws, Flaw{"fsck.index_key_lost", fmt.Sprint(k.BucketID)})
		}
	}
	lost, err := strays(tx, s, strayAge)
	if err != nil {
		return nil, err
	}
	for _, k := range lost {
		flaws = append(flaws, Flaw{"fsck.index_key_stray", fmt.Sprint(k)})
	}
	var loose []string
	err = tx.Raw("SELECT DISTINCT p.segment_id FROM index_part p LEFT JOIN index_segment s ON s.id = p.segment_id WHERE s.id IS NULL LIMIT ?", mostFlaws).Scan(&loose).Error
	if err != nil {
		return nil, fmt.Errorf("parts of the index: %w", err)
	}
	for _, s := range loose {
		flaws = append(flaws, Flaw{"fsck.index_part_loose", s})
	}
	return flaws[:min(len(flaws), mostFlaws)], nil
}

// Check compares the index with the conversations: each is in one place, as its row says, or noted as
// changed, and nothing else is there; and every part opens. Entries of conversations that are gone are
// given apart, since a purge that is under way has not scrubbed them yet.
func (x *Index) Check(ctx context.Context) (flaws []Flaw, gone []id.Conversation, err error) {
	if flaws, err = x.checkParts(ctx); err != nil {
		return nil, nil, err
	}
	seen := map[id.Conversation]bool{}
	counts := map[headKey][]uint16{}
	for last, more := id.Conversation(0), true; more && len(flaws) < mostFlaws; {
		err := x.DB.Read(ctx, func(tx *db.Tx) error {
			v, err := x.View(tx)
			if errors.Is(err, ErrBehind) || errors.Is(err, ErrUnreadable) {
				more = false // the parts were told of above, and changes are taken in some time
				return nil
			}
			if err != nil {
				return err
			}
			ids, err := x.Source.IDs(tx, last, foldAtOnce)
			if err != nil {
				return fmt.Errorf("list conversations: %w", err)
			}
			if more = len(ids) > 0; !more {
				gone = v.others(seen)
				return nil
			}
			last = ids[len(ids)-1]
			docs, err := x.docs(ctx, tx, ids, false)
			if err != nil {
				return err
			}
			for i := range docs {
				seen[docs[i].ID] = true
				if key := v.differs(&docs[i], counts); key != "" && len(flaws) < mostFlaws {
					flaws = append(flaws, Flaw{key, id.String(docs[i].ID)})
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return flaws, gone, nil
}

// differs says what is wrong with a document in the view, "" for nothing.
func (v *View) differs(d *Doc, counts map[headKey][]uint16) string {
	if _, waits := v.Changes[d.ID]; waits {
		return ""
	}
	s, ord, there := v.Find(d.ID)
	if !there {
		return "fsck.index_missing"
	}
	of := headKey{s.row.ID, s.row.Version}
	if counts[of] == nil {
		counts[of] = s.attributes()
	}
	same, n := s.Version(ord) == d.Version && s.at[ord] == moment(d.LastAt), 0
	d.each(func(k Kind, value string) {
		same = same && s.Attr(k, value).Contains(ord)
		n++
	})
	if !same || n != int(counts[of][ord]) {
		return "fsck.index_differs"
	}
	return ""
}

// attributes counts those of each document.
func (s *Segment) attributes() []uint16 {
	n := make([]uint16, len(s.ids))
	for _, values := range s.attrs {
		for _, b := range values {
			for it := b.Iterator(); it.HasNext(); {
				n[it.Next()]++
			}
		}
	}
	return n
}

// others gives the conversations that live in segments, are not among the seen ones and are not noted as
// changed.
func (v *View) others(seen map[id.Conversation]bool) (out []id.Conversation) {
	for _, s := range v.Segments {
		for it := s.live.Iterator(); it.HasNext(); {
			c := s.ids[it.Next()]
			if _, waits := v.Changes[c]; !waits && !seen[c] {
				out = append(out, c)
			}
		}
	}
	return out
}

// checkParts opens every part of what is ready.
func (x *Index) checkParts(ctx context.Context) (flaws []Flaw, err error) {
	var segments []*Segment
	var broken []*unreadableError
	err = x.DB.Read(ctx, func(tx *db.Tx) (err error) {
		segments, broken, err = x.readable(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range broken {
		there := false
		err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
			there, err = isReady(tx, b.segment)
			return err
		})
		if err != nil {
			return nil, err
		}
		if there { // and was not replaced, and its key destroyed, while we looked
			flaws = append(flaws, Flaw{"fsck.index_unreadable", fmt.Sprint(b.segment)})
		}
	}
	for _, s := range segments {
		if !s.rowRight() {
			flaws = append(flaws, Flaw{"fsck.index_row_differs", fmt.Sprint(s.row.ID)})
		}
		whole, err := x.opens(ctx, s)
		if err != nil {
			return nil, err
		}
		if !whole {
			flaws = append(flaws, Flaw{"fsck.index_unreadable", fmt.Sprint(s.row.ID)})
		}
	}
	return flaws[:min(len(flaws), mostFlaws)], nil
}

// opens tells whether all shards of a segment open. One that is replaced meanwhile is nobody's concern any more.
func (x *Index) opens(ctx context.Context, s *Segment) (whole bool, err error) {
	return x.eachShard(ctx, s, func(int, *shard) error { return nil })
}

// eachShard opens all shards of a segment and hands them over one by one. It tells whether all open, and are
// what they should be: what f gives is no error, but says that one is not. A segment that is replaced
// meanwhile is taken for whole.
func (x *Index) eachShard(ctx context.Context, s *Segment, f func(part int, sh *shard) error) (whole bool, err error) {
	const atOnce = 256
	for first := 1; first <= s.row.Parts; first += atOnce {
		var rows []partRow
		var there bool
		err := x.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if there, err = isReady(tx, s.row.ID); err != nil {
				return err
			}
			return tx.Where("segment_id = ? AND part BETWEEN ? AND ?", s.row.ID, first, first+atOnce-1).Find(&rows).Error
		})
		if err != nil {
			return false, fmt.Errorf("read shards: %w", err)
		}
		if !there {
			return true, nil
		}
		if len(rows) != min(atOnce, s.row.Parts-first+1) {
			return false, nil
		}
		shards := make([]*shard, len(rows))
		err = onAll(len(rows), func(i int) error {
			plain, err := open(s.key, rows[i], 0)
			if err == nil {
				shards[i], err = decodeShard(plain)
			}
			return err
		})
		for i := 0; i < len(rows) && err == nil; i++ {
			err = f(rows[i].Part, shards[i])
		}
		if err != nil {
			return false, nil
		}
	}
	return true, nil
}

// rowRight tells whether the row of a segment says what its head says. A search looks for a token in one of
// so many shards as the row says.
func (s *Segment) rowRight() bool {
	n := len(s.ids)
	return n > 0 && s.row.FirstAt.Equal(instant(s.at[0])) && s.row.LastAt.Equal(instant(s.at[n-1])) &&
		s.row.Dead == int(s.dead.GetCardinality()) && s.row.Parts == shardsFor(n) && s.row.Tier == tierOf(n)
}
