package hold_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

const week = 7 * 24 * time.Hour

// asked is a hold on the city whose release the first of legal asked for.
func (w *world) asked() (*hold.Hold, *hold.Release) {
	w.t.Helper()
	h := w.place(hold.Order{Department: w.city})
	r, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, "案件已结，法院解除保全")
	w.must(err)
	return h, r
}

func (w *world) ballot(r *hold.Release, by account.Actor) hold.Ballot {
	w.t.Helper()
	root := r.Fingerprint()
	return hold.Ballot{Hold: r.HoldID, SeenRoot: root, Tail: root[len(root)-6:], Opinion: "已核对结案文书", Code: accounttest.Code(w.t, w.d, by.ID)}
}

func (w *world) approve(r *hold.Release) *hold.Release {
	w.t.Helper()
	r, err := w.holds.ApproveRelease(w.ctx(), w.second, w.ballot(r, w.second))
	w.must(err)
	w.clock.Advance(30 * time.Second) // so that the codes never run out
	return r
}

func (w *world) tick() {
	w.t.Helper()
	w.must(w.holds.Tick(w.ctx()))
}

func (w *world) now(h *hold.Hold) *hold.Detail {
	w.t.Helper()
	d, err := w.holds.Get(w.ctx(), w.legal, h.ID)
	w.must(err)
	return d
}

// wantStatus also asks whether the hold covers what it did, which all but a released one does.
func (w *world) wantStatus(h *hold.Hold, want hold.State, ids ...id.Conversation) {
	w.t.Helper()
	if got := w.now(h).Status; got != want {
		w.t.Errorf("the hold is %s, want %s", got, want)
	}
	if want == hold.Released {
		ids = nil
	}
	w.wantCovered(ids...)
}

func (w *world) wantFault(err error, key string) {
	w.t.Helper()
	if f, ok := fault.Of(err); !ok || f.Key != key {
		w.t.Errorf("fault = %v, want %s", err, key)
	}
}

func (w *world) leaves(action, object string) (n int64) {
	w.t.Helper()
	return dbtest.Count(w.t, w.d, &leaf{}, "action = ? AND object = ? AND result = 'ok'", action, object)
}

type leaf struct{ N int64 }

// TableName is audit_leaf.
func (leaf) TableName() string { return "audit_leaf" }

func (w *world) forged() (codes []string) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		codes, err = hold.ForgedReleases(tx, w.vault.Store)
		return err
	}))
	return codes
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestAReleaseTakesTwoPeopleAndAWeek(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(w.city, w.city)
		h, r := w.asked()
		w.wantStatus(h, hold.Releasing, ids...)
		r = w.approve(r)
		w.wantStatus(h, hold.Buffered, ids...)
		if r.State != hold.Approved || !r.EndsAt.Equal(r.DecidedAt.Add(week)) {
			t.Errorf("the release is %+v", r)
		}
		ids = append(ids, w.store(w.city)...) // it goes on while it is in force
		for _, tt := range []struct {
			at   time.Duration
			want hold.State
		}{{-time.Second, hold.Buffered}, {-time.Microsecond, hold.Buffered}, {0, hold.Released}, {time.Second, hold.Released}} {
			w.clock.Set(r.EndsAt.Add(tt.at))
			w.tick()
			w.wantStatus(h, tt.want, ids...)
		}
		w.store(w.city)
		w.wantCovered()
		d := w.now(h)
		if !d.ReleasedAt.Equal(*r.EndsAt) || d.Release.State != hold.Ended || d.CanCancel || d.CanRequest || d.CanReview || d.Conversations != 3 {
			t.Errorf("afterwards %+v", d)
		}
		var acts []string
		for _, e := range d.History {
			acts = append(acts, e.Action+" "+e.Name)
		}
		want := []string{"hold.placed " + w.legal.Name, "hold.release_requested " + w.legal.Name, "hold.release_approved " + w.second.Name, "hold.released "}
		if !slices.Equal(acts, want) {
			t.Errorf("history %v, want %v", acts, want)
		}
		for _, a := range []string{"hold.placed", "hold.release_requested", "hold.release_approved", "hold.released"} {
			if n := w.leaves(a, h.Code); n != 1 {
				t.Errorf("%d entries of %s", n, a)
			}
		}
		if forged := w.forged(); len(forged) != 0 {
			t.Errorf("forged: %v", forged)
		}
		w.wantFault(w.holds.CancelRelease(w.ctx(), w.legal, h.ID, reason), "hold.no_release")
		_, err := w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
		w.wantFault(err, "hold.released_already")
		err = w.holds.Review(w.ctx(), w.legal, hold.Reviewing{Hold: h.ID, Next: w.clock.Time().Add(week), Note: "x"})
		w.wantFault(err, "hold.released_already")
	})
}

