package index

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// View is the index as one transaction sees it.
type View struct {
	// Segments are sorted by the time of their latest document, newest first. Their times may overlap.
	Segments []*Segment
	// Changes are shared. They are the conversations about which the segments must not be believed: their attributes
	// are to be asked of the rows; and their text too where Content is true or no segment has them.
	Changes map[id.Conversation]Change

	x       *Index
	tx      *db.Tx
	waiting *waiting
}

// Segment is one segment of a view. Its documents have ordinals from 0, later ones higher. The bitmaps
// that it gives are shared and must not be changed.
type Segment struct {
	Tier     int
	Division id.Department // whose conversations these are; 0 = of several
	row      segmentRow
	*head
}

// View gives the index as tx sees it, with every head opened; tx must be one of db.Read, or a Scrub or
// Fold beside it may take away what the view has listed. The errors are ErrBehind and ErrUnreadable: the rows have
// to be asked then.
func (x *Index) View(tx *db.Tx) (*View, error) {
	waiting, err := x.waitingAt(tx)
	if err != nil {
		return nil, err
	}
	segments, err := x.current(tx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(segments, func(a, b *Segment) int { return b.row.LastAt.Compare(a.row.LastAt) })
	return &View{Segments: segments, Changes: waiting.by, x: x, tx: tx, waiting: waiting}, nil
}

// current is segments for readers: as long as the heads of all are kept it reads numbers and versions only.
// Nothing of a row that is ready changes without a new version.
func (x *Index) current(tx *db.Tx) ([]*Segment, error) {
	var listed []segmentRow
	err := tx.Each(func(rows *sql.Rows) error {
		var r segmentRow
		err := rows.Scan(&r.ID, &r.Version)
		listed = append(listed, r)
		return err
	}, "SELECT id, version FROM index_segment WHERE state = ?", ready)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	segments := make([]*Segment, len(listed))
	for i, r := range listed {
		h, ok := x.heads.get(headKey{r.ID, r.Version})
		if !ok {
			return x.segments(tx)
		}
		segments[i] = &Segment{Tier: h.of.Tier, Division: h.of.Division, row: h.of, head: h}
	}
	x.forgetOthers(listed)
	return segments, nil
}

// segments opens what is ready.
func (x *Index) segments(tx *db.Tx) ([]*Segment, error) {
	segments, broken, err := x.readable(tx)
	if err == nil && len(broken) > 0 {
		return nil, broken[0]
	}
	return segments, err
}

// readable opens what is ready and opens, and says what does not.
func (x *Index) readable(tx *db.Tx) (segments []*Segment, broken []*unreadableError, err error) {
	var rows []segmentRow
	if err := tx.Where("state = ?", ready).Order("id").Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("list segments: %w", err)
	}
	x.forgetOthers(rows)
	segments = make([]*Segment, len(rows))
	var missing []*Segment
	for i, r := range rows {
		segments[i] = &Segment{Tier: r.Tier, Division: r.Division, row: r}
		if h, ok := x.heads.get(headKey{r.ID, r.Version}); ok {
			segments[i].head = h
		} else {
			missing = append(missing, segments[i])
		}
	}
	for part := range slices.Chunk(missing, headsAtOnce) {
		failed, err := x.openHeads(tx, part)
		if err != nil {
			return nil, nil, err
		}
		broken = append(broken, failed...)
	}
	return slices.DeleteFunc(segments, func(s *Segment) bool { return s.head == nil }), broken, nil
}

// headsAtOnce bounds what one statement reads: a head may have more than a megabyte.
const headsAtOnce = 16

type headKey struct {
	segment uint64
	version uint32
}

type shardKey struct {
	segment uint64
	part    int
}

// openHeads opens the heads of some segments on all cores, and says which of them do not open.
func (x *Index) openHeads(tx *db.Tx, segments []*Segment) ([]*unreadableError, error) {
	ids := make([]uint64, len(segments))
	for i, s := range segments {
		ids[i] = s.row.ID
	}
	var parts []partRow
	if err := tx.Where("part = 0 AND segment_id IN ?", ids).Find(&parts).Error; err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	sealed := make(map[uint64]partRow, len(parts))
	for _, p := range parts {
		sealed[p.SegmentID] = p
	}
	failed := make([]*unreadableError, len(segments))
	err := onAll(len(segments), func(i int) error {
		s := segments[i]
		h, err := x.openHead(s.row, sealed[s.row.ID])
		if errors.As(err, &failed[i]) {
			return nil
		}
		if err == nil {
			s.head = h
			x.heads.put(headKey{s.row.ID, s.row.Version}, h)
		}
		return err
	})
	return slices.DeleteFunc(failed, func(e *unreadableError) bool { return e == nil }), err
}

