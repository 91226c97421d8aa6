package subject_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/subject"
)

var backedUp = []string{
	"subject_request", "subject_item", "conversation", "conversation_body", "conversation_key", "conversation_tag", "key_bucket", "bin_batch", "bin_item", "serial", "job",
	"audit_leaf", "audit_node", "audit_head", "tombstone",
}

// backup keeps the tables as they are now, and gives the way back to them.
func (w *world) backup() (restore func()) {
	w.t.Helper()
	dbtest.WithoutTriggers(w.t, w.d) // or nothing that is held could be replaced
	w.keys++
	kept := map[string]string{}
	for _, table := range backedUp {
		kept[table] = fmt.Sprint("kept_", table, w.keys)
		dbtest.Exec(w.t, w.d, "CREATE TABLE "+kept[table]+" AS SELECT * FROM "+table)
	}
	w.t.Cleanup(func() {
		for _, k := range kept {
			dbtest.Exec(w.t, w.d, "DROP TABLE "+k)
		}
	})
	return func() {
		w.t.Helper()
		w.write(func(tx *db.Tx) error {
			for _, table := range backedUp {
				for _, q := range []string{"DELETE FROM " + table, "INSERT INTO " + table + " SELECT * FROM " + kept[table]} {
					if err := tx.Exec(q).Error; err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
}

// remembering gives the world's requests a folder outside.
func (w *world) remembering() {
	w.requests.Outside = subject.Files{Dir: filepath.Join(w.t.TempDir(), "ledger"), Keys: w.vault.Store}
}

func (w *world) stand() *subject.Standing {
	w.t.Helper()
	s, err := w.requests.Stand(w.ctx())
	w.must(err)
	return s
}

func (w *world) replay() *subject.Replayed {
	w.t.Helper()
	out, err := w.requests.Replay(w.ctx(), "李桦", "磁盘故障，由夜间备份恢复")
	w.must(err)
	return out
}

func (w *world) lift(r *subject.Request) {
	w.t.Helper()
	w.must(w.requests.Lift(w.ctx(), w.counsel, r.ID, reason, w.code(w.counsel)))
}

// only gives the request of a code.
func (w *world) only(code string) *subject.Request {
	w.t.Helper()
	var rows []subject.Request
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("code = ?", code).Find(&rows).Error }))
	if len(rows) != 1 {
		w.t.Fatalf("%d requests are called %s", len(rows), code)
	}
	return &rows[0]
}

// A database that was restored from before a request knows it again, with what it reached under seal; nobody else gets its
// number.
func TestARequestComesBackAfterARestore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.remembering()
		ids := w.store(chat{at: w.young()}, chat{at: w.young(), hidden: true}, chat{at: w.young()}, chat{at: w.young(), who: "tb_other"})
		w.hold(ids[2])
		binned := w.store(chat{})
		w.discard(binned...)
		restore := w.backup()
		late := w.store(chat{at: w.young()})
		placed := w.place()
		w.work()
		if s := w.stand(); s.Closed() || s.Files != 1 {
			t.Fatalf("while nothing was restored: %+v", s)
		}
		restore()
		if s := w.stand(); !s.Closed() || !slices.Equal(s.Unknown, []string{placed.Code}) {
			t.Fatalf("after the restore: %+v", s)
		}
		if out := w.replay(); out == nil || *out != (subject.Replayed{Requests: 1, Reached: 4, Missing: 1}) {
			t.Errorf("replayed: %+v", out)
		}
		w.wantStates(slices.Concat(ids, binned, late), "sealed", "sealed", "sealed", "active", "binned", "gone")
		back := w.only(placed.Code)
		if back.State != subject.Open || back.Size != 4 || back.Reason != placed.Reason || !back.ReceivedAt.Equal(placed.ReceivedAt) || !bytes.Equal(back.Sealed, placed.Sealed) || back.CreatorName != placed.CreatorName {
			t.Errorf("it came back as %+v", back)
		}
		if typed, err := w.requests.Customer(w.ctx(), w.legal, back.ID); err != nil || typed != customer {
			t.Errorf("its customer is %q, %v", typed, err)
		}
		if d := w.get(back); len(d.History) == 0 || d.History[0].Action != "subject.restored" || d.Parts.Sealed != 3 || d.Parts.Held != 1 || d.Parts.InBin != 1 {
			t.Errorf("its page: %+v", d)
		}
		if s := w.stand(); s.Closed() || w.replay() != nil {
			t.Errorf("afterwards: %+v", s)
		}
		w.work()
		w.tick()
		o := w.order()
		o.Customer = "tb_other"
		next, err := w.requests.Place(w.ctx(), w.legal, o)
		w.must(err)
		if next.Code == placed.Code || w.stand().Files != 2 {
			t.Errorf("the next one is %s of %+v", next.Code, w.stand())
		}
		w.lift(back)
		w.wantStates(slices.Concat(ids, binned), "active", "hidden", "active", "sealed", "binned")
	})
}

