package purge_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/retention"
	"qingdang/models/seal"
)

func TestWhatChangedSinceTheListWasFrozenIsSkipped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(8)
		r := w.approved(batch)
		w.hold(ids[0])
		w.write(func(tx *db.Tx) error {
			_, err := conversation.Store(tx, w.vault, []conversation.New{w.news(chat{name: "c1"}, "CANARY-c1", "再问一下")})
			return err
		})
		w.restore(ids[2])
		w.set("UPDATE conversation SET order_state = ? WHERE id = ?", conversation.OrderOpen, ids[3])
		w.set("UPDATE conversation SET service_type = '法律纠纷' WHERE id = ?", ids[4])
		w.set("UPDATE conversation SET department_id = ? WHERE id = ?", w.support, ids[5])
		w.write(func(tx *db.Tx) error {
			one := db.List{Table: "conversation", Column: "id", Where: "l.id = ?", Args: []any{ids[6]}}
			return conversation.Erase(tx, one, 1, 999999)
		})
		clock.Advance(time.Hour)
		w.must(w.desk.Tick(w.ctx()))
		detail, err := w.desk.Get(w.ctx(), w.legal, r.ID)
		w.must(err)
		if got := fmt.Sprint(detail.Changes.Skipped); got != "map[floor:1 gone:1 held:1 order:1 restored:1 version:2]" || detail.Changes.Intact() != 1 {
			t.Errorf("changes: %s", got)
		}
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		want := []purge.Reason{purge.Held, purge.Version, purge.Restored, purge.Order, purge.Floor, purge.Version, purge.Gone, ""}
		for i, c := range ids {
			if n := w.count(&purge.Item{}, "purge_id = ? AND conversation_id = ? AND reason = ?", r.ID, c, want[i]); n != 1 {
				t.Errorf("conversation %d is not %q", i, want[i])
			}
		}
		if r = w.now(r); r.State != purge.DoneWithExceptions || r.Purged != 1 || r.Skipped != 7 {
			t.Errorf("%s, %d purged, %d skipped", r.State, r.Purged, r.Skipped)
		}
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Frozen); n != 0 {
			t.Errorf("%d are still frozen", n)
		}
	})
}

// set changes a row as another part of the program would.
func (w *world) set(query string, args ...any) {
	w.t.Helper()
	if n := dbtest.Exec(w.t, w.d, query, args...); n == 0 {
		w.t.Fatalf("nothing changed: %s", query)
	}
}

// placed is a hold on the first of a purge's list, as it stands in the log.
func (w *world) placed(r *purge.Request) id.Hold {
	w.t.Helper()
	var items []purge.Item
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("purge_id = ?", r.ID).Order("seq").Find(&items).Error }))
	w.hold(items[0].ConversationID)
	var h hold.Hold
	w.write(func(tx *db.Tx) error {
		if err := tx.Order("id DESC").Take(&h).Error; err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: w.legal.Audit(), Action: "hold.placed", ObjectKind: "hold", Object: h.Code, Count: 1})
	})
	return h.ID
}

func (w *world) restore(c id.Conversation) {
	w.t.Helper()
	w.set("UPDATE bin_item SET state = ? WHERE conversation_id = ?", bin.ItemRestored, c)
	w.set("UPDATE conversation SET state = ?, batch_id = NULL WHERE id = ?", conversation.Active, c)
}

