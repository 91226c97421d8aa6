package purge_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// asBefore makes conversations what they were before buckets had leaves: wrapped by a bucket's key itself.
func (w *world) asBefore(ids ...id.Conversation) {
	w.t.Helper()
	for _, c := range ids {
		w.sealedBy(c, 0)
	}
}

// sealedBy seals a conversation under the key of a bucket itself, 0: that in which it lies, and gives the key.
func (w *world) sealedBy(c id.Conversation, b uint64) []byte {
	w.t.Helper()
	row := w.backup()[c]
	aad := seal.AAD{Record: uint64(c), Version: row.body.Version, Department: uint64(row.body.DepartmentID)}
	tree, err := w.keys.Tree(uint64(row.key.BucketID), row.key.Slot, row.key.Tree)
	w.must(err)
	plain, err := tree.Open(row.key.Leaf, aad, seal.Sealed{Body: row.body.Body, Wrapped: row.key.Wrapped})
	w.must(err)
	if b == 0 {
		b = uint64(row.key.BucketID)
	}
	sealed, err := w.keys.Seal(b, aad, plain)
	w.must(err)
	digest := sha256.Sum256(sealed.Body)
	w.set("UPDATE conversation_body SET body = ?, digest = ? WHERE id = ?", sealed.Body, digest[:], c)
	w.set("UPDATE conversation_key SET leaf = -1, wrapped = ? WHERE id = ?", sealed.Wrapped, c)
	return sealed.Wrapped
}

// claimed gives the jobs of two purges that are due, each to be stepped as a test likes.
func (w *world) claimed(rs ...*purge.Request) []*job.Job {
	w.t.Helper()
	jobs := make([]*job.Job, len(rs))
	for range rs {
		j, err := job.Claim(w.ctx(), w.d, "w", []string{purge.JobRun})
		w.must(err)
		for i, r := range rs {
			if j != nil && j.Subject == uint64(r.ID) {
				jobs[i] = j
			}
		}
	}
	for i, j := range jobs {
		if j == nil {
			w.t.Fatalf("no job for %s", rs[i].Code)
		}
	}
	return jobs
}

// until steps a purge until it is in a phase, and more steps in it.
func (w *world) until(r *purge.Request, j *job.Job, p purge.Phase, more int) {
	w.t.Helper()
	for i := 0; w.now(r).Phase != p || more > 0; i++ {
		if i > 30 {
			w.t.Fatalf("%s stays in %s", r.Code, w.now(r).Phase)
		}
		if w.now(r).Phase == p {
			more--
		}
		_, err := w.runner().Step(w.ctx(), j)
		w.must(err)
	}
}

