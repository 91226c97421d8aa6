package purge_test

import (
	"testing"
	"time"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/purge"
)

func TestAPurgeDestroysExactlyItsListAndCertifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stays := w.store(chat{name: "stays"}, chat{name: "elsewhere", dep: w.support})
		_, batch := w.expired(25)
		r := w.approved(batch)
		if r.State != purge.CoolingOff || r.CoolingHours != 24 || r.ScopeKind != purge.Department {
			t.Fatalf("after the last vote: %s, %d h, %s", r.State, r.CoolingHours, r.ScopeKind)
		}
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
		if r = w.now(r); r.State != purge.Done || r.Purged != 25 {
			t.Errorf("%s, purged %d", r.State, r.Purged)
		}
		if n := w.count(&conversation.Conversation{}, "id IN ?", stays); n != int64(len(stays)) {
			t.Errorf("%d of %d neighbours are left", n, len(stays))
		}
	})
}

func TestNothingRunsBeforeItsTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(w.chats(3)...)
		keep := clock.Time().Add(7 * 24 * time.Hour)
		ask := w.ask(w.binned(keep, "department", ids...))
		ask.AtOnce = true
		r, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		r = w.approve(r, w.supervisor)
		b := w.ballot(r, w.legal)
		b.AgreeAtOnce = true
		r, err = w.desk.Vote(w.ctx(), w.legal, b)
		w.must(err)
		if !r.DueAt.Equal(keep) {
			t.Fatalf("due at %v, want %v", r.DueAt, keep)
		}
		for _, early := range []time.Duration{r.CoolingUntil.Sub(keep) - time.Second, r.CoolingUntil.Sub(keep) + time.Second, -time.Second} {
			clock.Set(keep.Add(early))
			w.work()
			// Also not when somebody wakes the queue.
			dbtest.Exec(t, d, "UPDATE job SET run_at = created_at WHERE kind = ? AND state = 'queued'", purge.JobRun)
			w.work()
			if n := w.count(&conversation.Conversation{}, "id IN ?", ids); n != 3 {
				t.Fatalf("%v before the end of the bin window %d are left", -early, n)
			}
		}
		clock.Set(keep)
		w.work()
		w.wantWhole(r)
	})
}

func TestTheCoolingOffIsWaitedForToTheSecond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		ask := w.ask(batch)
		ask.AtOnce = true
		r, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		r = w.approve(r, w.supervisor)
		b := w.ballot(r, w.legal)
		b.AgreeAtOnce = true
		r, err = w.desk.Vote(w.ctx(), w.legal, b)
		w.must(err)
		clock.Set(r.CoolingUntil.Add(-time.Second))
		dbtest.Exec(t, d, "UPDATE job SET run_at = created_at WHERE kind = ?", purge.JobRun)
		w.work()
		if w.now(r).StartedAt != nil {
			t.Fatal("it began a second too early")
		}
		clock.Set(r.CoolingUntil.Add(time.Second))
		w.work()
		w.wantWhole(r)
	})
}

func TestWithoutLegalsConsentItWaitsForTheNight(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(1)
		ask := w.ask(batch)
		ask.AtOnce = true
		r, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.must(err)
		r = w.approve(r, w.supervisor, w.legal)
		clock.Set(*r.CoolingUntil)
		w.work()
		if w.now(r).StartedAt != nil {
			t.Error("it ran in the afternoon")
		}
		if h := r.DueAt.In(time.FixedZone("", 8*3600)).Hour(); h != 22 {
			t.Errorf("due at %d o'clock", h)
		}
		clock.Set(*r.DueAt)
		w.work()
		w.wantWhole(r)
	})
}

func TestOwnConversationsNeedNoCoolingOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(chat{name: "own", agent: w.agent.StaffNo})
		r := w.approved(w.binned(clock.Time(), "department", ids...))
		if r.ScopeKind != purge.Self || r.CoolingHours != 0 {
			t.Errorf("%s, %d h", r.ScopeKind, r.CoolingHours)
		}
		w.toTheEvening(r)
		w.work()
		w.wantWhole(r)
	})
}
