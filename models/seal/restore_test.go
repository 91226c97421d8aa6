package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// backedUp is a lived-in store with a backup of it, and what happened since.
type backedUp struct {
	*lived
	store  *Store
	root   []byte // of the time of the backup
	backup Backup
	newer  uint64 // a bucket made since, destroyed is ids[0]
	sealed Sealed
}

func backUp(t testing.TB) *backedUp {
	t.Helper()
	s := reopen(t, Options{Dir: filepath.Join(t.TempDir(), "keys"), Create: true, Now: func() time.Time { return noon }})
	b := &backedUp{lived: live(t, s), store: s}
	var err error
	b.root, err = os.ReadFile(s.path(rootFile))
	check(t, err)
	b.backup = backup(t, s, t.TempDir(), noon)
	b.newer = newBuckets(t, s, 1)[0]
	b.sealed = mustSeal(t, s, b.newer, livedAAD, []byte(talk))
	check(t, s.Destroy(b.ids[0]))
	return b
}

func (b *backedUp) restoring() Restoring {
	return Restoring{File: b.backup.File, Store: b.store.ID(), Now: noon.Add(day), Last: b.newer}
}

// opens compares which buckets open: those of the backup and the newer one.
func (b *backedUp) opens(s *Store, want ...bool) {
	b.t.Helper()
	for i, id := range append(b.ids[:4:4], b.newer) {
		sealed := append(b.lived.sealed[:4:4], b.sealed)[i]
		if _, err := s.Open(id, livedAAD, sealed); (err == nil) != want[i] {
			b.t.Errorf("bucket %d: %v, want it to open: %v", id, err, want[i])
		}
	}
}

