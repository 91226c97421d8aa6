package purge_test

import (
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/purge"
)

// Whoever reaches for a batch of another department is told that there is none, and it is
// written down.
func TestReachingForAHiddenBatchIsWrittenDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(1)
		stranger := accounttest.User(t, d, w.accounts, account.Supervisor, w.root)
		hidden := w.request(w.agent, batch)
		draft := w.ask()
		draft.Draft = hidden.ID
		for name, act := range map[string]func() error{
			"requesting":  func() error { _, err := w.desk.Request(w.ctx(), stranger, w.ask(batch)); return err },
			"taking over": func() error { _, err := w.desk.Request(w.ctx(), stranger, draft); return err },
			"counting":    func() error { _, err := w.desk.Preview(w.ctx(), stranger, 0, []id.Batch{batch}); return err },
		} {
			before := w.count(&anyLeaf{}, "result = 'refused'")
			if err := act(); fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("%s: %v", name, err)
			}
			if got := w.count(&anyLeaf{}, "result = 'refused'") - before; got != 1 {
				t.Errorf("%s: %d entries, want 1", name, got)
			}
		}
	})
}

type anyLeaf struct{ N int64 }

// TableName is audit_leaf.
func (anyLeaf) TableName() string { return "audit_leaf" }

// A form's key is not a place to sit on the system's.
func TestAFormCannotTakeTheKeyOfADraft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, first := w.expired(1)
		_, second := w.expiredAs("second", 1)
		ask := w.ask(first)
		ask.Key = "draft-" + id.String(second)
		_, err := w.desk.Request(w.ctx(), w.supervisor, ask)
		w.wantFault(err, "purge.key_missing")
		clock.Advance(time.Minute)
		w.must(w.desk.Tick(w.ctx()))
		if n := w.count(&purge.Batch{}, "batch_id = ?", second); n != 1 {
			t.Errorf("%d drafts for the second batch", n)
		}
	})
}
