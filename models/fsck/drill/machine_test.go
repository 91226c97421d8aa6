package drill_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// box is a test that ends with a sequence: its folders are its own, what it opened is closed with
// it, and its failures are rapid's, who then looks for a shorter sequence.
type box struct {
	testing.TB
	rt   *rapid.T
	dir  string
	made int
	ends []func()
}

func (b *box) TempDir() string {
	b.made++
	dir := filepath.Join(b.dir, fmt.Sprint(b.made))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	return dir
}

func (b *box) Cleanup(f func()) { b.ends = append(b.ends, f) }

func (b *box) end() {
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

func (b *box) Helper()                      {}
func (b *box) Error(args ...any)            { b.fail().Error(args...) }
func (b *box) Errorf(f string, args ...any) { b.fail().Errorf(f, args...) }
func (b *box) Fatal(args ...any)            { b.fail().Fatal(args...) }
func (b *box) Fatalf(f string, args ...any) { b.fail().Fatalf(f, args...) }
func (b *box) Failed() bool                 { return b.rt != nil && b.rt.Failed() || b.TB.Failed() }
func (b *box) fail() interface {
	Error(args ...any)
	Errorf(f string, args ...any)
	Fatal(args ...any)
	Fatalf(f string, args ...any)
} {
	if b.rt != nil {
		return b.rt
	}
	return b.TB
}

// quickDir is a folder in memory where there is one: what is proved here does not need a disk.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "qd-drill-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// machine is one sequence: a console and the model beside it.
type machine struct {
	rt   *rapid.T
	w    *world
	m    *model
	seen *seen
}

// seen counts what the sequences of a test went through: they prove little if nothing is ever
// purged in them, so they go on until everything that is wanted was there.
type seen struct {
	wanted []string
	mu     sync.Mutex
	n      map[string]int
}

func looking(wanted ...string) *seen { return &seen{wanted: wanted, n: map[string]int{}} }

func (s *seen) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n[what]++
}

func (s *seen) missing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.wanted), func(what string) bool { return s.n[what] > 0 })
}

func (s *seen) want(t *testing.T) {
	t.Helper()
	for _, what := range s.missing() {
		t.Errorf("in all sequences there was no %q", what)
	}
	t.Log(s.n)
}

// sequences sets how many of them run at most, and how long they are.
func sequences(t *testing.T, checks, steps int) {
	t.Helper()
	for name, value := range map[string]int{"rapid.checks": checks, "rapid.steps": steps} {
		was := flag.Lookup(name).Value.String()
		if err := flag.Set(name, fmt.Sprint(value)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, was) })
	}
}

// TestTheConsoleDoesWhatTheModelDoes runs sequences of acts, crashes, and jumps of the clock on
// the console and on a model in memory, and compares them after every step.
func TestTheConsoleDoesWhatTheModelDoes(t *testing.T) {
	const halves = 2
	checks := 2000
	if long() {
		checks = 5000
	}
	sequences(t, checks/halves, 50)
	dir := quickDir(t)
	first := &box{TB: t, dir: filepath.Join(dir, "template")}
	template := newWorld(first, db.SQLite)
	grow(template)
	template.must(template.d.Flush(template.ctx()))
	first.end()
	saw := looking("purged", "skipped: held", "skipped: floor", "skipped: restored", "skipped: version", "skipped: approval",
		"done", "done_with_exceptions", "lapsed", "crash", "confirming", "a hold released", "legal's approve of what is awaiting_legal",
		"sealing a customer", "lifting a seal", "letting into the bin again", "what was sealed is binned", "a deletion request done")
	t.Run("lanes", func(t *testing.T) {
		for half := range halves {
			t.Run(fmt.Sprint(half), func(t *testing.T) {
				t.Parallel()
				boxes(t, filepath.Join(dir, fmt.Sprint(half)), leastSequences, modelTime, saw, func(b *box) {
					copyFiles(b, b.dir, first.dir)
					run(b.rt, copied(b, template), saw)
				})
			})
		}
	})
	saw.want(t)
}