// A request that was lifted is lifted again, whether the backup is from before it was placed or from in between; of the
// same customer the next one comes back after it.
func TestALiftedRequestStaysLifted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.remembering()
		ids := w.store(chat{at: w.young()}, chat{at: w.young(), hidden: true})
		before := w.backup()
		first := w.place()
		between := w.backup()
		w.lift(first)
		second := w.place()
		between()
		if s := w.stand(); !slices.Equal(s.Lifted, []string{first.Code}) || !slices.Equal(s.Unknown, []string{second.Code}) {
			t.Fatalf("from in between: %+v", s)
		}
		if out := w.replay(); out == nil || *out != (subject.Replayed{Requests: 1, Reached: 2, Lifted: 1}) {
			t.Errorf("from in between: %+v", out)
		}
		look := func() {
			t.Helper()
			if r := w.only(first.Code); r.State != subject.Lifted || r.EndedName != w.counsel.Name || r.EndReason != reason || r.EndedAt == nil {
				t.Errorf("the first is %+v", r)
			}
			if r := w.only(second.Code); r.State != subject.Open || r.Size != 2 {
				t.Errorf("the second is %+v", r)
			}
			w.wantStates(ids, "sealed", "sealed")
			for _, f := range w.findings() {
				t.Error(f)
			}
		}
		look()
		before()
		if s := w.stand(); len(s.Unknown) != 2 || len(s.Lifted) != 0 {
			t.Fatalf("from before: %+v", s)
		}
		if out := w.replay(); out == nil || *out != (subject.Replayed{Requests: 2, Reached: 2, Lifted: 1}) {
			t.Errorf("from before: %+v", out)
		}
		look()
	})
}

// What the replay of the purges destroyed again needs no seal: a request of which nothing is left is done.
func TestARequestOfWhichNothingIsLeftComesBackDone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.remembering()
		all := w.store(chat{}, chat{}, chat{})
		ids, other := all[:2], all[2:]
		restore := w.backup()
		placed := w.place()
		restore()
		// A number that somebody else's conversation has here.
		dbtest.Exec(t, d, "UPDATE conversation SET customer_mac = ? WHERE id = ?", w.vault.CustomerMAC("tb_other"), other[0])
		w.erase(ids...)
		if out := w.replay(); out == nil || *out != (subject.Replayed{Requests: 1, Reached: 2, Missing: 1}) {
			t.Errorf("replayed: %+v", out)
		}
		w.wantStates(other, "active")
		if r := w.only(placed.Code); r.State != subject.Done || w.get(r).Parts.Destroyed != 2 {
			t.Errorf("it came back as %+v", r)
		}
	})
}

// A restored database was in use while the folder was away, and gave the number of a request that it had forgotten to that
// of another customer: the file's is neither taken for known nor put back over it, and the database stays closed.
func TestAFileOfAnotherRequestKeepsTheDatabaseClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.remembering()
		ids := w.store(chat{at: w.young()}, chat{at: w.young(), who: "tb_other"})
		restore := w.backup()
		lost := w.place()
		w.lift(lost)
		restore()
		outside := w.requests.Outside
		w.requests.Outside.Dir = ""
		w.tick()
		o := w.order()
		o.Customer = "tb_other"
		next, err := w.requests.Place(w.ctx(), w.legal, o)
		w.must(err)
		if next.Code != lost.Code {
			t.Fatalf("they are %s and %s", lost.Code, next.Code)
		}
		w.requests.Outside = outside
		if s := w.stand(); !s.Closed() || !slices.Equal(s.Clash, []string{lost.Code}) || len(s.Unknown)+len(s.Lifted)+len(s.Damaged) != 0 {
			t.Errorf("when the folder is back: %+v", s)
		}
		if _, err := w.requests.Replay(w.ctx(), "李桦", "磁盘故障，由夜间备份恢复"); !errors.Is(err, subject.ErrOther) {
			t.Errorf("the replay: %v", err)
		}
		w.wantStates(ids, "active", "sealed")
		// The same customer's later request of that number is another one, too.
		restore()
		w.requests.Outside.Dir = ""
		w.tick()
		if again := w.place(); again.Code != lost.Code {
			t.Fatalf("they are %s and %s", lost.Code, again.Code)
		}
		w.requests.Outside = outside
		if s := w.stand(); !slices.Equal(s.Clash, []string{lost.Code}) {
			t.Errorf("of the same customer: %+v", s)
		}
	})
}

