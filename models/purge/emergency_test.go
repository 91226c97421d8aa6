package purge_test

import (
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/purge"
)

const incident = "INC-2026-0007"

func (w *world) emergency(by account.Actor, batches ...id.Batch) *purge.Request {
	w.t.Helper()
	ask := w.ask(batches...)
	ask.Emergency, ask.Incident = true, "  "+incident+" "
	r, err := w.desk.Request(w.ctx(), by, ask)
	w.must(err)
	return r
}

func (w *world) leaves(action string) (n int64) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
		return tx.Raw("SELECT COUNT(*) FROM audit_leaf WHERE action = ?", action).Scan(&n).Error
	}))
	return n
}

func (w *world) checked(r *purge.Request, by account.Actor) *purge.Request {
	w.t.Helper()
	b := w.ballot(r, by)
	b.IncidentChecked = true
	r, err := w.desk.Vote(w.ctx(), by, b)
	w.must(err)
	w.clock.Advance(30 * time.Second)
	return r
}

func TestAnEmergencyWaitsForNothingButPeople(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.store(chat{name: "leak"}, chat{name: "held"}, chat{name: "young", at: clock.Time().Add(-30 * 24 * time.Hour)}, chat{name: "ordered", order: conversation.OrderOpen}, chat{name: "later"})
		w.hold(ids[1])
		keep := clock.Time().Add(7 * 24 * time.Hour)
		batch := w.binned(keep, bin.ScopeDepartment, ids...)

		ask := w.ask(batch)
		ask.Emergency = true
		_, err := w.desk.Request(w.ctx(), w.agent, ask)
		w.wantFault(err, "purge.incident_missing")
		ask.Incident = strings.Repeat("号", 65)
		_, err = w.desk.Request(w.ctx(), w.agent, ask)
		w.wantFault(err, "purge.incident_long")

		r := w.emergency(w.agent, batch)
		if r.Incident != incident || r.CoolingHours != 0 || r.Size != 2 {
			t.Fatalf("incident %q, %d h, %d on the list", r.Incident, r.CoolingHours, r.Size)
		}
		if n := w.leaves("purge.emergency_requested"); n != 1 {
			t.Errorf("%d leaves of the emergency", n)
		}
		_, err = w.desk.Vote(w.ctx(), w.supervisor, w.ballot(r, w.supervisor))
		w.wantFault(err, "purge.incident_unchecked")
		r = w.checked(r, w.supervisor)
		_, err = w.desk.Vote(w.ctx(), w.legal, w.ballot(r, w.legal))
		w.wantFault(err, "purge.incident_unchecked")
		now := clock.Time()
		r = w.checked(r, w.legal)
		if r.State != purge.CoolingOff || !r.DueAt.Equal(now) || !r.LegalAtOnce {
			t.Fatalf("%s, due %v, now %v", r.State, r.DueAt, now)
		}
		w.hold(ids[4]) // after the votes: a hold still wins
		w.work()
		w.wantWhole(r)
		if r = w.now(r); r.Purged != 1 || r.Skipped != 1 || !r.StartedAt.Before(keep) {
			t.Errorf("purged %d, skipped %d at %v", r.Purged, r.Skipped, r.StartedAt)
		}
	})
}

func TestARejectedEmergencyNeedsNoLookAtTheIncident(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(1)
		r := w.emergency(w.agent, batch)
		b := w.ballot(r, w.supervisor)
		b.Verdict, b.Opinion = approval.Reject, "没有这个事件"
		r, err := w.desk.Vote(w.ctx(), w.supervisor, b)
		w.must(err)
		if r.State != purge.Rejected {
			t.Errorf("state %s", r.State)
		}
	})
}

func TestAnEmergencyOfTheWholeOrganisationStillNeedsLegalTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		batch := w.binned(clock.Time().Add(24*time.Hour), bin.ScopeOrganisation, w.store(w.chats(2)...)...)
		r := w.checked(w.checked(w.emergency(w.agent, batch), w.supervisor), w.legal)
		if r.DueAt != nil || r.Shown(clock.Time()) != purge.AwaitingCodes {
			t.Fatalf("%s, due %v", r.Shown(clock.Time()), r.DueAt)
		}
		w.work()
		root := hexRoot(r)
		w.must(w.desk.Confirm(w.ctx(), w.legal, purge.Confirmation{Purge: r.ID, Tail: root[58:], Code: accounttest.Code(t, d, w.legal.ID)}))
		w.work()
		w.wantWhole(r)
	})
}

// TestNobodyMakesAnEmergencyInTheDatabase changes what decides about waiting past the program.
func TestNobodyMakesAnEmergencyInTheDatabase(t *testing.T) {
	tests := []struct {
		name, change string
		emergency    bool
	}{
		{"an incident is written into a usual request", "UPDATE purge_request SET incident = 'INC-1', cooling_until = cooling_from, cooling_hours = 0, at_once = 1, legal_at_once = 1", false},
		{"legal's consent to run at once is written into the row", "UPDATE purge_request SET legal_at_once = 1", false},
		{"the incident gets another number", "UPDATE purge_request SET incident = 'INC-2'", true},
		{"a vote loses its look at the incident", "UPDATE vote SET terms = ''", true},
		{"a usual vote gets a term", "UPDATE vote SET terms = 'at_once'", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				ids, batch := w.expired(2)
				var r *purge.Request
				if tt.emergency {
					r = w.checked(w.checked(w.emergency(w.agent, batch), w.supervisor), w.legal)
				} else {
					ask := w.ask(batch)
					ask.AtOnce = true
					var err error
					r, err = w.desk.Request(w.ctx(), w.agent, ask)
					w.must(err)
					r = w.approve(r, w.supervisor, w.legal)
				}
				w.set(tt.change)
				w.set("UPDATE job SET run_at = created_at")
				w.work()
				clock.Set(w.now(r).DueAt.Add(24 * time.Hour)) // in the window, whatever the row says
				w.work()
				if r = w.now(r); r.State != purge.Lapsed || r.ClosedReason != "forged" {
					t.Errorf("%s: %s", r.State, r.ClosedReason)
				}
				if n := w.count(&conversation.Conversation{}, "id IN ?", ids); n != 2 {
					t.Errorf("%d of 2 are left", n)
				}
			})
		})
	}
}
