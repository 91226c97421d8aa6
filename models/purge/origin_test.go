package purge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// forgedOrigins are what somebody with the database's password would change about where a list came from: so that whoever
// put a batch into the bin may approve it, that a bin window does not count, or that an approver of elsewhere may vote.
var forgedOrigins = []struct{ name, query string }{
	{"a batch less", "DELETE FROM purge_batch WHERE batch_id = " + firstBatch + " AND " + newest},
	{"no batch", "DELETE FROM purge_batch WHERE " + newest},
	{"a batch more", "INSERT INTO purge_batch (purge_id, batch_id, code, residue_count, residue_reason, residue) " +
		"SELECT p.id, b.id, b.code, 0, '', '[]' FROM (SELECT MAX(id) AS id FROM purge_request) p, bin_batch b WHERE b.id NOT IN (SELECT batch_id FROM purge_batch)"},
	{"a batch that nobody knows", "INSERT INTO purge_batch (purge_id, batch_id, code, residue_count, residue_reason, residue) SELECT MAX(id), 99999, 'SC-20261122-999', 0, '', '[]' FROM purge_request"},
	{"another batch", "UPDATE purge_batch SET batch_id = (SELECT MAX(id) FROM bin_batch) WHERE batch_id = " + firstBatch + " AND " + newest},
	{"another residue", `UPDATE purge_batch SET residue_count = 3, residue = '[{"department":1,"path":"a","count":3}]' WHERE ` + newest},
	{"a department less", "DELETE FROM purge_department WHERE department_id = (SELECT * FROM (SELECT MIN(department_id) FROM purge_department WHERE " + newest + ") d) AND " + newest},
	{"another department", "UPDATE purge_department SET department_id = department_id + 1000 WHERE " + newest},
	{"another share", "UPDATE purge_department SET conversations = conversations + 1 WHERE " + newest},
}

const (
	newest     = "purge_id = (SELECT MAX(id) FROM purge_request)"
	firstBatch = "(SELECT * FROM (SELECT MIN(batch_id) FROM purge_batch WHERE " + newest + ") b)"
)

// kept copies tables, and gives what puts the copies back.
func (w *world) kept(tables ...string) (mend func()) {
	w.t.Helper()
	for _, t := range tables {
		dbtest.Exec(w.t, w.d, "CREATE TABLE kept_"+t+" AS SELECT * FROM "+t)
	}
	w.t.Cleanup(func() {
		for _, t := range tables {
			dbtest.Exec(w.t, w.d, "DROP TABLE kept_"+t)
		}
	})
	return func() {
		w.t.Helper()
		for _, t := range tables {
			dbtest.Exec(w.t, w.d, "DELETE FROM "+t)
			dbtest.Exec(w.t, w.d, "INSERT INTO "+t+" SELECT * FROM kept_"+t)
		}
	}
}

// twoBatches are expired batches of two departments, beside a third that nobody asks for.
func (w *world) twoBatches() (a, b id.Batch) {
	w.t.Helper()
	chats := w.chats(6)
	chats[2].dep, chats[3].dep = w.support, w.support
	ids := w.store(chats...)
	a, b = w.binned(w.clock.Time(), bin.ScopeDepartment, ids[:2]...), w.binned(w.clock.Time(), bin.ScopeDepartment, ids[2:4]...)
	w.binned(w.clock.Time(), bin.ScopeDepartment, ids[4:]...)
	w.agent.Scope = account.Within(w.sales, w.support)
	w.supervisor.Scope = account.Within(w.sales, w.support)
	return a, b
}

func (w *world) forgedRequests() (forged []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		forged, err = purge.ForgedRequests(tx, w.keys)
		return err
	}))
	return forged
}

