package drill_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// T4: a disk is full, or becomes full in the middle of a step, while a purge runs, its certificate is sealed or a file is
// imported. Somebody is told, nothing is left half, and when there is space again the same worker goes on.
func TestAFullDisk(t *testing.T) {
	begin(t)
	const kb, mb = 1 << 10, 1 << 20
	tests := []struct {
		name    string
		size    int
		list    int   // of each purge: enough to need more space than what is reserved already
		imports bool  // importing stops too
		left    []int // what is left, for one purge after the other; the last ones before releases only
		on      func(t *testing.T, d *disk) *site
	}{
		{"of the MariaDB server", 600 * mb, 4_000, true, []int{0, 64 * kb, 256 * kb, 2 * mb}, onFullServer},
		{"of the embedded database", 200 * mb, 2_000, true, []int{0, 64 * kb, 300 * kb, mb, 3 * mb}, func(t *testing.T, d *disk) *site {
			return newSite(t, db.Settings{File: filepath.Join(d.dir, "qingdang.db")}, &site{data: d.dir, keys: filepath.Join(place(t), "keys")})
		}},
		{"of the key store", mb, 4_000, true, []int{0, 5 * kb}, func(t *testing.T, d *disk) *site {
			s := onMariaWith(t, &site{data: place(t), keys: filepath.Join(d.dir, "keys")})
			s.env = append(s.env, "QINGDANG_LEDGER="+filepath.Join(s.data, "ledger"))
			return s
		}},
		{"of the outside ledger", 2 * mb, 600, false, []int{0, 8 * kb, 60 * kb}, func(t *testing.T, d *disk) *site {
			return onMariaWith(t, &site{data: place(t), env: []string{"QINGDANG_LEDGER=" + filepath.Join(d.dir, "ledger")}})
		}},
		{"of the checkpoints, and of what the program says", 64 * kb, 600, false, []int{0, 100}, func(t *testing.T, d *disk) *site {
			return onMariaWith(t, &site{data: place(t), mute: true, env: []string{"QINGDANG_CHECKPOINTS=" + filepath.Join(d.dir, "checkpoints")}})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t, tt.size)
			f := &filling{site: tt.on(t, d), disk: d, size: tt.list * tier(1, 2), left: tt.left[:tier(1, len(tt.left))], imports: tt.imports}
			f.drill()
		})
	}
}

// onFullServer is an installation whose server has its data on the disk.
func onFullServer(t *testing.T, d *disk) *site {
	if !d.mounted {
		t.Skip("a server needs a small file system of its own, and none can be mounted here")
	}
	said := filepath.Join(place(t), "error.log")
	server := ownMariaDB(t, d.dir, "--log-error="+said)
	dsn, err := dbtest.CreateDatabase(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, db.Settings{DSN: dsn}, &site{dsn: dsn, data: place(t), revive: func() {
		log, _ := exec.Command("grep", "-aE", "FATAL|got signal", said).CombinedOutput()
		t.Logf("the server gave up on the full disk and is started again; it said: %s", tail(string(log), 1000))
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
	}})
}

// filling fills a disk under purges, one after the other.
type filling struct {
	*site
	disk    *disk
	worker  *program
	size    int
	left    []int
	imports bool
}

func (f *filling) drill() {
	sizes := make([]int, len(f.left))
	for i := range sizes {
		sizes[i] = f.size
	}
	purges := f.plan(sizes...)
	file := f.export()
	f.only()
	f.worker = f.start("worker")
	f.disk.watch(f.worker)
	wait(f.t, "the worker's first rounds", func() bool {
		return dbtest.Count(f.t, f.now, &job.Job{}, "kind = ? AND token > 0", purge.JobTimer) > 0
	})
	for i, left := range f.left {
		f.stop(purges[i], left, file)
		f.goOn(purges[i])
	}
	f.imported(file)
	if !f.worker.alive() {
		f.t.Error("the worker ended")
	}
	f.worker.end()
	f.whole(purges...)
}

// stop lets the disk be full while one purge is due, until somebody is told or the purge got by with what was left.
func (f *filling) stop(p *planned, left int, file string) {
	f.t.Helper()
	due := time.Now().Add(5 * time.Second) // not before the disk is full
	f.from(due, p)
	f.disk.fill(left)
	if left == 0 && strings.HasPrefix(f.keys, f.disk.dir) && f.disk.mounted {
		f.useUp()
	}
	began := !time.Now().Before(due)
	before, phase, said := 0, purge.Phase(""), ""
	wait(f.t, "an error that says what is wrong", func() bool {
		f.disk.press()
		if time.Now().Before(due) {
			before = len(f.worker.said.String())
			time.Sleep(20 * time.Millisecond)
			return false
		}
		said = notOfOthers(f.worker.said.String()[before:])
		if r, j, err := f.look(p); err == nil {
			phase, said = r.Phase, j.Error+said
			if r.Phase == purge.PhaseEnd {
				return true
			}
		} else if f.gaveUp(err) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
		return full(said)
	})
	// The embedded file has room again for what a purge has erased.
	mayPass := left > 0 || began || f.dsn == "" && phase == purge.PhaseEnd
	if phase == purge.PhaseEnd && !mayPass {
		f.t.Error("the purge ended on a full disk")
	}
	f.t.Logf("%d left, phase %q: %s", left, phase, tail(said, 300))
	if f.imports {
		out, code := f.disk.run(f.site, "import", "--department", "云栖优品集团/导入", file)
		if !mayPass && (code == 0 || !full(out)) && !f.gone() {
			f.t.Errorf("import on a full disk: exit %d: %s", code, out)
		}
	}
	f.consistent(p)
}

// notOfOthers leaves out what a worker says of other jobs than purges: they stumble over the full disk too.
func notOfOthers(said string) string {
	lines := slices.Collect(strings.Lines(said))
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, " kind=") && !strings.Contains(l, " kind="+purge.JobRun+" ")
	}), "")
}

// useUp takes the room for keys that the store has reserved already.
func (f *filling) useUp() {
	f.t.Helper()
	for range 10_000 {
		if _, err := f.store.NewBuckets(1); err != nil {
			return
		}
	}
	f.t.Error("the key store grows on a full disk")
}

// goOn gives the space back; nobody starts anything again but a server that gave up.
func (f *filling) goOn(p *planned) {
	f.t.Helper()
	f.disk.free()
	if f.gone() {
		f.revive()
	}
	wait(f.t, "the end of the purge", func() bool {
		f.hurry(p)
		time.Sleep(50 * time.Millisecond)
		return f.over(p)
	})
}
