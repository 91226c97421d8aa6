package purge_test

import (
	"fmt"
	"testing"
	"time"

	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
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
