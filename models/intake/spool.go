package intake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"qingdang/models/fault"
	"qingdang/models/intake/format"
)

// A spool is an uploaded file on its way in: blocks of AES-256-GCM under a key of its own,
// which stands sealed in the run's row. What somebody finds in the folder, or in a backup of
// it, is noise. A block's nonce is its number; a key seals one file only.
const (
	spoolBlock  = 64 << 10
	spoolKey    = 32
	spoolEnding = ".upload"
)

func spoolPath(dir, name string) string { return filepath.Join(dir, name+spoolEnding) }

func spoolCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func spoolNonce(n int64) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[4:], uint64(n))
	return b
}

// writeSpool seals what body gives into a new file and tells its key and its size. Whatever
// goes wrong, no file is left behind. The fault is invalid for more than limit bytes.
func writeSpool(dir, name string, body io.Reader, limit int64) (key []byte, size int64, err error) {
	key = make([]byte, spoolKey)
	if _, err := rand.Read(key); err != nil {
		return nil, 0, err
	}
	aead, err := spoolCipher(key)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.OpenFile(spoolPath(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("create spool: %w", err)
	}
	size, err = sealInto(f, aead, body, limit)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return nil, 0, errors.Join(err, os.Remove(f.Name()))
	}
	return key, size, nil
}

func sealInto(w io.Writer, aead cipher.AEAD, body io.Reader, limit int64) (size int64, err error) {
	plain := make([]byte, spoolBlock)
	sealed := make([]byte, 0, spoolBlock+aead.Overhead())
	for n := int64(0); ; n++ {
		got, err := io.ReadFull(body, plain)
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return 0, fmt.Errorf("read upload: %w", err)
		}
		if size += int64(got); size > limit {
			return 0, fault.Invalid(format.FileTooLarge, limit).On("files")
		}
		if got > 0 {
			if _, err := w.Write(aead.Seal(sealed, spoolNonce(n), plain[:got], nil)); err != nil {
				return 0, fmt.Errorf("write spool: %w", err)
			}
		}
		if end {
			return size, nil
		}
	}
}

// spool is an open spool. It may be read at any place and by several at once.
type spool struct {
	f    *os.File
	aead cipher.AEAD
	size int64

	mu    sync.Mutex
	at    int64 // number of the block that is open, -1 for none
	plain []byte
}

// openSpool opens a spool. The fault is gone when its file is not there any more.
func openSpool(dir, name string, key []byte, size int64) (*spool, error) {
	aead, err := spoolCipher(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(spoolPath(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Gone("import.spool_lost")
	}
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return &spool{f: f, aead: aead, size: size, at: -1}, nil
}

// Close closes the file.
func (s *spool) Close() error { return s.f.Close() }

// ReadAt is part of io.ReaderAt.
func (s *spool) ReadAt(p []byte, off int64) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(p) {
		if off+int64(n) >= s.size {
			return n, io.EOF
		}
		at := off + int64(n)
		if err := s.load(at / spoolBlock); err != nil {
			return n, err
		}
		n += copy(p[n:], s.plain[at%spoolBlock:])
	}
	return n, nil
}

func (s *spool) load(block int64) error {
	if s.at == block {
		return nil
	}
	want := min(spoolBlock, s.size-block*spoolBlock)
	sealed := make([]byte, want+int64(s.aead.Overhead()))
	s.at = -1
	if _, err := s.f.ReadAt(sealed, block*int64(spoolBlock+s.aead.Overhead())); err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	plain, err := s.aead.Open(s.plain[:0], spoolNonce(block), sealed, nil)
	if err != nil {
		return fmt.Errorf("spool was changed: %w", err)
	}
	s.at, s.plain = block, plain
	return nil
}

// removeSpool deletes a spool; that it is not there is no error.
func removeSpool(dir, name string) error {
	if err := os.Remove(spoolPath(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove spool: %w", err)
	}
	return nil
}

// spools lists the names of the spools in a folder that were written before a moment, in
// Unix seconds.
func spools(dir string, before int64) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nobody has uploaded anything yet
	}
	if err != nil {
		return nil, fmt.Errorf("list spools: %w", err)
	}
	var out []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), spoolEnding)
		if info, err := e.Info(); ok && err == nil && info.ModTime().Unix() < before {
			out = append(out, name)
		}
	}
	return out, nil
}
