package seal

import (
	"bytes"
	"errors"
	"os"
	"time"
)

// present opens what the folder has. It is nil where there are no slots or where their header is damaged;
// in that case the bytes are still of use. Whole slots that no root key here opens are refused: a wrong
// setting must not cost them.
func (s *Store) present() (*slots, []byte, error) {
	f, err := openSlots(s.path(slotsFile))
	if errors.Is(err, ErrNoSlots) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	b, err := os.ReadFile(s.path(slotsFile))
	if err != nil {
		return nil, nil, err
	}
	if len(b) >= slotSize {
		head := (*slot)(b)
		if bytes.Equal(head[headerSum:], headerDigest(head)) && !bytes.Equal(head[headerID:headerEpoch], s.id[:]) {
			return nil, nil, ErrOtherStore
		}
	}
	if err := s.unlockSlots(f); errors.Is(err, ErrDamaged) {
		return nil, b, nil
	} else if err != nil {
		return nil, nil, err
	}
	return f, b, nil
}

// mergeSlots decides about every bucket that folder, backup or database know.
func (s *Store) mergeSlots(into *slots, here []byte, from *source, r Restoring, done *Restored) []byte {
	dead := map[uint64]bool{}
	for _, id := range r.Dead {
		dead[id] = true
	}
	last := max(r.Last, bucketsIn(int64(len(here))), bucketsIn(int64(len(from.bytes))))
	out := make([]byte, 0, last*slotSize)
	for id := uint64(1); id <= last; id++ {
		own, saved := slotOf(here, id), slotOf(from.bytes, id)
		sl := s.mergeSlot(into, id, own, saved, dead[id], from, r.Now, done)
		out = append(out, sl[:]...)
	}
	return out
}

func slotOf(b []byte, id uint64) (sl slot) {
	if at := id * slotSize; at < uint64(len(b)) {
		copy(sl[:], b[at:])
	}
	return sl
}

// mergeSlot gives a bucket its slot: a tombstone when anybody knows of its destruction, else the key that
// the folder has, else the one of the backup, else a slot that is taken and opens nothing.
func (s *Store) mergeSlot(into *slots, id uint64, own, saved slot, dead bool, from *source, now time.Time, done *Restored) slot {
	ownState, savedState := s.slotState(id, &own), s.slotState(id, &saved)
	if dead || ownState == Destroyed || savedState == Destroyed {
		if savedState == Live {
			done.Entombed++
		}
		for _, sl := range []slot{own, saved} {
			if s.slotState(id, &sl) == Destroyed {
				return sl
			}
		}
		if ownState != Live {
			own = saved
		}
		s.entomb(into, id, &own, now)
		return own
	}
	if ownState == Live && s.rewrap(into, into, id, &own) {
		done.Kept++
		return own
	}
	if savedState == Live && s.rewrap(&from.slots, into, id, &saved) {
		done.Brought++
		return saved
	}
	if own == (slot{}) {
		own[0], own[1] = slotVersion, byte(Damaged)
	}
	return own
}

// rewrap wraps a live slot of one file for another. It is false when the slot does not open there.
func (s *Store) rewrap(from, into *slots, id uint64, sl *slot) bool {
	key, err := s.unwrapSlot(from, id, sl)
	if err != nil {
		return false
	}
	defer clear(key[:])
	if from != into {
		s.wrapSlot(into, id, sl, key[:])
	}
	return true
}
