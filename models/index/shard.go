package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"qingdang/models/seal"
)

// A shard, before it is packed and sealed:
//
//	number of tokens
//	for each token, ascending: difference to the one before, length of its postings in bytes
//	the postings, one after another
//
// Postings are one byte that says how they are written and the ordinals: differences, or a Roaring
// bitmap where they are many. Numbers are unsigned varints.
const (
	byDifference = 0
	byBitmap     = 1
)

// dense is the share of a segment's documents (one in so many) beyond which a bitmap is shorter.
const dense = 8

var errShard = errors.New("index: malformed shard")

// postings are the documents of one term in a segment.
type postings struct {
	token Token
	ords  []uint32 // ascending
}

// shardsFor is into how many shards a segment of n documents is cut: few for a fresh small one, more than
// in proportion for a large one, where a search should read little of much.
func shardsFor(n int) int {
	if n <= 4096 {
		return ceilPow2((n + 63) / 64)
	}
	return ceilPow2((n + 15) / 16)
}

func ceilPow2(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }

// shardOf is the shard, from 1, in which a token stands when there are n of them, a power of two.
func shardOf(t Token, n int) int {
	return int(uint64(t)>>(64-bits.TrailingZeros(uint(n)))) + 1
}

// encodeShard writes postings that are in order of their tokens.
func encodeShard(list []postings, docs int) ([]byte, error) {
	var dir, data []byte
	dir = binary.AppendUvarint(dir, uint64(len(list)))
	last := Token(0)
	for _, p := range list {
		from := len(data)
		if len(p.ords) > docs/dense {
			data = append(data, byBitmap)
			b := roaring.BitmapOf(p.ords...)
			b.RunOptimize()
			raw, err := b.ToBytes()
			if err != nil {
				return nil, fmt.Errorf("encode postings: %w", err)
			}
			data = append(data, raw...)
		} else {
			data = append(data, byDifference)
			data = appendDifferences(data, p.ords)
		}
		dir = binary.AppendUvarint(dir, uint64(p.token-last))
		dir = binary.AppendUvarint(dir, uint64(len(data)-from))
		last = p.token
	}
	return append(dir, data...), nil
}

func appendDifferences(b []byte, ords []uint32) []byte {
	last := uint32(0)
	for _, o := range ords {
		b = binary.AppendUvarint(b, uint64(o-last))
		last = o
	}
	return b
}

// shard is an opened one. Its postings are decoded when they are asked for.
type shard struct {
	tokens []Token
	ends   []uint32
	data   []byte
}

func (s *shard) size() int64 { return int64(cap(s.data)+12*cap(s.tokens)) + 128 }

func decodeShard(b []byte) (*shard, error) {
	n, b, err := number(b)
	if err != nil || n > uint64(len(b)/2) {
		return nil, errShard
	}
	s := &shard{tokens: make([]Token, n), ends: make([]uint32, n)}
	var token, length, end uint64
	for i := range s.tokens {
		if token, b, err = number(b); err != nil {
			return nil, errShard
		}
		if length, b, err = number(b); err != nil || length == 0 || length > 1<<31 {
			return nil, errShard
		}
		if i > 0 {
			token += uint64(s.tokens[i-1])
		}
		end += length
		s.tokens[i], s.ends[i] = Token(token), uint32(end)
	}
	if end != uint64(len(b)) {
		return nil, errShard
	}
	s.data = b
	return s, nil
}

func number(b []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errShard
	}
	return n, b[size:], nil
}

// raw gives the postings of the i-th token as they are written.
func (s *shard) raw(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.data[from:s.ends[i]]
}

// find gives the documents of a token, a bitmap of the caller's own, empty where there are none.
func (s *shard) find(t Token) (*roaring.Bitmap, error) {
	i, ok := slices.BinarySearch(s.tokens, t)
	if !ok {
		return roaring.New(), nil
	}
	raw := s.raw(i)
	if len(raw) > 0 && raw[0] == byBitmap {
		return bitmap(raw)
	}
	ords, err := ordinals(raw, make([]uint32, 0, len(raw))) // each takes a byte at least
	if err != nil {
		return nil, err
	}
	if len(ords) < manyOrds {
		return roaring.BitmapOf(ords...), nil
	}
	dense := make([]uint64, ords[len(ords)-1]/64+1)
	for _, o := range ords {
		dense[o/64] |= 1 << (o % 64)
	}
	return roaring.FromDense(dense, true), nil
}

// manyOrds is from how many on a bitmap is set up faster bit by bit than by a library that takes them one
// by one and does not know that they are in order.
const manyOrds = 4096

// bitmap reads postings that are written as one.
func bitmap(b []byte) (*roaring.Bitmap, error) {
	m := roaring.New()
	if err := m.UnmarshalBinary(b[1:]); err != nil {
		return nil, fmt.Errorf("%w: %w", errShard, err)
	}
	return m, nil
}

// ordinals appends the documents of written postings to dst.
func ordinals(b []byte, dst []uint32) ([]uint32, error) {
	if len(b) == 0 {
		return nil, errShard
	}
	switch b[0] {
	case byBitmap:
		m, err := bitmap(b)
		if err != nil {
			return nil, err
		}
		return append(dst, m.ToArray()...), nil
	case byDifference:
		last := uint64(0)
		for b = b[1:]; len(b) > 0; {
			d, rest, err := number(b)
			if err != nil || last+d >= MaxDocs {
				return nil, errShard
			}
			last, b = last+d, rest
			dst = append(dst, uint32(last))
		}
		return dst, nil
	}
	return nil, &seal.FormatError{What: "postings", Got: int(b[0])}
}
