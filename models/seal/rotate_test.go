package seal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lived is a key store with something of every kind in it.
type lived struct {
	t      testing.TB
	ids    []uint64 // of three buckets the second is destroyed, of the third the slot is damaged
	sealed []Sealed
	mac    [32]byte
	small  []byte
	public string
}

var livedAAD = AAD{Record: 7, Version: 1, Department: 2}

func live(t testing.TB, s *Store) *lived {
	t.Helper()
	l := &lived{t: t, ids: newBuckets(t, s, 4), mac: s.MAC("customer", []byte("a")), small: s.SealSmall("totp", []byte("4"), []byte("seed"))}
	for _, id := range l.ids {
		l.sealed = append(l.sealed, mustSeal(t, s, id, livedAAD, []byte(talk)))
	}
	signer, err := s.Signer("qingdang.local/audit")
	check(t, err)
	l.public = signer.Public()
	check(t, s.Destroy(l.ids[1]))
	var damaged [1]byte
	_, err = s.slots.file.ReadAt(damaged[:], int64(l.ids[2])*slotSize+40)
	check(t, err)
	damaged[0] ^= 0xff
	_, err = s.slots.file.WriteAt(damaged[:], int64(l.ids[2])*slotSize+40)
	check(t, err)
	return l
}

// holds checks that nothing was lost and nothing came back.
func (l *lived) holds(s *Store) {
	l.t.Helper()
	for i, want := range []error{nil, ErrDestroyed, ErrDamaged, nil} {
		got, err := s.Open(l.ids[i], livedAAD, l.sealed[i])
		if !errors.Is(err, want) || want == nil && string(got) != talk {
			l.t.Errorf("bucket %d opens as %q, %v, want %v", l.ids[i], got, err, want)
		}
	}
	if st, err := s.State(l.ids[1]); err != nil || st.CreatedAt.IsZero() || st.DestroyedAt.IsZero() {
		l.t.Errorf("tombstone: %v, %v", st, err)
	}
	if s.MAC("customer", []byte("a")) != l.mac {
		l.t.Error("another MAC")
	}
	if got, err := s.OpenSmall("totp", []byte("4"), l.small); err != nil || string(got) != "seed" {
		l.t.Errorf("small secret: %q, %v", got, err)
	}
	if signer, err := s.Signer("qingdang.local/audit"); err != nil || signer.Public() != l.public {
		l.t.Errorf("signing key: %v, %v", signer, err)
	}
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	check(t, os.CopyFS(to, os.DirFS(from)))
	for _, name := range []string{rootFile, nextRoot} {
		if err := os.Chmod(filepath.Join(to, name), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return to
}

func TestRotationChangesWhatProtectsBucketKeysAndNothingElse(t *testing.T) {
	s := newTestStore(t)
	l := live(t, s)
	before := copyDir(t, s.dir)
	was, err := os.ReadFile(s.path(slotsFile))
	check(t, err)

	got, err := s.RotateRoot(nil)
	check(t, err)
	if want := (Rotation{Epoch: 2, Rewrapped: 2}); got != want {
		t.Errorf("rotation = %+v, want %+v", got, want)
	}
	l.holds(s)
	l.holds(reopen(t, Options{Dir: s.dir}))
	is, err := os.ReadFile(s.path(slotsFile))
	check(t, err)
	for i, kept := range []bool{false, true, true, false} {
		from, to := int(l.ids[i])*slotSize+slotWrapped, int(l.ids[i])*slotSize+slotPadding
		if bytes.Equal(was[from:to], is[from:to]) != kept {
			t.Errorf("slot %d: kept its bytes: %v", l.ids[i], !kept)
		}
	}

	// The old root key opens the copy from before, which is why it has to be destroyed, and nothing newer.
	l.holds(reopen(t, Options{Dir: before}))
	old, err := os.ReadFile(filepath.Join(before, rootFile))
	check(t, err)
	if _, err := OpenStore(Options{Dir: s.dir, Root: old}); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("with the old root key: %v", err)
	}
	new, err := os.ReadFile(s.path(rootFile))
	check(t, err)
	if _, err := OpenStore(Options{Dir: before, Root: new}); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("a copy from before with the new root key: %v", err)
	}
	if got, err = s.RotateRoot(nil); err != nil || got.Epoch != 3 {
		t.Errorf("once more: %+v, %v", got, err)
	}
	l.holds(s)
}

