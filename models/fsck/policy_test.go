package fsck_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fsck"
	"qingdang/models/hold"
	"qingdang/models/mask"
	"qingdang/models/retention"
)

// policyWorld is an installation in which two changes of the policy took effect and one waits.
func policyWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{t: t, d: d}
	keys, accounts := accounttest.Keys(t, d), accounttest.New(t, d)
	signer, err := keys.Signer("qingdang.example.cn/evidence")
	w.must(err)
	w.checker = &fsck.Checker{DB: d, Store: keys, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}}
	desk := &retention.Desk{DB: d, Accounts: accounts, Keys: keys, Zone: time.UTC, Alone: hold.Alone}
	boss, legal := accounttest.User(t, d, accounts, account.Supervisor), accounttest.User(t, d, accounts, account.Legal)
	clock.Advance(72 * time.Hour)
	for _, change := range []func(*retention.Draft){
		func(r *retention.Draft) { r.Rules[0].FloorDays = 300 },
		func(r *retention.Draft) { r.NeverKeep = append(r.NeverKeep, mask.Phone) },
		func(r *retention.Draft) { r.Rules[0].CeilingDays = 900 },
	} {
		p, err := desk.Get(w.ctx(), boss)
		w.must(err)
		seen := p.Draft.Fingerprint()
		change(&p.Draft)
		c, err := desk.Propose(w.ctx(), boss, p.Draft, seen, "制度修订，按新规定执行")
		w.must(err)
		clock.Advance(time.Minute)
		_, err = desk.Decide(w.ctx(), legal, retention.Ballot{Change: c.Code, SeenRoot: c.Fingerprint(), Opinion: "同意", Code: accounttest.Code(t, d, legal.ID)}, approval.Approve)
		w.must(err)
	}
	return w
}

// What somebody with the database's password could do to the policy and to the consent to it is noticed.
func TestAPolicyThatNobodyPutInForceIsNoticed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := policyWorld(t, d, clock)
		if found := w.keys(false); len(found) != 0 {
			t.Fatalf("a clean database: %v", found)
		}
		w.shadow("retention_rule", "retention_never_keep", "retention_change", "approval", "vote", "audit_leaf")
		for _, c := range []struct{ key, query string }{
			{"retention_policy_differs", "UPDATE retention_rule SET floor_days = 10 WHERE service_type = ''"},
			{"retention_policy_differs", "UPDATE retention_rule SET floor_days = 364 WHERE service_type = '投诉'"},
			{"retention_policy_differs", "UPDATE retention_rule SET ceiling_days = 365 WHERE service_type = ''"},
			{"retention_policy_differs", "UPDATE retention_rule SET forever = 0, floor_days = 1 WHERE forever = 1"},
			{"retention_policy_differs", "DELETE FROM retention_rule WHERE service_type = '投诉'"},
			{"retention_policy_differs", "DELETE FROM retention_never_keep WHERE kind = 'id_card'"},
			{"retention_policy_broken", "DELETE FROM retention_rule WHERE service_type = ''"},
			{"retention_leaves", "UPDATE retention_change SET state = 'waiting', open_slot = NULL WHERE state = 'applied'"},
			{"retention_leaves", "UPDATE retention_change SET state = 'applied' WHERE state = 'waiting'"},
			{"retention_leaves", "DELETE FROM retention_change WHERE code LIKE '%-001'"},
			{"retention_leaves", "DELETE FROM audit_leaf WHERE action = 'retention.changed' AND object LIKE '%-001'"},
			{"retention_forged", "UPDATE retention_change SET proposal = was"},
			{"retention_forged", "UPDATE retention_change SET reason = '另一个理由，没有人同意过'"},
			{"retention_unapproved", "DELETE FROM vote WHERE approval_id IN (SELECT approval_id FROM retention_change WHERE state = 'waiting')"},
			{"retention_unapproved", "DELETE FROM approval"},
			{"retention_unapproved", "UPDATE retention_change SET requester_person = (SELECT MAX(person_id) FROM vote)"},
			{"retention_vote_forged", "UPDATE vote SET opinion = '同意，同意'"},
		} {
			if dbtest.Exec(t, d, c.query) == 0 {
				t.Errorf("%s: nothing was corrupted", c.query)
			}
			if found := w.keys(false); !found["I11 fsck."+c.key] {
				t.Errorf("%s: not noticed; what was: %v", c.query, found)
			}
			w.restore()
		}
		if found := w.keys(false); len(found) != 0 {
			t.Errorf("after restoring: %v", found)
		}
	})
}

// A policy that nobody has changed yet is compared with what the first start wrote down, and only the first one writes.
func TestThePolicyOfTheFirstStartIsComparedWith(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := &world{t: t, d: d}
		keys := accounttest.Keys(t, d)
		signer, err := keys.Signer("qingdang.example.cn/evidence")
		w.must(err)
		w.checker = &fsck.Checker{DB: d, Store: keys, Log: &audit.Log{DB: d, Signer: signer, Dir: t.TempDir()}}
		w.shadow("retention_rule", "retention_never_keep")
		for range 2 {
			w.must(retention.Record(w.ctx(), d))
		}
		if found := w.keys(false); len(found) != 0 {
			t.Errorf("a clean database: %v", found)
		}
		for _, query := range []string{
			"UPDATE retention_rule SET floor_days = 10 WHERE service_type = ''",
			"UPDATE retention_rule SET ceiling_days = 9999 WHERE service_type = ''",
			"UPDATE retention_rule SET forever = 0, floor_days = 1 WHERE forever = 1",
			"DELETE FROM retention_rule WHERE service_type = '投诉'",
			"DELETE FROM retention_never_keep WHERE kind = 'id_card'",
		} {
			if dbtest.Exec(t, d, query) == 0 {
				t.Errorf("%s: nothing was corrupted", query)
			}
			w.must(retention.Record(w.ctx(), d)) // the next start does not make it right
			if found := w.keys(false); !found["I11 fsck.retention_policy_differs"] {
				t.Errorf("%s: not noticed; what was: %v", query, found)
			}
			w.restore()
		}
		var leaves int64
		w.must(d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("action = 'retention.recorded'").Count(&leaves).Error
		}))
		if found := w.keys(false); len(found) != 0 || leaves != 1 {
			t.Errorf("after restoring: %v, %d entries", found, leaves)
		}
	})
}