// erase destroys conversations as the replay of a purge does.
func (w *world) erase(ids ...id.Conversation) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		var stones []conversation.Tombstone
		for i, c := range ids {
			stones = append(stones, conversation.Tombstone{
				Platform: "qianniu", ExternalMAC: w.vault.ExternalMAC("qianniu", string(rune('a'+i))), ConversationID: c, DepartmentID: w.east, PurgeID: 1, CreatedAt: tx.Now,
			})
		}
		return conversation.EraseAgain(tx, ids, stones)
	})
}

// A customer whose first request was done by a purge wrote again, and their second one was lifted. The backup has the first
// one open, and still has when the second one comes back: requests are settled later.
func TestALiftedRequestComesBackBesideOneThatIsDone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.remembering()
		ids := w.store(chat{at: w.young()})
		first := w.place()
		restore := w.backup()
		w.erase(ids...)
		w.tick()
		w.store(chat{at: w.young()})
		second := w.place()
		w.lift(second)
		restore()
		w.erase(ids...)
		if r := w.only(first.Code); r.State != subject.Open {
			t.Fatalf("before the replay the first is %s", r.State)
		}
		if out := w.replay(); out == nil || *out != (subject.Replayed{Requests: 1, Missing: 0, Reached: 0, Lifted: 1}) {
			t.Errorf("replayed: %+v", out)
		}
		w.tick()
		if a, b := w.only(first.Code), w.only(second.Code); a.State != subject.Done || b.State != subject.Lifted || b.OpenSlot != nil {
			t.Errorf("the first is %s, the second %+v", a.State, b)
		}
		if w.stand().Closed() {
			t.Error("it stays closed")
		}
	})
}

// The files: nobody reads them, a changed one keeps the database closed, one that is missing is written by the timer, and of
// a request that somebody wrote into the database there is none.
func TestTheFilesOfRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{at: w.young()})
		restore := w.backup()
		placed := w.place()
		w.remembering()
		if s := w.stand(); s.Files != 0 || s.Closed() {
			t.Errorf("without a folder: %+v", s)
		}
		w.tick()
		file := filepath.Join(w.requests.Outside.Dir, placed.Code+".request")
		whole, err := os.ReadFile(file)
		w.must(err)
		for _, text := range []string{customer, reason, "KF-2026-118", placed.Code, w.legal.Name} {
			if bytes.Contains(whole, []byte(text)) {
				t.Errorf("%q can be read in the file", text)
			}
		}
		entries, err := os.ReadDir(w.requests.Outside.Dir)
		if info, other := os.Stat(file); err != nil || other != nil || len(entries) != 1 || info.Mode().Perm() != 0o600 {
			t.Errorf("the folder holds %v, %v %v", entries, err, other)
		}
		dbtest.Exec(t, d, "UPDATE subject_request SET reference = 'KF-1'")
		w.must(os.Remove(file))
		_ = w.requests.Tick(w.ctx())
		if s := w.stand(); s.Files != 0 {
			t.Error("a forged request is remembered")
		}
		restore()
		for i := range whole {
			if i%37 != 0 {
				continue
			}
			broken := slices.Clone(whole)
			broken[i] ^= 1
			w.must(os.WriteFile(file, broken, 0o600))
			if s := w.stand(); !slices.Equal(s.Damaged, []string{placed.Code}) || !s.Closed() {
				t.Fatalf("byte %d: %+v", i, s)
			}
		}
		if _, err := w.requests.Replay(w.ctx(), "李桦", "磁盘故障，由夜间备份恢复"); !errors.Is(err, subject.ErrOutside) {
			t.Errorf("a damaged file is replayed: %v", err)
		}
		// One request's file under another's name is damaged, too.
		w.must(os.Rename(file, filepath.Join(w.requests.Outside.Dir, "DSR-0009.request")))
		w.must(os.WriteFile(filepath.Join(w.requests.Outside.Dir, "DSR-0009.request"), whole, 0o600))
		if s := w.stand(); !slices.Equal(s.Damaged, []string{"DSR-0009"}) {
			t.Errorf("under another name: %+v", s)
		}
	})
}