func TestAConsentThatNoLongerStandsStopsEverything(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world, r *purge.Request)
		reason string
	}{
		{"an approver was disabled", func(w *world, _ *purge.Request) {
			w.set("UPDATE `user` SET disabled_at = created_at WHERE id = ?", w.supervisor.ID)
		}, approval.BrokenInactive},
		{"an approver is no longer legal", func(w *world, _ *purge.Request) {
			w.set("UPDATE `user` SET role = 'agent' WHERE id = ?", w.legal.ID)
		}, approval.BrokenInactive},
		{"an administrator got a link to an approver's account", func(w *world, _ *purge.Request) {
			_, err := w.accounts.ResetLink(w.ctx(), accounttest.User(w.t, w.d, w.accounts, account.Admin), w.legal.ID, false)
			w.must(err)
		}, approval.BrokenInactive},
		{"the approvals are too old", func(w *world, r *purge.Request) { w.clock.Set(r.DueAt.Add(8 * 24 * time.Hour)) }, approval.BrokenExpired},
		{"a line was put on the list", func(w *world, r *purge.Request) {
			w.set("UPDATE purge_item SET version = version + 1 WHERE purge_id = ? AND seq = 0", r.ID)
		}, "manifest"},
		{"a line was taken off the list", func(w *world, r *purge.Request) {
			w.set("DELETE FROM purge_item WHERE purge_id = ? AND seq = 1", r.ID)
		}, "manifest"},
		{"the fingerprint was changed with the list", func(w *world, r *purge.Request) {
			w.set("UPDATE purge_request SET root = policy_version WHERE id = ?", r.ID)
		}, "forged"},
		{"the requester was changed", func(w *world, r *purge.Request) {
			w.set("UPDATE purge_request SET requester_person = requester_person + 1 WHERE id = ?", r.ID)
		}, "forged"},
		{"the cooling-off was shortened", func(w *world, r *purge.Request) {
			w.set("UPDATE purge_request SET cooling_until = cooling_from WHERE id = ?", r.ID)
		}, "forged"},
		{"a hold was ended in the database", func(w *world, r *purge.Request) {
			var items []purge.Item
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("purge_id = ?", r.ID).Order("seq").Find(&items).Error }))
			w.hold(items[0].ConversationID)
			w.set("UPDATE legal_hold SET released_at = created_at WHERE released_at IS NULL")
		}, "hold"},
		{"a hold lost a conversation in the database", func(w *world, r *purge.Request) {
			w.set("DELETE FROM hold_item WHERE hold_id = ?", w.placed(r))
			w.t.Cleanup(func() { w.set("UPDATE audit_leaf SET item_count = 0 WHERE action = 'hold.placed'") })
		}, "hold"},
		{"what a hold covers was exchanged in the database", func(w *world, _ *purge.Request) {
			ids, _ := w.expiredAs("held-", 1)
			h, err := w.holds().Place(w.ctx(), w.legal, hold.Order{Name: "案件", Reason: holdReason, Kind: hold.OnConversations, Conversations: ids})
			w.must(err)
			w.set("UPDATE hold_item SET conversation_id = conversation_id + 100000 WHERE hold_id = ?", h.ID)
			w.t.Cleanup(func() {
				w.set("UPDATE hold_item SET conversation_id = conversation_id - 100000 WHERE hold_id = ?", h.ID)
			})
		}, "hold"},
		{"a hold was deleted in the database", func(w *world, r *purge.Request) {
			h := w.placed(r)
			w.set("DELETE FROM hold_item WHERE hold_id = ?", h)
			w.set("DELETE FROM legal_hold WHERE id = ?", h)
			w.t.Cleanup(func() {
				w.set("UPDATE audit_leaf SET action = 'hold.forgotten' WHERE action = 'hold.placed' AND item_count = 1")
			})
		}, "hold"},
		{"what came under a hold later was taken off in the database", func(w *world, r *purge.Request) {
			h, err := w.holds().Place(w.ctx(), w.legal, hold.Order{Name: "案件", Reason: holdReason, Kind: hold.OnCustomers, Customers: []string{"kh_later"}})
			w.must(err)
			w.set("UPDATE conversation SET customer_mac = ? WHERE id IN (SELECT conversation_id FROM purge_item WHERE purge_id = ?)", w.vault.CustomerMAC("kh_later"), r.ID)
			w.t.Cleanup(func() { w.set("DELETE FROM hold_customer WHERE hold_id = ?", h.ID) })
		}, "hold"},
		{"the floors were lowered in the database", func(w *world, _ *purge.Request) {
			w.must(retention.Record(w.ctx(), w.d))
			w.set("UPDATE retention_rule SET floor_days = 1 WHERE service_type = ''")
			w.t.Cleanup(func() {
				w.set("UPDATE retention_rule SET floor_days = 183 WHERE service_type = ''")
			})
		}, "policy"},
		{"a vote was written into the database", func(w *world, r *purge.Request) {
			w.set("UPDATE vote SET opinion = '同意。' WHERE approval_id = ?", r.ApprovalID)
		}, approval.BrokenForged},
	}
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		for i, tt := range tests {
			outer.Run(tt.name, func(t *testing.T) {
				clock.Set(dbtest.Start)
				w := newWorld(outer, d, clock) // whose key store outlives the sub-test
				w.t = t
				_, batch := w.expiredAs(fmt.Sprintf("x%d-", i), 3)
				r := w.approved(batch)
				w.toTheEvening(r)
				tt.change(w, r)
				w.work()
				if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != tt.reason {
					t.Errorf("%s: %s, want %s", r.State, r.ClosedReason, tt.reason)
				}
				if n := w.count(&conversation.Conversation{}, "batch_id = ? AND state = ?", batch, conversation.Binned); n != 3 {
					t.Errorf("%d of 3 are in the bin", n)
				}
			})
		}
	})
}

