package purge_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/job"
	"qingdang/models/purge"
)

const holdReason = "法院要求保全相关记录"

func (w *world) holds() *hold.Holds {
	return &hold.Holds{DB: w.d, Rescue: bin.Rescue, Zone: time.UTC, Vault: w.vault, Accounts: w.accounts}
}

// place puts everything of the sales department under a hold, by a query.
func (w *world) place() *hold.Hold {
	w.t.Helper()
	h, err := w.holds().Place(w.ctx(), w.legal, hold.Order{
		Name: "案件", Reason: holdReason, Kind: hold.OnQuery, Criteria: hold.Criteria{Departments: []id.Department{w.sales}, Tags: []string{"退款"}},
	})
	w.must(err)
	return h
}

// free releases a hold: one asks, the other approves, the week passes.
func (w *world) free(h *hold.Hold, by, other account.Actor) {
	w.t.Helper()
	holds := w.holds()
	r, err := holds.RequestRelease(w.ctx(), by, h.ID, "案件已结，法院解除保全")
	w.must(err)
	root := r.Fingerprint()
	r, err = holds.ApproveRelease(w.ctx(), other, hold.Ballot{
		Hold: h.ID, SeenRoot: root, Tail: root[58:], Opinion: "已核对", Code: accounttest.Code(w.t, w.d, other.ID),
	})
	w.must(err)
	w.clock.Set(*r.EndsAt)
	w.must(holds.Tick(w.ctx()))
	w.clock.Advance(30 * time.Second)
}

// A hold that comes into the middle of a purge keeps what is not gone yet, on the certificate as
// held; what is gone it does not cover, and a second import does not bring it back.
func TestAHoldInTheMiddleOfAPurgeKeepsTheRest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(6)
		r := w.approved(batch)
		w.toTheEvening(r)
		runner := w.runner()
		runner.Chunk = 2
		j, err := job.Claim(w.ctx(), w.d, "worker-1", []string{purge.JobRun})
		w.must(err)
		for range 2 { // it begins, and erases two
			_, err = runner.Step(w.ctx(), j)
			w.must(err)
		}
		if n := w.count(&conversation.Conversation{}); n != 4 {
			t.Fatalf("%d conversations are left", n)
		}
		h := w.place()
		if n := w.count(&conversation.Conversation{}, "state = ? AND batch_id IS NULL", conversation.Active); n != 4 {
			t.Errorf("%d are back in the archive", n)
		}
		for done := false; !done && err == nil; {
			done, err = runner.Step(w.ctx(), j)
		}
		w.must(err)
		w.wantWhole(r)
		if r = w.now(r); r.State != purge.DoneWithExceptions || r.Purged != 2 || r.Skipped != 4 || w.count(&purge.Item{}, "reason = ?", purge.Held) != 4 {
			t.Errorf("%s: %d purged, %d skipped", r.State, r.Purged, r.Skipped)
		}
		if n := w.count(&hold.Item{}, "hold_id = ?", h.ID); n != 4 {
			t.Errorf("the hold covers %d", n)
		}
		detail, err := w.holds().Get(w.ctx(), w.legal, h.ID)
		w.must(err)
		if len(detail.Blocks) != 1 || detail.Blocks[0].Kind != hold.BlockPurge || detail.Blocks[0].Code != r.Code || detail.Blocks[0].Conversations != 4 {
			t.Errorf("the hold stopped %+v", detail.Blocks)
		}
		w.write(func(tx *db.Tx) error {
			if err := hold.ShareEpoch(tx); err != nil {
				return err
			}
			var all []conversation.New
			for _, c := range w.chats(6) {
				all = append(all, w.news(c))
			}
			out, err := conversation.Store(tx, w.vault, all)
			for _, o := range out {
				if o.Created {
					t.Errorf("%d came back", o.ID)
				}
			}
			return err
		})
		if n := w.count(&conversation.Conversation{}); n != 4 {
			t.Errorf("%d conversations after the import", n)
		}
	})
}

// Requests that wait for votes, cool off, or whose batch's time is over without any lose to a hold
// as well.
func TestAHoldWinsAgainstEveryStageBeforeAPurge(t *testing.T) {
	stages := map[string]func(w *world, b id.Batch) *purge.Request{
		"drafted":             func(w *world, _ id.Batch) *purge.Request { w.must(w.desk.Tick(w.ctx())); return nil },
		"waiting for votes":   func(w *world, b id.Batch) *purge.Request { return w.request(w.agent, b) },
		"waiting for legal":   func(w *world, b id.Batch) *purge.Request { return w.approve(w.request(w.agent, b), w.supervisor) },
		"cooling off":         func(w *world, b id.Batch) *purge.Request { return w.approved(b) },
		"expired, no request": func(*world, id.Batch) *purge.Request { return nil },
	}
	for name, reach := range stages {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				ids, batch := w.expired(3)
				r := reach(w, batch)
				w.place()
				if n := w.count(&conversation.Conversation{}, "state = ? AND batch_id IS NULL", conversation.Active); n != 3 {
					t.Fatalf("%d of %d are back in the archive", n, len(ids))
				}
				switch {
				case r == nil:
					_, err := w.desk.Request(w.ctx(), w.agent, w.ask(batch))
					w.wantFault(err, "purge.nothing_to_freeze")
					return
				case r.State == purge.AwaitingSupervisor:
					r = w.approve(r, w.supervisor, w.legal)
				case r.State == purge.AwaitingLegal:
					r = w.approve(r, w.legal)
				}
				w.toTheEvening(r)
				w.work()
				w.wantWhole(r)
				if r = w.now(r); r.Purged != 0 || r.Skipped != 3 || w.count(&purge.Item{}, "reason = ?", purge.Held) != 3 {
					t.Errorf("%d purged, %d skipped", r.Purged, r.Skipped)
				}
			})
		})
	}
}

// Whoever lifted a protection does not destroy what it protected, for thirty days.
func TestWhoReleasedAHoldDoesNotApproveThePurge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		third := accounttest.User(t, d, w.accounts, account.Legal)
		ids := w.store(w.chats(4)...)
		w.free(w.place(), w.legal, w.cro)
		var released time.Time
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Model(&hold.Hold{}).Select("released_at").Row().Scan(&released)
		}))
		refused := func(r *purge.Request, by ...account.Actor) {
			t.Helper()
			for _, a := range by {
				_, err := w.desk.Vote(w.ctx(), a, w.ballot(r, a))
				w.wantFault(err, "purge.released_a_hold")
			}
		}
		now := w.approve(w.request(w.agent, w.binned(clock.Time(), bin.ScopeDepartment, ids[:2]...)), w.supervisor)
		refused(now, w.legal, w.cro)
		w.approve(now, third)
		// What the hold did not cover is their business as before.
		agent := accounttest.User(t, d, w.accounts, account.Agent, w.support)
		boss := accounttest.User(t, d, w.accounts, account.Supervisor, w.support)
		apart := w.store(chat{name: "apart", dep: w.support, agent: agent.StaffNo})
		w.approve(w.request(agent, w.binned(clock.Time(), bin.ScopeDepartment, apart...)), boss, w.legal)
		clock.Set(released.Add(hold.Estrangement - time.Hour))
		later := w.approve(w.request(w.agent, w.binned(clock.Time(), bin.ScopeDepartment, ids[2:]...)), w.supervisor)
		clock.Set(released.Add(hold.Estrangement - time.Second))
		refused(later, w.legal, w.cro)
		clock.Set(released.Add(hold.Estrangement))
		w.approve(later, w.legal)
	})
}
