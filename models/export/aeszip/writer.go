package aeszip

import (
	"archive/zip"
	"compress/flate"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Flags of a file: bit 0 says that it is sealed, bit 3 that its sizes stand behind it.
const (
	sealedFlag  = 1 << 0
	behindFlag  = 1 << 3
	needs       = 51 // the version of the format that knows AES
	compression = 5  // as archive/zip has it
)

// Writer writes an archive as a stream: nothing is kept but the list of its files.
type Writer struct {
	zip      *zip.Writer
	password string
}

// NewWriter begins an archive on w.
func NewWriter(w io.Writer, password string) *Writer {
	return &Writer{zip.NewWriter(w), password}
}

// Create begins a file, compressed by zip.Store or zip.Deflate. It has to be closed before the next one
// begins. The name is readable by everybody.
func (w *Writer) Create(name string, by uint16, at time.Time) (io.WriteCloser, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	k, err := newKeys(w.password, salt)
	if err != nil {
		return nil, err
	}
	h := &zip.FileHeader{Name: name, Method: method, Flags: sealedFlag | behindFlag, ReaderVersion: needs, CreatorVersion: needs, Extra: extra(by)}
	//lint:ignore SA1019 a raw file is written as its fields say, and Modified is none of them
	h.ModifiedDate, h.ModifiedTime = dosTime(at)
	out, err := w.zip.CreateRaw(h)
	if err != nil {
		return nil, fmt.Errorf("aeszip: %w", err)
	}
	f := &fileWriter{header: h, out: out, keys: k}
	if _, err := f.raw(append(salt, k.check...)); err != nil {
		return nil, err
	}
	switch by {
	case zip.Store:
	case zip.Deflate:
		if f.deflate, err = flate.NewWriter(sealer{f}, compression); err != nil {
			return nil, fmt.Errorf("aeszip: %w", err)
		}
	default:
		return nil, zip.ErrAlgorithm
	}
	return f, nil
}

// Close ends the archive with the list of its files; w stays open.
func (w *Writer) Close() error { return w.zip.Close() }

// fileWriter takes the plain text of one file.
type fileWriter struct {
	header  *zip.FileHeader
	out     io.Writer
	keys    *keys
	deflate *flate.Writer // nil: stored
	buf     []byte
}

// Write compresses and seals p.
func (f *fileWriter) Write(p []byte) (n int, err error) {
	if f.deflate != nil {
		n, err = f.deflate.Write(p)
	} else {
		n, err = sealer{f}.Write(p)
	}
	f.header.UncompressedSize64 += uint64(n)
	return n, err
}

// Close ends the file with its authentication code. archive/zip writes the sizes behind it, and where they are
// large as ZIP64.
func (f *fileWriter) Close() error {
	if f.deflate != nil {
		if err := f.deflate.Close(); err != nil {
			return err
		}
	}
	_, err := f.raw(f.keys.mac.Sum(nil)[:macSize])
	h := f.header
	//lint:ignore SA1019 a raw file is written as its fields say, these among them
	h.CompressedSize, h.UncompressedSize = uint32(min(h.CompressedSize64, math.MaxUint32)), uint32(min(h.UncompressedSize64, math.MaxUint32))
	return err
}

func (f *fileWriter) raw(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.header.CompressedSize64 += uint64(n)
	return n, err
}

// sealer takes what is compressed already.
type sealer struct{ f *fileWriter }

func (s sealer) Write(p []byte) (int, error) {
	f := s.f
	// What is given is not ours to write into.
	f.buf = append(f.buf[:0], p...)
	f.keys.stream.XORKeyStream(f.buf, f.buf)
	f.keys.mac.Write(f.buf)
	n, err := f.raw(f.buf)
	if err == nil && n < len(p) {
		err = errors.New("aeszip: short write")
	}
	return n, err
}

// dosTime is a time as archives have it: two seconds exact, no zone, 1980 to 2107.
func dosTime(t time.Time) (date, clock uint16) {
	if t.Year() < 1980 || t.Year() > 2107 {
		return 1<<5 | 1, 0
	}
	date = uint16(t.Day() | int(t.Month())<<5 | (t.Year()-1980)<<9)
	return date, uint16(t.Second()/2 | t.Minute()<<5 | t.Hour()<<11)
}