func TestWhenAnApproverIsDisabledWhileItRunsTheRestIsSkipped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(9)
		r := w.approved(batch)
		w.toTheEvening(r)
		run := w.runner()
		run.Chunk = 3
		w.steps(r, run, 2)
		w.set("UPDATE `user` SET disabled_at = created_at WHERE id = ?", w.supervisor.ID)
		w.workAs("another", run)
		w.wantWhole(r)
		if r = w.now(r); r.Purged != 3 || r.Skipped != 6 || w.count(&purge.Item{}, "purge_id = ? AND reason = ?", r.ID, purge.NoConsent) != 6 {
			t.Errorf("%d purged, %d skipped", r.Purged, r.Skipped)
		}
	})
}

// steps lets a worker do n steps and then die; its lease runs out.
func (w *world) steps(r *purge.Request, run job.Runner, n int) {
	w.t.Helper()
	for range n {
		j, err := job.Claim(w.ctx(), w.d, "dies", []string{purge.JobRun})
		w.must(err)
		if j == nil {
			w.t.Fatalf("no job for %s", r.Code)
		}
		_, err = run.Step(w.ctx(), j)
		w.must(err)
		w.clock.Advance(job.Lease + time.Second)
	}
}

// A worker dies once before every commit, with everything already done that is not in the
// database, and once after every commit. Another one goes on.
func TestWhereverItDiesAnotherWorkerFinishes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{name: "neighbour"}) // shares the bucket
		ids, batch := w.expired(10)
		r := w.approved(batch)
		w.toTheEvening(r)
		run := w.runner()
		run.Chunk = 3
		deaths := 0
		for step := 0; ; step++ {
			if step > 40 {
				t.Fatal("it never ends")
			}
			j, err := job.Claim(w.ctx(), w.d, "worker", []string{purge.JobRun})
			w.must(err)
			if j == nil {
				break
			}
			before := w.now(r)
			w.failCommits(true)
			if _, err := run.Step(w.ctx(), j); err == nil {
				t.Fatalf("step %d committed without an audit leaf", step)
			}
			w.failCommits(false)
			if after := w.now(r); after.Phase != before.Phase || after.Purged != before.Purged || after.State != before.State {
				t.Fatalf("step %d left something behind: %+v", step, after)
			}
			w.open()
			deaths++
			clock.Advance(job.Lease + time.Second)
			j, err = job.Claim(w.ctx(), w.d, "next", []string{purge.JobRun})
			w.must(err)
			_, err = run.Step(w.ctx(), j)
			w.must(err)
			w.open()
			if step == 1 {
				w.hold(ids[9]) // while nobody works
			}
			clock.Advance(job.Lease + time.Second)
		}
		w.wantWhole(r)
		if r = w.now(r); r.Purged != 9 || r.Skipped != 1 || deaths < 8 {
			t.Errorf("%d purged, %d skipped after %d deaths", r.Purged, r.Skipped, deaths)
		}
	})
}

// failCommits makes the last statement of every use case fail, the audit leaf.
func (w *world) failCommits(on bool) {
	w.t.Helper()
	query := "DROP TRIGGER crash"
	if on {
		query = "CREATE TRIGGER crash BEFORE INSERT ON audit_leaf BEGIN SELECT RAISE(ABORT, 'power cut'); END"
		if w.d.Engine() == db.MySQL {
			query = "CREATE TRIGGER crash BEFORE INSERT ON audit_leaf FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'power cut'"
		}
	}
	dbtest.Exec(w.t, w.d, query)
}

func TestAWorkerThatWakesUpLateChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(9)
		r := w.approved(batch)
		w.toTheEvening(r)
		run := w.runner()
		run.Chunk = 3
		var zombies []*job.Job
		for {
			zombie, err := job.Claim(w.ctx(), d, "sleeps", []string{purge.JobRun})
			w.must(err)
			if zombie == nil {
				break
			}
			zombies = append(zombies, zombie)
			clock.Advance(job.Lease + time.Second)
			j, err := job.Claim(w.ctx(), d, "works", []string{purge.JobRun})
			w.must(err)
			before := w.now(r)
			if _, err := run.Step(w.ctx(), zombie); !errors.Is(err, job.ErrFenced) {
				t.Fatalf("the late worker in phase %q: %v", before.Phase, err)
			}
			if after := w.now(r); after.Phase != before.Phase || after.Purged != before.Purged || w.destroyed() != w.destroyedRows() {
				t.Fatalf("the late worker changed %+v", after)
			}
			_, err = run.Step(w.ctx(), j)
			w.must(err)
			clock.Advance(job.Lease + time.Second)
		}
		w.wantWhole(r)
		for _, z := range zombies {
			// After the end nobody has anything to do.
			if done, err := run.Step(w.ctx(), z); err != nil || !done {
				t.Errorf("after the end: %v %v", done, err)
			}
		}
		w.wantWhole(r)
	})
}

// destroyed counts the slots that the key store has destroyed, destroyedRows those that the
// database says are.
func (w *world) destroyed() int64 {
	w.t.Helper()
	c, err := w.keys.Census()
	w.must(err)
	return int64(c.Destroyed)
}

func (w *world) destroyedRows() (n int64) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT COUNT(DISTINCT slot) FROM purge_bucket WHERE state = 'destroyed'").Scan(&n).Error
	}))
	return n
}

func TestFourWorkersAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(60)
		r := w.approved(batch)
		w.toTheEvening(r)
		run := w.runner()
		run.Chunk = 7
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				err := job.Work(w.ctx(), d, fmt.Sprint("w", i), map[string]job.Runner{purge.JobRun: run}, job.Options{Once: true})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.wantWhole(r)
	})
}

// copied is a row of a database backup.
type copied struct {
	body conversation.Body
	key  conversation.Key
}

func (w *world) backup() map[id.Conversation]copied {
	w.t.Helper()
	out := map[id.Conversation]copied{}
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		var bodies []conversation.Body
		if err := tx.Find(&bodies).Error; err != nil {
			return err
		}
		for _, b := range bodies {
			keys, err := conversation.Keys(tx, b.ID)
			if err != nil || len(keys) != 1 {
				return fmt.Errorf("keys of %d: %d, %w", b.ID, len(keys), err)
			}
			out[b.ID] = copied{b, keys[0]}
		}
		return nil
	}))
	return out
}

