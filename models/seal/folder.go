package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The files of a key store. signer-<name>.key files stand beside them.
const (
	metaFile  = "store.json"
	rootFile  = "root.key"
	nextRoot  = "root.key.next" // during a rotation only
	slotsFile = "buckets.slots"
	lockFile  = "lock"

	signerPrefix = "signer-"
	signerSuffix = ".key"
	newFiles     = ".new-*" // being written

	storeFormat = 2
	rootSize    = 32
	secretSize  = 32
)

// meta is store.json. It is written last and never again: a folder without it is not a key store yet.
type meta struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
}

func readMeta(path string) (meta, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return meta{}, ErrNoStore
	}
	if err != nil {
		return meta{}, err
	}
	var m meta
	if json.Unmarshal(b, &m) != nil {
		return meta{}, ErrDamaged
	}
	if m.Format != storeFormat {
		return meta{}, &FormatError{What: "store format", Got: m.Format}
	}
	return m, nil
}

// readRoot reads a root key in the folder.
func (s *Store) readRoot(name string) ([]byte, error) {
	info, err := os.Stat(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoRoot
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrRootExposed
	}
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		return nil, err
	}
	return parseRoot(b)
}

// parseRoot takes 32 raw bytes or 64 hexadecimal digits, for secrets that can only be handed on as text.
func parseRoot(b []byte) ([]byte, error) {
	if len(b) == rootSize {
		return bytes.Clone(b), nil
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(b)))
	if err != nil || len(key) != rootSize {
		return nil, ErrWrongRoot
	}
	return key, nil
}

// create makes what is missing of a new key store, under the lock that keeps two first starts apart.
// If the process dies here the next start goes on: only store.json, written last, makes it a store.
func (s *Store) create() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.openLock(os.O_CREATE); err != nil {
		return err
	}
	return s.locked(func() error {
		if _, err := os.Stat(s.path(metaFile)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// Slots without store.json are a store that lost it. A new one on top would bury its keys.
		if info, err := os.Stat(s.path(slotsFile)); err == nil && info.Size() > slotSize {
			return ErrDamaged
		}
		return s.createFiles()
	})
}

func (s *Store) createFiles() error {
	root := s.given
	if root == nil {
		_, err := os.Stat(s.path(rootFile))
		if errors.Is(err, fs.ErrNotExist) {
			root = make([]byte, rootSize)
			s.fill(root)
			err = writeDurably(s.path(rootFile), root)
		}
		if err != nil {
			return err
		}
		if root, err = s.readRoot(rootFile); err != nil {
			return err
		}
	}
	if err := syncDir(filepath.Dir(filepath.Clean(s.dir))); err != nil { // the folder itself may be new
		return err
	}
	s.fill(s.id[:])
	secret := make([]byte, secretSize)
	s.fill(secret)
	s.keep(secret)
	if err := s.writeRegister(register{Lives: []life{{Days: s.days}}}); err != nil {
		return err
	}
	if err := writeDurably(s.path(slotsFile), s.slotsHeader(root, 1)); err != nil {
		return err
	}
	return s.writeMeta(meta{Format: storeFormat, ID: hex.EncodeToString(s.id[:]), Created: second(s.now())})
}

func (s *Store) writeMeta(m meta) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeDurably(s.path(metaFile), append(b, '\n'))
}

// writeDurably writes a small secret file so that after a crash it is there whole or not at all.
func writeDurably(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), newFiles) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // no longer there once renamed
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
