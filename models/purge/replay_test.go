package purge_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// tables lists the database's own tables, those on which triggers look first.
func (w *world) tables() (names []string) {
	w.t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if w.d.Engine() == db.MySQL {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
	}
	var all []string
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Raw(query).Scan(&all).Error }))
	for _, n := range all {
		if !strings.HasPrefix(n, "seed_of_") && !strings.HasPrefix(n, "goose_") && !strings.HasPrefix(n, "dump") {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(fmt.Sprint(!strings.HasPrefix(a, "hold_"), a), fmt.Sprint(!strings.HasPrefix(b, "hold_"), b))
	})
	return names
}

// dump keeps a copy of every table; the function it gives puts the whole database back.
func (w *world) dump() (restore func()) {
	w.t.Helper()
	w.dumps++
	prefix := fmt.Sprintf("dump%d_", w.dumps)
	tables := w.tables()
	for _, t := range tables {
		dbtest.Exec(w.t, w.d, "CREATE TABLE "+prefix+t+" AS SELECT * FROM `"+t+"`")
	}
	w.t.Cleanup(func() {
		for _, t := range tables {
			dbtest.Exec(w.t, w.d, "DROP TABLE "+prefix+t)
		}
	})
	return func() {
		w.t.Helper()
		w.must(w.d.Write(w.ctx(), func(tx *db.Tx) error {
			tx.MarkAudited()
			for _, t := range tables {
				if err := tx.Exec("DELETE FROM `" + t + "`").Error; err != nil {
					return err
				}
			}
			for _, t := range tables {
				if err := tx.Exec("INSERT INTO `" + t + "` SELECT * FROM " + prefix + t).Error; err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func (w *world) stand() *purge.Standing {
	w.t.Helper()
	s, err := purge.Stand(w.ctx(), w.d, w.log, w.ledger)
	w.must(err)
	return s
}

func (w *world) replay() *purge.Replay {
	return &purge.Replay{DB: w.d, Vault: w.vault, Log: w.log, Ledger: w.ledger, Index: w.index, By: "陈运维", Reason: "磁盘损坏，由夜间备份恢复", Chunk: 3}
}

// stages are the moments at which a backup may have been made, each with what has to be done to get
// there from the one before.
func (w *world) stages(batch id.Batch) []struct {
	name string
	do   func()
} {
	var r *purge.Request
	until := func(p purge.Phase, more int) func() {
		return func() {
			run := w.runner()
			run.Chunk = 4
			for i := 0; w.now(r).Phase != p; i++ {
				if i > 30 {
					w.t.Fatalf("it stays in %s", w.now(r).Phase)
				}
				w.steps(r, run, 1)
			}
			w.steps(r, run, more)
		}
	}
	return []struct {
		name string
		do   func()
	}{
		{"before anybody asked", func() {}},
		{"asked", func() { r = w.request(w.agent, batch) }},
		{"approved", func() { w.approve(r, w.supervisor, w.legal); r = w.now(r); w.toTheEvening(r) }},
		{"half erased", until(purge.PhaseErase, 1)},
		{"erased", until(purge.PhaseLedger, 0)},
		{"punctured", until(purge.PhaseLedger, 1)},
		{"in the ledger", until(purge.PhaseKeys, 0)},
		{"keys destroyed", until(purge.PhaseVerify, 0)},
		{"certified", until(purge.PhaseFile, 0)},
		{"finished", until(purge.PhaseEnd, 0)},
	}
}

func TestARestoredDatabaseStaysClosedUntilTheLedgerWasReplayed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbours := w.store(chat{name: "n1"}, chat{name: "n2"}, chat{name: "n3"})
		ids, batch := w.expired(10)
		_, err := w.log.Checkpoint(w.ctx())
		w.must(err)
		type backup struct {
			name    string
			restore func()
			bodies  map[id.Conversation]copied
		}
		var backups []backup
		w.hold(ids[8])
		for _, s := range w.stages(batch) {
			s.do()
			if s.name == "in the ledger" {
				w.release(ids[8])
			}
			backups = append(backups, backup{s.name, w.dump(), w.backup()})
		}
		w.hold(neighbours[2])
		later := w.store(chat{name: "later"})
		// A second purge takes one of the survivors along.
		second := w.binned(clock.Time(), bin.ScopeDepartment, neighbours[0], later[0])
		r2 := w.approved(second)
		w.toTheEvening(r2)
		w.work()
		w.wantWhole(r2)
		if s := w.stand(); s.Closed() || len(s.Entries) != 2 || len(s.Missing) > 0 {
			t.Fatalf("before any restore: %+v", s)
		}
		purged := append(slices.Clone(ids[:8]), ids[9], neighbours[0], later[0])
		outside := filepath.Join(w.log.Dir)
		kept := keepFolder(t, outside)
		for _, b := range backups {
			b.restore()
			kept()
			s := w.stand()
			if !s.Closed() || !s.Forked || len(s.Is(purge.LedgerUnknown)) == 0 {
				t.Errorf("%s: open: %+v", b.name, s)
				continue
			}
			w.replayWithDeaths(b.name)
			if s := w.stand(); s.Closed() {
				t.Errorf("%s: still closed: %+v", b.name, s)
			}
			// The numbers of the purges are not given out again, and nothing runs them again.
			w.work()
			for _, c := range purged {
				old, was := b.bodies[c]
				if was {
					w.gone(b.name, old)
				}
			}
			if n := w.count(&conversation.Conversation{}, "id IN ?", purged); n != 0 {
				t.Errorf("%s: %d of the purged are there", b.name, n)
			}
			if n := w.count(&conversation.Tombstone{}); n != int64(len(purged)) {
				t.Errorf("%s: %d tombstones for %d", b.name, n, len(purged))
			}
			if n := w.count(&conversation.Conversation{}); n != 3 {
				t.Errorf("%s: %d survivors, want 3", b.name, n)
			}
			w.open()
			for _, c := range []id.Conversation{neighbours[1], neighbours[2], ids[8]} {
				if w.count(&conversation.Conversation{}, "id = ?", c) != 1 {
					t.Errorf("%s: survivor %d is gone", b.name, c)
				}
			}
			if n := w.count(&hold.Item{}, "conversation_id IN ?", purged); n != 0 {
				t.Errorf("%s: %d holds on what is gone", b.name, n)
			}
			if n := w.count(&conversation.Conversation{}, "state IN ?", []conversation.State{conversation.Frozen, conversation.Purging}); n != 0 {
				t.Errorf("%s: %d are still on a list", b.name, n)
			}
			w.wantReplayed(b.name)
			w.noResurrection(b.name)
		}
	})
}

// keepFolder copies a folder's files; the function it gives puts them back.
func keepFolder(t *testing.T, dir string) func() {
	t.Helper()
	files := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		files[n] = data
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for n, data := range files {
			if err := os.WriteFile(n, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// replayWithDeaths replays and dies before every entry of the log once.
func (w *world) replayWithDeaths(name string) {
	w.t.Helper()
	for n := 1; ; n++ {
		if n > 60 {
			w.t.Fatalf("%s: the replay never ends", name)
		}
		w.failLeaf(n)
		_, err := w.replay().Run(w.ctx())
		dbtest.Exec(w.t, w.d, "DROP TRIGGER crash")
		if err == nil {
			break
		}
		if n > 1 && !w.stand().Closed() {
			w.t.Fatalf("%s: open after death %d", name, n)
		}
	}
	again, err := w.replay().Run(w.ctx())
	w.must(err)
	if again != nil {
		w.t.Errorf("%s: replayed twice: %+v", name, again)
	}
}

// failLeaf makes the n-th entry that is written from now on fail.
func (w *world) failLeaf(n int) {
	w.t.Helper()
	h, err := w.log.Head(w.ctx())
	w.must(err)
	query := fmt.Sprintf("CREATE TRIGGER crash BEFORE INSERT ON audit_leaf WHEN NEW.n >= %d BEGIN SELECT RAISE(ABORT, 'power cut'); END", h.Size+int64(n)-1)
	if w.d.Engine() == db.MySQL {
		query = fmt.Sprintf("CREATE TRIGGER crash BEFORE INSERT ON audit_leaf FOR EACH ROW BEGIN IF NEW.n >= %d THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'power cut'; END IF; END", h.Size+int64(n)-1)
	}
	dbtest.Exec(w.t, w.d, query)
}

// release ends the hold on a conversation, as a writer that knows nothing of purges does.
func (w *world) release(c id.Conversation) {
	w.t.Helper()
	w.set("UPDATE legal_hold SET released_at = created_at WHERE id IN (SELECT hold_id FROM hold_item WHERE conversation_id = ?)", c)
}

// wantReplayed looks at what people see afterwards: requests, log, numbers.
func (w *world) wantReplayed(name string) {
	w.t.Helper()
	var all []purge.Request
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Order("id").Find(&all).Error }))
	if len(all) != 2 {
		w.t.Errorf("%s: %d requests", name, len(all))
	}
	for _, r := range all {
		leaves := int64(0)
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Raw("SELECT COALESCE(SUM(item_count), 0) FROM audit_leaf WHERE action = 'purge.erased' AND object = ?", r.Code).Scan(&leaves).Error
		}))
		if !r.State.Finished() && r.State != purge.Replayed || r.Phase != purge.PhaseEnd || leaves != r.Purged {
			w.t.Errorf("%s: %s is %s in phase %q, %d purged, %d in the log", name, r.Code, r.State, r.Phase, r.Purged, leaves)
		}
		if n := w.count(&purge.Item{}, "purge_id = ? AND state = 'purged'", r.ID); n != r.Purged {
			w.t.Errorf("%s: %s has %d purged lines, want %d", name, r.Code, n, r.Purged)
		}
	}
	check, err := w.log.Check(w.ctx(), true)
	w.must(err)
	if !check.OK || !check.TailProvable {
		w.t.Errorf("%s: the log: %+v", name, check)
	}
	var last *audit.Leaf
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) { last, err = audit.LastOf(tx, "log.restored"); return err }))
	if last == nil || last.Count == 0 || last.Data["checkpoint_root"] == "" {
		w.t.Errorf("%s: the entry of the restore: %+v", name, last)
	}
	aside, err := filepath.Glob(filepath.Join(w.log.Dir, "restored-*", "checkpoint-*.txt"))
	w.must(err)
	if len(aside) == 0 {
		w.t.Errorf("%s: no checkpoint was set aside", name)
	}
}

