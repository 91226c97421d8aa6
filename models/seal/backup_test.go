package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func backup(t testing.TB, s *Store, dir string, at time.Time) Backup {
	t.Helper()
	b, err := s.Backup(dir, at)
	check(t, err)
	return b
}

func TestBackupsUntilIsTheEndOfTheLongestLivedCopy(t *testing.T) {
	tests := []struct {
		name string
		days []int // the setting at the first start, a day later, and so on
		made []int // backups, in hours after the first start, under the setting of that hour
		drop bool  // the first backup was removed at 30 h
		at   int
		want int
	}{
		{"without any backup an operator may still have copied the folder", []int{7}, nil, false, 0, 7 * 24},
		{"a backup ends before the copies that could still be made", []int{7}, []int{0}, false, 10, 7*24 + 10},
		{"a backup made under a longer life", []int{30, 1}, []int{0}, false, 48, 31 * 24},
		{"copies made under a longer life that was shortened later", []int{30, 1}, nil, false, 48, 31 * 24},
		{"before it was shortened", []int{30, 1}, nil, false, 20, 30*24 + 20},
		{"after it was lengthened", []int{1, 30}, nil, false, 25, 30*24 + 25},
		{"the lengthening comes later", []int{1, 30}, []int{26}, false, 20, 30*24 + 20}, // the setting of now is the least
		{"a backup made afterwards does not count", []int{30, 1}, []int{2, 40}, false, 1, 30*24 + 1},
		{"a life that was in force twice counts in between", []int{30, 1, 30, 1}, nil, false, 36, 31*24 + 12},
		{"a life that was in force twice counts to its last end", []int{30, 1, 30, 1}, nil, false, 100, 33 * 24},
		{"long after everything has ended", []int{30, 1}, []int{0}, false, 90 * 24, 91 * 24},
		{"a removed backup does not count, the copies do", []int{30, 1}, []int{0}, true, 31, 31 * 24},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, to := t.TempDir(), t.TempDir()
			var s *Store
			for i, days := range tt.days {
				start := noon.Add(hours(24 * i))
				s = reopen(t, Options{Dir: dir, Create: true, BackupDays: days, Now: func() time.Time { return start }})
				for _, at := range tt.made {
					if at/24 == i || at/24 > i && i == len(tt.days)-1 {
						backup(t, s, to, noon.Add(hours(at)))
					}
				}
			}
			if tt.drop {
				list, _, err := s.Backups()
				check(t, err)
				check(t, s.DropBackup(list[0], noon.Add(hours(30))))
			}
			got, err := s.BackupsUntil(noon.Add(hours(tt.at)))
			check(t, err)
			if want := noon.Add(hours(tt.want)); !got.Equal(want) {
				t.Errorf("until %v, want %v", got, want)
			}
		})
	}
}

// A register that is lost, or that somebody without the root key has changed, never shortens a life.
func TestALostRegisterAssumesTheLongestLife(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"removed": remove(registerFile),
		"cut off": truncate(registerFile, 30),
		"altered": func(t *testing.T, dir string) {
			path := filepath.Join(dir, registerFile)
			b, err := os.ReadFile(path)
			check(t, err)
			check(t, os.WriteFile(path, bytes.Replace(b, []byte(`"days":7`), []byte(`"days":1`), 1), 0o600))
		},
		"of another store": func(t *testing.T, dir string) {
			b, err := os.ReadFile(newTestStore(t).path(registerFile))
			check(t, err)
			check(t, os.WriteFile(filepath.Join(dir, registerFile), b, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			spoil(t, s.dir)
			want := noon.Add(MaxBackupDays * day)
			for _, store := range []*Store{s, reopen(t, Options{Dir: s.dir, Now: s.now}), reopen(t, Options{Dir: s.dir, Now: s.now})} {
				got, err := store.BackupsUntil(noon)
				check(t, err)
				_, lostAt, err := store.Backups()
				check(t, err)
				if !got.Equal(want) || !lostAt.Equal(noon) {
					t.Errorf("until %v, lost at %v", got, lostAt)
				}
			}
			b := backup(t, s, t.TempDir(), noon)
			list, lostAt, err := s.Backups()
			check(t, err)
			if len(list) != 1 || list[0] != b || !lostAt.Equal(noon) {
				t.Errorf("backups = %v, lost at %v", list, lostAt)
			}
		})
	}
}