func TestRestore(t *testing.T) {
	wipe := func(b *backedUp) {
		check(b.t, os.RemoveAll(b.store.dir))
		check(b.t, os.MkdirAll(b.store.dir, 0o700))
		check(b.t, os.WriteFile(b.store.path(rootFile), b.root, 0o600))
	}
	rotate := func(b *backedUp) {
		_, err := b.store.RotateRoot(nil)
		check(b.t, err)
	}
	header := func(b *backedUp) {
		_, err := b.store.slots.file.WriteAt([]byte{0xff}, int64(headerBox+3))
		check(b.t, err)
	}
	// Of the five buckets: the first was destroyed since the backup, the second before, the third is
	// damaged in the folder and in the backup, the fourth lives, the fifth is newer than the backup.
	tests := []struct {
		name string
		then func(b *backedUp, r *Restoring)
		want Restored
		open [5]bool
	}{
		{"over a whole store changes nothing", func(*backedUp, *Restoring) {}, Restored{Epoch: 1, Kept: 2, Entombed: 1}, [5]bool{3: true, 4: true}},
		{"after the folder was lost, and the database knows what was destroyed", func(b *backedUp, r *Restoring) {
			wipe(b)
			r.Dead = []uint64{b.ids[0], b.ids[1]}
		}, Restored{Epoch: 1, Brought: 1, Entombed: 1}, [5]bool{3: true}},
		{
			"after folder and database were lost, the backup is all that is known", func(b *backedUp, _ *Restoring) { wipe(b) },
			Restored{Epoch: 1, Brought: 2},
			[5]bool{0: true, 3: true},
		},
		{"after a slot was damaged", func(b *backedUp, _ *Restoring) {
			_, err := b.store.slots.file.WriteAt([]byte{0xff}, int64(b.ids[3])*slotSize+30)
			check(b.t, err)
		}, Restored{Epoch: 1, Brought: 1, Kept: 1, Entombed: 1}, [5]bool{3: true, 4: true}},
		{"after the header was damaged", func(b *backedUp, _ *Restoring) { header(b) }, Restored{Epoch: 1, Kept: 2, Entombed: 1}, [5]bool{3: true, 4: true}},
		{"after store.json and the signing key were lost", func(b *backedUp, _ *Restoring) {
			check(b.t, os.Remove(b.store.path(metaFile)))
			check(b.t, os.Remove(b.store.path("signer-qingdang.local%2Faudit.key")))
		}, Restored{Epoch: 1, Kept: 2, Entombed: 1}, [5]bool{3: true, 4: true}},
		{
			"after the file was cut off", func(b *backedUp, _ *Restoring) { check(b.t, os.Truncate(b.store.path(slotsFile), 2*slotSize)) },
			Restored{Epoch: 1, Brought: 1, Entombed: 1},
			[5]bool{3: true},
		},
		{
			"what the folder lets live the database knows better", func(b *backedUp, r *Restoring) { r.Dead = []uint64{b.ids[3]} },
			Restored{Epoch: 1, Kept: 1, Entombed: 2},
			[5]bool{4: true},
		},
		{"after the root key was rotated", func(b *backedUp, r *Restoring) {
			rotate(b)
			r.BackupRoot = b.root
		}, Restored{Epoch: 2, Kept: 2, Entombed: 1}, [5]bool{3: true, 4: true}},
		{"after the root key was rotated and the slots were lost", func(b *backedUp, r *Restoring) {
			rotate(b)
			check(b.t, os.Remove(b.store.path(slotsFile)))
			r.BackupRoot, r.Dead = b.root, []uint64{b.ids[0]}
		}, Restored{Epoch: 2, Brought: 1, Entombed: 1}, [5]bool{3: true}},
		{"after the root key was rotated and the header was damaged", func(b *backedUp, r *Restoring) {
			rotate(b)
			header(b)
			r.BackupRoot = b.root
		}, Restored{Epoch: 2, Kept: 2, Entombed: 1}, [5]bool{3: true, 4: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := backUp(t)
			b.t = t
			r := b.restoring()
			tt.then(b, &r)
			for round := range 2 { // a restore that was cut short is repeated
				got, err := Restore(Options{Dir: b.store.dir, Now: b.store.now}, r)
				check(t, err)
				want := tt.want
				want.Backup = b.backup
				if round == 0 && got != want {
					t.Errorf("restored %+v, want %+v", got, want)
				}
				s := reopen(t, Options{Dir: b.store.dir})
				b.opens(s, tt.open[:]...)
				b.opens(b.store, tt.open[:]...) // which was open all the time
				if next := newBuckets(t, s, 1)[0]; next <= b.newer {
					t.Errorf("bucket %d is given out again", next)
				}
				signer, err := s.Signer("qingdang.local/audit")
				check(t, err)
				if s.MAC("customer", []byte("a")) != b.mac || signer.Public() != b.public {
					t.Error("another MAC or signing key")
				}
				until, err := s.BackupsUntil(noon)
				check(t, err)
				if until.Before(b.backup.ExpiresAt) {
					t.Errorf("the backup is forgotten: %v", until)
				}
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	content := func(change func([]byte) []byte) func(b *backedUp, r *Restoring) {
		return func(b *backedUp, r *Restoring) {
			c, err := os.ReadFile(r.File)
			check(b.t, err)
			r.File = filepath.Join(b.t.TempDir(), "changed")
			check(b.t, os.WriteFile(r.File, change(c), 0o600))
		}
	}
	var expired *ExpiredError
	tests := []struct {
		name string
		then func(b *backedUp, r *Restoring)
		want error
	}{
		{"a file that is no backup", content(func([]byte) []byte { return []byte("PK\x03\x04") }), ErrNoBackup},
		{"a newer format", content(func(c []byte) []byte { return bytes.Replace(c, []byte("backup 1\n"), []byte("backup 2\n"), 1) }), &FormatError{"key store backup", 2}},
		{"a backup cut off", content(func(c []byte) []byte { return c[:len(c)-1] }), ErrDamaged},
		{"a backup with more at its end", content(func(c []byte) []byte { return append(c, 0) }), ErrDamaged},
		{"a later end written into it", content(func(c []byte) []byte {
			return bytes.Replace(c, []byte(`"expires_at":"2026`), []byte(`"expires_at":"2027`), 1)
		}), ErrDamaged},
		{"a backup of another store", func(b *backedUp, r *Restoring) { r.File = backUp(b.t).backup.File }, ErrOtherStore},
		{"a folder of another store", func(b *backedUp, r *Restoring) {
			other := backUp(b.t)
			r.File, r.Store, r.BackupRoot = other.backup.File, other.store.ID(), other.root
		}, ErrOtherStore},
		{"slots of another store", func(b *backedUp, r *Restoring) {
			other := backUp(b.t)
			r.File, r.Store, r.BackupRoot = other.backup.File, other.store.ID(), other.root
			check(b.t, os.Remove(b.store.path(metaFile)))
		}, ErrOtherStore},
		{"over a folder that a newer version wrote", func(b *backedUp, _ *Restoring) {
			check(b.t, os.WriteFile(b.store.path(metaFile), []byte(`{"format":9}`), 0o600))
		}, &FormatError{"store format", 9}},
		{"over slots that a newer version wrote", func(b *backedUp, _ *Restoring) {
			var head slot
			_, err := b.store.slots.file.ReadAt(head[:], 0)
			check(b.t, err)
			head[headerID-1] = '3'
			copy(head[headerSum:], headerDigest(&head))
			_, err = b.store.slots.file.WriteAt(head[:], 0)
			check(b.t, err)
		}, &FormatError{"slots format", 3}},
		{"at the instant of its end", func(b *backedUp, r *Restoring) { r.Now = b.backup.ExpiresAt }, expired},
		{"a root key that is missing", func(b *backedUp, _ *Restoring) { check(b.t, os.Remove(b.store.path(rootFile))) }, ErrNoRoot},
		{"a root key that is another", func(b *backedUp, r *Restoring) { r.BackupRoot = bytes.Repeat([]byte{9}, 32) }, ErrBackupRoot},
		{"a backup from before a rotation", func(b *backedUp, _ *Restoring) {
			_, err := b.store.RotateRoot(nil)
			check(b.t, err)
		}, ErrBackupRoot},
		{"whole slots whose root key is not here", func(b *backedUp, r *Restoring) {
			r.BackupRoot = b.root
			check(b.t, os.WriteFile(b.store.path(rootFile), bytes.Repeat([]byte{9}, 32), 0o600))
		}, ErrWrongRoot},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := backUp(t)
			b.t = t
			r := b.restoring()
			tt.then(b, &r)
			before := copyDir(t, b.store.dir)
			_, err := Restore(Options{Dir: b.store.dir}, r)
			var format *FormatError
			switch {
			case tt.want == error(expired):
				if !errors.As(err, &expired) || !expired.At.Equal(b.backup.ExpiresAt) {
					t.Errorf("restore = %v", err)
				}
			case errors.As(tt.want, &format):
				if want := *format; !errors.As(err, &format) || *format != want {
					t.Errorf("restore = %v", err)
				}
			case !errors.Is(err, tt.want):
				t.Errorf("restore = %v, want %v", err, tt.want)
			}
			sameFiles(t, before, b.store.dir)
		})
	}
}

func sameFiles(t *testing.T, a, b string) {
	t.Helper()
	as, err := os.ReadDir(a)
	check(t, err)
	bs, err := os.ReadDir(b)
	check(t, err)
	if len(as) != len(bs) {
		t.Errorf("files %v, and %v", as, bs)
	}
	for _, e := range as {
		one, err := os.ReadFile(filepath.Join(a, e.Name()))
		check(t, err)
		two, err := os.ReadFile(filepath.Join(b, e.Name()))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s changed, %v", e.Name(), err)
		}
	}
}

// Every byte of a backup counts.
func TestAChangedBackupIsNotRestored(t *testing.T) {
	b := backUp(t)
	content, err := os.ReadFile(b.backup.File)
	check(t, err)
	r := b.restoring()
	r.File = filepath.Join(t.TempDir(), "changed")
	for at := range content {
		content[at] ^= 1
		check(t, os.WriteFile(r.File, content, 0o600))
		if _, err := Restore(Options{Dir: b.store.dir}, r); err == nil {
			t.Fatalf("restored with byte %d changed", at)
		}
		content[at] ^= 1
	}
}

// A copy of the folder is not bound by any program: until it ends, what it holds opens. That is why a
// certificate takes effect only when the last copy has ended.
func TestACopyByHandOpensWhatWasDestroyedSince(t *testing.T) {
	b := backUp(t)
	content, err := os.ReadFile(b.backup.File)
	check(t, err)
	head, err := readBackup(content)
	check(t, err)
	dir := t.TempDir()
	for _, f := range head.Files {
		check(t, os.WriteFile(filepath.Join(dir, f.Name), f.data, 0o600))
	}
	b.opens(reopen(t, Options{Dir: dir, Root: b.root}), true, false, false, true, false)
	until, err := b.store.BackupsUntil(noon.Add(time.Hour))
	check(t, err)
	if until.Before(b.backup.ExpiresAt) {
		t.Errorf("certified from %v on, while the copy lives until %v", until, b.backup.ExpiresAt)
	}
}
