package seal

import (
	"encoding/binary"
	"fmt"
)

const (
	leafVersion = 2 // of a wrapped data key; wrappedVersion is one that a slot's key itself wraps
	leafLabel   = "qingdang/seal/leaf/1\x00"
	keyLabel    = "qingdang leaf/1\x00" // as long as childLabel
)

// leaf is the key that wraps at a leaf.
func (t *Tree) leaf(n int) (*box, error) {
	if !t.Covers(n) {
		return nil, fmt.Errorf("leaf %d of bucket %d: %w", n, t.bucket, ErrDestroyed)
	}
	var way way
	s := t.seed(TreeLeaves+n, &way)
	outer, inner := s.hash(keyLabel, 0), s.hash(keyLabel, 1)
	var key [dataKeySize]byte
	defer clear(key[:])
	copy(key[copy(key[:], outer[:]):], inner[:])
	return newBox(&key), nil
}

// Seal seals plain under a fresh data key and wraps that key at a leaf. It returns ErrDestroyed when the tree
// does not cover the leaf.
func (t *Tree) Seal(leaf int, aad AAD, plain []byte) (Sealed, error) {
	if aad.Suite == 0 {
		aad.Suite = t.store.suite
	}
	var key [dataKeySize]byte
	defer clear(key[:])
	t.store.fill(key[:])
	wrapped, err := t.wrap(leaf, aad.Record, key[:])
	if err != nil {
		return Sealed{}, err
	}
	body, err := sealBody(&key, aad, plain, t.store.fill)
	return Sealed{Body: body, Wrapped: wrapped}, err
}

// Open returns the plaintext, as Bucket.Open does. It returns ErrDestroyed when the tree does not cover the leaf.
func (t *Tree) Open(leaf int, aad AAD, sealed Sealed) ([]byte, error) {
	b, err := t.leaf(leaf)
	if err != nil {
		return nil, err
	}
	var room [dataKeySize]byte
	defer clear(room[:])
	bound := leafAAD(t.bucket, aad.Record, leaf)
	key, err := unwrapKey(room[:0], b, leafVersion, sealed.Wrapped, bound[:])
	if err != nil {
		return nil, err
	}
	return openBody((*[dataKeySize]byte)(key), aad, sealed.Body)
}

// Lift wraps the data key of a record at a leaf that the slot's key itself wraps, as it was done before there
// were trees. The body stays as it is.
func (t *Tree) Lift(leaf int, record uint64, wrapped []byte) ([]byte, error) {
	b, err := t.store.Bucket(t.slot)
	if err != nil {
		return nil, err
	}
	var room [dataKeySize]byte
	defer clear(room[:])
	key, err := b.unwrapTo(room[:0], record, wrapped)
	if err != nil {
		return nil, err
	}
	return t.wrap(leaf, record, key)
}

func (t *Tree) wrap(leaf int, record uint64, key []byte) ([]byte, error) {
	b, err := t.leaf(leaf)
	if err != nil {
		return nil, err
	}
	bound := leafAAD(t.bucket, record, leaf)
	return t.store.wrapKey(b, leafVersion, key, bound[:]), nil
}

func leafAAD(bucket, record uint64, leaf int) (aad [len(leafLabel) + 18]byte) {
	n := copy(aad[:], leafLabel)
	binary.BigEndian.PutUint64(aad[n:], bucket)
	binary.BigEndian.PutUint64(aad[n+8:], record)
	binary.BigEndian.PutUint16(aad[n+16:], uint16(leaf))
	return aad
}
