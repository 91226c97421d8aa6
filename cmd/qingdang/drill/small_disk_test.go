package drill_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

// disk is a folder that can be full. Where a small file system may be mounted it is one of its own. Elsewhere, as for an
// ordinary user or in a container, the processes that write to it may not let a file grow beyond a bound.
type disk struct {
	t       *testing.T
	dir     string
	mounted bool
	procs   []*os.Process
	full    bool
	left    int
}

// newDisk gives a disk of so many bytes.
func newDisk(t *testing.T, size int) *disk {
	t.Helper()
	d := &disk{t: t, dir: place(t)}
	if os.Getenv("QINGDANG_TEST_DISK") != "limit" {
		d.mounted = syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "mode=0700,size="+strconv.Itoa(size)) == nil
	}
	if !d.mounted {
		t.Log("no small file system can be mounted here: the size of files is limited instead")
		return d
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves so many bytes free, of the disk or in each file.
func (d *disk) fill(left int) {
	d.t.Helper()
	d.full, d.left = true, left
	if !d.mounted {
		for _, p := range d.procs {
			d.limit(p, uint64(left))
		}
		return
	}
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if errors.Is(err, syscall.ENOSPC) {
		return
	} else if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if at, err := f.Stat(); err != nil || left > 0 && f.Truncate(max(0, at.Size()-int64(left))) != nil {
		d.t.Fatal("the disk cannot be filled")
	}
}

// press takes what was freed meanwhile.
func (d *disk) press() {
	if d.mounted && d.left == 0 {
		d.fill(0)
	}
}

// free gives the space back.
func (d *disk) free() {
	d.t.Helper()
	d.full = false
	if d.mounted {
		if err := os.Remove(d.ballast()); err != nil {
			d.t.Error(err)
		}
	}
	for _, p := range d.procs {
		d.limit(p, ^uint64(0))
	}
}

// watch lets a process that runs feel the disk.
func (d *disk) watch(p *program) {
	if !d.mounted {
		d.procs = append(d.procs, p.cmd.Process)
	}
}

// run is site.run on the disk as it is now.
func (d *disk) run(s *site, args ...string) (out string, code int) {
	if d.mounted || !d.full {
		return s.run(args...)
	}
	cmd := s.command(args...)
	shell := []string{"sh", "-c", "ulimit -f " + strconv.Itoa(d.left/512) + `; exec "$0" "$@"`}
	cmd.Args = append(shell, append([]string{cmd.Path}, args...)...)
	cmd.Path = "/bin/sh"
	b, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(b), exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	return string(b), 0
}

// limit sets how large a file of a running process may grow (setrlimit of another process).
func (d *disk) limit(p *os.Process, size uint64) {
	d.t.Helper()
	lim := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	_, _, no := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&lim)), 0, 0, 0)
	if no != 0 {
		d.t.Fatalf("limit the size of files: %v", no)
	}
}
