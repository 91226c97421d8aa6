package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Slot 0 of buckets.slots is its header, version 2:
//
//	0    magic
//	16   store id
//	32   epoch of the root key, from 1
//	36   the store's secret in a box of 60 bytes under the root key, bound to bytes 0..35
//	96   zero, 16 bytes
//	112  SHA-256 over bytes 0..111, cut to 16 bytes; tells damage from a wrong root key
//
// The header and everything wrapped by the root key of its epoch are in this one file, and a rotation puts
// a new file in its place. So whatever instant the power goes, all of it is old or all of it is new.
const (
	slotsMagic  = "QINGDANG SLOTS 2"
	headerID    = len(slotsMagic)
	headerEpoch = headerID + 16
	headerBox   = headerEpoch + 4
	headerZero  = headerBox + secretSize + boxOverhead
	headerSum   = slotSize - 16
)

// openHeader takes epoch and secret out of a header, and the key of its slots from root.
func (s *Store) openHeader(f *slots, head *slot, root []byte) error {
	if !bytes.Equal(head[headerSum:], headerDigest(head)) {
		return ErrDamaged
	}
	if string(head[:headerID]) != slotsMagic {
		return &FormatError{What: "slots format", Got: int(head[headerID-1] - '0')}
	}
	if !bytes.Equal(head[headerID:headerEpoch], s.id[:]) {
		return ErrDamaged
	}
	secret, err := s.rootBox(root, "secret").open(nil, head[headerBox:headerZero], head[:headerBox])
	if err != nil {
		return ErrWrongRoot
	}
	switch {
	case s.secret == nil:
		s.keep(secret)
	case !hmac.Equal(s.secret, secret):
		return ErrDamaged // another store under the same id
	}
	f.epoch = binary.BigEndian.Uint32(head[headerEpoch:])
	f.box = s.rootBox(root, "slot")
	return nil
}

// slotsHeader makes slot 0 of a file for root.
func (s *Store) slotsHeader(root []byte, epoch uint32) []byte {
	var head slot
	copy(head[:], slotsMagic)
	copy(head[headerID:], s.id[:])
	binary.BigEndian.PutUint32(head[headerEpoch:], epoch)
	var nonce [nonceSize]byte
	s.fill(nonce[:])
	s.rootBox(root, "secret").seal(head[headerBox:headerBox], &nonce, s.secret, head[:headerBox])
	copy(head[headerSum:], headerDigest(&head))
	return head[:]
}

func headerDigest(head *slot) []byte {
	sum := sha256.Sum256(head[:headerSum])
	return sum[:slotSize-headerSum]
}

func (s *Store) rootBox(root []byte, class string) *box {
	key := s.hkdf(root, "root "+class, dataKeySize)
	defer clear(key)
	return newBox((*[dataKeySize]byte)(key))
}

// keep makes the store's secret the one all its lasting keys come from.
func (s *Store) keep(secret []byte) {
	s.secret = secret
	s.sumKey = s.derive("slot checksum", "", sha256.Size)
}
