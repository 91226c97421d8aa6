package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

// MAC is HMAC-SHA-256 over the parts, keyed for the purpose. Each part is preceded by its length as
// eight bytes, so that moving a border between parts changes the result. Two purposes share nothing: an
// index of customers cannot be matched against tombstones. Purposes are constants of the callers.
func (s *Store) MAC(purpose string, parts ...[]byte) [32]byte {
	pool := s.macPool(purpose)
	h := pool.Get().(hash.Hash)
	h.Reset()
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write(p)
	}
	var sum [32]byte
	h.Sum(sum[:0])
	pool.Put(h)
	return sum
}

func (s *Store) macPool(purpose string) *sync.Pool {
	if pool, ok := s.macs.Load(purpose); ok {
		return pool.(*sync.Pool)
	}
	key := s.derive("mac", purpose, sha256.Size)
	pool, _ := s.macs.LoadOrStore(purpose, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	return pool.(*sync.Pool)
}

// Number writes a number as a part of a MAC.
func Number[T ~int | ~int64 | ~uint64](n T) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

// Flag writes a flag as a part of a MAC.
func Flag(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

// Instant writes a time, to the microsecond, as a part of a MAC; of nil it is empty.
func Instant(t *time.Time) []byte {
	if t == nil {
		return nil
	}
	return Number(t.UnixMicro())
}