func TestNoBackupOfTheDatabaseOpensWhatWasPurged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		neighbours := w.store(chat{name: "n1"}, chat{name: "n2"})
		ids := w.store(w.chats(6)...)
		early := w.backup()
		// One of them goes on, at its own leaf, and then in another month's bucket.
		grows := func(messages ...string) {
			w.write(func(tx *db.Tx) error {
				n := w.news(chat{name: "c5"}, messages...)
				if last := &n.Document.Messages[len(messages)-1]; len(messages) == 3 {
					last.At = conversation.MicrosOf(old.AddDate(0, 1, 3))
				}
				_, err := conversation.Store(tx, w.vault, []conversation.New{n})
				return err
			})
		}
		grows("CANARY-c5", "再问一下")
		middle := w.backup()
		grows("CANARY-c5", "再问一下", "还在吗")
		late := w.backup()
		if was := early[ids[5]].key; was.BucketID != middle[ids[5]].key.BucketID || was.Leaf != middle[ids[5]].key.Leaf || was.BucketID == late[ids[5]].key.BucketID {
			t.Fatal("the versions are not where they should be")
		}
		r := w.approved(w.binned(clock.Time(), bin.ScopeDepartment, ids[5]))
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		now := w.backup()
		for name, old := range map[string]map[id.Conversation]copied{"early": early, "middle": middle, "late": late} {
			c := old[ids[5]]
			w.gone(name, c)
			for _, n := range append(neighbours, ids[:5]...) {
				body, key := old[n].body, old[n].key
				if _, err := w.vault.Open(&body, &key); !errors.Is(err, seal.ErrDestroyed) {
					t.Errorf("%s: a survivor under the slot that is gone: %v", name, err)
				}
				key.Slot, key.Tree = now[n].key.Slot, now[n].key.Tree
				if _, err := w.vault.Open(&body, &key); err != nil {
					t.Errorf("%s: a survivor of the backup does not open: %v", name, err)
				}
			}
		}
	})
}

// The key of what a conversation had grown to is lost, and an import brings only its last message: the versions from before
// lie in the months in which they ended all the same.
func TestABackupFromBeforeAKeyWasLostOpensNothingPurged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.store(chat{name: "n1"})
		c := w.store(chat{name: "c0"})[0]
		early := w.backup()
		later := w.news(chat{name: "c0"}, "CANARY-c0", "还在吗", "在的")
		brings := func(from, to int) {
			n := later
			n.Document.Messages = slices.Clone(later.Document.Messages[from:to])
			w.write(func(tx *db.Tx) error {
				_, err := conversation.Store(tx, w.vault, []conversation.New{n})
				return err
			})
		}
		for i, at := range []time.Time{old, old.AddDate(0, 1, 0), old.AddDate(0, 2, 0)} {
			later.Document.Messages[i].At = conversation.MicrosOf(at)
		}
		brings(0, 3)
		late := w.backup()
		lost := late[c].key.Slot
		w.must(w.keys.Destroy(lost))
		w.write(func(tx *db.Tx) error { return conversation.SlotsGone(tx, []uint64{lost}) })
		brings(1, 2)
		w.open()
		middle := w.backup()
		if was, now := early[c].key.BucketID, middle[c].key.BucketID; was == now {
			t.Fatal("the versions are not where they should be")
		}
		var row conversation.Conversation
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", c).Take(&row).Error }))
		if !row.StartedAt.Equal(old) || !row.LastAt.Equal(old.AddDate(0, 2, 0)) || row.Messages != 1 {
			t.Errorf("from %v to %v, %d messages", row.StartedAt, row.LastAt, row.Messages)
		}
		r := w.approved(w.binned(clock.Time(), bin.ScopeDepartment, c))
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		for name, old := range map[string]map[id.Conversation]copied{"early": early, "late": late, "middle": middle} {
			w.gone(name, old[c])
		}
	})
}

