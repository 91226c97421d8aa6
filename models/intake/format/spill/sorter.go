package spill

import (
	"bytes"
	"fmt"
	"slices"
)

// Key orders records; equal keys keep no particular order, so callers put a sequence number at its end.
type Key [24]byte

type item struct {
	key     Key
	payload []byte
}

// itemCost is what one record costs beside its payload.
const itemCost = 64

// chunkBytes is the grain in which payload memory is taken.
const chunkBytes = 1 << 20

// Sorter collects records and gives them back in key order. It is not safe for concurrent use.
type Sorter struct {
	dir    string
	budget int
	used   int
	items  []item
	chunk  []byte // free rest of the current chunk
	file   *sealedFile
	runs   []run
}

// New returns a Sorter that keeps about budget bytes in memory and the rest in a sealed file in
// dir ("" is the system's directory for such files). Nothing is created before it is needed.
func New(dir string, budget int) *Sorter { return &Sorter{dir: dir, budget: budget} }

// Add takes a copy of payload.
func (s *Sorter) Add(key Key, payload []byte) error {
	if s.used > 0 && s.used+len(payload)+itemCost > s.budget {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.items = append(s.items, item{key, s.keep(payload)})
	s.used += len(payload) + itemCost
	return nil
}

func (s *Sorter) keep(payload []byte) []byte {
	if len(payload) > chunkBytes/4 {
		return bytes.Clone(payload)
	}
	if len(payload) > len(s.chunk) {
		s.chunk = make([]byte, min(chunkBytes, max(s.budget, len(payload))))
	}
	kept := s.chunk[:len(payload):len(payload)]
	s.chunk = s.chunk[len(payload):]
	copy(kept, payload)
	return kept
}

// Spilled tells how many sorted runs lie in the temporary file.
func (s *Sorter) Spilled() int { return len(s.runs) }

// Each calls fn for every record in key order and empties the Sorter. The payload is fn's only
// until it returns.
func (s *Sorter) Each(fn func(Key, []byte) error) error {
	if len(s.runs) == 0 {
		s.sort()
		for _, it := range s.items {
			if err := fn(it.key, it.payload); err != nil {
				return err
			}
		}
		s.forget()
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	return merge(s.file, s.runs, fn)
}

// Close gives memory and the temporary file back. It may be called more than once.
func (s *Sorter) Close() error {
	s.forget()
	s.runs = nil
	if s.file == nil {
		return nil
	}
	err := s.file.close()
	s.file = nil
	return err
}

func (s *Sorter) forget() { s.items, s.chunk, s.used = nil, nil, 0 }

func (s *Sorter) sort() {
	slices.SortFunc(s.items, func(a, b item) int { return bytes.Compare(a.key[:], b.key[:]) })
}

// spill writes what is in memory as one sorted run.
func (s *Sorter) spill() error {
	if len(s.items) == 0 {
		return nil
	}
	if s.file == nil {
		f, err := createSealed(s.dir)
		if err != nil {
			return fmt.Errorf("create temporary file: %w", err)
		}
		s.file = f
	}
	s.sort()
	w := s.file.newRun(blockSize(s.budget))
	for _, it := range s.items {
		if err := w.add(it.key, it.payload); err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
	}
	r, err := w.finish()
	if err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	s.runs = append(s.runs, r)
	clear(s.items)
	s.items, s.chunk, s.used = s.items[:0], nil, 0
	return nil
}

// blockSize keeps the read buffers of a merge small beside the budget: a file of a hundred
// budgets has a hundred runs, each with one block in memory.
func blockSize(budget int) int { return min(max(budget/256, 512), 64<<10) }