func TestRotationOfARootKeyThatIsKeptOutside(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	s := reopen(t, Options{Dir: t.TempDir(), Create: true, Root: one})
	l := live(t, s)
	for _, tt := range []struct {
		root []byte
		want error
	}{{nil, ErrRootGiven}, {one, ErrSameRoot}, {[]byte("short"), ErrWrongRoot}} {
		if _, err := s.RotateRoot(tt.root); !errors.Is(err, tt.want) {
			t.Errorf("rotate to %q = %v, want %v", tt.root, err, tt.want)
		}
	}
	_, err := s.RotateRoot(two)
	check(t, err)
	l.holds(s)
	l.holds(reopen(t, Options{Dir: s.dir, Root: two}))
	for _, name := range []string{rootFile, nextRoot} {
		if _, err := os.Stat(s.path(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v: the root key must not come to lie in the folder", name, err)
		}
	}
	if _, err := newTestStore(t).RotateRoot(two); !errors.Is(err, ErrRootInside) {
		t.Errorf("a root key named for a store with root.key = %v", err)
	}
	linked := newTestStore(t)
	apart := filepath.Join(t.TempDir(), "root")
	check(t, os.Rename(linked.path(rootFile), apart))
	check(t, os.Symlink(apart, linked.path(rootFile)))
	if _, err := linked.RotateRoot(nil); !errors.Is(err, ErrRootGiven) {
		t.Errorf("root.key is a link = %v", err)
	}
}

// Whoever has the store open when the root key is rotated goes on with the new file, or refuses. Never is
// the old file written, and never is a key read from it that was destroyed since.
func TestOthersNoticeARotation(t *testing.T) {
	for _, outside := range []bool{false, true} {
		t.Run(fmt.Sprintf("root outside %v", outside), func(t *testing.T) {
			o, next := Options{Dir: t.TempDir(), Create: true}, []byte(nil)
			if outside {
				o.Root, next = bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
			}
			s, other := reopen(t, o), reopen(t, o)
			l := live(t, s)
			l.holds(other) // its cache is warm
			held, err := other.Bucket(l.ids[3])
			check(t, err)
			old, err := os.Open(s.path(slotsFile))
			check(t, err)
			defer old.Close()
			was := readAll(t, old)

			_, err = s.RotateRoot(next)
			check(t, err)
			check(t, s.Destroy(l.ids[0]))
			fresh := newBuckets(t, s, 1)[0]
			sealed := mustSeal(t, s, fresh, livedAAD, []byte(talk))

			_, errOpen := other.Open(l.ids[0], livedAAD, l.sealed[0])
			_, errFresh := other.Open(fresh, livedAAD, sealed)
			ids, errNew := other.NewBuckets(1)
			errDestroy := other.Destroy(l.ids[3])
			errCheck := held.Check()
			if outside {
				for i, err := range []error{errOpen, errFresh, errNew, errDestroy, errCheck} {
					if !errors.Is(err, ErrRotated) {
						t.Errorf("act %d with the old root key = %v", i, err)
					}
				}
			} else {
				if !errors.Is(errOpen, ErrDestroyed) || errFresh != nil || errNew != nil || errDestroy != nil || !errors.Is(errCheck, ErrDestroyed) {
					t.Errorf("%v, %v, %v, %v, %v", errOpen, errFresh, errNew, errDestroy, errCheck)
				}
				if st, err := s.State(l.ids[3]); err != nil || st.State != Destroyed || ids[0] != fresh+1 {
					t.Errorf("%v, %v, new bucket %v", st, err, ids)
				}
			}
			if other.MAC("customer", []byte("a")) != l.mac {
				t.Error("another MAC")
			}
			if !bytes.Equal(was, readAll(t, old)) {
				t.Error("the old file was written")
			}
		})
	}
}

func readAll(t testing.TB, f *os.File) []byte {
	t.Helper()
	info, err := f.Stat()
	check(t, err)
	b := make([]byte, info.Size())
	_, err = f.ReadAt(b, 0)
	check(t, err)
	return b
}

const (
	rotateDir  = "QINGDANG_SEAL_TEST_ROTATE"
	rotateStep = "QINGDANG_SEAL_TEST_STEP"
	rotateRoot = "QINGDANG_SEAL_TEST_ROOT"
)

// TestRotatingChild is the process that dies while it rotates: at a step, or whenever it is killed.
func TestRotatingChild(t *testing.T) {
	dir, step := os.Getenv(rotateDir), os.Getenv(rotateStep)
	if dir == "" {
		t.Skip("runs as a child process only")
	}
	o := Options{Dir: dir}
	var next []byte
	if os.Getenv(rotateRoot) != "" {
		o.Root, next = bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	}
	s := reopen(t, o)
	s.halt = func(at string) {
		if at == step {
			check(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
			select {}
		}
	}
	for step == "" {
		_, err := s.RotateRoot(next)
		check(t, err)
	}
	_, err := s.RotateRoot(next)
	check(t, err)
}

func startRotating(t *testing.T, dir, step, outside string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRotatingChild$")
	cmd.Env = append(os.Environ(), rotateDir+"="+dir, rotateStep+"="+step, rotateRoot+"="+outside)
	cmd.Stderr = os.Stderr
	check(t, cmd.Start())
	return cmd
}

func TestKilledRotationLeavesTheOldOrTheNewState(t *testing.T) {
	for _, tt := range []struct {
		step    string
		inside  uint32 // the epoch afterwards; 0: there is no such step
		outside uint32
	}{
		{"half written", 1, 1},
		{"slots written", 1, 1},
		{"root written", 1, 0},
		{"slots exchanged", 2, 2},
		{"slots synced", 2, 2},
		{"root overwritten", 2, 0},
		{"root exchanged", 2, 0},
	} {
		for _, outside := range []string{"", "yes"} {
			epoch, o := tt.inside, Options{Dir: t.TempDir(), Create: true}
			if outside != "" {
				epoch, o.Root = tt.outside, bytes.Repeat([]byte{1}, 32)
			}
			if epoch == 0 {
				continue
			}
			t.Run(strings.TrimSpace(tt.step+" "+outside), func(t *testing.T) {
				s := reopen(t, o)
				l := live(t, s)
				cmd := startRotating(t, o.Dir, tt.step, outside)
				cmd.Wait()
				if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
					t.Fatalf("the child ended with %v: it did not come to this step", cmd.ProcessState)
				}
				if outside == "" {
					l.holds(s) // which was open all the time
				}
				if outside != "" && epoch == 2 {
					o.Root = bytes.Repeat([]byte{2}, 32)
				}
				again := reopen(t, o)
				l.holds(again)
				if again.slots.epoch != epoch {
					t.Errorf("epoch %d, want %d", again.slots.epoch, epoch)
				}
				left, err := filepath.Glob(again.path(".new-*"))
				check(t, err)
				if _, err := os.Stat(again.path(nextRoot)); !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
					t.Errorf("left behind: %v, %v", left, err)
				}
				if outside == "" {
					_, err := again.RotateRoot(nil)
					check(t, err)
					l.holds(s)
				}
			})
		}
	}
}

