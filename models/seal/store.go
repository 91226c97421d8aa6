package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
// folder open: what one destroys no other opens any more.
type Store struct {
	dir   string
	id    [16]byte
	meta  meta
	suite Suite
	days  int
	now   func() time.Time

	root    []byte
	slotBox *box
	slotKey []byte
	macs    sync.Map // purpose → *sync.Pool of hash.Hash
	smalls  sync.Map // purpose → *box

	writing sync.Mutex // flock is per open file: it does not keep the goroutines of one Store apart
	lock    *os.File
	slots   *os.File

	caching sync.RWMutex
	cache   map[uint64]cached

	random func([]byte) // set by tests only; nil is the system's generator
}

// OpenStore opens the key store at o.Dir. It returns ErrNoStore when none is there, ErrNoRoot,
// ErrWrongRoot or ErrRootExposed when the root key is at fault, and ErrDamaged when a file is missing
// or altered.
func OpenStore(o Options) (*Store, error) {
	s := newStore(o)
	if err := s.open(o); err != nil {
		s.Close()
		return nil, fmt.Errorf("open key store %s: %w", o.Dir, err)
	}
	return s, nil
}

func newStore(o Options) *Store {
	s := &Store{dir: o.Dir, suite: o.Suite, days: o.BackupDays, now: o.Now, cache: map[uint64]cached{}}
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
	if o.Create {
		if err := s.create(o.Root); err != nil {
			return err
		}
	}
	return s.load(o.Root)
}

// load reads store.json and the root key, checks one against the other, and opens the slots.
func (s *Store) load(root []byte) error {
	var err error
	if s.meta, err = readMeta(s.path(metaFile)); err != nil {
		return err
	}
	if n, err := hex.Decode(s.id[:], []byte(s.meta.ID)); err != nil || n != len(s.id) {
		return ErrDamaged
	}
	if s.root, err = s.readRoot(root); err != nil {
		return err
	}
	if !s.rootFits() {
		return ErrWrongRoot
	}
	s.slotBox = newBox((*[dataKeySize]byte)(s.derive("slot box", "", dataKeySize)))
	s.slotKey = s.derive("slot checksum", "", sha256.Size)
	if s.lock == nil {
		if s.lock, err = os.OpenFile(s.path(lockFile), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return err
		}
	}
	if err := s.openSlots(); err != nil {
		return err
	}
	return s.noteLife()
}

// Close releases the files and drops the unwrapped bucket keys. Buckets taken from the store keep theirs.
func (s *Store) Close() error {
	s.forget()
	var err error
	for _, f := range []*os.File{s.slots, s.lock} {
		if f != nil {
			if e := f.Close(); err == nil {
				err = e
			}
		}
	}
	return err
}

// ID is the random identity of the key store. A database keeps it, so that it is noticed when the two
// do not belong together.
func (s *Store) ID() string { return s.meta.ID }

// derive makes a sub-key of the root by HKDF-SHA-256 (RFC 5869), salted with the store id. class is a
// constant of this package and purpose the caller's, so that no purpose reaches into another class.
func (s *Store) derive(class, purpose string, size int) []byte {
	key, err := hkdf.Key(sha256.New, s.root, s.id[:], "qingdang/seal/1/"+class+"\x00"+purpose, size)
	if err != nil {
		panic(err) // only for sizes beyond 255 hashes
	}
	return key
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