// TestTheConsoleOnAServerDoesWhatTheModelDoes is the same on MariaDB, with fewer sequences.
func TestTheConsoleOnAServerDoesWhatTheModelDoes(t *testing.T) {
	checks, least := 200, 6
	if long() {
		checks = 300
	}
	sequences(t, checks, 50)
	saw := looking("purged")
	boxes(t, quickDir(t), least, 0, saw, func(b *box) {
		w := newWorld(b, db.MySQL)
		grow(w)
		run(b.rt, w, saw)
	})
	saw.want(t)
}

// The short tier runs as many of its sequences as fit into modelTime, but leastSequences.
const (
	modelTime      = 60 * time.Second
	leastSequences = 20
)

// patience is how long sequences go on for something that was not seen: then it is named.
const patience = 10 * time.Minute

// boxes runs sequences, each in a box of its own. In the short tier it ends when there were so many, the time is over and
// everything wanted was seen, however long that takes on a slow machine.
func boxes(t *testing.T, dir string, least int, most time.Duration, saw *seen, run func(b *box)) {
	t.Helper()
	n, failed, start := 0, false, time.Now()
	defer func() { t.Logf("%d sequences", n) }()
	rapid.Check(t, func(rt *rapid.T) {
		took := time.Since(start)
		if !long() && !failed && n >= least && took > most && (len(saw.missing()) == 0 || took > patience) {
			return
		}
		n++
		b, passed := &box{TB: t, rt: rt, dir: filepath.Join(dir, fmt.Sprint(n))}, false
		defer func() {
			failed = failed || !passed // from then on rapid looks for a shorter sequence
			b.end()
			_ = os.RemoveAll(b.dir)
		}()
		run(b)
		passed = true
	})
}

// copyFiles copies a folder for nobody else to read.
func copyFiles(t testing.TB, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(from, path)
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, rel), 0o700))
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// grow plants the departments of a sequence: a root with one below it and one below that, and one
// beside.
func grow(w *world) {
	for _, path := range paths {
		w.department(path)
	}
}

var (
	paths   = []string{"集团", "集团/华东", "集团/华东/杭州", "集团/华北"}
	parents = []int{-1, 0, 1, 0}
)

// copied opens the copy of a template's files.
func copied(b *box, template *world) *world {
	clock := dbtest.NewClock()
	d, faults := dbtest.FaultyAt(b, db.Settings{File: filepath.Join(b.dir, "1", "qingdang.db"), Clock: clock})
	keys, err := seal.OpenStore(seal.Options{Dir: filepath.Join(b.dir, "2")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = keys.Close() })
	b.made = 100
	w := assemble(b, d, faults, clock, keys)
	w.agent, w.boss, w.second, w.third, w.legal, w.counsel, w.admin = template.agent, template.boss, template.second, template.third, template.legal, template.counsel, template.admin
	return w
}

func run(rt *rapid.T, w *world, saw *seen) {
	x := &machine{rt: rt, w: w, seen: saw, m: &model{
		now: w.clock.Time(), floors: map[string]int{"": 183, "投诉": 365, "交易": 1095, "法律纠纷": -1}, off: map[id.User]bool{},
	}}
	w.chunk = 2
	for i, p := range paths {
		x.m.deps = append(x.m.deps, modelDep{w.department(p), p, parents[i]})
	}
	for dep := range paths {
		x.come(dep, "咨询", 3)
	}
	rt.Repeat(map[string]func(*rapid.T){
		"": x.compare, "import": x.bring, "import more": x.more, "discard": x.discard, "discard one": x.discardOne,
		"restore": x.restore, "restore one": x.restoreOne, "extend": x.extend, "hold": x.hold, "release": x.release, "released": x.released, "request": x.request, "vote": x.vote,
		"approve": x.approve, "confirm": x.confirm, "withdraw": x.withdraw, "tick": x.tick, "work": x.work, "work on": x.work, "crash": x.crash,
		"approved": x.approved, "approved too": x.approved, "begin": x.begin, "begin too": x.begin,
		"wait": x.wait, "wait till due": x.waitTillDue, "disable": x.disable, "policy": x.policy,
		"seal a customer": x.seal, "lift the seal": x.lift, "bin again": x.binAgain, "sealed away": x.sealedAway,
	})
	x.finish()
}

