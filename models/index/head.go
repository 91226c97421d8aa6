package index

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/id"
	"qingdang/models/seal"
)

// A head, before it is packed and sealed: the format, the number of documents; ids, times and versions
// of all in order of their ordinals; what is dead; and for every kind of attribute its values, each with
// the bitmap of the living documents that have it.
//
// The format is raised whenever documents get other attributes or texts other terms. A segment of another
// format does not open, and Fold makes it anew from the bodies; searches for words wait for that.
const headFormat = 5

var errHead = errors.New("index: malformed head")

// head is an opened head. It is never changed once others can see it, but for what it remembers.
type head struct {
	ids      []id.Conversation // by ordinal
	at       []int64
	versions []uint32
	dead     *roaring.Bitmap
	live     *roaring.Bitmap
	attrs    [kinds]map[string]*roaring.Bitmap
	byID     []uint32 // ordinals in order of their ids
	bytes    int64
	key      *seal.Bucket // opens the shards, also for a view that a merge has overtaken
	of       segmentRow   // as it was when the head was opened
	unions   remembered[*roaring.Bitmap]
	others   remembered[any]

	departments, messages column
}

func (h *head) size() int64 { return h.bytes }

// newHead makes the head of documents that are in order. All are alive.
func newHead(docs []Doc) *head {
	h := &head{dead: roaring.New()}
	for k := range h.attrs {
		h.attrs[k] = map[string]*roaring.Bitmap{}
	}
	for i := range docs {
		d := &docs[i]
		h.ids, h.at, h.versions = append(h.ids, d.ID), append(h.at, moment(d.LastAt)), append(h.versions, d.Version)
		d.each(func(k Kind, v string) { h.bitmap(k, v).Add(uint32(i)) })
	}
	return h.finish()
}

// bitmap gives the documents that have an attribute, to add some.
func (h *head) bitmap(k Kind, v string) *roaring.Bitmap {
	b := h.attrs[k][v]
	if b == nil {
		b = roaring.New()
		h.attrs[k][v] = b
	}
	return b
}

// finish computes what is not written.
func (h *head) finish() *head {
	h.live = roaring.New()
	h.live.AddRange(0, uint64(len(h.ids)))
	h.live.AndNot(h.dead)
	h.byID = make([]uint32, len(h.ids))
	for i := range h.byID {
		h.byID[i] = uint32(i)
	}
	slices.SortFunc(h.byID, func(a, b uint32) int { return cmp.Compare(h.ids[a], h.ids[b]) })
	h.bytes = int64(len(h.ids)) * (8 + 8 + 4 + 4 + 2)
	for _, values := range h.attrs {
		for v, b := range values {
			h.bytes += int64(b.GetSizeInBytes()) + int64(len(v)) + 150
		}
	}
	return h
}

// find gives the ordinal of a conversation, be it alive or dead.
func (h *head) find(c id.Conversation) (uint32, bool) {
	i, ok := slices.BinarySearchFunc(h.byID, c, func(ord uint32, c id.Conversation) int { return cmp.Compare(h.ids[ord], c) })
	if !ok {
		return 0, false
	}
	return h.byID[i], true
}

// changed gives a head of its own with some documents dead and others' attributes set anew.
func (h *head) changed(dead []uint32, docs map[uint32]*Doc) *head {
	next := &head{ids: h.ids, at: h.at, versions: h.versions, byID: h.byID, dead: h.dead.Clone(), key: h.key}
	next.dead.AddMany(dead)
	gone := roaring.BitmapOf(dead...)
	for ord := range docs {
		gone.Add(ord)
	}
	for k, values := range h.attrs {
		next.attrs[k] = make(map[string]*roaring.Bitmap, len(values))
		for v, b := range values {
			next.attrs[k][v] = roaring.AndNot(b, gone)
		}
	}
	for _, ord := range slices.Sorted(maps.Keys(docs)) {
		docs[ord].each(func(k Kind, v string) { next.bitmap(k, v).Add(ord) })
	}
	for _, values := range next.attrs {
		maps.DeleteFunc(values, func(_ string, b *roaring.Bitmap) bool { return b.IsEmpty() })
	}
	return next.finish()
}

func (h *head) encode() ([]byte, error) {
	b := binary.AppendUvarint(nil, headFormat)
	b = binary.AppendUvarint(b, uint64(len(h.ids)))
	last := int64(0)
	for _, c := range h.ids {
		b = binary.AppendVarint(b, int64(c)-last)
		last = int64(c)
	}
	last = 0
	for _, at := range h.at {
		b = binary.AppendVarint(b, at-last)
		last = at
	}
	for _, v := range h.versions {
		b = binary.AppendUvarint(b, uint64(v))
	}
	b, err := appendBitmap(b, h.dead)
	if err != nil {
		return nil, err
	}
	for _, values := range h.attrs {
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range slices.Sorted(maps.Keys(values)) {
			b = binary.AppendUvarint(b, uint64(len(v)))
			b = append(b, v...)
			if b, err = appendBitmap(b, values[v]); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func appendBitmap(b []byte, m *roaring.Bitmap) ([]byte, error) {
	m.RunOptimize()
	raw, err := m.ToBytes()
	if err != nil {
		return nil, fmt.Errorf("encode bitmap: %w", err)
	}
	return append(binary.AppendUvarint(b, uint64(len(raw))), raw...), nil
}

// reader takes numbers and bitmaps off the front of a head. Its first error stays.
type reader struct {
	b   []byte
	err error
}

func (r *reader) unsigned() uint64 {
	n, size := binary.Uvarint(r.b)
	return take(r, n, size)
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.b)
	return take(r, n, size)
}

func take[T int64 | uint64](r *reader, n T, size int) T {
	if size <= 0 || r.err != nil {
		r.err = errHead
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) text() []byte {
	n := r.unsigned()
	if r.err != nil || n > uint64(len(r.b)) {
		r.err = errHead
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) bitmap() *roaring.Bitmap {
	m := roaring.New()
	if raw := r.text(); r.err == nil && m.UnmarshalBinary(raw) != nil {
		r.err = errHead
	}
	return m
}

// values takes the values of one kind of attribute.
func (r *reader) values() map[string]*roaring.Bitmap {
	out := map[string]*roaring.Bitmap{}
	for n := r.unsigned(); n > 0 && r.err == nil; n-- {
		v := string(r.text())
		out[v] = r.bitmap()
	}
	return out
}

func decodeHead(b []byte) (*head, error) {
	r := &reader{b: b}
	f := r.unsigned()
	if r.err == nil && f != headFormat {
		return nil, &seal.FormatError{What: "index head", Got: int(f)}
	}
	n := r.unsigned()
	if r.err != nil || n > MaxDocs || n > uint64(len(r.b)) {
		return nil, errHead
	}
	h := &head{ids: make([]id.Conversation, n), at: make([]int64, n), versions: make([]uint32, n)}
	last := int64(0)
	for i := range h.ids {
		last += r.signed()
		h.ids[i] = id.Conversation(last)
	}
	last = 0
	for i := range h.at {
		last += r.signed()
		h.at[i] = last
	}
	for i := range h.versions {
		h.versions[i] = uint32(r.unsigned())
	}
	h.dead = r.bitmap()
	for k := range h.attrs {
		h.attrs[k] = r.values()
	}
	if r.err != nil || len(r.b) > 0 {
		return nil, errHead
	}
	return h.finish(), nil
}
