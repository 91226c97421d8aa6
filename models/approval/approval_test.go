package approval_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/seal"
)

var (
	root   = [32]byte{1, 2, 3}
	policy = [32]byte{9}
)

// world is one open approval: 陈思远 requests, a supervisor and legal are to agree.
type world struct {
	t                            *testing.T
	d                            *db.DB
	accounts                     *account.Accounts
	keys                         *seal.Store
	requester, supervisor, legal account.Actor
	approval                     id.Approval
	step                         int64
}

func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{t: t, d: d, accounts: accounttest.New(t, d), keys: accounttest.Keys(t, d)}
	w.requester = accounttest.Same(t, d, w.accounts, "hr-requester", account.Agent, 1)
	w.supervisor = accounttest.User(t, d, w.accounts, account.Supervisor, 1)
	w.legal = accounttest.User(t, d, w.accounts, account.Legal)
	w.open(7)
	return w
}

func (w *world) open(subject uint64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) (err error) {
		w.approval, err = approval.Start(tx, approval.New{
			Kind: approval.Purge, Subject: subject, Root: root, PolicyVersion: policy,
			Stages:    []approval.Stage{{Role: account.Supervisor}, {Role: account.Legal}},
			Requester: w.requester.ID, RequesterPerson: w.requester.PersonID, ExpiresAt: tx.Now.Add(7 * 24 * time.Hour),
		})
		return err
	})
}

func (w *world) write(do func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.try(do); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) try(do func(tx *db.Tx) error) error {
	return w.d.Write(context.WithoutCancel(w.t.Context()), func(tx *db.Tx) error {
		tx.MarkAudited()
		return do(tx)
	})
}

func (w *world) cast(by account.Actor, change func(*approval.Ballot)) (state approval.State, err error) {
	w.step++
	step := w.step
	err = w.try(func(tx *db.Tx) error {
		b := approval.Ballot{
			Approval: w.approval, By: by, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: root, Step: step,
			ValidUntil: tx.Now.Add(7 * 24 * time.Hour),
		}
		if change != nil {
			change(&b)
		}
		a, err := approval.Cast(tx, w.keys, b)
		state = a.State
		return err
	})
	return state, err
}

func (w *world) recheck() error {
	return w.try(func(tx *db.Tx) error {
		_, err := approval.Recheck(tx, w.keys, approval.Want{
			Approval: w.approval, Kind: approval.Purge, Subject: 7, Root: root, PolicyVersion: policy, RequesterPerson: w.requester.PersonID,
		})
		return err
	})
}

func TestNobodyApprovesWhatTheyMayNot(t *testing.T) {
	tests := []struct {
		name string
		by   func(w *world) account.Actor
		vote func(b *approval.Ballot)
		wait time.Duration
		kind fault.Kind
		key  string
	}{
		{"the requester does not approve the own request", func(w *world) account.Actor { return w.requester }, nil, 0, fault.KindForbidden, "approval.own_request"},
		{"nor under a second account as supervisor", func(w *world) account.Actor {
			return accounttest.Same(w.t, w.d, w.accounts, "hr-requester", account.Supervisor, 1)
		}, nil, 0, fault.KindForbidden, "approval.own_request"},
		{"an administrator has no vote", func(w *world) account.Actor { return accounttest.User(w.t, w.d, w.accounts, account.Admin) }, nil, 0, fault.KindForbidden, "approval.wrong_role"},
		{"an auditor has no vote", func(w *world) account.Actor { return accounttest.User(w.t, w.d, w.accounts, account.Auditor) }, nil, 0, fault.KindForbidden, "approval.wrong_role"},
		{"legal waits for the supervisor", func(w *world) account.Actor { return w.legal }, nil, 0, fault.KindForbidden, "approval.wrong_role"},
		{"the system is nobody", func(w *world) account.Actor { return account.System("worker", "") }, nil, 0, fault.KindForbidden, "approval.not_a_person"},
		{"an account without a person is nobody", func(w *world) account.Actor { a := w.supervisor; a.PersonID = 0; return a }, nil, 0, fault.KindForbidden, "approval.not_a_person"},
		{"a person made up for the session is found out", func(w *world) account.Actor { a := w.supervisor; a.PersonID = 999999; return a }, nil, 0, fault.KindForbidden, "approval.not_a_person"},
		{"a supervisor's session of a disabled account does not count", func(w *world) account.Actor {
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET disabled_at = created_at WHERE id = ?", w.supervisor.ID)
			return w.supervisor
		}, nil, 0, fault.KindForbidden, "account.forbidden"},
		{"a new supervisor's role has to be confirmed", func(w *world) account.Actor {
			by := accounttest.User(w.t, w.d, w.accounts, account.Supervisor, 1)
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET vote_from = NULL WHERE id = ?", by.ID)
			return by
		}, nil, 0, fault.KindForbidden, "account.vote_unconfirmed"},
		{"another list than the one on the page is not approved", func(w *world) account.Actor { return w.supervisor }, func(b *approval.Ballot) { b.SeenRoot[0]++ }, 0, fault.KindConflict, "approval.root_changed"},
		{"no vote without an opinion", func(w *world) account.Actor { return w.supervisor }, func(b *approval.Ballot) { b.Opinion = " " }, 0, fault.KindInvalid, "approval.opinion_missing"},
		{"no vote after seven days", func(w *world) account.Actor { return w.supervisor }, nil, 7 * 24 * time.Hour, fault.KindConflict, "approval.expired"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := newWorld(t, d)
				by := tt.by(w)
				clock.Advance(tt.wait)
				_, err := w.cast(by, tt.vote)
				f, _ := fault.Of(err)
				if f == nil || f.Kind != tt.kind || f.Key != tt.key {
					t.Errorf("fault = %v, want %s", err, tt.key)
				}
				if n := dbtest.Count(t, d, &approval.Vote{}); n != 0 {
					t.Errorf("%d votes stored", n)
				}
				dbtest.Exec(t, d, "DELETE FROM approval")
			})
		}
	})
}

func TestTwoDifferentPeopleApproveInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		if s, err := w.cast(w.supervisor, nil); err != nil || s != approval.Open {
			t.Fatalf("after the supervisor: %v %v", s, err)
		}
		if _, err := w.cast(w.supervisor, nil); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("the supervisor votes twice: %v", err)
		}
		if err := w.recheck(); !broken(err, approval.BrokenState) {
			t.Errorf("half an approval stands: %v", err)
		}
		if s, err := w.cast(w.legal, nil); err != nil || s != approval.Approved {
			t.Fatalf("after legal: %v %v", s, err)
		}
		if err := w.recheck(); err != nil {
			t.Errorf("the approval does not stand: %v", err)
		}
		if _, err := w.cast(accounttest.User(t, d, w.accounts, account.Legal), nil); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("a vote after the end: %v", err)
		}
	})
}

func TestARejectionEndsIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		if s, err := w.cast(w.supervisor, func(b *approval.Ballot) { b.Verdict = approval.Reject }); err != nil || s != approval.Rejected {
			t.Fatalf("%v %v", s, err)
		}
		if _, err := w.cast(w.legal, nil); fault.KindOf(err) != fault.KindConflict {
			t.Errorf("legal votes on a rejected request: %v", err)
		}
	})
}

func broken(err error, reason string) bool {
	var b *approval.Broken
	return errors.As(err, &b) && b.Reason == reason
}

func TestAConsentIsLookedAtAgain(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world, clock *dbtest.Clock)
		reason string
	}{
		{"an approver who left", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET disabled_at = created_at WHERE id = ?", w.legal.ID)
		}, approval.BrokenInactive},
		{"an approver in another role", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE `user` SET role = 'agent' WHERE id = ?", w.supervisor.ID)
		}, approval.BrokenInactive},
		{"an approver who has to be confirmed anew", func(w *world, _ *dbtest.Clock) {
			admin := accounttest.User(w.t, w.d, w.accounts, account.Admin)
			if _, err := w.accounts.ResetLink(w.t.Context(), admin, w.legal.ID, false); err != nil {
				w.t.Fatal(err)
			}
		}, approval.BrokenInactive},
		{"votes that no longer count", func(_ *world, clock *dbtest.Clock) { clock.Advance(7 * 24 * time.Hour) }, approval.BrokenExpired},
		{"a changed opinion", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE vote SET opinion = '同意' WHERE stage = 0")
		}, approval.BrokenForged},
		{"a vote in another person's name", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE vote SET person_id = person_id + 1000 WHERE stage = 1")
		}, approval.BrokenForged},
		{"a requester put into the row later", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE approval SET requester_id = requester_id + 1")
		}, approval.BrokenForged},
		{"a longer life for a vote", func(w *world, clock *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE vote SET expires_at = ?", clock.Time().Add(99*24*time.Hour))
			clock.Advance(7 * 24 * time.Hour)
		}, approval.BrokenForged},
		{"another list", func(w *world, _ *dbtest.Clock) {
			dbtest.Exec(w.t, w.d, "UPDATE approval SET root = policy_version")
		}, approval.BrokenSubject},
		{"a vote that was taken away", func(w *world, _ *dbtest.Clock) { dbtest.Exec(w.t, w.d, "DELETE FROM vote WHERE stage = 1") }, approval.BrokenVotes},
		{"a withdrawal", func(w *world, _ *dbtest.Clock) {
			w.write(func(tx *db.Tx) error { return approval.Close(tx, w.approval, approval.Withdrawn) })
		}, approval.BrokenState},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				clock.Set(dbtest.Start)
				w := newWorld(t, d)
				for _, by := range []account.Actor{w.supervisor, w.legal} {
					if _, err := w.cast(by, nil); err != nil {
						t.Fatal(err)
					}
				}
				tt.change(w, clock)
				if err := w.recheck(); !broken(err, tt.reason) {
					t.Errorf("recheck = %v, want %s", err, tt.reason)
				}
				dbtest.Exec(t, d, "DELETE FROM vote")
				dbtest.Exec(t, d, "DELETE FROM approval")
			})
		}
	})
}