// row is what the database says of a conversation.
type row struct {
	ID      id.Conversation
	State   conversation.State
	BatchID *id.Batch
	Version uint32
}

// compare looks whether the console and the model say the same.
func (x *machine) compare(rt *rapid.T) {
	var rows []row
	var purges []purge.Request
	var held []hold.Item
	x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error {
		if err := tx.Model(&conversation.Conversation{}).Order("id").Find(&rows).Error; err != nil {
			return err
		}
		if err := tx.Order("id").Find(&purges).Error; err != nil {
			return err
		}
		return tx.Where("hold_id IN (SELECT id FROM legal_hold WHERE released_at IS NULL)").Find(&held).Error
	}))
	there := 0
	for _, c := range x.m.convs {
		if !c.gone {
			there++
		}
	}
	if len(rows) != there {
		rt.Fatalf("%d conversations are there, the model has %d", len(rows), there)
	}
	for _, r := range rows {
		c := x.m.find(r.ID)
		switch {
		case c == nil || c.gone:
			rt.Fatalf("conversation %d should not be there", r.ID)
		case c.state != r.State || c.version != r.Version || (c.batch == nil) != (r.BatchID == nil) || c.batch != nil && c.batch.id != *r.BatchID:
			rt.Fatalf("conversation %s is %s in batch %v, version %d; the model says %s in %+v, version %d", c.name, r.State.Code(), r.BatchID, r.Version, c.state.Code(), c.batch, c.version)
		}
	}
	x.compareHolds(rt, held)
	x.compareWishes(rt)
	if len(purges) != len(x.m.purges) {
		rt.Fatalf("%d requests are there, the model has %d", len(purges), len(x.m.purges))
	}
	for i, p := range x.m.purges {
		if p.id == 0 {
			p.id = purges[i].ID // the timer's draft
		}
		if purges[i].ID != p.id || purges[i].State != p.state {
			rt.Fatalf("request %s is %s (%s), the model says %s", purges[i].Code, purges[i].State, purges[i].ClosedReason, p.state)
		}
	}
}

func (x *machine) compareHolds(rt *rapid.T, held []hold.Item) {
	covered := map[id.Conversation]bool{}
	for _, it := range held {
		covered[it.ConversationID] = true
	}
	for _, c := range x.m.convs {
		if !c.gone && covered[c.id] != x.m.held(c) {
			rt.Fatalf("conversation %s is held: %v, the model says %v", c.name, covered[c.id], x.m.held(c))
		}
	}
}

// finish lets what has begun come to its end and runs every oracle.
func (x *machine) finish() {
	for i := 0; i < 60 && x.executing(); i++ {
		x.step(0, 0)
	}
	x.compare(x.rt)
	if x.executing() {
		x.rt.Fatal("a purge that has begun never ends")
	}
	for _, f := range x.w.found(true) {
		x.rt.Errorf("%s", f)
	}
}

func (x *machine) executing() bool {
	for _, p := range x.m.purges {
		if p.state.Executing() || p.state.Finished() && x.w.count(&purge.Request{}, "id = ? AND phase <> ?", p.id, purge.PhaseEnd) > 0 {
			return true
		}
	}
	return false
}

// code is the next one-time code of a person, "" if they have used up those of this minute.
func (x *machine) code(by account.Actor) string {
	var last []int64
	x.w.must(x.w.plain.Read(x.w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT totp_last_step FROM `user` WHERE id = ?", by.ID).Scan(&last).Error
	}))
	if last[0]*30 > x.w.clock.Time().Unix() {
		return ""
	}
	return accounttest.Code(x.w.t, x.w.plain, by.ID)
}

func (x *machine) clock(by time.Duration) {
	x.w.clock.Advance(by)
	x.m.now = x.w.clock.Time()
}