func TestWhoMayNotDecide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, r := w.asked()
		twin := accounttest.Same(t, w.d, w.accounts, "hr-twin", account.Legal)
		dbtest.Exec(t, w.d, "UPDATE `user` SET person_id = ? WHERE id = ?", w.legal.PersonID, twin.ID)
		twin.PersonID = w.legal.PersonID
		auditor := accounttest.User(t, w.d, w.accounts, account.Auditor)
		supervisor := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.city)
		puppet := accounttest.User(t, w.d, w.accounts, account.Legal)
		if _, err := w.accounts.ResetLink(w.ctx(), accounttest.User(t, w.d, w.accounts, account.Admin), puppet.ID, false); err != nil {
			t.Fatal(err)
		}
		good := w.ballot(r, w.second)
		for _, tt := range []struct {
			name string
			by   account.Actor
			edit func(b *hold.Ballot)
			key  string
		}{
			{"the requester", w.legal, nil, "approval.own_request"},
			{"the requester's other account", twin, nil, "approval.own_request"},
			{"somebody who is not confirmed", puppet, nil, "account.vote_unconfirmed"},
			{"an auditor", auditor, nil, "account.forbidden"},
			{"a supervisor", supervisor, nil, "account.forbidden"},
			{"no person", account.System("worker", ""), nil, "account.forbidden"},
			{"another fingerprint", w.second, func(b *hold.Ballot) { b.SeenRoot = strings.Repeat("0", 64) }, "approval.root_changed"},
			{"no fingerprint", w.second, func(b *hold.Ballot) { b.SeenRoot = "" }, "approval.root_changed"},
			{"a wrong tail", w.second, func(b *hold.Ballot) { b.Tail = "zzzzzz" }, "hold.tail_wrong"},
			{"no opinion", w.second, func(b *hold.Ballot) { b.Opinion = "  " }, "approval.opinion_missing"},
			{"a wrong code", w.second, func(b *hold.Ballot) { b.Code = "000000" }, "account.code_wrong"},
			{"a hold that is not there", w.second, func(b *hold.Ballot) { b.Hold += 1000 }, "hold.not_found"},
		} {
			b := good
			if tt.edit != nil {
				tt.edit(&b)
			}
			_, err := w.holds.ApproveRelease(w.ctx(), tt.by, b)
			if f, ok := fault.Of(err); !ok || f.Key != tt.key {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.key)
			}
			w.wantStatus(h, hold.Releasing)
		}
		_, err := w.holds.RequestRelease(w.ctx(), puppet, h.ID, reason)
		w.wantFault(err, "account.vote_unconfirmed")
		for _, by := range []account.Actor{auditor, supervisor} {
			if _, err := w.holds.RequestRelease(w.ctx(), by, h.ID, reason); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s asked: %v", by.Role, err)
			}
			if err := w.holds.CancelRelease(w.ctx(), by, h.ID, reason); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s cancelled: %v", by.Role, err)
			}
			if err := w.holds.Review(w.ctx(), by, hold.Reviewing{Hold: h.ID, Next: w.clock.Time().Add(week), Note: "x"}); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s reviewed: %v", by.Role, err)
			}
		}
		// One code is good for one act.
		w.must(second(w.holds.ApproveRelease(w.ctx(), w.second, good)))
		other, r2 := w.place(hold.Order{Department: w.north}), (*hold.Release)(nil)
		r2, err = w.holds.RequestRelease(w.ctx(), w.legal, other.ID, reason)
		w.must(err)
		b := w.ballot(r2, w.second)
		b.Code = good.Code
		_, err = w.holds.ApproveRelease(w.ctx(), w.second, b)
		w.wantFault(err, "account.code_used")
		_, err = w.holds.ApproveRelease(w.ctx(), w.second, good)
		w.wantFault(err, "approval.closed")
	})
}

func second[T any](_ T, err error) error { return err }

