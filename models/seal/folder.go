package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
	slotsFile = "buckets.slots"
	lockFile  = "lock"

	signerFiles = "signer-*.key"

	storeFormat = 1
	rootSize    = 32
)

// meta is store.json. It is written last: a folder without it is not a key store yet.
type meta struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Epoch   uint32    `json:"epoch"` // of the root key
	Check   string    `json:"check"` // tells a wrong root key at once, instead of at the first record
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

func (s *Store) rootFits() bool {
	return hmac.Equal([]byte(s.rootCheck()), []byte(s.meta.Check))
}

func (s *Store) rootCheck() string {
	h := hmac.New(sha256.New, s.derive("check", "", sha256.Size))
	h.Write(binary.BigEndian.AppendUint32(nil, s.meta.Epoch))
	return base64.StdEncoding.EncodeToString(h.Sum(nil)[:16])
}

// readRoot takes the root key given, or else the one in the folder.
func (s *Store) readRoot(given []byte) ([]byte, error) {
	if len(given) > 0 {
		return parseRoot(given)
	}
	info, err := os.Stat(s.path(rootFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoRoot
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrRootExposed
	}
	b, err := os.ReadFile(s.path(rootFile))
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
func (s *Store) create(given []byte) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = os.OpenFile(s.path(lockFile), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	return s.exclusive(func() error {
		if _, err := os.Stat(s.path(metaFile)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// Slots without store.json are a store that lost it. A new one on top would bury its keys.
		if info, err := os.Stat(s.path(slotsFile)); err == nil && info.Size() > slotSize {
			return ErrDamaged
		}
		return s.createFiles(given)
	})
}

func (s *Store) createFiles(given []byte) error {
	_, err := os.Stat(s.path(rootFile))
	if len(given) == 0 && errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, rootSize)
		s.fill(key)
		if err := writeDurably(s.path(rootFile), key); err != nil {
			return err
		}
	}
	if s.root, err = s.readRoot(given); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(filepath.Clean(s.dir))); err != nil { // the folder itself may be new
		return err
	}
	s.fill(s.id[:])
	s.meta = meta{Format: storeFormat, ID: hex.EncodeToString(s.id[:]), Created: s.now().UTC().Truncate(time.Second), Epoch: 1}
	s.meta.Check = s.rootCheck()
	if err := s.writeRegister(register{Lives: []life{{Days: s.days}}}); err != nil {
		return err
	}
	if err := writeDurably(s.path(slotsFile), slotsHeader(s.id)); err != nil {
		return err
	}
	b, err := json.MarshalIndent(s.meta, "", "  ")
	if err != nil {
		return err
	}
	return writeDurably(s.path(metaFile), append(b, '\n'))
}

// writeDurably writes a small secret file so that after a crash it is there whole or not at all.
func writeDurably(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
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
