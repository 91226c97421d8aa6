package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options say where the key store is and how it is used.
type Options struct {
	// Dir is the key store folder. Everything this package ever writes is in it. It must not lie in
	// the folder of the database, and must be on a local file system, since processes share it by flock.
	Dir string
	// Root is the root key where it is kept apart from the folder: 32 bytes, or 64 hexadecimal digits.
	// Empty means Dir/root.key.
	Root []byte
	// Create makes a new key store where none is. An existing one is opened and never overwritten.
	Create bool
	// Suite seals bodies whose AAD names none. Zero means Cascade.
	Suite Suite
	// BackupDays is how many days any copy of the folder may live, 1 to MaxBackupDays. Zero means
	// BackupDays of this package.
	BackupDays int
	// Now dates the slots. Nil means the clock of the host.
	Now func() time.Time
}

// Store is an open key store. It may be used by many goroutines, and many processes may have the same
// folder open: what one destroys no other opens any more, and when one rotates the root key the others
// go on with the new one, or refuse with ErrRotated where the root key was given to them.
type Store struct {
	dir   string
	id    [16]byte
	meta  meta
	suite Suite
	days  int
	now   func() time.Time

	given  []byte // the root key that was handed in; nil = root.key
	secret []byte // what outlives a rotation is derived from it
	sumKey []byte
	macs   sync.Map // purpose → *sync.Pool of hash.Hash
	smalls sync.Map // purpose → *box

	writing sync.Mutex // flock is per open file: it does not keep the goroutines of one Store apart
	lock    *os.File

	turning sync.RWMutex // held for reading while a slot is read
	slots   *slots       // the file in force when it was last looked

	caching sync.RWMutex
	cache   map[uint64]*cached

	random func([]byte) // set by tests only; nil is the system's generator
	halt   func(string) // set by tests only: where a process may be killed
}

// OpenStore opens the key store at o.Dir. It returns ErrNoStore when none is there, ErrNoRoot,
// ErrWrongRoot or ErrRootExposed when the root key is at fault, ErrNoSlots when the bucket keys are
// missing, and ErrDamaged when a file is altered.
func OpenStore(o Options) (*Store, error) {
	s := newStore(o)
	if err := s.open(o); err != nil {
		s.Close()
		return nil, fmt.Errorf("open key store %s: %w", o.Dir, err)
	}
	return s, nil
}

func newStore(o Options) *Store {
	s := &Store{dir: o.Dir, suite: o.Suite, days: o.BackupDays, now: o.Now, cache: map[uint64]*cached{}}
	if s.suite == 0 {
		s.suite = Cascade
	}
	if s.days == 0 {
		s.days = BackupDays
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

func (s *Store) open(o Options) error {
	if s.suite > Cascade {
		return &FormatError{What: "suite", Got: int(s.suite)}
	}
	if s.days < 1 || s.days > MaxBackupDays {
		return fmt.Errorf("%d days for backups, want 1 to %d", s.days, MaxBackupDays)
	}
	if len(o.Root) > 0 {
		var err error
		if s.given, err = parseRoot(o.Root); err != nil {
			return err
		}
	}
	if o.Create {
		if err := s.create(); err != nil {
			return err
		}
	}
	return s.load()
}

// load reads store.json and opens the slots with the root key, which must fit them.
func (s *Store) load() error {
	var err error
	if s.meta, err = readMeta(s.path(metaFile)); err != nil {
		return err
	}
	if n, err := hex.Decode(s.id[:], []byte(s.meta.ID)); err != nil || n != len(s.id) {
		return ErrDamaged
	}
	if s.lock == nil {
		if err := s.openLock(os.O_CREATE); err != nil {
			return err
		}
	}
	return s.exclusive(s.noteLife)
}

// Close releases the files and drops the unwrapped bucket keys. Buckets taken from the store keep theirs.
func (s *Store) Close() error {
	s.forget()
	s.writing.Lock()
	defer s.writing.Unlock()
	s.turning.Lock()
	defer s.turning.Unlock()
	var errs []error
	if s.slots != nil {
		errs = append(errs, s.slots.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// ID is the random identity of the key store. A database keeps it, so that it is noticed when the two
// do not belong together.
func (s *Store) ID() string { return s.meta.ID }

// Suite is what seals bodies whose AAD names none.
func (s *Store) Suite() Suite { return s.suite }

// derive makes a key of the store's secret. class is a constant of this package and purpose the
// caller's, so that no purpose reaches into another class.
func (s *Store) derive(class, purpose string, size int) []byte {
	return s.hkdf(s.secret, class+"\x00"+purpose, size)
}

// hkdf is HKDF-SHA-256 (RFC 5869), salted with the store id.
func (s *Store) hkdf(key []byte, info string, size int) []byte {
	out, err := hkdf.Key(sha256.New, key, s.id[:], "qingdang/seal/2/"+info, size)
	if err != nil {
		panic(err) // only for sizes beyond 255 hashes
	}
	return out
}

// at tells a test that the process has come to a point where dying must do no harm.
func (s *Store) at(step string) {
	if s.halt != nil {
		s.halt(step)
	}
}

// fill fills b with random bytes. The system's generator does not fail: crypto/rand ends the process
// before it would return too few.
func (s *Store) fill(b []byte) {
	if s.random != nil {
		s.random(b)
		return
	}
	rand.Read(b)
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }
