package export

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/age"

	"qingdang/models/audit/proof"
	"qingdang/models/export/aeszip"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// most bounds manifest.json when it is read.
const most = 16 << 20

// IsZip tells by its first bytes whether a file that was given out is an archive that ordinary tools open: it
// is for UnpackZip, and every other one for Unpack.
func IsZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// Unpack opens a file that was given out into a new folder and looks whether all in it is as its
// manifest says: every file's hash, and the list's root. It needs no database. The fault is a conflict
// when the folder is there, forbidden for a wrong secret, and invalid, with the name, for what
// does not fit; then the folder is removed again.
func Unpack(src io.ReaderAt, size int64, keys []age.Identity, dir string) (*Manifest, error) {
	plain, length, err := age.DecryptReaderAt(src, size, keys...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Forbidden("export.open_wrong_key"), err)
	}
	z, err := zip.NewReader(plain, length)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Forbidden("export.open_wrong_key"), err)
	}
	return unpack(z, dir, (*zip.File).Open)
}

// UnpackZip is Unpack for an archive that ordinary tools open. An archive that nobody sealed is invalid.
func UnpackZip(src io.ReaderAt, size int64, passphrase, dir string) (*Manifest, error) {
	z, err := zip.NewReader(src, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid("export.open_cut"), err)
	}
	return unpack(z, dir, func(f *zip.File) (io.ReadCloser, error) {
		r, err := aeszip.Open(f, passphrase)
		switch {
		case errors.Is(err, aeszip.ErrPassword), errors.Is(err, aeszip.ErrChanged):
			err = fmt.Errorf("%w: %w", fault.Forbidden("export.open_wrong_key"), err)
		case errors.Is(err, aeszip.ErrOther):
			err = fmt.Errorf("%w: %w", fault.Invalid("export.open_other_zip"), err)
		}
		return r, err
	})
}

func unpack(z *zip.Reader, dir string, open func(*zip.File) (io.ReadCloser, error)) (m *Manifest, err error) {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, os.ErrExist) {
		return nil, fault.Conflict("export.open_there", dir)
	} else if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	sums := map[string]ManifestFile{}
	for _, f := range z.File {
		if f.Name != filepath.Base(f.Name) || !filepath.IsLocal(f.Name) || f.FileInfo().IsDir() {
			return nil, fault.Invalid("export.open_changed", strconv.Quote(f.Name))
		}
		if sums[f.Name], err = unpackOne(f, open, filepath.Join(dir, f.Name)); err != nil {
			return nil, err
		}
	}
	return compare(dir, sums)
}

func unpackOne(f *zip.File, open func(*zip.File) (io.ReadCloser, error), to string) (ManifestFile, error) {
	r, err := open(f)
	if err != nil {
		return ManifestFile{}, err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return ManifestFile{}, err
	}
	sum := newTally(w)
	_, err = io.Copy(sum, r)
	err = errors.Join(err, w.Close())
	return ManifestFile{Name: f.Name, Bytes: sum.n, SHA256: hex.EncodeToString(sum.hash.Sum(nil))}, err
}

// compare holds what was unpacked against the manifest.
func compare(dir string, sums map[string]ManifestFile) (*Manifest, error) {
	f, err := os.Open(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return nil, fault.Invalid("export.open_changed", "manifest.json")
	}
	defer f.Close()
	var m Manifest
	if err := json.NewDecoder(io.LimitReader(f, most)).Decode(&m); err != nil {
		return nil, fault.Invalid("export.open_changed", "manifest.json")
	}
	known := map[string]bool{"manifest.json": true, "README.txt": true}
	for _, want := range append([]ManifestFile{m.List}, m.Files...) {
		got := sums[want.Name]
		known[want.Name] = true
		if got.SHA256 != want.SHA256 || got.Bytes != want.Bytes {
			return nil, fault.Invalid("export.open_changed", want.Name)
		}
	}
	for name := range sums {
		if !known[name] {
			return nil, fault.Invalid("export.open_changed", strconv.Quote(name))
		}
	}
	root, n, err := listRoot(filepath.Join(dir, m.List.Name))
	if err != nil || root != m.Root || n != m.Listed {
		return nil, fault.Invalid("export.open_changed", m.List.Name)
	}
	return &m, nil
}

// listRoot computes the root of a list that was given out.
func listRoot(name string) (root string, n int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	var lines proof.Lines
	for first := true; ; first = false {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			sum := lines.Root()
			return hex.EncodeToString(sum[:]), lines.Size(), nil
		}
		if err != nil {
			return "", 0, err
		}
		if first {
			continue
		}
		it, err := itemOf(rec)
		if err != nil {
			return "", 0, err
		}
		lines.Add(it.line())
	}
}

// itemOf reads a line of manifest.csv.
func itemOf(rec []string) (it Item, err error) {
	if len(rec) < 6 {
		return it, errors.New("a line of the list is too short")
	}
	it.Code = strings.TrimPrefix(rec[1], "'")
	var errs [5]error
	var version uint64
	it.Seq, errs[0] = strconv.ParseInt(rec[0], 10, 64)
	it.ConversationID, errs[1] = id.Parse[id.Conversation](rec[2])
	version, errs[2] = strconv.ParseUint(rec[3], 10, 32)
	it.Version = uint32(version)
	it.Digest, errs[3] = hex.DecodeString(rec[4])
	it.DepartmentID, errs[4] = id.Parse[id.Department](rec[5])
	return it, errors.Join(errs[:]...)
}