// noResurrection imports what was purged once more.
func (w *world) noResurrection(name string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		out, err := conversation.Store(tx, w.vault, []conversation.New{w.news(chat{name: "c0"}), w.news(chat{name: "c9"}), w.news(chat{name: "later"}), w.news(chat{name: "n1"})})
		for _, o := range out {
			if !o.Purged || o.ID != 0 {
				w.t.Errorf("%s: imported again: %+v", name, o)
			}
		}
		return err
	})
}

func TestAfterAReplayPurgesGoOnWithNumbersThatAreFree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(6)
		restore := w.dump()
		r := w.approved(batch)
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		first, err := w.desk.Get(w.ctx(), w.legal, r.ID)
		w.must(err)
		restore()
		w.clock.Set(dbtest.Start)
		if _, err := w.replay().Run(w.ctx()); err != nil {
			t.Fatal(err)
		}
		w.must(d.Write(w.ctx(), func(tx *db.Tx) error { tx.MarkAudited(); return nil }))
		more, next := w.expiredAs("more-", 4)
		r2 := w.approved(next)
		if r2.Code == r.Code || r2.ID == r.ID {
			t.Errorf("%s (%d) was given out again", r2.Code, r2.ID)
		}
		w.toTheEvening(r2)
		w.work()
		w.wantWhole(r2)
		second, err := w.desk.Get(w.ctx(), w.legal, r2.ID)
		w.must(err)
		if first.Certificate == nil || second.Certificate == nil || first.Certificate.Code == second.Certificate.Code {
			t.Errorf("certificates %+v and %+v", first.Certificate, second.Certificate)
		}
		if n := w.count(&conversation.Conversation{}, "id IN ?", append(ids, more...)); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// What was sealed again at its leaf is read as the backup has it; what grew into another month's bucket left its leaf, which