// Two purges of one bucket, in every order of puncturing, writing their files and destroying keys: what either erased opens
// with nothing when it ends, whatever the other one has come to, and what neither erased opens always.
func TestTwoPurgesOfOneBucket(t *testing.T) {
	type act struct {
		of   int
		to   purge.Phase
		more int
	}
	orders := []struct {
		name string
		acts []act
		kind string // of the ordinary tier; the long one takes all
	}{
		{"one after the other", []act{{0, purge.PhaseEnd, 0}, {1, purge.PhaseEnd, 0}}, ""},
		{"both erased, then both on", []act{{0, purge.PhaseLedger, 0}, {1, purge.PhaseLedger, 0}, {0, purge.PhaseEnd, 0}, {1, purge.PhaseEnd, 0}}, ""},
		{"the second overtakes", []act{{0, purge.PhaseLedger, 0}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, ""},
		{"the first is punctured", []act{{0, purge.PhaseLedger, 1}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, "some stay"},
		{"the first is in the ledger", []act{{0, purge.PhaseKeys, 0}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, ""},
		{"the first has destroyed", []act{{0, purge.PhaseKeys, 1}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, ""},
		{"both punctured, second first", []act{{0, purge.PhaseLedger, 1}, {1, purge.PhaseLedger, 1}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, "from before there were leaves"},
		{"both punctured, first first", []act{{0, purge.PhaseLedger, 1}, {1, purge.PhaseLedger, 1}, {0, purge.PhaseEnd, 0}, {1, purge.PhaseEnd, 0}}, ""},
		{"both in the ledger, crosswise", []act{{0, purge.PhaseKeys, 0}, {1, purge.PhaseKeys, 0}, {1, purge.PhaseVerify, 0}, {0, purge.PhaseVerify, 0}, {1, purge.PhaseEnd, 0}, {0, purge.PhaseEnd, 0}}, "some stay"},
		{"the second erases in between", []act{{1, purge.PhaseErase, 1}, {0, purge.PhaseLedger, 1}, {1, purge.PhaseLedger, 1}, {0, purge.PhaseEnd, 0}, {1, purge.PhaseEnd, 0}}, "nothing stays"},
		{"the second asks after the keys", []act{{0, purge.PhaseVerify, 0}, {1, purge.PhaseLedger, 1}, {0, purge.PhaseEnd, 0}, {1, purge.PhaseEnd, 0}}, ""},
	}
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		n := 0
		for _, order := range orders {
			for _, kind := range []string{"some stay", "nothing stays", "from before there were leaves"} {
				if kind != order.kind && os.Getenv("QINGDANG_TEST_TIER") != "long" {
					continue
				}
				outer.Run(order.name+", "+kind, func(t *testing.T) {
					clock.Set(dbtest.Start)
					w := newWorld(outer, d, clock)
					w.t = t
					n++
					prefix := fmt.Sprintf("%d-", n)
					at := old.AddDate(0, n, 0) // a bucket of its own
					named := func(what string, n int) []id.Conversation {
						chats := w.chats(n)
						for i := range chats {
							chats[i].name, chats[i].at = prefix+what+chats[i].name, at
						}
						return w.store(chats...)
					}
					ids := [][]id.Conversation{named("a", 3), named("b", 4)}
					var stays []id.Conversation
					if kind != "nothing stays" {
						stays = named("stays", 2)
					}
					if kind == "from before there were leaves" {
						w.asBefore(append(append(append([]id.Conversation{}, ids[0]...), ids[1]...), stays...)...)
						stays = append(stays, named("later", 1)...)
					}
					copies := []map[id.Conversation]copied{w.backup()}
					rs := []*purge.Request{
						w.approved(w.binned(clock.Time(), bin.ScopeDepartment, ids[0]...)), w.approved(w.binned(clock.Time(), bin.ScopeDepartment, ids[1]...)),
					}
					w.toTheEvening(rs[1])
					jobs := w.claimed(rs...)
					for _, a := range order.acts {
						w.until(rs[a.of], jobs[a.of], a.to, a.more)
						copies = append(copies, w.backup())
						if a.to == purge.PhaseEnd {
							w.wantWhole(rs[a.of])
						}
						for i, r := range rs {
							if w.now(r).Phase != purge.PhaseEnd {
								continue
							}
							for _, old := range copies {
								for _, c := range ids[i] {
									if row, was := old[c]; was {
										w.gone(fmt.Sprintf("%s, %v", r.Code, a), row)
									}
								}
							}
						}
						now := w.backup()
						for _, c := range stays {
							body, key := now[c].body, now[c].key
							if _, err := w.vault.Open(&body, &key); err != nil {
								t.Errorf("%v: %d does not open: %v", a, c, err)
							}
						}
					}
					w.noSlotLeft()
				})
			}
		}
	})
}

// What is left of a bucket must not lead to anything that was erased, or nothing is certified.
func TestNothingIsCertifiedThatCouldStillBeReached(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{name: "n1"})
		_, batch := w.expired(4)
		r := w.approved(batch)
		w.toTheEvening(r)
		j := w.claimed(r)[0]
		w.until(r, j, purge.PhaseVerify, 0)
		refused := func(what string) {
			t.Helper()
			if _, err := w.runner().Step(w.ctx(), j); err == nil || !strings.Contains(err.Error(), "verification of "+purge.CheckBuckets) {
				t.Errorf("%s: %v", what, err)
			}
			if w.now(r).State.Finished() || w.count(&purge.Head{}) != 0 {
				t.Fatalf("%s: it was certified", what)
			}
		}
		mend := w.kept("purge_item", "purge_bucket")
		w.set("UPDATE purge_item SET leaf = 0 WHERE seq = 1") // where the neighbour is
		refused("an erased line whose leaf is covered")
		mend()
		fresh, err := w.keys.NewBuckets(1)
		w.must(err)
		w.set("UPDATE purge_bucket SET slot = ?", fresh[0])
		refused("a slot that is alive")
		mend()
		w.set("UPDATE purge_bucket SET state = 'closed'")
		refused("a bucket that was not destroyed")
		mend()
		w.until(r, j, purge.PhaseEnd, 0)
		w.wantWhole(r)
	})
}

