package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
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
