package seal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

const childDir = "QINGDANG_SEAL_TEST_CHILD"

// TestChild is the other process of the tests below: it allocates buckets, prints each live id with "+",
// and destroys every third, printing it with "-".
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a child process only")
	}
	s := reopen(t, Options{Dir: dir, Create: true})
	for range 150 {
		ids := newBuckets(t, s, 3)
		for _, id := range ids {
			fmt.Printf("+ %d\n", id)
		}
		check(t, s.Destroy(ids[2]))
		fmt.Printf("- %d\n", ids[2])
	}
}

func startChild(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	check(t, cmd.Start())
	return cmd, &out
}

// printed reads what a child said. A last line without its end was cut off by the kill.
func printed(t *testing.T, out *bytes.Buffer, want map[uint64]State) {
	t.Helper()
	for scan := bufio.NewScanner(out); scan.Scan(); {
		var sign byte
		var id uint64
		if n, _ := fmt.Sscanf(scan.Text(), "%c %d", &sign, &id); n != 2 || sign != '+' && sign != '-' {
			continue
		}
		if _, twice := want[id]; twice && sign == '+' {
			t.Errorf("bucket %d was given out twice", id)
		}
		want[id] = Live
		if sign == '-' {
			want[id] = Destroyed
		}
	}
}

func TestProcessesShareOneFolder(t *testing.T) {
	dir := t.TempDir() // empty: the children also race for its creation
	want := map[uint64]State{}
	var children []*exec.Cmd
	var outs []*bytes.Buffer
	for range 3 {
		cmd, out := startChild(t, dir)
		children, outs = append(children, cmd), append(outs, out)
	}
	for i, cmd := range children {
		check(t, cmd.Wait())
		printed(t, outs[i], want)
	}
	if len(want) != 3*150*3 {
		t.Errorf("%d buckets, want %d", len(want), 3*150*3)
	}
	s := reopen(t, Options{Dir: dir})
	for id, state := range want {
		if st, err := s.State(id); st.State != state || err != nil {
			t.Errorf("bucket %d is %v, %v, want %v", id, st.State, err, state)
		}
	}
}

func TestKilledProcessLeavesAWholeStore(t *testing.T) {
	dir := t.TempDir()
	want := map[uint64]State{}
	for round := range 8 {
		cmd, out := startChild(t, dir)
		time.Sleep(time.Duration(5+round*9) * time.Millisecond)
		check(t, cmd.Process.Kill())
		cmd.Wait() // says that it was killed
		printed(t, out, want)
	}
	s := reopen(t, Options{Dir: dir, Create: true})
	for id, state := range want {
		st, err := s.State(id)
		// It may have died between destroying and saying so.
		if err != nil || st.State != state && st.State != Destroyed {
			t.Errorf("bucket %d is %v, %v, want %v", id, st.State, err, state)
		}
		if _, err := s.Bucket(id); state == Destroyed && !errors.Is(err, ErrDestroyed) {
			t.Errorf("bucket %d = %v", id, err)
		}
	}
	if id := newBuckets(t, s, 1)[0]; want[id] != Absent {
		t.Errorf("bucket %d was given out twice", id)
	}
}

func TestManyGoroutinesOneStore(t *testing.T) {
	s := newTestStore(t)
	shared := newBuckets(t, s, 8)
	doomed := newBuckets(t, s, 8)
	var fresh sync.Map
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 20 {
				ids, err := s.NewBuckets(2)
				if err != nil {
					t.Error(err)
				}
				for _, id := range ids {
					if _, twice := fresh.LoadOrStore(id, g); twice {
						t.Errorf("bucket %d was given out twice", id)
					}
				}
			}
			for i := range 60 {
				aad := AAD{Record: uint64(g*1000 + i + 1)}
				sealed, err := s.Seal(shared[i%8], aad, []byte(talk))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Open(shared[i%8], aad, sealed); err != nil || string(got) != talk {
					t.Error(err)
				}
				if _, err := s.Seal(doomed[(i+g)%8], aad, nil); err != nil && !errors.Is(err, ErrDestroyed) {
					t.Error(err)
				}
				s.MAC("customer", []byte("a"))
				if _, err := Pack([]byte(talk)); err != nil {
					t.Error(err)
				}
			}
			if err := s.Destroy(doomed[g]); err != nil {
				t.Error(err)
			}
			if _, err := s.Bucket(doomed[g]); !errors.Is(err, ErrDestroyed) {
				t.Error(err)
			}
			if _, err := s.Signer("qingdang.local/audit"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
