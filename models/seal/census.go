package seal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Census counts the buckets of a key store by their state.
type Census struct {
	Epoch     uint32 // of the root key
	Live      int
	Destroyed int
	Damaged   int
}

// Census reads every slot once.
func (s *Store) Census() (c Census, err error) {
	err = s.each(func(f *slots) { c = Census{Epoch: f.epoch} }, func(id uint64, sl *slot) { c.count(s.slotState(id, sl)) })
	return c, err
}

// LiveFor gives the living buckets of a use that were made so long ago or longer, in ascending order.
func (s *Store) LiveFor(use Use, age time.Duration) (ids []uint64, err error) {
	latest := s.now().Add(-age)
	err = s.each(func(*slots) { ids = nil }, func(id uint64, sl *slot) {
		if Use(sl[slotUse]) != use {
			return
		}
		if st := s.status(id, sl); st.State == Live && !st.CreatedAt.After(latest) {
			ids = append(ids, id)
		}
	})
	return ids, err
}

// each begins, and then visits every slot once.
func (s *Store) each(begin func(*slots), visit func(id uint64, sl *slot)) error {
	return s.reading(func(f *slots) error {
		begin(f)
		in := io.NewSectionReader(f.file, slotSize, 1<<62)
		buf := make([]byte, 1024*slotSize)
		for id := uint64(1); ; {
			n, err := io.ReadFull(in, buf)
			for at := 0; at < n; at += slotSize {
				var sl slot // the last one may be cut off
				copy(sl[:], buf[at:n])
				visit(id, &sl)
				id++
			}
			switch {
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return nil
			case err != nil:
				return err
			}
		}
	})
}

func (c *Census) count(s State) {
	switch s {
	case Live:
		c.Live++
	case Destroyed:
		c.Destroyed++
	case Damaged:
		c.Damaged++
	}
}

// Last is the highest bucket id that was ever given out here. A database that knows a higher one is newer
// than this key store.
func (s *Store) Last() (last uint64, err error) {
	err = s.reading(func(f *slots) error {
		info, err := f.file.Stat()
		if err == nil {
			last = bucketsIn(info.Size())
		}
		return err
	})
	return last, err
}

// bucketsIn is how many buckets a slots file of that size has, the last of which may be cut off.
func bucketsIn(size int64) uint64 {
	return max(uint64(size+slotSize-1)/slotSize, 1) - 1 // the first slot is the header
}

// Days is how many days a copy of the folder may live.
func (s *Store) Days() int { return s.days }

// Dir is the key store folder.
func (s *Store) Dir() string { return s.dir }

// Root tells where the root key is: the path of the file it was read from, "" when it was handed in; and
// whether a root key lies in the folder beside the slots, where every copy of the folder takes it along.
func (s *Store) Root() (path string, beside bool, err error) {
	s.writing.Lock()
	given := s.given != nil
	s.writing.Unlock()
	info, err := os.Lstat(s.path(rootFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	beside = info.Mode().IsRegular()
	if given {
		return "", beside, nil
	}
	path, err = filepath.EvalSymlinks(s.path(rootFile))
	return path, beside, err
}