func TestAReleaseThatIsRefusedCancelledOrForgottenKeepsTheHold(t *testing.T) {
	ends := map[string]func(w *world, h *hold.Hold, r *hold.Release){
		"rejected": func(w *world, _ *hold.Hold, r *hold.Release) {
			b := w.ballot(r, w.second)
			b.Tail = ""
			r, err := w.holds.RejectRelease(w.ctx(), w.second, b)
			w.must(err)
			if r.State != hold.Rejected {
				w.t.Errorf("it is %s", r.State)
			}
		},
		"cancelled by the requester before the decision": func(w *world, h *hold.Hold, _ *hold.Release) {
			w.must(w.holds.CancelRelease(w.ctx(), w.legal, h.ID, "写错了编号，重新申请"))
		},
		"cancelled in the last second of the buffer": func(w *world, h *hold.Hold, r *hold.Release) {
			r = w.approve(r)
			w.clock.Set(r.EndsAt.Add(-time.Second))
			w.must(w.holds.CancelRelease(w.ctx(), w.legal, h.ID, "对方上诉，继续保留"))
		},
		"cancelled after the buffer, before the worker came": func(w *world, h *hold.Hold, r *hold.Release) {
			r = w.approve(r)
			w.clock.Set(r.EndsAt.Add(time.Hour))
			w.must(w.holds.CancelRelease(w.ctx(), w.second, h.ID, "对方上诉，继续保留"))
		},
		"not decided in a week": func(w *world, h *hold.Hold, r *hold.Release) {
			w.clock.Set(r.ExpiresAt.Add(-time.Second))
			w.tick()
			w.wantStatus(h, hold.Releasing, w.covered()...)
			w.clock.Set(r.ExpiresAt)
			_, err := w.holds.ApproveRelease(w.ctx(), w.second, w.ballot(r, w.second))
			w.wantFault(err, "approval.expired")
			w.tick()
		},
		"approved by somebody who has left since": func(w *world, _ *hold.Hold, r *hold.Release) {
			r = w.approve(r)
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET role = 'agent' WHERE id = ?", w.second.ID)
			w.clock.Set(*r.EndsAt)
			w.tick()
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET role = 'legal' WHERE id = ?", w.second.ID)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ids := w.store(w.city)
				h, r := w.asked()
				_, err := w.holds.RequestRelease(w.ctx(), w.second, h.ID, reason)
				w.wantFault(err, "hold.release_open")
				end(w, h, r)
				w.wantStatus(h, hold.InForce, ids...)
				w.clock.Advance(2 * week)
				w.tick()
				w.wantStatus(h, hold.InForce, ids...)
				if forged := w.forged(); len(forged) != 0 {
					t.Errorf("forged: %v", forged)
				}
				// It can be asked for again, and the whole way is gone again.
				r, err = w.holds.RequestRelease(w.ctx(), w.legal, h.ID, reason)
				w.must(err)
				r = w.approve(r)
				w.clock.Set(*r.EndsAt)
				w.tick()
				w.wantStatus(h, hold.Released)
			})
		})
	}
}

// TestARowIsNoConsent writes what a person with the database's password could write. Nothing of
// it releases a hold, and fsck can tell.
func TestARowIsNoConsent(t *testing.T) {
	tests := []struct {
		name     string
		approved bool // the edit comes into the buffer, else while it is asked for
		edit     string
	}{
		{"approved by hand", false, "UPDATE hold_release SET state = 'approved', decided_at = requested_at, ends_at = requested_at, approver_id = 77, approver_person = 77"},
		{"the buffer shortened", true, "UPDATE hold_release SET ends_at = decided_at"},
		{"the decision put back", true, "UPDATE hold_release SET decided_at = requested_at, ends_at = requested_at"},
		{"another hold", true, "UPDATE hold_release SET hold_id = hold_id + 1"},
		{"another approver", true, "UPDATE hold_release SET approver_person = approver_person + 1000"},
		{"another requester", true, "UPDATE hold_release SET requester_person = requester_person + 1000"},
		{"a rejection turned round", false, "UPDATE hold_release SET state = 'approved', decided_at = requested_at"},
		{"the vote changed", true, "UPDATE vote SET opinion = '同意释放全部'"},
		{"the vote's person changed", true, "UPDATE vote SET person_id = person_id + 1000"},
		{"the conditions of the hold widened", true, "UPDATE legal_hold SET department_id = department_id + 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ids := w.store(w.city)
				h, r := w.asked()
				other := w.place(hold.Order{Department: w.east})
				if tt.approved {
					r = w.approve(r)
				}
				dbtest.Exec(t, w.d, tt.edit)
				w.clock.Advance(week + time.Hour)
				w.tick()
				w.wantCovered(ids...)
				if n := dbtest.Count(t, w.d, &hold.Hold{}, "released_at IS NOT NULL"); n != 0 {
					t.Errorf("%d holds are released", n)
				}
				if n := w.leaves("hold.released", h.Code) + w.leaves("hold.released", other.Code); n != 0 {
					t.Errorf("%d entries of a release", n)
				}
				if len(w.forged()) == 0 {
					t.Error("fsck has nothing to tell")
				}
				_ = r
			})
		})
	}
}

