package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// slots is an open buckets.slots with the key of its epoch.
type slots struct {
	file  *os.File
	path  string
	epoch uint32
	box   *box
}

// Close closes the file.
func (f *slots) Close() error { return f.file.Close() }

// inForce tells whether the folder still has this very file.
func (f *slots) inForce() bool { return same(f.file, f.path) }

// read reads a slot as it is on disk now. Past the end of the file it reads zeros, which is Absent; a
// slot that is only partly there is Damaged by its checksum.
func (f *slots) read(id uint64, sl *slot) error {
	*sl = slot{}
	if id == 0 || id >= 1<<63/slotSize {
		return nil
	}
	if _, err := f.file.ReadAt(sl[:], int64(id)*slotSize); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read bucket %d: %w", id, err)
	}
	return nil
}

// reading runs f with the slots in force. Nobody closes them meanwhile.
func (s *Store) reading(f func(*slots) error) error {
	for range 5 {
		s.turning.RLock()
		if s.slots != nil && s.slots.inForce() {
			defer s.turning.RUnlock()
			return f(s.slots)
		}
		s.turning.RUnlock()
		// Another process put a new file in its place: open that one.
		if err := s.exclusive(func() error { return nil }); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is exchanged all the time", slotsFile)
}

// exclusive runs f while no other goroutine and no other process changes the folder, and with the slots
// in force. So nobody ever writes into a file that a rotation has replaced.
func (s *Store) exclusive(f func() error) error {
	return s.locked(func() error {
		if s.slots == nil || !s.slots.inForce() {
			if err := s.turn(); err != nil {
				return err
			}
		}
		return f()
	})
}

// locked takes the folder's lock. The kernel lets go of it when the process dies.
func (s *Store) locked(f func() error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for range 5 {
		fd := int(s.lock.Fd())
		err := syscall.Flock(fd, syscall.LOCK_EX)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("lock key store: %w", err)
		}
		// Where somebody moved the folder away and put another in its place, the others lock that one.
		if same(s.lock, s.path(lockFile)) {
			defer syscall.Flock(fd, syscall.LOCK_UN)
			return f()
		}
		if err := s.openLock(0); err != nil {
			return err
		}
	}
	return fmt.Errorf("lock key store: %s is exchanged all the time", lockFile)
}

// openLock opens the lock file, which lets go of the one that was open.
func (s *Store) openLock(create int) error {
	f, err := os.OpenFile(s.path(lockFile), os.O_RDWR|create, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoStore
	}
	if err != nil {
		return err
	}
	if s.lock != nil {
		s.lock.Close()
	}
	s.lock = f
	return nil
}

// same tells whether path is the file that is open as f, whose number nobody else gets while it is open.
func same(f *os.File, path string) bool {
	var one, two syscall.Stat_t
	return syscall.Fstat(int(f.Fd()), &one) == nil && syscall.Stat(path, &two) == nil && one.Dev == two.Dev && one.Ino == two.Ino
}

// turn opens the slots that are in the folder now, and ends what a process left behind that was killed
// while it changed the folder. It is called under the folder's lock.
func (s *Store) turn() error {
	f, err := openSlots(s.path(slotsFile))
	if err != nil {
		return err
	}
	if err := s.unlockSlots(f); err != nil {
		f.Close()
		return err
	}
	if err := s.tidy(); err != nil {
		f.Close()
		return err
	}
	s.turnTo(f)
	return nil
}

func (s *Store) turnTo(f *slots) {
	s.turning.Lock()
	defer s.turning.Unlock()
	if s.slots != nil {
		s.slots.Close() // it was only read, or written and synced
	}
	s.slots = f
}

func openSlots(path string) (*slots, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoSlots
	}
	if err != nil {
		return nil, err
	}
	return &slots{file: file, path: path}, nil
}

// unlockSlots opens the header with the root key. A rotation that was cut short after the new slots were
// there left its root key beside the old one: it is put in its place now.
func (s *Store) unlockSlots(f *slots) error {
	var head slot
	if _, err := f.file.ReadAt(head[:], 0); err != nil {
		return ErrDamaged
	}
	if s.given != nil {
		err := s.openHeader(f, &head, s.given)
		if errors.Is(err, ErrWrongRoot) && s.slots != nil {
			return ErrRotated
		}
		return err
	}
	root, err := s.readRoot(rootFile)
	if err == nil {
		err = s.openHeader(f, &head, root)
	}
	if !errors.Is(err, ErrWrongRoot) && !errors.Is(err, ErrNoRoot) {
		return err
	}
	next, nextErr := s.readRoot(nextRoot)
	if nextErr == nil {
		nextErr = s.openHeader(f, &head, next)
	}
	if nextErr != nil {
		return err
	}
	return s.finishRoot()
}

// tidy removes what a killed process was writing.
func (s *Store) tidy() error {
	left, err := filepath.Glob(s.path(newFiles))
	if err != nil {
		return err
	}
	for _, path := range append(left, s.path(nextRoot)) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
