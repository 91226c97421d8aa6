package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Restoring says what is restored, and what must not come back with it.
type Restoring struct {
	File       string // the backup
	Store      string // the id of the store that the database was written with
	BackupRoot []byte // the root key of the backup's time, where it was rotated since
	Now        time.Time
	Dead       []uint64 // the buckets that the database knows as destroyed
	Last       uint64   // the highest bucket that the database knows: its id is never used again
}

// Restored is what a restore did. No key is counted twice.
type Restored struct {
	Backup   Backup
	Epoch    uint32 // of the root key in force
	Brought  int    // live buckets that came out of the backup
	Kept     int    // live buckets that the folder had, which is newer than any backup
	Entombed int    // live in the backup, destroyed since: they stay destroyed
}

// Restore puts the keys of a backup into the key store folder o.Dir. What is still there and whole is kept,
// what is missing or damaged comes from the backup, and what was destroyed since the backup stays
// destroyed, be it by the word of the folder or of the database. The root key must be in its place.
//
// It returns ErrNoBackup, a FormatError or ErrDamaged for a file that is no whole backup, ErrOtherStore
// when backup, folder and database do not belong together, an ExpiredError when the backup has
// ended, ErrBackupRoot when the root key is not the backup's, and ErrNoRoot, ErrRootExposed or ErrWrongRoot
// when it is not the folder's. Nothing is changed then. If the process dies here, restoring again goes on.
func Restore(o Options, r Restoring) (Restored, error) {
	s := newStore(o)
	defer s.Close()
	done, err := s.restore(o, r)
	if err != nil {
		return Restored{}, fmt.Errorf("restore key store from %s: %w", r.File, err)
	}
	return done, nil
}

// ExpiredError says that a backup has ended.
type ExpiredError struct{ At time.Time }

// Error tells when.
func (e *ExpiredError) Error() string {
	return "key store backup ended at " + e.At.UTC().Format(time.RFC3339)
}

// source is an opened backup.
type source struct {
	head  backupHead
	slots slots // without a file: epoch and key of the backup's root
	bytes []byte
}

func (s *Store) restore(o Options, r Restoring) (done Restored, err error) {
	if len(o.Root) > 0 {
		if s.given, err = parseRoot(o.Root); err != nil {
			return done, err
		}
	}
	from, err := s.openBackup(r)
	if err != nil {
		return done, err
	}
	if !r.Now.Before(from.head.ExpiresAt) {
		return done, &ExpiredError{from.head.ExpiresAt}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return done, err
	}
	if err := s.openLock(os.O_CREATE); err != nil {
		return done, err
	}
	err = s.locked(func() error {
		done, err = s.merge(from, r)
		return err
	})
	path, _ := filepath.Abs(r.File)
	done.Backup = Backup{File: path, MadeAt: from.head.MadeAt, ExpiresAt: from.head.ExpiresAt}
	return done, err
}

// openBackup reads a backup and checks every byte of it under its root key, which also gives the store's
// secret.
func (s *Store) openBackup(r Restoring) (*source, error) {
	content, err := os.ReadFile(r.File)
	if err != nil {
		return nil, err
	}
	from := &source{}
	if from.head, err = readBackup(content); err != nil {
		return nil, err
	}
	if r.Store != "" && from.head.Store != r.Store {
		return nil, ErrOtherStore
	}
	if n, err := hex.Decode(s.id[:], []byte(from.head.Store)); err != nil || n != len(s.id) {
		return nil, ErrDamaged
	}
	if from.bytes = from.head.file(slotsFile); len(from.bytes) < slotSize {
		return nil, ErrDamaged
	}
	root := r.BackupRoot
	if len(root) > 0 {
		root, err = parseRoot(root)
	} else {
		root, err = s.ownRoot()
	}
	if err != nil {
		return nil, err
	}
	if err := s.openHeader(&from.slots, (*slot)(from.bytes), root); errors.Is(err, ErrWrongRoot) {
		return nil, ErrBackupRoot
	} else if err != nil {
		return nil, err
	}
	sum := content[len(content)-sha256.Size:]
	if !hmac.Equal(sum, s.backupSum(content[:len(content)-len(sum)])) {
		return nil, ErrDamaged
	}
	return from, nil
}

// ownRoot is the root key that the restored store will have.
func (s *Store) ownRoot() ([]byte, error) {
	if s.given != nil {
		return s.given, nil
	}
	return s.readRoot(rootFile)
}

// merge writes the folder anew, under its lock. The rename of the slots is the moment; what is written
// before it does not change what the folder says.
func (s *Store) merge(from *source, r Restoring) (done Restored, err error) {
	var newer *FormatError
	if m, err := readMeta(s.path(metaFile)); errors.As(err, &newer) {
		return done, err
	} else if err == nil && m.ID != from.head.Store {
		return done, ErrOtherStore
	}
	old, oldBytes, err := s.present()
	if err != nil {
		return done, err
	}
	head := oldBytes
	if old == nil { // nothing here whose header opens: the backup's is taken, or one for another root key
		old = &slots{epoch: from.slots.epoch, box: from.slots.box}
		head = from.bytes
		if len(r.BackupRoot) > 0 {
			root, err := s.ownRoot()
			if err != nil {
				return done, err
			}
			old = &slots{epoch: from.slots.epoch + 1, box: s.rootBox(root, "slot")}
			head = s.slotsHeader(root, old.epoch)
		}
	}
	content := append(slices.Clone(head[:slotSize]), s.mergeSlots(old, oldBytes, from, r, &done)...)
	done.Epoch = old.epoch
	if err := s.restoreSigners(from); err != nil {
		return done, err
	}
	if err := s.restoreRegister(from, r); err != nil {
		return done, err
	}
	if err := writeDurably(s.path(slotsFile), content); err != nil {
		return done, err
	}
	if _, err := readMeta(s.path(metaFile)); err == nil {
		return done, nil
	}
	return done, writeDurably(s.path(metaFile), from.head.file(metaFile))
}

// restoreSigners brings back the signing keys that are missing or do not open. One that opens stays: what
// it signed since the backup must still verify.
func (s *Store) restoreSigners(from *source) error {
	for _, f := range from.head.Files {
		if !strings.HasPrefix(f.Name, signerPrefix) {
			continue
		}
		name, err := signerName(f.Name)
		if err != nil {
			return ErrDamaged
		}
		own, err := os.ReadFile(s.path(f.Name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, err := s.OpenSmall(signerPurpose, []byte(name), own); err == nil {
			continue
		}
		if err := writeDurably(s.path(f.Name), f.data); err != nil {
			return err
		}
	}
	return nil
}

// restoreRegister keeps the register that is there. A lost one is not brought back: it would not know the
// backups made since, so the longest life is assumed.
func (s *Store) restoreRegister(from *source, r Restoring) error {
	if _, found, err := s.readRegister(); err != nil || found {
		return err
	}
	path, err := filepath.Abs(r.File)
	if err != nil {
		return err
	}
	return s.registered(path, r.Now, func(b *Backup) { b.MadeAt, b.ExpiresAt = from.head.MadeAt, from.head.ExpiresAt })
}