func (x *Index) openHead(r segmentRow, p partRow) (*head, error) {
	key, err := x.Store.Bucket(r.ID)
	if err != nil {
		return nil, unreadable(r.ID, err)
	}
	plain, err := open(key, p, r.Version)
	if err != nil {
		return nil, unreadable(r.ID, err)
	}
	h, err := decodeHead(plain)
	if err != nil {
		return nil, unreadable(r.ID, err)
	}
	if len(h.ids) != r.N {
		return nil, unreadable(r.ID, errHead)
	}
	h.key, h.of = key, r
	return h, nil
}

// open opens a part and unpacks it.
func open(key *seal.Bucket, p partRow, version uint32) ([]byte, error) {
	packed, err := key.Open(aad(p.SegmentID, p.Part, version), seal.Sealed{Body: p.Body, Wrapped: p.Wrapped})
	if err != nil {
		return nil, err
	}
	return seal.Unpack(packed)
}

// unreadable says that a segment does not open, now and for ever. Of an error of another kind, when the
// key store does not answer, it only says where it came from.
func unreadable(segment uint64, cause error) error {
	var format *seal.FormatError // altered, or written by a newer program: the index is only a copy
	if errors.As(cause, &format) {
		return &unreadableError{segment, cause}
	}
	for _, final := range []error{seal.ErrNoBucket, seal.ErrDestroyed, seal.ErrDamaged, seal.ErrTampered, errHead, errShard, errMissing} {
		if errors.Is(cause, final) {
			return &unreadableError{segment, cause}
		}
	}
	return fmt.Errorf("open segment %d: %w", segment, cause)
}

type unreadableError struct {
	segment uint64
	cause   error
}

// Error names the segment.
func (e *unreadableError) Error() string {
	return fmt.Sprintf("%v: %d: %v", ErrUnreadable, e.segment, e.cause)
}

// Unwrap gives ErrUnreadable and the cause.
func (e *unreadableError) Unwrap() []error { return []error{ErrUnreadable, e.cause} }

// forgetOthers drops what is kept of segments that are no more.
func (x *Index) forgetOthers(rows []segmentRow) {
	listed := make(map[uint64]uint32, len(rows))
	for _, r := range rows {
		listed[r.ID] = r.Version
	}
	x.listing.Lock()
	defer x.listing.Unlock()
	if maps.Equal(listed, x.listed) {
		return
	}
	x.listed = listed
	x.heads.keep(func(k headKey) bool { v, ok := listed[k.segment]; return ok && v == k.version })
	x.shards.keep(func(k shardKey) bool { _, ok := listed[k.segment]; return ok })
}

// N is how many documents the segment was made of; ordinals are below it.
func (s *Segment) N() int { return len(s.ids) }

// ID gives the conversation of an ordinal.
func (s *Segment) ID(ord uint32) id.Conversation { return s.ids[ord] }

// Version gives the version of the conversation that the segment knows.
func (s *Segment) Version(ord uint32) uint32 { return s.versions[ord] }

// LastAt gives the time of the conversation's last message.
func (s *Segment) LastAt(ord uint32) time.Time { return instant(s.at[ord]) }

// Ordinal gives the ordinal of a conversation that lives in the segment. At most one segment of a view
// has it.
func (s *Segment) Ordinal(c id.Conversation) (uint32, bool) {
	ord, ok := s.find(c)
	return ord, ok && s.live.Contains(ord)
}

// Range gives the ordinals lo ≤ o < hi of the documents from a time (included) to another (excluded).
// A zero time is no bound.
func (s *Segment) Range(from, to time.Time) (lo, hi uint32) {
	first := func(t time.Time) uint32 {
		m := moment(t)
		return uint32(sort.Search(len(s.at), func(i int) bool { return s.at[i] >= m }))
	}
	hi = uint32(len(s.at))
	if !from.IsZero() {
		lo = first(from)
	}
	if !to.IsZero() {
		hi = first(to)
	}
	return lo, max(lo, hi)
}

// Live gives the documents that count. Others were replaced by later segments, or are gone.
func (s *Segment) Live() *roaring.Bitmap { return s.live }

var none = roaring.New()

// Attr gives the living documents that have an attribute, never nil.
func (s *Segment) Attr(k Kind, value string) *roaring.Bitmap {
	if b := s.attrs[k][value]; b != nil {
		return b
	}
	return none
}

// AnyOf gives the living documents that have at least one of some values of a kind.
func (s *Segment) AnyOf(k Kind, values []string) *roaring.Bitmap {
	if len(values) < worthRemembering {
		return s.unite(k, values)
	}
	return s.unions.of(NameOf(k, values), func() *roaring.Bitmap { return s.unite(k, values) })
}

func (s *Segment) unite(k Kind, values []string) *roaring.Bitmap {
	all := make([]*roaring.Bitmap, 0, len(values))
	for _, v := range values {
		if b := s.attrs[k][v]; b != nil {
			all = append(all, b)
		}
	}
	switch len(all) {
	case 0:
		return none
	case 1:
		return all[0]
	}
	return roaring.FastOr(all...)
}

