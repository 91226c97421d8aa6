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
	"qingdang/models/id"
	"qingdang/models/purge"
)

func hexRoot(r *purge.Request) string { return fmt.Sprintf("%x", r.Root) }

// ownedBy says who put a batch into the bin.
func (w *world) ownedBy(b id.Batch, by account.Actor) id.Batch {
	w.t.Helper()
	w.setBatch(b, "owner_id = ?, owner_person = ?", by.ID, by.PersonID)
	return b
}

func TestAnAgentAsksOnlyForTheirOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		boss := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales)
		put := func(chats ...chat) id.Batch {
			return w.ownedBy(w.binned(clock.Time(), bin.ScopeDepartment, w.store(chats...)...), boss)
		}
		mixed := put(chat{name: "mine", agent: w.agent.StaffNo}, chat{name: "theirs", agent: "else"})
		_, err := w.desk.Request(w.ctx(), w.agent, w.ask(mixed))
		w.wantFault(err, "purge.own_only")
		_, err = w.desk.Preview(w.ctx(), w.agent, 0, []id.Batch{mixed})
		w.wantFault(err, "purge.own_only")
		w.must(w.desk.Tick(w.ctx()))
		page, err := w.desk.List(w.ctx(), w.agent, purge.Filter{States: []purge.State{purge.Draft}})
		w.must(err)
		if len(page.Rows) != 1 {
			t.Fatalf("%d drafts", len(page.Rows))
		}
		draft := w.ask()
		draft.Draft = page.Rows[0].ID
		_, err = w.desk.Request(w.ctx(), w.agent, draft)
		w.wantFault(err, "purge.own_only")

		if r := w.request(w.agent, put(chat{name: "own", agent: w.agent.StaffNo})); r.ScopeKind != purge.Self {
			t.Errorf("kind %s", r.ScopeKind)
		}
		w.request(boss, mixed)
	})
}

func TestWhoChoseTheListDoesNotApproveIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		second := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales)
		_, one := w.expiredAs("a", 1)
		_, two := w.expiredAs("b", 1)
		w.ownedBy(two, w.supervisor)
		r := w.request(w.cro, one, two)
		_, err := w.desk.Vote(w.ctx(), w.supervisor, w.ballot(r, w.supervisor))
		w.wantFault(err, "purge.own_batch")
		r = w.approve(r, second, w.legal)
		// Written past the program: the execution looks again.
		w.ownedBy(one, second)
		w.toTheEvening(r)
		w.work()
		if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "people" {
			t.Errorf("%s: %s", r.State, r.ClosedReason)
		}
	})
}

func TestWhoChoseTheListDoesNotConfirmIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		batch := w.binned(clock.Time(), bin.ScopeOrganisation, w.store(w.chats(2)...)...)
		r := w.approved(batch)
		w.ownedBy(batch, w.cro)
		clock.Set(*r.CoolingUntil)
		root := fmt.Sprintf("%x", r.Root)
		confirm := func(by account.Actor) error {
			return w.desk.Confirm(w.ctx(), by, purge.Confirmation{Purge: r.ID, Tail: root[58:], Code: accounttest.Code(t, d, by.ID)})
		}
		w.wantFault(confirm(w.cro), "purge.own_batch")
		w.must(confirm(w.legal))
	})
}

func TestARequestTakesWhatWasShownOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(3)
		p, err := w.desk.Preview(w.ctx(), w.agent, 0, []id.Batch{batch})
		w.must(err)
		w.hold(ids[0])
		ask := w.ask(batch)
		ask.Shown = p.Size
		_, err = w.desk.Request(w.ctx(), w.agent, ask)
		w.wantFault(err, "purge.changed_since_shown")
		if n := w.count(&conversation.Conversation{}, "state = ?", conversation.Frozen); n != 0 {
			t.Errorf("%d are frozen", n)
		}
		ask.Shown = 2
		r, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		if r.Size != 2 {
			t.Errorf("%d on the list", r.Size)
		}
	})
}

// TestSeveralBatchesAreTheWholeOrganisation asks for every department, each binned on its own.
func TestSeveralBatchesAreTheWholeOrganisation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		both := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales, w.support)
		of := func(name string, dep id.Department) id.Batch {
			b := w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: name, dep: dep})...)
			w.setBatch(b, "scope = ?", fmt.Sprintf(`{"departments":[%d]}`, dep))
			return b
		}
		a, b := of("a", w.sales), of("b", w.support)
		p, err := w.desk.Preview(w.ctx(), both, 0, []id.Batch{a})
		w.must(err)
		if p.ScopeKind != purge.Department {
			t.Errorf("one department is %s", p.ScopeKind)
		}
		if r := w.request(both, a, b); r.ScopeKind != purge.Organisation || r.CoolingHours != 72 {
			t.Errorf("every department is %s, %d h", r.ScopeKind, r.CoolingHours)
		}
	})
}

func TestADraftLeavesOutWhatIsProtected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(chat{name: "plain"}, chat{name: "held"}, chat{name: "young", at: clock.Time().Add(-30 * 24 * time.Hour)})
		w.hold(ids[1])
		w.binned(clock.Time(), bin.ScopeDepartment, ids...)
		w.binned(clock.Time(), bin.ScopeDepartment, w.store(chat{name: "dispute", class: "法律纠纷"})...)
		w.must(w.desk.Tick(w.ctx()))
		w.must(w.desk.Tick(w.ctx()))
		page, err := w.desk.List(w.ctx(), w.legal, purge.Filter{})
		w.must(err)
		if len(page.Rows) != 1 || page.Rows[0].Size != 1 || fmt.Sprint(page.Rows[0].ExcludedCounts()) != "map[floor:1 held:1]" {
			t.Errorf("drafts: %+v", page.Rows)
		}
	})
}

func TestAWaitingListIsLookedAtEveryHour(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(3)
		r := w.request(w.agent, batch)
		asked := clock.Time()
		look := func() *purge.Changes {
			t.Helper()
			w.must(w.desk.Tick(w.ctx()))
			detail, err := w.desk.Get(w.ctx(), w.legal, r.ID)
			w.must(err)
			return detail.Changes
		}
		w.hold(ids[0])
		clock.Advance(time.Hour - time.Second)
		if c := look(); c.Intact() != 3 || !c.At.Equal(asked) {
			t.Errorf("a second before the hour: %+v", c)
		}
		clock.Advance(time.Second)
		if c := look(); c.Intact() != 2 || !c.At.Equal(clock.Time()) {
			t.Errorf("after an hour: %+v", c)
		}
	})
}