// gone makes sure that a copy opens neither with the bucket as it was nor with the bucket as anybody has it now.
func (w *world) gone(name string, c copied) {
	w.t.Helper()
	if _, err := w.vault.Open(&c.body, &c.key); !errors.Is(err, seal.ErrDestroyed) {
		w.t.Errorf("%s: the backup opens the purged conversation %d: %v", name, c.body.ID, err)
	}
	var now []conversation.Bucket
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", c.key.BucketID).Find(&now).Error }))
	for _, b := range now {
		c.key.Slot, c.key.Tree = b.Slot, b.Tree
		if _, err := w.vault.Open(&c.body, &c.key); !errors.Is(err, seal.ErrDestroyed) {
			w.t.Errorf("%s: what is left of the bucket opens the purged conversation %d: %v", name, c.body.ID, err)
		}
	}
	for n, says := range w.leftOf(c.key.BucketID) {
		c.key.Slot, c.key.Tree = says.slot, says.tree
		if _, err := w.vault.Open(&c.body, &c.key); !errors.Is(err, seal.ErrDestroyed) {
			w.t.Errorf("%s: line %d of the ledger opens the purged conversation %d: %v", name, n, c.body.ID, err)
		}
	}
}

func TestAPurgedConversationIsNotImportedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(2)
		r := w.approved(batch)
		w.toTheEvening(r)
		w.work()
		if back := w.store(chat{name: "c0"}); back[0] != 0 {
			t.Errorf("it came back as %d", back[0])
		}
	})
}

func TestAFailedOrCancelledJobIsQueuedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(4)
		r := w.approved(batch)
		w.toTheEvening(r)
		run := w.runner()
		run.Chunk = 2
		w.steps(r, run, 2)
		w.write(func(tx *db.Tx) error { return job.Cancel(tx, w.now(r).JobID) })
		w.must(w.desk.Tick(w.ctx()))
		clock.Advance(11 * time.Minute)
		w.work()
		w.wantWhole(r)
	})
}

// Whoever commits first wins, and never both: a conversation under a hold is not destroyed, and
// no hold is placed on one that is gone.
func TestAHoldAndAPurgeAtTheSameTime(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Open(t, db.MySQL, clock)
	w := newWorld(t, d, clock)
	holds := &hold.Holds{DB: d, Rescue: bin.Rescue, Zone: time.UTC, Vault: w.vault}
	won := map[bool]int{}
	const rounds = 40
	for round := range rounds {
		clock.Set(dbtest.Start.Add(time.Duration(round) * 48 * time.Hour))
		ids, batch := w.expiredAs(fmt.Sprintf("race%d-", round), 2)
		r := w.approved(batch)
		w.toTheEvening(r)
		w.step(r) // it has begun
		clock.Advance(job.Lease + time.Second)
		var wg sync.WaitGroup
		var placed error
		wg.Go(func() { w.work() })
		wg.Go(func() {
			time.Sleep(time.Duration(round%10) * 2 * time.Millisecond) // so that each of them is first at times
			_, placed = holds.Place(w.ctx(), w.legal, hold.Order{Name: "案件", Reason: "法院要求保全相关记录", Conversations: ids[:1]})
		})
		wg.Wait()
		w.wantWhole(r)
		purged := w.count(&purge.Item{}, "purge_id = ? AND conversation_id = ? AND state = ?", r.ID, ids[0], purge.Purged) == 1
		held := w.count(&hold.Item{}, "conversation_id = ?", ids[0]) == 1
		if purged == held || held != (placed == nil) {
			t.Fatalf("round %d: purged %v, held %v (%v)", round, purged, held, placed)
		}
		won[held]++
	}
	t.Logf("the hold was first %d times, the purge %d times", won[true], won[false])
}