// noSlotLeft makes sure that the key store has no other slot alive than those under which buckets lie, and those that a
// transaction made that was not committed.
func (w *world) noSlotLeft() {
	w.t.Helper()
	var gone []uint64
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT slot FROM purge_bucket UNION SELECT moved_to FROM purge_bucket WHERE moved_to <> 0 EXCEPT SELECT slot FROM key_bucket WHERE state = 1").Scan(&gone).Error
	}))
	for _, slot := range gone {
		if s, err := w.keys.State(slot); err != nil || s.State != seal.Destroyed {
			w.t.Errorf("slot %d is %v, %v", slot, s.State, err)
		}
	}
}

// An earlier version's data: the first purge gives what stays its leaf, and its file names it by itself, so that a backup from
// before is read after it, and after a second purge too.
func TestABackupFromBeforeThereWereLeavesIsReplayed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stays := w.store(chat{name: "n1"}, chat{name: "n2"}, chat{name: "n3"})
		ids, batch := w.expired(6)
		w.asBefore(append(stays, ids...)...)
		w.open()
		before, restore := w.backup(), w.dump()
		r := w.approved(batch)
		w.toTheEvening(r)
		jobs := w.claimed(r)
		w.until(r, jobs[0], purge.PhaseLedger, 1)
		half := w.dump()
		w.until(r, jobs[0], purge.PhaseEnd, 0)
		w.wantWhole(r)
		if says := w.told(r.Code); len(says.kept) != 3 || len(says.now) != 1 || w.count(&conversation.Key{}, "leaf < 0") != 0 {
			t.Errorf("%d kept, %d buckets", len(says.kept), len(says.now))
		}
		replayed := func(lost int, purges int, moved int64) {
			t.Helper()
			done, err := w.replay().Run(w.ctx())
			w.must(err)
			if done == nil || len(done.Lost) != lost || done.Purges != purges || done.Moved != moved {
				t.Errorf("%+v", done)
			}
			w.open()
			for _, c := range ids {
				w.gone("the backup", before[c])
			}
			if n := w.count(&conversation.Conversation{}); n != 3 {
				t.Errorf("%d conversations", n)
			}
		}
		restore()
		replayed(0, 1, 3)
		w.noSlotLeft()

		// Another purge in the replayed database, and the backup once more: the second purge's file has the bucket, the first
		// one's the keys.
		clock.Advance(time.Hour)
		second := w.approved(w.binned(clock.Time(), bin.ScopeDepartment, stays[0]))
		w.toTheEvening(second)
		w.work()
		w.wantWhole(second)
		w.gone("the second purge", before[stays[0]])
		again := func(name string, back func()) {
			back()
			done, err := w.replay().Run(w.ctx())
			w.must(err)
			if done == nil || len(done.Lost) != 0 {
				t.Errorf("%s: %+v", name, done)
			}
			w.open()
			if n := w.count(&conversation.Conversation{}); n != 2 {
				t.Errorf("%s: %d conversations", name, n)
			}
			for _, c := range append(ids, stays[0]) {
				w.gone(name, before[c])
			}
			w.noSlotLeft()
		}
		again("from before", restore)
		again("punctured", half)
	})
}