func TestNobodyAgreesToARequestOfOtherBatches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		r := w.request(w.agent, w.batches(w.twoBatches())...)
		mend := w.kept("purge_batch", "purge_department")
		for _, by := range []account.Actor{w.supervisor, w.legal} {
			if forged := w.forgedRequests(); len(forged) != 0 {
				t.Errorf("as it was requested: %v", forged)
			}
			for _, f := range forgedOrigins {
				w.set(f.query)
				// A department more or less can put the request out of the supervisor's sight; legal sees all.
				if by.Scope.All || f.name != "another department" {
					_, err := w.desk.Vote(w.ctx(), by, w.ballot(r, by))
					w.wantForged(f.name, err)
				}
				if forged := w.forgedRequests(); !slices.Equal(forged, []string{r.Code}) {
					t.Errorf("%s: found %v", f.name, forged)
				}
				mend()
			}
			r = w.approve(r, by)
		}
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
	})
}

func (w *world) batches(a, b id.Batch) []id.Batch { return []id.Batch{a, b} }

func (w *world) wantForged(name string, err error) {
	w.t.Helper()
	if err == nil {
		w.t.Errorf("%s: nothing was noticed", name)
		return
	}
	w.wantFault(err, "purge.forged")
}

func TestWhereTheListCameFromIsLookedAtBeforeItRuns(t *testing.T) {
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		for i, f := range forgedOrigins {
			outer.Run(f.name, func(t *testing.T) {
				clock.Set(dbtest.Start)
				w := newWorld(outer, d, clock)
				w.t = t
				_, one := w.expiredAs(fmt.Sprintf("w%d-", i), 2)
				_, two := w.expiredAs(fmt.Sprintf("v%d-", i), 1)
				_, _ = w.expiredAs(fmt.Sprintf("u%d-", i), 1)
				r := w.approved(one, two)
				w.toTheEvening(r)
				mend := w.kept("purge_batch", "purge_department")
				w.set(f.query)
				w.work()
				if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "forged" {
					t.Errorf("%s: %s", r.State, r.ClosedReason)
				}
				if n := w.count(&conversation.Conversation{}, "batch_id IN ? AND state = ?", []id.Batch{one, two}, conversation.Binned); n != 3 {
					t.Errorf("%d of 3 are in the bin", n)
				}
				mend()
			})
		}
	})
}

func TestLegalDoesNotConfirmARequestOfOtherBatches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(w.chats(3)...)
		one, two := w.binned(clock.Time(), bin.ScopeOrganisation, ids[:1]...), w.binned(clock.Time(), bin.ScopeOrganisation, ids[1:2]...)
		w.binned(clock.Time(), bin.ScopeOrganisation, ids[2:]...)
		r := w.approved(one, two)
		clock.Set(*r.CoolingUntil)
		mend := w.kept("purge_batch", "purge_department")
		root := fmt.Sprintf("%x", r.Root)
		confirm := func() error {
			return w.desk.Confirm(w.ctx(), w.legal, purge.Confirmation{Purge: r.ID, Tail: root[58:], Code: accounttest.Code(t, d, w.legal.ID)})
		}
		for _, f := range forgedOrigins {
			w.set(f.query)
			w.wantForged(f.name, confirm())
			mend()
		}
		w.must(confirm())
	})
}

// A request that is changed after it has begun destroys no more, no key goes for it, and nothing is certified as long as it
// is not what was requested.
func TestARequestChangedWhileItRunsStopsAndIsNotCertified(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(4)
		r := w.approved(batch)
		w.toTheEvening(r)
		slow := w.runner()
		slow.Chunk = 2
		w.steps(r, slow, 2) // begins, and the first two
		mend := w.kept("purge_batch")
		const forge = "UPDATE purge_batch SET residue_reason = '没有人写过的理由'"
		w.set(forge)
		if err := w.stepsUntil(r, slow, func(*purge.Request) bool { return false }); !purge.IsForged(err) {
			t.Errorf("it went on: %v", err)
		}
		if r = w.now(r); r.Phase != purge.PhaseLedger || r.Purged != 2 || r.Skipped != 2 {
			t.Errorf("%s: %d purged, %d skipped", r.Phase, r.Purged, r.Skipped)
		}
		if n := w.count(&purge.Item{}, "purge_id = ? AND reason = ?", r.ID, purge.NoConsent); n != 2 {
			t.Errorf("%d of 2 are skipped for the broken consent", n)
		}
		if n := w.count(&conversation.Conversation{}, "id IN ? AND state = ?", ids, conversation.Binned); n != 2 {
			t.Errorf("%d of 2 are back in the bin", n)
		}
		if n := w.count(&conversation.Bucket{}, "state = ?", conversation.BucketDestroyed); n != 0 {
			t.Errorf("%d keys were destroyed", n)
		}
		mend()
		w.must(w.stepsUntil(r, slow, func(r *purge.Request) bool { return r.Phase == purge.PhaseVerify }))
		w.set(forge)
		if err := w.stepsUntil(r, slow, func(*purge.Request) bool { return false }); !purge.IsForged(err) || w.count(&purge.Head{}) != 0 {
			t.Errorf("it was certified: %v", err)
		}
		mend()
		w.work()
		w.wantWhole(r)
	})
}

