package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// buckets.slots is an array of slots of 128 bytes; slot n is bucket n, slot 0 is the file header.
// 128 divides every sector size, so that a slot never straddles two sectors. A slot, version 2:
//
//	0    version, 2
//	1    state: 1 live, 2 destroyed
//	2    use: 0 records, 1 search index; one byte of zero
//	4    epoch of the root key it is wrapped by, big-endian as all numbers here
//	8    created, unix seconds
//	16   destroyed, unix seconds; 0 while live
//	24   the bucket key in a box of 76 bytes, bound to store id ‖ slot ‖ epoch; random once destroyed
//	100  zero, 12 bytes
//	112  checksum: HMAC-SHA-256 over store id ‖ slot ‖ bytes 0..111, cut to 16 bytes
//
// The checksum's key comes from the store's secret, not from the root, so that a tombstone stays as it is
// for ever. It tells a slot that was half written when the power went, a slot copied from
// another place, and a tombstone or a date forged by somebody without the
// root key.
const (
	slotSize     = 128
	slotVersion  = 2
	slotUse      = 2
	slotWrapped  = 24
	slotPadding  = slotWrapped + dataKeySize + boxOverhead
	slotChecksum = slotSize - 16
)

// State is what became of a bucket.
type State byte

// The states of a bucket. Anything but Live opens nothing.
const (
	Absent    State = 0 // never allocated
	Live      State = 1
	Destroyed State = 2
	Damaged   State = 3 // half written or altered: treated as destroyed, but nobody can say when
)

// String returns the state as an English word, for logs and fsck.
func (s State) String() string {
	return [...]string{"absent", "live", "destroyed", "damaged"}[s&3]
}

// Status is the state of a bucket and its dates; a date that is not known is zero.
type Status struct {
	State       State
	CreatedAt   time.Time
	DestroyedAt time.Time
}

type slot [slotSize]byte

func (s *Store) newSlot(id uint64, use Use, created time.Time) slot {
	var sl slot
	sl[0], sl[1], sl[slotUse] = slotVersion, byte(Live), byte(use)
	binary.BigEndian.PutUint64(sl[8:], uint64(created.Unix()))
	var key [dataKeySize]byte
	defer clear(key[:])
	s.fill(key[:])
	s.wrapSlot(s.slots, id, &sl, key[:])
	return sl
}

// wrapSlot puts a bucket key into its slot, wrapped by the root key that f belongs to.
func (s *Store) wrapSlot(f *slots, id uint64, sl *slot, key []byte) {
	var nonce [nonceSize]byte
	s.fill(nonce[:])
	binary.BigEndian.PutUint32(sl[4:], f.epoch)
	f.box.seal(sl[slotWrapped:slotWrapped], &nonce, key, s.slotAAD(id, f.epoch))
	s.sign(id, sl)
}

// entomb turns a slot of any state into a tombstone. Dates that can still be trusted are kept.
func (s *Store) entomb(f *slots, id uint64, sl *slot, now time.Time) {
	state := s.slotState(id, sl)
	if state == Absent || state == Damaged {
		*sl = slot{}
		binary.BigEndian.PutUint32(sl[4:], f.epoch)
	}
	sl[0], sl[1] = slotVersion, byte(Destroyed)
	if state != Destroyed {
		binary.BigEndian.PutUint64(sl[16:], uint64(now.Unix()))
	}
	s.fill(sl[slotWrapped:slotPadding])
	s.sign(id, sl)
}

// slotState says what a slot is. Only a slot whose checksum is right is ever Live or Destroyed.
func (s *Store) slotState(id uint64, sl *slot) State {
	if *sl == (slot{}) {
		return Absent
	}
	sum := s.slotSum(id, sl)
	if !hmac.Equal(sum, sl[slotChecksum:]) || sl[0] != slotVersion {
		return Damaged
	}
	if state := State(sl[1]); state == Live || state == Destroyed {
		return state
	}
	return Damaged
}

func (s *Store) status(id uint64, sl *slot) Status {
	st := Status{State: s.slotState(id, sl)}
	if st.State == Live || st.State == Destroyed {
		st.CreatedAt = unixOrZero(sl[8:])
		st.DestroyedAt = unixOrZero(sl[16:])
	}
	return st
}

func unixOrZero(b []byte) time.Time {
	sec := binary.BigEndian.Uint64(b)
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(int64(sec), 0).UTC()
}

// unwrapSlot gives the bucket key of a live slot of f.
func (s *Store) unwrapSlot(f *slots, id uint64, sl *slot) (*[dataKeySize]byte, error) {
	key, err := f.box.open(nil, sl[slotWrapped:slotPadding], s.slotAAD(id, binary.BigEndian.Uint32(sl[4:])))
	if err != nil {
		return nil, ErrDamaged
	}
	return (*[dataKeySize]byte)(key), nil
}

const slotLabel = "qingdang/seal/slot/2\x00"

func (s *Store) slotAAD(id uint64, epoch uint32) []byte {
	b := append([]byte(slotLabel), s.id[:]...)
	b = binary.BigEndian.AppendUint64(b, id)
	return binary.BigEndian.AppendUint32(b, epoch)
}

func (s *Store) sign(id uint64, sl *slot) { copy(sl[slotChecksum:], s.slotSum(id, sl)) }

func (s *Store) slotSum(id uint64, sl *slot) []byte {
	h := hmac.New(sha256.New, s.sumKey)
	h.Write(s.id[:])
	h.Write(binary.BigEndian.AppendUint64(nil, id))
	h.Write(sl[:slotChecksum])
	return h.Sum(nil)[:slotSize-slotChecksum]
}