func TestBackupHoldsEverythingButTheRootKey(t *testing.T) {
	s := newTestStore(t)
	_, err := s.Signer("qingdang.local/audit")
	check(t, err)
	newBuckets(t, s, 3)
	to := filepath.Join(t.TempDir(), "new", "folder")
	b := backup(t, s, to, noon.Add(300*time.Millisecond))
	if !b.MadeAt.Equal(noon) || !b.ExpiresAt.Equal(noon.Add(BackupDays*day)) {
		t.Errorf("made at %v, ends at %v", b.MadeAt, b.ExpiresAt)
	}
	content, err := os.ReadFile(b.File)
	check(t, err)
	root, err := os.ReadFile(s.path(rootFile))
	check(t, err)
	if bytes.Contains(content, root) {
		t.Error("the root key is in the backup")
	}
	head, err := readBackup(content)
	check(t, err)
	var names []string
	for _, f := range head.Files {
		own, err := os.ReadFile(s.path(f.Name))
		check(t, err)
		if !bytes.Equal(f.data, own) {
			t.Errorf("%s differs", f.Name)
		}
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "store.json buckets.slots signer-qingdang.local%2Faudit.key" {
		t.Errorf("files: %s", got)
	}
	info, err := os.Stat(b.File)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if twin := backup(t, s, to, noon); twin.File == b.File {
		t.Error("the second backup of a second took the name of the first")
	}
	for _, inside := range []string{s.dir, filepath.Join(s.dir, "backups")} {
		if _, err := s.Backup(inside, noon); !errors.Is(err, ErrBeside) {
			t.Errorf("backup into %s = %v", inside, err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(s.dir, link))
	if _, err := s.Backup(link, noon); !errors.Is(err, ErrBeside) {
		t.Errorf("backup through a link = %v", err)
	}
}

func TestEndedBackupsAreRemoved(t *testing.T) {
	s, stranger := newTestStore(t), newTestStore(t)
	to, elsewhere := t.TempDir(), t.TempDir()
	old, far := backup(t, s, to, noon), backup(t, s, elsewhere, noon)
	young := backup(t, s, to, noon.Add(day))
	other := backup(t, stranger, to, noon)
	check(t, os.WriteFile(filepath.Join(to, "notes"+backupSuffix), []byte("not a backup"), 0o600))
	forgotten := backup(t, s, to, noon.Add(time.Hour))
	r, _, err := s.readRegister()
	check(t, err)
	r.Backups = r.Backups[:3]
	check(t, s.writeRegister(r))

	for i, want := range []int{0, 3, 0} {
		at := noon.Add(BackupDays*day + 2*time.Hour)
		if i == 0 {
			at = noon.Add(BackupDays*day - time.Second)
		}
		n, err := s.SweepBackups(to, at)
		if err != nil || n != want {
			t.Errorf("sweep %d removed %d, %v, want %d", i, n, err, want)
		}
	}
	for file, there := range map[string]bool{old.File: false, far.File: false, forgotten.File: false, young.File: true, other.File: true, filepath.Join(to, "notes"+backupSuffix): true} {
		if _, err := os.Stat(file); (err == nil) != there {
			t.Errorf("%s: %v", file, err)
		}
	}
	list, _, err := s.Backups()
	check(t, err)
	if len(list) != 3 || list[0].RemovedAt.IsZero() || !list[2].RemovedAt.IsZero() {
		t.Errorf("register: %v", list)
	}
}
