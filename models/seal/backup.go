package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A backup is one file:
//
//	line 1    qingdang key store backup 1
//	line 2    JSON: store, epoch of the root key, when made, when it ends, names and sizes of the files
//	then      the files of line 2, one after the other
//	at last   HMAC-SHA-256 over all before, 32 bytes
//
// The slots and signing keys in it are sealed as they are in the folder. The root key is never in it.
const (
	backupFirst   = "qingdang key store backup %d"
	backupVersion = 1
	backupSuffix  = ".keybackup"
	backupHeadMax = 64 << 10 // first two lines: a signing key more is 60 bytes more
)

type backupHead struct {
	Store     string       `json:"store"`
	Epoch     uint32       `json:"epoch"`
	MadeAt    time.Time    `json:"made_at"`
	ExpiresAt time.Time    `json:"expires_at"`
	Files     []backupFile `json:"files"`
}

type backupFile struct {
	Name string `json:"name"`
	Size int    `json:"size"`
	data []byte
}

// file gives the content of one file, nil if it is not there.
func (h *backupHead) file(name string) []byte {
	for _, f := range h.Files {
		if f.Name == name {
			return f.data
		}
	}
	return nil
}

// Backup writes everything but the root key into one new file in dir and enters it into the register. It
// can be restored until it ends, after the store's number of days. It returns ErrBeside for a folder
// inside the key store.
//
// If the process dies here the register names a file that is not there, or not whole: that is harmless.
func (s *Store) Backup(dir string, now time.Time) (Backup, error) {
	b := Backup{MadeAt: second(now)}
	b.ExpiresAt = b.MadeAt.Add(time.Duration(s.days) * day)
	err := s.outside(dir)
	if err == nil {
		err = s.exclusive(func() (err error) {
			if b.File, err = s.backupName(dir, b.MadeAt); err != nil {
				return err
			}
			content, err := s.backupContent(b)
			if err != nil {
				return err
			}
			if err := s.registered(b.File, now, func(r *Backup) { *r = b }); err != nil {
				return err
			}
			return writeDurably(b.File, content)
		})
	}
	if err != nil {
		return Backup{}, fmt.Errorf("back up key store: %w", err)
	}
	return b, nil
}

// outside makes dir and refuses one that is the key store folder or lies in it.
func (s *Store) outside(dir string) error {
	if dir == "" {
		return errors.New("no folder given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	to, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return err
	}
	own, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return err
	}
	if own, err = filepath.Abs(own); err != nil {
		return err
	}
	if rel, err := filepath.Rel(own, to); err == nil && filepath.IsLocal(rel) {
		return ErrBeside
	}
	return nil
}

// backupName finds a name that is not taken; the lock of the folder keeps others from taking it.
func (s *Store) backupName(dir string, at time.Time) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	stem := filepath.Join(dir, fmt.Sprintf("qingdang-keys-%s-%s", s.meta.ID[:8], at.Format("20060102T150405Z")))
	name := stem + backupSuffix
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		} else if err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, backupSuffix)
	}
}

func (s *Store) backupContent(b Backup) ([]byte, error) {
	head := backupHead{Store: s.meta.ID, Epoch: s.slots.epoch, MadeAt: b.MadeAt, ExpiresAt: b.ExpiresAt}
	signers, err := filepath.Glob(s.path(signerPrefix + "*" + signerSuffix))
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	for _, path := range append([]string{s.path(metaFile), s.path(slotsFile)}, signers...) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		head.Files = append(head.Files, backupFile{Name: filepath.Base(path), Size: len(data)})
		files.Write(data)
	}
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, backupFirst+"\n%s\n", backupVersion, line)
	out = append(out, files.Bytes()...)
	return append(out, s.backupSum(out)...), nil
}

func (s *Store) backupSum(content []byte) []byte {
	h := hmac.New(sha256.New, s.derive("backup", "", sha256.Size))
	h.Write(content)
	return h.Sum(nil)
}

// readBackup takes a backup file apart. Nothing in it is to be believed before its code was checked.
func readBackup(content []byte) (backupHead, error) {
	head, rest, err := readBackupHead(content)
	if err != nil {
		return head, err
	}
	if len(rest) < sha256.Size {
		return head, ErrDamaged
	}
	rest = rest[:len(rest)-sha256.Size]
	for i := range head.Files {
		f := &head.Files[i]
		if f.Size < 0 || f.Size > len(rest) || f.Name != filepath.Base(f.Name) {
			return head, ErrDamaged
		}
		f.data, rest = rest[:f.Size], rest[f.Size:]
	}
	if len(rest) > 0 {
		return head, ErrDamaged
	}
	return head, nil
}

func readBackupHead(content []byte) (head backupHead, rest []byte, err error) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	var version int
	if n, _ := fmt.Sscanf(string(first), backupFirst, &version); n != 1 {
		return head, nil, ErrNoBackup
	}
	if version != backupVersion {
		return head, nil, &FormatError{What: "key store backup", Got: version}
	}
	line, rest, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || json.Unmarshal(line, &head) != nil {
		return head, nil, ErrDamaged
	}
	return head, rest, nil
}