func TestFsckTellsOfAHoldThatWasReleasedByHand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, r := w.asked()
		if forged := w.forged(); len(forged) != 0 {
			t.Fatalf("forged: %v", forged)
		}
		set := func(query string, args ...any) { dbtest.Exec(t, w.d, query, args...) }
		want := func(what string) {
			t.Helper()
			if forged := w.forged(); !slices.Equal(forged, []string{h.Code}) {
				t.Errorf("%s: %v", what, forged)
			}
		}
		set("UPDATE legal_hold SET released_at = ?", w.clock.Time())
		want("released while it was asked for")
		set("UPDATE legal_hold SET released_at = NULL")
		r = w.approve(r)
		set("UPDATE legal_hold SET released_at = ?", *r.EndsAt)
		want("released while the buffer ran")
		set("UPDATE legal_hold SET released_at = NULL")
		w.clock.Set(*r.EndsAt)
		w.tick()
		if forged := w.forged(); len(forged) != 0 {
			t.Fatalf("forged: %v", forged)
		}
		set("UPDATE legal_hold SET released_at = ?", r.EndsAt.Add(-time.Hour))
		want("the release put back")
		set("UPDATE legal_hold SET released_at = NULL")
		want("the release undone by hand")
		set("UPDATE legal_hold SET released_at = ?", *r.EndsAt)
		set("DELETE FROM hold_release")
		want("the release's row gone")
	})
}

// TestAReleaseAndItsCancellationNeverBothWin lets the end of the buffer and a cancellation loose
// together.
func TestAReleaseAndItsCancellationNeverBothWin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 12 {
			h, r := w.asked()
			r = w.approve(r)
			w.clock.Set(*r.EndsAt)
			var ended, cancelled error
			var wg sync.WaitGroup
			wg.Go(func() { ended = w.holds.Tick(w.ctx()) })
			wg.Go(func() { cancelled = w.holds.CancelRelease(w.ctx(), w.legal, h.ID, reason) })
			wg.Wait()
			w.must(ended)
			d := w.now(h)
			if cancelled == nil != (d.Status == hold.InForce) || cancelled != nil && (d.Status != hold.Released || fault.KindOf(cancelled) != fault.KindConflict) {
				t.Fatalf("cancelled %v, the hold is %s", cancelled, d.Status)
			}
		}
		if forged := w.forged(); len(forged) != 0 {
			t.Errorf("forged: %v", forged)
		}
	})
}

// TestTheEndOfAHoldWaitsForTheStepThatIsRunning: what shares the epoch still sees the hold.
func TestTheEndOfAHoldWaitsForTheStepThatIsRunning(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.Open(t, db.MySQL, clock), clock)
	ids := w.store(w.city)
	_, r := w.asked()
	r = w.approve(r)
	w.clock.Set(*r.EndsAt)
	done := make(chan error, 1)
	w.write(func(tx *db.Tx) error {
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		go func() { done <- w.holds.Tick(w.ctx()) }()
		select {
		case err := <-done:
			return errors.Join(errors.New("it did not wait"), err)
		case <-time.After(200 * time.Millisecond):
		}
		set, err := id.NewSet(ids...)
		if err != nil {
			return err
		}
		held, err := hold.Covering(tx, set, true)
		if err == nil && len(held) != 1 {
			err = errors.New("the step does not see the hold")
		}
		return err
	})
	w.must(<-done)
	w.wantCovered()
}