// the purge took out of the old one.
func TestWhatGrewAfterTheBackupIsToldAndHealedByAnImport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbours := w.store(chat{name: "leaves"}, chat{name: "stays"}, chat{name: "grows"})
		_, batch := w.expired(4)
		restore := w.dump()
		grows, leaves := w.news(chat{name: "grows"}, "CANARY-grows", "还有一个问题"), w.news(chat{name: "leaves"}, "CANARY-leaves", "下个月再问")
		leaves.Document.Messages[1].At = conversation.MicrosOf(old.AddDate(0, 1, 3))
		w.write(func(tx *db.Tx) error {
			_, err := conversation.Store(tx, w.vault, []conversation.New{grows, leaves})
			return err
		})
		r := w.approved(batch)
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		restore()
		done, err := w.replay().Run(w.ctx())
		w.must(err)
		if !slices.Equal(done.Lost, neighbours[:1]) || done.Moved != 2 || done.Back != 4 {
			t.Errorf("%+v", done)
		}
		// Even what the backup had, unchanged, brings it back.
		w.write(func(tx *db.Tx) error {
			_, err := conversation.Store(tx, w.vault, []conversation.New{w.news(chat{name: "leaves"})})
			return err
		})
		w.open()
		for _, n := range []conversation.New{grows, leaves} {
			w.write(func(tx *db.Tx) error {
				out, err := conversation.Store(tx, w.vault, []conversation.New{n})
				if len(out) == 1 && out[0].Messages != 1 {
					t.Errorf("%+v", out)
				}
				return err
			})
			w.open()
		}
		// A bucket that came out of the ledger takes nothing new, and is punctured like any other.
		_, next := w.expiredAs("more-", 3)
		second := w.binned(clock.Time(), bin.ScopeDepartment, neighbours[2])
		r2 := w.approved(next, second)
		w.toTheEvening(r2)
		w.work()
		w.wantWhole(r2)
	})
}