// stepsUntil lets a worker work until something is so, or a step fails.
func (w *world) stepsUntil(r *purge.Request, run job.Runner, so func(*purge.Request) bool) error {
	w.t.Helper()
	for range 30 {
		if so(w.now(r)) {
			return nil
		}
		j, err := job.Claim(w.ctx(), w.d, "dies", []string{purge.JobRun})
		w.must(err)
		if j == nil {
			w.t.Fatalf("no job for %s", r.Code)
		}
		_, err = run.Step(w.ctx(), j)
		w.clock.Advance(job.Lease + time.Second)
		if err != nil {
			return err
		}
	}
	w.t.Fatalf("%s never came there", r.Code)
	return nil
}

// What somebody writes into the list while it runs may cost rows, which a backup has; it costs no key.
func TestNoKeyIsDestroyedForAListThatWasChanged(t *testing.T) {
	forged := []struct{ name, query string }{
		{"another line", "UPDATE purge_item SET digest = (SELECT MAX(policy_version) FROM purge_request) WHERE seq = 0 AND " + newest},
		{"a line less", "DELETE FROM purge_item WHERE seq = 3 AND " + newest},
		{"a key that is spared", "DELETE FROM purge_bucket WHERE " + newest},
		{"a hold that is gone", "DELETE FROM legal_hold"},
	}
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		for i, f := range forged {
			outer.Run(f.name, func(t *testing.T) {
				clock.Set(dbtest.Start)
				w := newWorld(outer, d, clock)
				w.t = t
				_, batch := w.expiredAs(fmt.Sprintf("k%d-", i), 4)
				r := w.approved(batch)
				w.placed(r)
				w.set("UPDATE hold_item SET conversation_id = conversation_id + 1000")
				w.toTheEvening(r)
				run := w.runner()
				w.must(w.stepsUntil(r, run, func(r *purge.Request) bool { return r.Phase == purge.PhaseLedger }))
				before := w.count(&conversation.Bucket{}, "state = ?", conversation.BucketDestroyed)
				mend := w.kept("purge_item", "purge_bucket", "legal_hold")
				w.set(f.query)
				if err := w.stepsUntil(r, run, func(*purge.Request) bool { return false }); err == nil {
					t.Error("it went on")
				}
				if n := w.count(&conversation.Bucket{}, "state = ?", conversation.BucketDestroyed); n != before || w.now(r).Phase != purge.PhaseLedger {
					t.Errorf("%d keys were destroyed, %s", n-before, w.now(r).Phase)
				}
				mend()
				w.work()
				w.wantWhole(r)
			})
		}
	})
}

// requestColumns are those under the request's code, and what somebody would make of them.
var requestColumns = map[string]string{
	"id": "id + 7", "code": "'PG-1'", "requester_id": "requester_id + 1", "requester_person": "requester_person + 1", "requester_name": "'别人'", "requester_staff_no": "'1'",
	"requester_role": "'admin'", "reason": "'另一个理由'", "incident": "'INC-1'", "scope_kind": "'self'", "excluded": "'{\"held\":1}'", "cooling_hours": "0", "at_once": "1 - at_once",
	"root": "policy_version", "size": "size + 1", "messages": "messages + 1", "attachments": "attachments + 1", "bytes": "bytes + 1", "first_at": "requested_at", "last_at": "requested_at",
	"policy_version": "root", "mac": "root", "approval_id": "approval_id + 1", "requested_at": "expires_at", "expires_at": "requested_at",
	"confirmed_at": "requested_at", // without legal's own code
}