// An inserted vote that looks right in every column but was never cast must not count.
func TestAVoteInsertedIntoTheDatabaseDoesNotCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := newWorld(t, d)
		if _, err := w.cast(w.supervisor, nil); err != nil {
			t.Fatal(err)
		}
		dbtest.Exec(t, d, "INSERT INTO vote (approval_id, stage, user_id, person_id, name, staff_no, role, verdict, opinion, root, policy_version, totp_step, at, expires_at, mac) "+
			"SELECT approval_id, 1, ?, ?, ?, ?, 'legal', verdict, opinion, root, policy_version, 77, at, expires_at, mac FROM vote",
			w.legal.ID, w.legal.PersonID, w.legal.Name, w.legal.StaffNo)
		dbtest.Exec(t, d, "UPDATE approval SET state = 'approved', stage = 2")
		if err := w.recheck(); !broken(err, approval.BrokenForged) {
			t.Errorf("recheck = %v", err)
		}
		w.write(func(tx *db.Tx) error {
			forged, err := approval.Forged(tx, w.keys, approval.Purge)
			if len(forged) != 1 || forged[0] != 7 {
				t.Errorf("forged = %v", forged)
			}
			return err
		})
	})
}

// Even a vote with a genuine code does not stand when the requester gave it, or nobody. That one person gives two, the
// database itself refuses.
func TestOnePersonsVotesUnderGenuineCodesDoNotStand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		for _, second := range []func(w *world) id.Person{
			func(w *world) id.Person { return w.requester.PersonID },
			func(*world) id.Person { return 0 },
		} {
			w := newWorld(t, d)
			for _, by := range []account.Actor{w.supervisor, w.legal} {
				if _, err := w.cast(by, nil); err != nil {
					t.Fatal(err)
				}
			}
			w.write(func(tx *db.Tx) error {
				a, votes, err := approval.Find(tx, w.approval)
				if err != nil {
					return err
				}
				v := votes[1]
				v.PersonID = second(w)
				return tx.Model(&approval.Vote{}).Where("id = ?", v.ID).Updates(map[string]any{"person_id": v.PersonID, "mac": a.Seal(w.keys, &v)}).Error
			})
			if err := w.recheck(); !broken(err, approval.BrokenPeople) {
				t.Errorf("recheck = %v", err)
			}
			dbtest.Exec(t, d, "DELETE FROM vote")
			dbtest.Exec(t, d, "DELETE FROM approval")
		}
	})
}

func TestTwoVotesAtOnceCountOnce(t *testing.T) {
	const rounds = 200
	d := dbtest.Open(t, db.MySQL, dbtest.NewClock())
	w := newWorld(t, d)
	second := accounttest.User(t, d, w.accounts, account.Supervisor, 1)
	for round := range uint64(rounds) {
		w.open(1000 + round)
		voters := []account.Actor{w.supervisor, second}
		errs := make([]error, len(voters))
		var wg sync.WaitGroup
		for i, by := range voters {
			step := int64(100000 + 2*round + uint64(i))
			wg.Go(func() {
				errs[i] = w.try(func(tx *db.Tx) error {
					_, err := approval.Cast(tx, w.keys, approval.Ballot{
						Approval: w.approval, By: by, Verdict: approval.Approve, Opinion: "同意", SeenRoot: root, Step: step, ValidUntil: tx.Now.Add(time.Hour),
					})
					return err
				})
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
		}
		if n := dbtest.Count(t, d, &approval.Vote{}, "approval_id = ?", w.approval); n != 1 {
			t.Fatalf("round %d: %d votes", round, n)
		}
	}
}
