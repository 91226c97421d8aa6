package drill_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// program is one running child process.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	name string
	said *notes
	over chan struct{}
}

// notes keeps what a process writes.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is part of io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// start runs the program with a command in the background. It ends with the test at the latest.
func (s *site) start(args ...string) *program {
	s.t.Helper()
	p := &program{t: s.t, cmd: s.command(args...), name: strings.Join(args, " "), said: &notes{}, over: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if s.mute {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		s.must(err)
		defer full.Close()
		p.cmd.Stdout, p.cmd.Stderr = full, full
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.over)
	}()
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("what %s (process %d) said last: %s", p.name, p.cmd.Process.Pid, tail(p.said.String(), 4000))
		}
	})
	return p
}

// run runs a command to its end and gives what it said and its exit code.
func (s *site) run(args ...string) (out string, code int) {
	s.t.Helper()
	b, err := s.command(args...).CombinedOutput()
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		s.t.Fatal(err)
	}
	if err != nil {
		return string(b), err.(*exec.ExitError).ExitCode()
	}
	return string(b), 0
}

func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(rig.program, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.data, "TMPDIR=" + os.TempDir(), "QINGDANG_LANG=en",
		"QINGDANG_DATA=" + s.data, "QINGDANG_KEYS=" + s.keys, "QINGDANG_DSN=" + s.dsn, "QINGDANG_LISTEN=" + s.listen,
	}, s.env...)
	cmd.Dir = filepath.Dir(rig.program)
	return cmd
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.over
}

// end asks the process to stop, as an operator does, and waits until it has.
func (p *program) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.over
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// alive tells whether the process still runs: nothing of what happens to it may end it.
func (p *program) alive() bool {
	select {
	case <-p.over:
		return false
	default:
		return true
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		s = "…" + strings.ToValidUTF8(s[len(s)-n:], "")
	}
	return s
}
