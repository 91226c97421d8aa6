package proof

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// Edge is the right edge of a Merkle tree: the roots of its complete subtrees,
// largest first. It is all that is needed to append a leaf and to compute the
// root, so the log's head carries it and no append reads old nodes. The zero
// value is the empty tree.
type Edge struct {
	size  int64
	peaks []tlog.Hash
}

var errEdge = errors.New("proof: the edge does not belong to a tree of this size")

// ParseEdge reads what Bytes wrote for a tree of the given size.
func ParseEdge(size int64, data []byte) (*Edge, error) {
	e := &Edge{size: size}
	for ; len(data) >= tlog.HashSize; data = data[tlog.HashSize:] {
		e.peaks = append(e.peaks, tlog.Hash(data[:tlog.HashSize]))
	}
	if size < 0 || len(data) != 0 || len(e.peaks) != ones(size) {
		return nil, errEdge
	}
	return e, nil
}

func ones(n int64) (count int) {
	for ; n > 0; n &= n - 1 {
		count++
	}
	return count
}

// Bytes gives the peaks one after the other.
func (e *Edge) Bytes() []byte {
	out := make([]byte, 0, len(e.peaks)*tlog.HashSize)
	for _, p := range e.peaks {
		out = append(out, p[:]...)
	}
	return out
}

// Size tells how many leaves the tree has.
func (e *Edge) Size() int64 { return e.size }

// Add appends a leaf's hash and gives the nodes to store from
// tlog.StoredHashIndex(0, n) on: the leaf's own and those of the subtrees it
// completes.
func (e *Edge) Add(leaf tlog.Hash) []tlog.Hash {
	stored := []tlog.Hash{leaf}
	e.push(leaf, func(h tlog.Hash) { stored = append(stored, h) })
	return stored
}

// push appends a leaf's hash and tells of the nodes that it completes, where anybody asks.
func (e *Edge) push(leaf tlog.Hash, complete func(tlog.Hash)) {
	h := leaf
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.peaks) - 1
		h = tlog.NodeHash(e.peaks[last], h)
		e.peaks = e.peaks[:last]
		if complete != nil {
			complete(h)
		}
	}
	e.peaks = append(e.peaks, h)
	e.size++
}

// Root gives the root of the tree.
func (e *Edge) Root() tlog.Hash {
	if e.size == 0 {
		root, _ := tlog.TreeHash(0, nil) // the empty tree's constant; reads nothing
		return root
	}
	h := e.peaks[len(e.peaks)-1]
	for i := len(e.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.peaks[i], h)
	}
	return h
}

// ReadEdge builds the edge of a tree of the given size from stored nodes.
func ReadEdge(size int64, r tlog.HashReader) (*Edge, error) {
	var indexes []int64
	done := int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, done>>level))
			done += 1 << level
		}
	}
	peaks, err := r.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	return &Edge{size: size, peaks: peaks}, nil
}
