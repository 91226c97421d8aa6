package spill

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// sealedFile is an append-only file of AES-256-GCM blocks under a key that is never written down.
// A block's nonce is its number; a key seals one file only, so no nonce comes twice.
type sealedFile struct {
	f       *os.File
	aead    cipher.AEAD
	end     int64
	blocks  uint64
	removed bool
}

func createSealed(dir string) (*sealedFile, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "qingdang-spill-*")
	if err != nil {
		return nil, err
	}
	// Where an open file can lose its name it does so now: a killed process leaves nothing behind.
	return &sealedFile{f: f, aead: aead, removed: os.Remove(f.Name()) == nil}, nil
}

func (s *sealedFile) close() error {
	err := s.f.Close()
	if !s.removed {
		err = errors.Join(err, os.Remove(s.f.Name()))
	}
	return err
}

func nonce(n uint64) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[4:], n)
	return b
}

// write seals plain as the next block: four bytes of length, then the sealed bytes.
func (s *sealedFile) write(plain []byte) error {
	out := make([]byte, 4, 4+len(plain)+s.aead.Overhead())
	out = s.aead.Seal(out, nonce(s.blocks), plain, nil)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	if _, err := s.f.WriteAt(out, s.end); err != nil {
		return err
	}
	s.end += int64(len(out))
	s.blocks++
	return nil
}

// read opens block number n at offset off and returns its content and the next offset.
func (s *sealedFile) read(buf []byte, off int64, n uint64) ([]byte, int64, error) {
	var head [4]byte
	if _, err := s.f.ReadAt(head[:], off); err != nil {
		return nil, 0, cutOff(err)
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if int64(size) > s.end-off-4 {
		return nil, 0, io.ErrUnexpectedEOF
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := s.f.ReadAt(buf, off+4); err != nil {
		return nil, 0, cutOff(err)
	}
	plain, err := s.aead.Open(buf[:0], nonce(n), buf, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("temporary file was changed: %w", err)
	}
	return plain, off + 4 + int64(size), nil
}

// cutOff keeps the end of a file that was cut short from looking like the end of a run.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
