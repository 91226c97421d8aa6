package seal

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// WrappedSize is the length of a wrapped data key.
const WrappedSize = 1 + dataKeySize + boxOverhead

const (
	wrappedVersion = 1
	wrappedLabel   = "qingdang/seal/key/1\x00"
	cacheLimit     = 4096
)

// cached is an unwrapped bucket key together with the slot it came from. It is used only while the slot
// on disk is still the same, byte for byte. What the bucket's tree has left hangs on it.
type cached struct {
	slot slot
	box  *box
	root *seed // of the tree; nil until somebody needs it, as nobody does where the tree was punctured
	tree atomic.Pointer[Tree]
}

// Bucket is an unwrapped bucket key, for sealing or opening many records with one look at the slot.
// Take it inside a transaction that holds the bucket's row and drop it at the end: it does not notice
// by itself that the bucket is destroyed meanwhile, but Check does.
type Bucket struct {
	ID    uint64
	store *Store
	box   *box
}

// Bucket returns the bucket with its key. It returns ErrDestroyed when the key is gone, ErrNoBucket
// when there never was one, and ErrDamaged when its slot does not verify.
func (s *Store) Bucket(id uint64) (*Bucket, error) {
	b := &Bucket{ID: id, store: s}
	err := s.reading(func(f *slots) error {
		key, err := s.bucketKey(f, id, false)
		if err == nil {
			b.box = key.box
		}
		return err
	})
	if err != nil {
		return nil, bucketError(id, err)
	}
	return b, nil
}

func (s *Store) bucketKey(f *slots, id uint64, root bool) (*cached, error) {
	var sl slot
	if err := f.read(id, &sl); err != nil {
		return nil, err
	}
	s.caching.RLock()
	hit, ok := s.cache[id]
	s.caching.RUnlock()
	if ok && hit.slot == sl && (hit.root != nil || !root) {
		return hit, nil
	}
	switch s.slotState(id, &sl) {
	case Absent:
		return nil, ErrNoBucket
	case Destroyed:
		s.forget(id)
		return nil, ErrDestroyed
	case Damaged:
		s.forget(id)
		return nil, ErrDamaged
	}
	key, err := s.unwrapSlot(f, id, &sl)
	if err != nil {
		return nil, err
	}
	fresh := &cached{slot: sl, box: newBox(key)}
	if root {
		made := seed(s.hkdf(key[:], "tree", seedSize))
		fresh.root = &made
	}
	clear(key[:])
	return fresh, s.remember(f, id, fresh)
}

// Check says whether the bucket is still live. Call it after sealing and before the commit where
// nothing else keeps the bucket from being destroyed: records sealed after that could never be opened.
func (b *Bucket) Check() error {
	_, err := b.store.Bucket(b.ID)
	return err
}

// Seal seals plain under a fresh data key and wraps that key under the bucket.
func (b *Bucket) Seal(aad AAD, plain []byte) (Sealed, error) {
	if aad.Suite == 0 {
		aad.Suite = b.store.suite
	}
	var key [dataKeySize]byte
	defer clear(key[:])
	b.store.fill(key[:])
	body, err := sealBody(&key, aad, plain, b.store.fill)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{Body: body, Wrapped: b.wrap(aad.Record, key[:])}, nil
}

// Open returns the plaintext. It returns ErrTampered when body, wrapped key or aad are not those of the
// sealing, and a FormatError when they come from a newer build. A zero aad.Suite accepts any suite.
func (b *Bucket) Open(aad AAD, sealed Sealed) ([]byte, error) {
	var room [dataKeySize]byte
	defer clear(room[:])
	key, err := b.unwrapTo(room[:0], aad.Record, sealed.Wrapped)
	if err != nil {
		return nil, err
	}
	return openBody((*[dataKeySize]byte)(key), aad, sealed.Body)
}

// wrap wraps a data key by the bucket's own key, bound to bucket and record.
func (b *Bucket) wrap(record uint64, key []byte) []byte {
	aad := wrappedAAD(b.ID, record)
	return b.store.wrapKey(b.box, wrappedVersion, key, aad[:])
}

func (b *Bucket) unwrapTo(dst []byte, record uint64, wrapped []byte) ([]byte, error) {
	aad := wrappedAAD(b.ID, record)
	return unwrapKey(dst, b.box, wrappedVersion, wrapped, aad[:])
}

// wrapKey makes version ‖ box(data key), bound to what bound says.
func (s *Store) wrapKey(b *box, version byte, key, bound []byte) []byte {
	var nonce [nonceSize]byte
	s.fill(nonce[:])
	out := make([]byte, 1, WrappedSize)
	out[0] = version
	return b.seal(out, &nonce, key, bound)
}

func unwrapKey(dst []byte, b *box, version byte, wrapped, bound []byte) ([]byte, error) {
	if len(wrapped) > 0 && wrapped[0] != version {
		return nil, &FormatError{What: "key version", Got: int(wrapped[0])}
	}
	if len(wrapped) != WrappedSize {
		return nil, ErrTampered
	}
	return b.open(dst, wrapped[1:], bound)
}

func wrappedAAD(bucket, record uint64) (aad [len(wrappedLabel) + 16]byte) {
	n := copy(aad[:], wrappedLabel)
	binary.BigEndian.PutUint64(aad[n:], bucket)
	binary.BigEndian.PutUint64(aad[n+8:], record)
	return aad
}

// Seal is Bucket.Seal for a single record.
func (s *Store) Seal(bucket uint64, aad AAD, plain []byte) (Sealed, error) {
	b, err := s.Bucket(bucket)
	if err != nil {
		return Sealed{}, err
	}
	return b.Seal(aad, plain)
}

// Open is Bucket.Open for a single record.
func (s *Store) Open(bucket uint64, aad AAD, sealed Sealed) ([]byte, error) {
	b, err := s.Bucket(bucket)
	if err != nil {
		return nil, err
	}
	return b.Open(aad, sealed)
}

// remember keeps an unwrapped key, unless its slot changed since it was read: the forget of a Destroy
// beside us would have come too early. A full cache starts anew, since unwrapping again costs microseconds.
func (s *Store) remember(f *slots, id uint64, c *cached) error {
	s.caching.Lock()
	defer s.caching.Unlock()
	var sl slot
	if err := f.read(id, &sl); err != nil || sl != c.slot {
		return err
	}
	if len(s.cache) >= cacheLimit {
		clear(s.cache)
	}
	s.cache[id] = c
	return nil
}

// forget drops the keys of the given buckets, or of all when none is given.
func (s *Store) forget(ids ...uint64) {
	s.caching.Lock()
	defer s.caching.Unlock()
	if len(ids) == 0 {
		clear(s.cache)
	}
	for _, id := range ids {
		delete(s.cache, id)
	}
}

func bucketError(id uint64, err error) error { return fmt.Errorf("bucket %d: %w", id, err) }