// progressColumns say how far it is. What they make it do is looked at again by the votes, the batches and the list; legal's
// second word is under a code of its own.
var progressColumns = []string{
	"request_key", "state", "phase", "legal_at_once", "job_id", "worker", "purged", "skipped", "created_at", "cooling_from", "cooling_until", "due_at",
	"confirmed_by", "confirmed_person", "confirmed_name", "confirmed_staff_no", "confirmed_mac", "started_at", "finished_at", "closed_at", "closed_by", "closed_reason",
}

func TestEveryFieldOfARequestIsUnderItsCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(2)
		_, other := w.expiredAs("o", 1)
		r := w.request(w.agent, batch)
		mend := w.kept("purge_request", "purge_batch", "purge_department")
		walk := func(table string, sealed map[string]string, free []string) {
			for _, c := range w.columnsOf(table) {
				to, under := sealed[c]
				if !under {
					if !slices.Contains(free, c) {
						t.Errorf("nobody says whether %s.%s is under the code", table, c)
					}
					continue
				}
				w.set(fmt.Sprintf("UPDATE %s SET %s = %s", table, c, to))
				if forged := w.forgedRequests(); len(forged) != 1 {
					t.Errorf("%s.%s: found %v", table, c, forged)
				}
				mend()
			}
		}
		walk("purge_request", requestColumns, progressColumns)
		walk("purge_batch", map[string]string{
			"purge_id": "purge_id + 1", "batch_id": fmt.Sprint(other), "code": "'SC-1'", "residue_count": "4", "residue_reason": "'别的'", "residue": "'[1]'",
		}, nil)
		walk("purge_department", map[string]string{
			"purge_id": "purge_id + 1", "department_id": "department_id + 1", "path": "'别的'", "conversations": "9", "messages": "9", "attachments": "9", "bytes": "9",
		}, nil)
		if forged := w.forgedRequests(); len(forged) != 0 {
			t.Errorf("as it was: %v", forged)
		}
		w.approve(r, w.supervisor)
	})
}

func (w *world) columnsOf(table string) (names []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		types, err := tx.Migrator().ColumnTypes(table)
		for _, c := range types {
			names = append(names, c.Name())
		}
		return err
	}))
	if len(names) < 6 {
		w.t.Fatalf("%s has only the columns %v", table, names)
	}
	return names
}

// A request from before its batches were under its code goes on after the upgrade, if they are those that the log names.
func TestAnOldRequestIsHeldAgainstTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		r := w.request(w.agent, w.batches(w.twoBatches())...)
		m := w.keys.MAC("purge request", seal.Number(r.ID), []byte(r.Code), seal.Number(r.RequesterID), seal.Number(r.RequesterPerson),
			[]byte(r.RequesterName), []byte(r.RequesterStaffNo), []byte(r.RequesterRole), []byte(r.Reason),
			[]byte(r.ScopeKind), seal.Number(r.CoolingHours), seal.Flag(r.AtOnce), r.Root, seal.Number(r.Size), r.PolicyVersion,
			seal.Number(r.ApprovalID), seal.Instant(r.RequestedAt))
		w.set("UPDATE purge_request SET mac = ? WHERE id = ?", m[:], r.ID)
		mend := w.kept("purge_batch", "purge_department")
		for _, f := range forgedOrigins[:5] { // what the log does not say of an old request nobody can hold against it
			w.set(f.query)
			_, err := w.desk.Vote(w.ctx(), w.supervisor, w.ballot(r, w.supervisor))
			w.wantForged(f.name, err)
			if forged := w.forgedRequests(); len(forged) != 1 {
				t.Errorf("%s: found %v", f.name, forged)
			}
			mend()
		}
		if forged := w.forgedRequests(); len(forged) != 0 {
			t.Errorf("after the upgrade: %v", forged)
		}
		r = w.approve(r, w.supervisor, w.legal)
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
	})
}
