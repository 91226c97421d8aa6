package purge_test

import (
	"fmt"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// forgeries are what somebody with the database's password would change in a batch's row to have it
// destroyed earlier, by another person's word, or with a shorter cooling-off.
var forgeries = map[string]string{
	"an earlier end":      "UPDATE bin_batch SET keep_until = created_at",
	"an extension undone": "UPDATE bin_batch SET keep_until = created_at, extended_at = NULL",
	"another owner":       "UPDATE bin_batch SET owner_id = owner_id + 1",
	"another person":      "UPDATE bin_batch SET owner_person = owner_person + 1000",
	"another scope":       `UPDATE bin_batch SET scope = '{"departments":[1]}'`,
	"another kind":        "UPDATE bin_batch SET kind = 'single'",
	"no code":             "UPDATE bin_batch SET mac = NULL",
}

// A batch that was changed past the program stops whatever comes next: the request, either vote, legal's
// confirmation, the draft, and the execution.
func TestABatchChangedPastTheProgramIsNotPurged(t *testing.T) {
	dbtest.Each(t, func(outer *testing.T, d *db.DB, clock *dbtest.Clock) {
		i := 0
		for name, forge := range forgeries {
			outer.Run(name, func(t *testing.T) {
				i++
				clock.Set(dbtest.Start)
				w := newWorld(outer, d, clock)
				w.t = t
				_, batch := w.expiredAs(fmt.Sprintf("f%d-", i), 2)
				keep := db.Instant(clock.Time().Add(-time.Second))
				mend := func() {
					w.setBatch(batch, "owner_id = ?, owner_person = ?, scope = '{}', kind = 'batch', keep_until = ?, extended_at = created_at", w.agent.ID, w.agent.PersonID, keep)
				}
				mend()
				forge := func() { dbtest.Exec(t, d, forge+" WHERE id = ?", batch); w.clock.Advance(time.Second) }

				forge()
				_, err := w.desk.Request(w.ctx(), w.agent, w.ask(batch))
				w.wantFault(err, "bin.batch_forged")
				w.must(w.desk.Tick(w.ctx()))
				if n := w.count(&purge.Request{}, "state = ?", purge.Draft); n != 0 {
					t.Errorf("%d drafts", n)
				}
				mend()
				r := w.request(w.agent, batch)
				forge()
				_, err = w.desk.Vote(w.ctx(), w.supervisor, w.ballot(r, w.supervisor))
				w.wantFault(err, "bin.batch_forged")
				mend()
				r = w.approve(r, w.supervisor)
				forge()
				_, err = w.desk.Vote(w.ctx(), w.legal, w.ballot(r, w.legal))
				w.wantFault(err, "bin.batch_forged")
				mend()
				clock.Advance(time.Minute)
				r = w.approve(r, w.legal)
				w.toTheEvening(r)
				forge()
				w.work()
				if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "forged" {
					t.Errorf("%s: %s", r.State, r.ClosedReason)
				}
				if n := w.count(&conversation.Conversation{}, "batch_id = ? AND state = ?", batch, conversation.Binned); n != 2 {
					t.Errorf("%d of 2 are in the bin", n)
				}
			})
		}
	})
}

func TestLegalDoesNotConfirmAForgedBatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		batch := w.binned(clock.Time(), bin.ScopeOrganisation, w.store(w.chats(2)...)...)
		r := w.approved(batch)
		clock.Set(*r.CoolingUntil)
		dbtest.Exec(t, d, "UPDATE bin_batch SET owner_person = owner_person + 1000")
		root := fmt.Sprintf("%x", r.Root)
		err := w.desk.Confirm(w.ctx(), w.legal, purge.Confirmation{Purge: r.ID, Tail: root[58:], Code: accounttest.Code(t, d, w.legal.ID)})
		w.wantFault(err, "bin.batch_forged")
	})
}

// A row that says that legal confirmed, with a job that is due, purges nothing: the second code is under a code, too.
func TestTheWholeOrganisationIsNotPurgedByARow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for i, confirmed := range []string{
			"",
			"confirmed_at = cooling_until, confirmed_by = %d, confirmed_person = %d, confirmed_name = '法务', confirmed_staff_no = '1', confirmed_mac = mac, ",
		} {
			w := newWorld(t, d, clock)
			chats := w.chats(2)
			for c := range chats {
				chats[c].name = fmt.Sprintf("o%d-%s", i, chats[c].name)
			}
			batch := w.binned(clock.Time(), bin.ScopeOrganisation, w.store(chats...)...)
			r := w.approved(batch)
			clock.Set(*r.CoolingUntil)
			if confirmed != "" {
				confirmed = fmt.Sprintf(confirmed, w.legal.ID, w.legal.PersonID)
			}
			w.write(func(tx *db.Tx) error {
				j, err := job.Enqueue(tx, job.New{Kind: purge.JobRun, Subject: uint64(r.ID), Object: r.Code, By: r.RequesterID, RunAt: tx.Now, Total: r.Size, Solo: true})
				if err != nil {
					return err
				}
				return tx.Exec("UPDATE purge_request SET state = 'scheduled', "+confirmed+"due_at = cooling_until, job_id = ? WHERE id = ?", j, r.ID).Error
			})
			clock.Advance(20 * time.Hour) // into the maintenance window, wherever it is
			for range 24 {
				w.work()
				clock.Advance(time.Hour)
			}
			if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "forged" {
				t.Errorf("%s: %s", r.State, r.ClosedReason)
			}
			if n := w.count(&conversation.Conversation{}, "batch_id = ?", batch); n != 2 {
				t.Errorf("%d of 2 are left", n)
			}
		}
	})
}

// Who confirmed is looked at once more when it begins: here it turns out that they had put one of the batches into the bin.
func TestWhoConfirmedIsLookedAtAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		second := accounttest.User(t, d, w.accounts, account.Legal)
		second.Scope = account.Everywhere()
		batch := w.binned(clock.Time(), bin.ScopeOrganisation, w.store(w.chats(2)...)...)
		r := w.approved(batch)
		clock.Set(*r.CoolingUntil)
		root := fmt.Sprintf("%x", r.Root)
		w.must(w.desk.Confirm(w.ctx(), second, purge.Confirmation{Purge: r.ID, Tail: root[58:], Code: accounttest.Code(t, d, second.ID)}))
		w.setBatch(batch, "owner_person = ?", second.PersonID)
		r = w.now(r)
		clock.Set(*r.DueAt)
		w.work()
		if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "people" {
			t.Errorf("%s: %s", r.State, r.ClosedReason)
		}
		if n := w.count(&conversation.Conversation{}, "batch_id = ?", batch); n != 2 {
			t.Errorf("%d of 2 are left", n)
		}
	})
}
