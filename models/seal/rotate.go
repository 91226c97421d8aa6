package seal

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Rotation is what RotateRoot did.
type Rotation struct {
	Epoch     uint32 // of the new root key
	Rewrapped int    // live buckets, now wrapped by the new root key
	Damaged   int    // slots that open under no root key; they stay as they are
}

// Refusals of RotateRoot.
var (
	// ErrRootGiven says that the root key was handed in, so the new one must be too.
	ErrRootGiven = errors.New("the root key is kept outside the folder: hand it in, and name the new one")
	// ErrRootInside says that root.key is in use, which a rotation replaces by itself.
	ErrRootInside = errors.New("the root key is root.key in the folder: a rotation makes the new one itself")
	// ErrSameRoot says that the new root key is the old one.
	ErrSameRoot = errors.New("the new root key is the old one")
)

// RotateRoot puts a new root key in place of the present one and wraps every live bucket key by it. The
// database is not touched: bucket keys stay what they are, and so do the keys of MACs, small secrets and
// signatures. Where root.key is used, newRoot is empty and a random one is made; where the root key was
// handed in, newRoot is the next one (as in Options), and every process must be started with it from now
// on: those that run refuse with ErrRotated.
//
// What was copied before the rotation still opens under the old root key, so the old one has to be
// destroyed wherever it is kept.
//
// If the process dies here, the old key is in force until the one rename, and the new key from then on.
func (s *Store) RotateRoot(newRoot []byte) (Rotation, error) {
	var done Rotation
	err := s.exclusive(func() error {
		root, err := s.nextRootKey(newRoot)
		if err != nil {
			return err
		}
		defer clear(root)
		next := &slots{epoch: s.slots.epoch + 1, box: s.rootBox(root, "slot")}
		done = Rotation{Epoch: next.epoch}
		path, err := s.writeRotated(root, next, &done)
		if err != nil {
			return err
		}
		defer os.Remove(path) // no longer there once renamed
		return s.exchange(path, root)
	})
	if err != nil {
		return Rotation{}, fmt.Errorf("rotate root key: %w", err)
	}
	return done, nil
}

// nextRootKey takes the new root key, or makes it, and makes sure that it is another one.
func (s *Store) nextRootKey(newRoot []byte) (root []byte, err error) {
	switch {
	case s.given == nil && len(newRoot) > 0:
		return nil, ErrRootInside
	case s.given != nil && len(newRoot) == 0:
		return nil, ErrRootGiven
	case s.given == nil:
		// Behind a link the root key is kept apart, and its successor must not come to lie here.
		if info, err := os.Lstat(s.path(rootFile)); err != nil || !info.Mode().IsRegular() {
			return nil, errors.Join(ErrRootGiven, err)
		}
		root = make([]byte, rootSize)
		s.fill(root)
		return root, nil
	}
	if root, err = parseRoot(newRoot); err != nil {
		return nil, err
	}
	if hmac.Equal(root, s.given) {
		return nil, ErrSameRoot
	}
	return root, nil
}

// writeRotated writes the slots anew, wrapped for next, into a file beside them.
func (s *Store) writeRotated(root []byte, next *slots, done *Rotation) (path string, err error) {
	tmp, err := os.CreateTemp(s.dir, newFiles)
	if err != nil {
		return "", err
	}
	defer func() {
		if e := tmp.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	out := bufio.NewWriterSize(tmp, 1<<20)
	in := bufio.NewReaderSize(io.NewSectionReader(s.slots.file, slotSize, 1<<62), 1<<20)
	if _, err := out.Write(s.slotsHeader(root, next.epoch)); err != nil {
		return "", err
	}
	s.at("half written")
	for id := uint64(1); ; id++ {
		var sl slot
		n, err := io.ReadFull(in, sl[:])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return "", err
		}
		// A slot that was cut off by a crash goes over as it is.
		if n == slotSize && s.slotState(id, &sl) == Live {
			s.rewrapSlot(next, id, &sl, done)
		}
		if _, err := out.Write(sl[:n]); err != nil {
			return "", err
		}
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return tmp.Name(), tmp.Sync()
}

func (s *Store) rewrapSlot(next *slots, id uint64, sl *slot, done *Rotation) {
	key, err := s.unwrapSlot(s.slots, id, sl)
	if err != nil {
		done.Damaged++
		return
	}
	s.wrapSlot(next, id, sl, key[:])
	clear(key[:])
	done.Rewrapped++
}

// exchange puts the rotated slots and their root key into force. The rename of the slots is the moment:
// before it the key in root.key.next is void, after it that key is the one that opens them.
func (s *Store) exchange(path string, root []byte) error {
	s.at("slots written")
	if s.given == nil {
		if err := writeDurably(s.path(nextRoot), root); err != nil {
			return err
		}
		s.at("root written")
	}
	if err := os.Rename(path, s.path(slotsFile)); err != nil {
		return err
	}
	s.at("slots exchanged")
	if err := syncDir(s.dir); err != nil {
		return err
	}
	s.at("slots synced")
	if s.given != nil {
		s.given = bytes.Clone(root)
	} else if err := s.finishRoot(); err != nil {
		return err
	}
	return s.turn()
}

// finishRoot puts root.key.next in the place of root.key, whose bytes are overwritten first. That is no
// promise by the medium either, but costs nothing.
func (s *Store) finishRoot() error {
	if old, err := os.OpenFile(s.path(rootFile), os.O_WRONLY, 0); err == nil {
		noise := make([]byte, 2*rootSize) // it may be text
		s.fill(noise)
		_, err = old.WriteAt(noise, 0)
		if e := old.Sync(); err == nil {
			err = e
		}
		if e := old.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
		s.at("root overwritten")
	}
	if err := os.Rename(s.path(nextRoot), s.path(rootFile)); err != nil {
		return err
	}
	s.at("root exchanged")
	return syncDir(filepath.Clean(s.dir))
}
