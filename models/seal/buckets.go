package seal

import (
	"fmt"
	"slices"
)

// Use says what a bucket key is for. A slot carries it in the clear.
type Use byte

// The uses.
const (
	ForRecords Use = 0 // records that are nowhere else
	ForIndex   Use = 1 // copies: what only these keys open can be made anew
)

// slotsAtOnce is after how many of a list of buckets it is looked again whether the file of their slots is in force.
const slotsAtOnce = 256

// NewBuckets allocates n bucket keys and returns their ids, in ascending order. They are on disk when
// it returns. Ids are never used twice: if the process dies here, those of this call stay unused.
func (s *Store) NewBuckets(n int) ([]uint64, error) { return s.NewBucketsFor(ForRecords, n) }

// NewBucketsFor is NewBuckets for a use.
func (s *Store) NewBucketsFor(use Use, n int) ([]uint64, error) {
	if n <= 0 {
		return nil, nil
	}
	ids := make([]uint64, n)
	err := s.exclusive(func() error {
		info, err := s.slots.file.Stat()
		if err != nil {
			return err
		}
		// A slot that was cut off by a crash stays where it is, damaged for ever.
		first := uint64((info.Size() + slotSize - 1) / slotSize)
		now := s.now()
		buf := make([]byte, 0, n*slotSize)
		for i := range ids {
			ids[i] = first + uint64(i)
			sl := s.newSlot(ids[i], use, now)
			buf = append(buf, sl[:]...)
		}
		if _, err := s.slots.file.WriteAt(buf, int64(first)*slotSize); err != nil {
			return err
		}
		return s.slots.file.Sync()
	})
	if err != nil {
		return nil, fmt.Errorf("allocate buckets: %w", err)
	}
	return ids, nil
}

// Destroy overwrites the keys of the given buckets, in this process and for all others. It may be
// repeated; ErrNoBucket, before anything is destroyed, means that an id was never allocated. When it
// returns nil the tombstones are on disk.
//
// Overwriting in place is no promise by the medium: an SSD or a copy-on-write file system may keep the
// old sector for a while. What is in that sector is wrapped by the root key. So what counts is that the
// root key is kept apart and rotated, and that backups of this folder are short-lived.
func (s *Store) Destroy(ids ...uint64) error {
	if len(ids) == 0 {
		return nil
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	err := s.exclusive(func() error {
		slots := make([]slot, len(ids))
		for i, id := range ids {
			if err := s.slots.read(id, &slots[i]); err != nil {
				return err
			}
			if s.slotState(id, &slots[i]) == Absent {
				return fmt.Errorf("%w: %d", ErrNoBucket, id)
			}
		}
		// A slot that is a tombstone already is written again: it may come from a call whose fsync
		// failed, and the kernel takes such a page for clean until somebody writes to it.
		now := s.now()
		for i, id := range ids {
			s.entomb(s.slots, id, &slots[i], now)
			if _, err := s.slots.file.WriteAt(slots[i][:], int64(id)*slotSize); err != nil {
				return err
			}
			s.forget(id)
		}
		return s.slots.file.Sync()
	})
	if err != nil {
		return fmt.Errorf("destroy buckets: %w", err)
	}
	return nil
}

// State says what became of a bucket.
func (s *Store) State(id uint64) (Status, error) {
	var sl slot
	if err := s.readSlot(id, &sl); err != nil {
		return Status{}, err
	}
	return s.status(id, &sl), nil
}

// States is State for many buckets, with a look at the folder for every few.
func (s *Store) States(ids ...uint64) ([]Status, error) {
	out := make([]Status, 0, len(ids))
	for part := range slices.Chunk(ids, slotsAtOnce) {
		err := s.reading(func(f *slots) error {
			for _, id := range part {
				var sl slot
				if err := f.read(id, &sl); err != nil {
					return err
				}
				out = append(out, s.status(id, &sl))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readSlot reads a slot as it is on disk now.
func (s *Store) readSlot(id uint64, sl *slot) error {
	return s.reading(func(f *slots) error { return f.read(id, sl) })
}