// What an earlier version of the program wrote into the outside ledger is carried out: it names buckets by the number of their
// only slot, and every survivor's key in another bucket.
func TestALedgerFromBeforeThereWereLeavesIsReplayed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stays := w.store(chat{name: "n1"}, chat{name: "n2"})
		ids := w.store(w.chats(3)...)
		w.asBefore(ids...)
		bucket := uint64(w.backup()[ids[0]].key.BucketID)
		moved, err := w.keys.NewBuckets(1)
		w.must(err)
		var lines bytes.Buffer
		out := json.NewEncoder(&lines)
		for _, c := range ids {
			w.must(out.Encode(struct {
				Gone       string `json:"gone"`
				Platform   string `json:"platform"`
				External   []byte `json:"external"`
				Department string `json:"department"`
			}{fmt.Sprint(c), "qianniu", w.external(c), fmt.Sprint(w.sales)}))
		}
		w.must(out.Encode(map[string]any{"closed": fmt.Sprint(bucket)}))
		for _, c := range stays {
			// What the backup's row has opens nothing any more, so it does not matter what it is.
			w.must(out.Encode(map[string]any{"kept": fmt.Sprint(c), "version": 1, "bucket": fmt.Sprint(moved[0]), "wrapped": w.sealedBy(c, moved[0])}))
		}
		w.must(w.keys.Destroy(bucket))
		w.oldLedger("PG-20200101-001", len(ids), lines.Bytes())
		before := w.backup()
		if s := w.stand(); !s.Closed() || len(s.Is(purge.LedgerUnknown)) != 1 {
			t.Fatalf("%+v", s)
		}
		done, err := w.replay().Run(w.ctx())
		w.must(err)
		if done == nil || done.Purges != 1 || done.Back != 3 || done.Moved != 2 || len(done.Lost) != 0 {
			t.Errorf("%+v", done)
		}
		w.open()
		for _, c := range ids {
			w.gone("an old purge", before[c])
		}
		if n := w.count(&conversation.Key{}, "bucket_id = ? AND leaf = -1", moved[0]); n != 2 {
			t.Errorf("%d keys moved", n)
		}
		// And on: the next purge of the bucket gives the other one its leaf.
		clock.Advance(time.Hour)
		r := w.approved(w.binned(clock.Time(), bin.ScopeDepartment, stays[0]))
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		w.gone("the next purge", before[stays[0]])
		if n := w.count(&conversation.Key{}, "bucket_id = ? AND leaf = 0", moved[0]); n != 1 {
			t.Errorf("%d keys were lifted", n)
		}
	})
}

// The places of a bucket that were given after the backup was made are not given again: some of them are gone.
func TestABucketOutOfTheLedgerTakesNothingNew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stays := w.store(chat{name: "n1"})
		_, batch := w.expired(3)
		restore := w.dump()
		later := w.store(chat{name: "l1"}, chat{name: "l2"})
		r := w.approved(batch, w.binned(clock.Time(), bin.ScopeDepartment, later[0]))
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		restore()
		done, err := w.replay().Run(w.ctx())
		w.must(err)
		if done == nil || done.Moved != 1 || len(done.Lost) != 0 {
			t.Errorf("%+v", done)
		}
		fresh := w.store(chat{name: "f1"}, chat{name: "f2"})
		now := w.backup()
		if now[fresh[0]].key.BucketID == now[stays[0]].key.BucketID {
			t.Error("it took more")
		}
		w.open()
	})
}

func (w *world) external(c id.Conversation) (mac []byte) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		var row conversation.Conversation
		err := tx.Where("id = ?", c).Take(&row).Error
		mac = row.ExternalMAC
		return err
	}))
	return mac
}

// oldLedger writes a file of the ledger as the program wrote it before there were leaves.
func (w *world) oldLedger(code string, purged int, lines []byte) {
	w.t.Helper()
	h := purge.LedgerHead{
		Format: "qingdang/ledger/v1", Store: w.keys.ID(), Purge: 4711, Code: code, Root: fmt.Sprintf("%064d", 7), Requester: 1, RequesterName: "旧人",
		RequestedAt: dbtest.Start.AddDate(-1, 0, 0), StartedAt: dbtest.Start.AddDate(-1, 0, 0), WrittenAt: dbtest.Start.AddDate(-1, 0, 0), Size: int64(purged), Purged: int64(purged),
	}
	text, err := json.Marshal(h)
	w.must(err)
	mac := w.keys.MAC("purge ledger head", text)
	h.MAC = hex.EncodeToString(mac[:])
	text, err = json.Marshal(h)
	w.must(err)
	file := append(append(text, '\n'), lines...)
	sum := sha256.Sum256(file)
	mac = w.keys.MAC("purge ledger", sum[:])
	file = fmt.Appendf(file, "{\"mac\":\"%x\"}\n", mac)
	w.must(os.MkdirAll(w.ledger.Dir, 0o700))
	w.must(os.WriteFile(filepath.Join(w.ledger.Dir, code+".ledger"), file, 0o600))
}