// Values gives the values of a kind that living documents have, in order.
func (s *Segment) Values(k Kind) []string { return slices.Sorted(maps.Keys(s.attrs[k])) }

// Find gives the segment in which a conversation lives, and its ordinal there.
func (v *View) Find(c id.Conversation) (*Segment, uint32, bool) {
	for _, s := range v.Segments {
		if ord, ok := s.Ordinal(c); ok {
			return s, ord, true
		}
	}
	return nil, 0, false
}

// Settled gives the living documents of a segment about which it may be believed: those without a
// waiting change. The bitmap is the caller's own.
func (v *View) Settled(s *Segment) *roaring.Bitmap {
	return roaring.AndNot(s.live, v.waiting.in(s.head))
}

// Postings gives, for each of the segments, the living documents that have each token; a token that
// none has is there with an empty bitmap. Bitmaps are the caller's own. After ErrUnreadable the caller
// calls Report, outside the transaction, and may look again.
func (v *View) Postings(tokens []Token, segments ...*Segment) (map[*Segment]map[Token]*roaring.Bitmap, error) {
	found, err := v.postings(tokens, segments)
	var broken *unreadableError
	if errors.As(err, &broken) {
		v.x.listing.Lock()
		defer v.x.listing.Unlock()
		for _, s := range segments {
			if s.row.ID == broken.segment {
				v.x.broken[broken.segment] = s
			}
		}
	}
	return found, err
}

func (v *View) postings(tokens []Token, segments []*Segment) (map[*Segment]map[Token]*roaring.Bitmap, error) {
	opened, err := v.openShards(tokens, segments)
	if err != nil {
		return nil, err
	}
	each := make([]map[Token]*roaring.Bitmap, len(segments))
	err = onAll(len(segments), func(i int) error {
		s := segments[i]
		each[i] = make(map[Token]*roaring.Bitmap, len(tokens))
		for _, t := range tokens {
			b, err := opened[shardKey{s.row.ID, shardOf(t, s.row.Parts)}].find(t)
			if err != nil {
				return unreadable(s.row.ID, err)
			}
			b.AndNot(s.dead)
			each[i][t] = b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[*Segment]map[Token]*roaring.Bitmap, len(segments))
	for i, s := range segments {
		out[s] = each[i]
	}
	return out, nil
}

// openShards gives the shards in which the tokens stand.
func (v *View) openShards(tokens []Token, segments []*Segment) (map[shardKey]*shard, error) {
	opened := map[shardKey]*shard{}
	var missing []shardsOf
	for _, s := range segments {
		var parts []int
		for _, t := range tokens {
			k := shardKey{s.row.ID, shardOf(t, s.row.Parts)}
			if _, seen := opened[k]; seen {
				continue
			}
			known, ok := v.x.shards.get(k)
			if opened[k] = known; !ok {
				parts = append(parts, k.part)
			}
		}
		if len(parts) > 0 {
			missing = append(missing, shardsOf{s, parts})
		}
	}
	for some := range slices.Chunk(missing, shardsAtOnce) {
		if err := v.readShards(some, opened); err != nil {
			return nil, err
		}
	}
	for k, s := range opened {
		if s == nil {
			return nil, unreadable(k.segment, errMissing)
		}
	}
	return opened, nil
}

// shardsOf are shards of a segment that are to be read.
type shardsOf struct {
	*Segment
	parts []int
}

// shardsAtOnce bounds from how many segments one statement reads: SQLite takes no expression that is
// more than 1,000 deep, nor more than 32,766 values.
const shardsAtOnce = 100

// readShards reads and opens shards with one statement.
func (v *View) readShards(missing []shardsOf, opened map[shardKey]*shard) error {
	var either []string
	var args []any
	keys := map[uint64]*seal.Bucket{}
	for _, m := range missing {
		keys[m.row.ID] = m.key
		either, args = append(either, "segment_id = ? AND part IN ?"), append(args, m.row.ID, m.parts)
	}
	var rows []partRow
	if err := v.tx.Where(strings.Join(either, " OR "), args...).Find(&rows).Error; err != nil {
		return fmt.Errorf("read shards: %w", err)
	}
	shards := make([]*shard, len(rows))
	err := onAll(len(rows), func(i int) error {
		plain, err := open(keys[rows[i].SegmentID], rows[i], 0)
		if err == nil {
			shards[i], err = decodeShard(plain)
		}
		if err != nil {
			return unreadable(rows[i].SegmentID, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, r := range rows {
		k := shardKey{r.SegmentID, r.Part}
		opened[k] = shards[i]
		v.x.shards.put(k, shards[i])
	}
	return nil
}