func TestRotationsKilledAtAnyInstant(t *testing.T) {
	s := newTestStore(t)
	l := live(t, s)
	newBuckets(t, s, 2000)
	epoch := s.slots.epoch
	for round := range 10 {
		cmd := startRotating(t, s.dir, "", "")
		time.Sleep(time.Duration(20+round*7) * time.Millisecond)
		check(t, cmd.Process.Kill())
		cmd.Wait() // says that it was killed
		l.holds(s)
		again := reopen(t, Options{Dir: s.dir})
		l.holds(again)
		if again.slots.epoch < epoch {
			t.Errorf("epoch %d after %d", again.slots.epoch, epoch)
		}
		epoch = again.slots.epoch
	}
	t.Logf("%d rotations", epoch-1)
}

// What others allocate and destroy while the root key is rotated again and again is all there.
func TestProcessesGoOnDuringRotations(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, Options{Dir: dir, Create: true})
	want := map[uint64]State{}
	one, oneOut := startChild(t, dir)
	two, twoOut := startChild(t, dir)
	for range 15 {
		_, err := s.RotateRoot(nil)
		check(t, err)
	}
	check(t, one.Wait())
	check(t, two.Wait())
	printed(t, oneOut, want)
	printed(t, twoOut, want)
	if len(want) != 2*150*3 {
		t.Errorf("%d buckets, want %d", len(want), 2*150*3)
	}
	for id, state := range want {
		if st, err := s.State(id); st.State != state || err != nil {
			t.Errorf("bucket %d is %v, %v, want %v", id, st.State, err, state)
		}
		if _, err := s.Bucket(id); (err == nil) != (state == Live) {
			t.Errorf("bucket %d = %v", id, err)
		}
	}
}

// The folder is moved away under an open store and another one put in its place, as a careful operator
// does: the store goes on with the new one, under the new one's lock.
func TestAFolderThatIsExchangedIsNoticed(t *testing.T) {
	s := newTestStore(t)
	l := live(t, s)
	before := copyDir(t, s.dir)
	check(t, s.Destroy(l.ids[3]))
	l.sealed[3], l.ids[3] = l.sealed[0], l.ids[0]
	check(t, os.Rename(s.dir, s.dir+".old"))
	if _, err := s.NewBuckets(1); !errors.Is(err, ErrNoStore) {
		t.Errorf("allocate without a folder = %v", err)
	}
	if _, err := s.State(l.ids[0]); err == nil {
		t.Error("a state was told without a folder")
	}
	check(t, os.CopyFS(s.dir, os.DirFS(before)))
	check(t, os.Chmod(s.path(rootFile), 0o600))
	l.holds(s)
	other := reopen(t, Options{Dir: s.dir})
	one, two := newBuckets(t, s, 1)[0], newBuckets(t, other, 1)[0]
	if one == two || !same(s.lock, other.path(lockFile)) {
		t.Errorf("buckets %d and %d: they do not share a lock", one, two)
	}
}
