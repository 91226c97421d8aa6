package spill

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
)

// run is one sorted sequence of records: a span of sealed blocks.
type run struct {
	off, end int64
	first    uint64 // number of its first block
}

// runWriter packs records into blocks; a record may cross from one block into the next.
type runWriter struct {
	file  *sealedFile
	run   run
	block []byte
	size  int
}

func (s *sealedFile) newRun(size int) *runWriter {
	return &runWriter{file: s, run: run{off: s.end, first: s.blocks}, block: make([]byte, 0, size), size: size}
}

func (w *runWriter) add(key Key, payload []byte) error {
	head := binary.AppendUvarint(key[:], uint64(len(payload)))
	if err := w.put(head); err != nil {
		return err
	}
	return w.put(payload)
}

func (w *runWriter) put(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), w.size-len(w.block))
		w.block = append(w.block, b[:n]...)
		b = b[n:]
		if len(w.block) == w.size {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *runWriter) flush() error {
	if len(w.block) == 0 {
		return nil
	}
	err := w.file.write(w.block)
	w.block = w.block[:0]
	return err
}

func (w *runWriter) finish() (run, error) {
	err := w.flush()
	w.run.end = w.file.end
	return w.run, err
}

// runReader reads a run back, one block in memory at a time.
type runReader struct {
	file  *sealedFile
	off   int64
	end   int64
	next  uint64
	buf   []byte
	block []byte // unread rest of the current block

	key     Key
	payload []byte
}

func (r *runReader) Read(p []byte) (int, error) {
	for len(r.block) == 0 {
		if r.off >= r.end {
			return 0, io.EOF
		}
		plain, off, err := r.file.read(r.buf, r.off, r.next)
		if err != nil {
			return 0, err
		}
		r.buf, r.block, r.off, r.next = plain, plain, off, r.next+1
	}
	n := copy(p, r.block)
	r.block = r.block[n:]
	return n, nil
}

// ReadByte makes a runReader fit for binary.ReadUvarint.
func (r *runReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}

// advance loads the next record; io.EOF says there is none.
func (r *runReader) advance() error {
	if _, err := io.ReadFull(r, r.key[:]); err != nil {
		return err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	if uint64(cap(r.payload)) < size {
		r.payload = make([]byte, size)
	}
	r.payload = r.payload[:size]
	_, err = io.ReadFull(r, r.payload)
	return err
}

type runHeap []*runReader

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return string(h[i].key[:]) < string(h[j].key[:]) }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(*runReader)) }
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// merge reads all runs side by side.
func merge(f *sealedFile, runs []run, fn func(Key, []byte) error) error {
	h := make(runHeap, 0, len(runs))
	for _, r := range runs {
		rd := &runReader{file: f, off: r.off, end: r.end, next: r.first}
		if err := rd.advance(); err != nil {
			return fmt.Errorf("read temporary file: %w", err)
		}
		h = append(h, rd)
	}
	heap.Init(&h)
	for len(h) > 0 {
		top := h[0]
		if err := fn(top.key, top.payload); err != nil {
			return err
		}
		switch err := top.advance(); err {
		case nil:
			heap.Fix(&h, 0)
		case io.EOF:
			heap.Pop(&h)
		default:
			return fmt.Errorf("read temporary file: %w", err)
		}
	}
	return nil
}