func TestAReplayIsRefusedWhenSomethingIsNotWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(4)
		restore := w.dump()
		r := w.approved(batch)
		w.toTheEvening(r)
		w.work()
		if done, err := w.replay().Run(w.ctx()); err != nil || done != nil {
			t.Errorf("nothing was restored: %+v %v", done, err)
		}
		restore()
		before := w.count(&conversation.Conversation{})
		file := filepath.Join(w.ledger.Dir, r.Code+".ledger")
		whole, err := os.ReadFile(file)
		w.must(err)
		nameless := w.replay()
		nameless.By = ""
		if _, err := nameless.Run(w.ctx()); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("without a name: %v", err)
		}
		for name, data := range map[string][]byte{
			"cut off": whole[:len(whole)-9], "a body line changed": bytes.Replace(whole, []byte(`"gone":"`), []byte(`"gone":"1`), 1),
			"the head changed": bytes.Replace(whole, []byte(`"purged":4`), []byte(`"purged":3`), 1), "empty": {},
		} {
			w.must(os.WriteFile(file, data, 0o600))
			if _, err := w.replay().Run(w.ctx()); !errors.Is(err, purge.ErrLedgerDamaged) {
				t.Errorf("%s: %v", name, err)
			}
			if !w.stand().Closed() || w.count(&conversation.Conversation{}) != before {
				t.Errorf("%s: something was done", name)
			}
		}
		w.must(os.WriteFile(file, whole, 0o600))
		dbtest.Exec(t, d, "DELETE FROM conversation_key WHERE id = (SELECT m FROM (SELECT MIN(id) AS m FROM conversation_key) x)")
		if _, err := w.replay().Run(w.ctx()); !errors.Is(err, purge.ErrIncomplete) {
			t.Errorf("a key is missing: %v", err)
		}
		restore()
		dbtest.Exec(t, d, "DELETE FROM key_bucket")
		if _, err := w.replay().Run(w.ctx()); !errors.Is(err, purge.ErrIncomplete) {
			t.Errorf("the buckets are missing: %v", err)
		}
		restore()
		dbtest.Exec(t, d, "UPDATE purge_request SET root = policy_version")
		if _, err := w.replay().Run(w.ctx()); err != nil {
			t.Errorf("nothing is in the way: %v", err)
		}
	})
}

