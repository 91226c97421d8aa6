package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCensus(t *testing.T) {
	s := newTestStore(t)
	count := func(want Census, last uint64) {
		t.Helper()
		c, err := s.Census()
		if err != nil || c != want {
			t.Errorf("census = %+v, %v, want %+v", c, err, want)
		}
		if n, err := s.Last(); err != nil || n != last {
			t.Errorf("last = %d, %v, want %d", n, err, last)
		}
	}
	count(Census{Epoch: 1}, 0)
	live(t, s)
	count(Census{Epoch: 1, Live: 2, Destroyed: 1, Damaged: 1}, 4)
	newBuckets(t, s, 2000)
	_, err := s.RotateRoot(nil)
	check(t, err)
	count(Census{Epoch: 2, Live: 2002, Destroyed: 1, Damaged: 1}, 2004)
	check(t, os.Truncate(s.path(slotsFile), 3*slotSize+5))
	count(Census{Epoch: 2, Live: 1, Destroyed: 1, Damaged: 1}, 3)
}

func TestWhereTheRootKeyIs(t *testing.T) {
	root := bytes.Repeat([]byte{7}, 32)
	apart := filepath.Join(t.TempDir(), "root")
	for _, tt := range []struct {
		name   string
		open   func() *Store
		path   func(*Store) string
		beside bool
	}{
		{"in the folder", func() *Store { return newTestStore(t) }, func(s *Store) string { return s.path(rootFile) }, true},
		{"handed in", func() *Store { return reopen(t, Options{Dir: t.TempDir(), Create: true, Root: root}) }, func(*Store) string { return "" }, false},
		{"handed in, and a copy forgotten in the folder", func() *Store {
			s := reopen(t, Options{Dir: t.TempDir(), Create: true, Root: root})
			check(t, os.WriteFile(s.path(rootFile), root, 0o600))
			return s
		}, func(*Store) string { return "" }, true},
		{"behind a link", func() *Store {
			s := newTestStore(t)
			check(t, os.Rename(s.path(rootFile), apart))
			check(t, os.Symlink(apart, s.path(rootFile)))
			return reopen(t, Options{Dir: s.dir})
		}, func(*Store) string { return apart }, false},
	} {
		s := tt.open()
		path, beside, err := s.Root()
		if err != nil || path != tt.path(s) || beside != tt.beside {
			t.Errorf("%s: %q, beside %v, %v", tt.name, path, beside, err)
		}
	}
}
