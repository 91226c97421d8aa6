// Package drill_test breaks things under the real program: it kills workers and the database,
// fills disks, cuts connections and stops processes in the middle, lets the program go on by
// itself, and then looks at what is left. Every drill ends with the same oracle (see whole).
//
// QINGDANG_TEST_TIER=long runs the full sizes, as before a release; `make test-long` sets it.
package drill_test

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/db/dbtest"
)

const (
	tierVariable = "QINGDANG_TEST_TIER"
	seedVariable = "QINGDANG_TEST_SEED"
)

// long tells whether the full sizes run.
func long() bool { return os.Getenv(tierVariable) == "long" }

// tier chooses a size: of the tests of every change, or of those before a release.
func tier[T any](change, release T) T {
	if long() {
		return release
	}
	return change
}

// chance is the drill's source of random instants; the seed is told, so that a run can be
// repeated with QINGDANG_TEST_SEED.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(seedVariable); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// between is a random duration.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)+1))
}

var rig struct {
	dir     string // of everything that the drills make
	program string

	once   sync.Once
	server *dbtest.Server
	err    error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := 1
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "drill:", err)
	} else {
		code = m.Run()
	}
	if rig.server != nil {
		rig.server.Kill()
	}
	os.RemoveAll(rig.dir)
	os.Exit(code)
}

// prepare builds the program, once for all drills.
func prepare() (err error) {
	if testing.Short() {
		return nil
	}
	if rig.dir, err = os.MkdirTemp("", "qd-drill-"); err != nil {
		return err
	}
	if err := lookAtSources(); err != nil {
		return err
	}
	rig.program = filepath.Join(rig.dir, "qingdang")
	out, err := exec.Command("go", "build", "-o", rig.program, "qingdang/cmd/qingdang").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// lookAtSources lets Go's test cache notice changes of the program, which this package does
// not import.
func lookAtSources() error {
	const root = "../../.."
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "var" || path != root && strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		_, err = os.Stat(path)
		return err
	})
}

// begin skips a drill where there is no time for it.
func begin(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("drills take minutes")
	}
}

// mariadb gives the server that the drills share which do not break it.
func mariadb(t *testing.T) *dbtest.Server {
	t.Helper()
	rig.once.Do(func() {
		dir := filepath.Join(rig.dir, "m")
		if rig.err = os.Mkdir(dir, 0o700); rig.err == nil {
			rig.server, rig.err = dbtest.StartServer(dir)
		}
	})
	if rig.err != nil {
		dbtest.Missing(t, rig.err.Error())
	}
	return rig.server
}

// ownMariaDB gives a server to break.
func ownMariaDB(t *testing.T, dir string, more ...string) *dbtest.Server {
	t.Helper()
	s, err := dbtest.StartServer(dir, more...)
	if err != nil {
		dbtest.Missing(t, err.Error())
	}
	t.Cleanup(s.Kill)
	return s
}

// place makes a folder of a drill. Paths are short, since sockets lie in some.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(rig.dir, "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	return dir
}

// wait looks until something is so. It is bounded by minutes, not by what is usual: a busy
// machine must not look like a fault.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("this never came: %s", what)
		}
	}
}
