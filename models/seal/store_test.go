package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestKeyStoreIsOpenedOrRefusedClearly(t *testing.T) {
	root := bytes.Repeat([]byte{7}, 32)
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		open  Options // Dir is filled in
		want  error
	}{
		{"as it was left", nothing, Options{}, nil},
		{"again with Create", nothing, Options{Create: true}, nil},
		{"with its root key as hexadecimal text", moveRoot, Options{Root: []byte("HEX\n")}, nil},
		{"with its root key from outside", moveRoot, Options{Root: []byte("RAW")}, nil},
		{"no folder", func(t *testing.T, dir string) { check(t, os.RemoveAll(dir)) }, Options{}, ErrNoStore},
		{"store.json lost", remove(metaFile), Options{}, ErrNoStore},
		{"store.json lost does not make a new store over the old keys", remove(metaFile), Options{Create: true}, ErrDamaged},
		{"store.json cut off", truncate(metaFile, 20), Options{}, ErrDamaged},
		{"root key lost", remove(rootFile), Options{}, ErrNoRoot},
		{"root key lost is not made anew", remove(rootFile), Options{Create: true}, ErrNoRoot},
		{"another root key from outside", nothing, Options{Root: root}, ErrWrongRoot},
		{"half a root key", truncate(rootFile, 16), Options{}, ErrWrongRoot},
		{"root key open to all", func(t *testing.T, dir string) { check(t, os.Chmod(filepath.Join(dir, rootFile), 0o644)) }, Options{}, ErrRootExposed},
		{"slots lost", remove(slotsFile), Options{}, ErrNoSlots},
		{"slots lost are not made anew", remove(slotsFile), Options{Create: true}, ErrNoSlots},
		{"slots cut off in their header", truncate(slotsFile, 100), Options{}, ErrDamaged},
		{"one bit of the header flipped", func(t *testing.T, dir string) {
			path := filepath.Join(dir, slotsFile)
			b, err := os.ReadFile(path)
			check(t, err)
			b[50] ^= 1
			check(t, os.WriteFile(path, b, 0o600))
		}, Options{}, ErrDamaged},
		{"slots of another store", func(t *testing.T, dir string) {
			other := newTestStore(t)
			b, err := os.ReadFile(other.path(slotsFile))
			check(t, err)
			check(t, os.WriteFile(filepath.Join(dir, slotsFile), b, 0o600))
		}, Options{}, ErrDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			s := reopen(t, Options{Dir: dir, Create: true})
			bucket := newBuckets(t, s, 1)[0]
			sealed := mustSeal(t, s, bucket, AAD{Record: 1}, []byte(talk))
			own, err := os.ReadFile(filepath.Join(dir, rootFile))
			check(t, err)
			tt.spoil(t, dir)

			tt.open.Dir = dir
			switch string(tt.open.Root) {
			case "RAW":
				tt.open.Root = own
			case "HEX\n":
				tt.open.Root = append(hex.AppendEncode(nil, own), '\n')
			}
			again, err := OpenStore(tt.open)
			if !errors.Is(err, tt.want) {
				t.Fatalf("open = %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			defer again.Close()
			if got, err := again.Open(bucket, AAD{Record: 1}, sealed); err != nil || string(got) != talk {
				t.Errorf("opened %q, %v", got, err)
			}
			if again.ID() != s.ID() {
				t.Errorf("id changed from %s to %s", s.ID(), again.ID())
			}
		})
	}
}

func TestFolderIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := reopen(t, Options{Dir: dir, Create: true})
	if _, err := s.Signer("qingdang.local/audit"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 6 { // store.json, root.key, buckets.slots, backups.json, lock, the signer
		t.Errorf("files = %v", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		check(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	info, err := os.Stat(dir)
	check(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v", info.Mode())
	}
}

func TestRootGivenFromOutsideIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	reopen(t, Options{Dir: dir, Create: true, Root: bytes.Repeat([]byte{7}, 32)})
	if _, err := os.Stat(filepath.Join(dir, rootFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("root.key: %v", err)
	}
	if _, err := OpenStore(Options{Dir: dir}); !errors.Is(err, ErrNoRoot) {
		t.Errorf("without it: %v, want %v", err, ErrNoRoot)
	}
}

// A first start that dies before store.json is written goes on at the next one.
func TestCreationCutShortGoesOn(t *testing.T) {
	for _, lost := range [][]string{{metaFile}, {metaFile, slotsFile}, {metaFile, slotsFile, rootFile}} {
		dir := t.TempDir()
		reopen(t, Options{Dir: dir, Create: true})
		for _, name := range lost {
			remove(name)(t, dir)
		}
		s := reopen(t, Options{Dir: dir, Create: true})
		mustSeal(t, s, newBuckets(t, s, 1)[0], AAD{Record: 1}, nil)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func nothing(*testing.T, string) {}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { check(t, os.Remove(filepath.Join(dir, name))) }
}

func moveRoot(t *testing.T, dir string) { remove(rootFile)(t, dir) }

func truncate(name string, size int64) func(*testing.T, string) {
	return func(t *testing.T, dir string) { check(t, os.Truncate(filepath.Join(dir, name), size)) }
}
