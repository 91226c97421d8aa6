package format

import (
	"bytes"
	"errors"
	"io"
)

// errTooLong says that a record is longer than allowed.
var errTooLong = errors.New("record too long")

// fillBytes is how much is read at a time.
const fillBytes = 128 << 10

// at is the bytes from offset i to j of the current record.
func (r *csvReader) at(i, j int) []byte { return r.buf[r.pos+i : r.pos+j] }

// byteAt is the byte at offset i of the current record; ok is false behind the file's end.
func (r *csvReader) byteAt(i int) (b byte, ok bool, err error) {
	for r.pos+i >= len(r.buf) {
		if r.eof {
			return 0, false, nil
		}
		if err := r.fill(); err != nil {
			return 0, false, err
		}
	}
	return r.buf[r.pos+i], true, nil
}

// find is the offset of the first b at or behind offset i: io.EOF or errTooLong when there is none.
func (r *csvReader) find(b byte, i int) (int, error) {
	for {
		if n := bytes.IndexByte(r.buf[min(r.pos+i, len(r.buf)):], b); n >= 0 {
			return i + n, nil
		}
		i = max(i, len(r.buf)-r.pos)
		switch {
		case r.eof:
			return 0, io.EOF
		case i > r.max:
			return 0, errTooLong
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads on, and forgets what lies before the current record.
func (r *csvReader) fill() error {
	if r.pos > 0 && (r.pos >= len(r.buf)/2 || len(r.buf)+fillBytes > cap(r.buf)) {
		r.buf = r.buf[:copy(r.buf, r.buf[r.pos:])]
		r.pos = 0
	}
	old := len(r.buf)
	if cap(r.buf)-old < fillBytes {
		grown := make([]byte, old, 2*cap(r.buf)+fillBytes)
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.r.Read(r.buf[old : old+fillBytes])
	r.buf = r.buf[:old+n]
	if errors.Is(err, io.EOF) {
		r.eof = true
		return nil
	}
	return err
}

// skipLine moves behind the physical line at pos, however long it is.
func (r *csvReader) skipLine() error {
	r.line++
	for {
		if n := bytes.IndexByte(r.buf[r.pos:], '\n'); n >= 0 {
			r.pos += n + 1
			return nil
		}
		r.pos = len(r.buf)
		if r.eof {
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}