func TestAReplayThatDiedAfterItsLastEntryOnlyMovesTheCheckpoints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(4)
		restore := w.dump()
		r := w.approved(batch)
		w.toTheEvening(r)
		w.work()
		restore()
		blocked := filepath.Join(w.log.Dir, "restored-"+clock.Time().Format("20060102T150405Z"))
		w.must(os.WriteFile(blocked, nil, 0o600))
		if _, err := w.replay().Run(w.ctx()); err == nil {
			t.Fatal("no error")
		}
		h, err := w.log.Head(w.ctx())
		w.must(err)
		if s := w.stand(); !s.Closed() || s.Begun || len(s.Is(purge.LedgerUnknown)) > 0 {
			t.Errorf("%+v", s)
		}
		w.must(os.Remove(blocked))
		done, err := w.replay().Run(w.ctx())
		w.must(err)
		after, err := w.log.Head(w.ctx())
		w.must(err)
		if done == nil || done.Aside != 1 || done.Missing == 0 || after.Size != h.Size || w.stand().Closed() {
			t.Errorf("%+v, %d entries became %d", done, h.Size, after.Size)
		}
	})
}

func TestAnotherRequestUnderTheSameCodeIsNotTouched(t *testing.T) {
	d, clock := dbtest.New(t)
	w := newWorld(t, d, clock)
	_, batch := w.expired(4)
	apart := w.store(chat{name: "o1", at: old.AddDate(0, 2, 0)}, chat{name: "o2", at: old.AddDate(0, 2, 0)}) // another bucket
	other := w.binned(clock.Time(), bin.ScopeDepartment, apart...)
	restore := w.dump()
	r := w.approved(batch)
	w.toTheEvening(r)
	w.work()
	restore()
	clock.Set(dbtest.Start)
	// Somebody went on without the ledger and the checkpoints, and now they are back.
	fresh := w.request(w.agent, other)
	if fresh.Code != r.Code {
		t.Fatalf("%s and %s", fresh.Code, r.Code)
	}
	if s := w.stand(); len(s.Is(purge.LedgerClash)) != 1 || !s.Closed() {
		t.Errorf("%+v", s)
	}
	if _, err := w.replay().Run(w.ctx()); !errors.Is(err, purge.ErrLedgerOther) {
		t.Errorf("%v", err)
	}
	// Nor does its own purge destroy anything under a code that the ledger has for another one.
	fresh = w.approve(fresh, w.supervisor, w.legal)
	w.toTheEvening(fresh)
	for range 6 {
		j, err := job.Claim(w.ctx(), d, "w", []string{purge.JobRun})
		w.must(err)
		if j == nil {
			break
		}
		if _, err = w.runner().Step(w.ctx(), j); err != nil {
			if !errors.Is(err, purge.ErrLedgerOther) {
				t.Errorf("%v", err)
			}
			break
		}
		clock.Advance(job.Lease + time.Second)
	}
	if w.now(fresh).Phase != purge.PhaseLedger {
		t.Errorf("phase %s", w.now(fresh).Phase)
	}
}
