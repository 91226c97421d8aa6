package bin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func TestARestoredBatchIsAsItWas(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{hidden: true}, chat{dep: w.east})
		batch := w.discard(w.boss, w.all())
		w.clock.Advance(7*day - time.Second)
		out, err := w.bin.Restore(w.ctx(), w.boss, batch.ID)
		if err != nil || out.Done != 3 || out.Skipped() != 0 || len(out.Codes) != 1 || out.Codes[0] != batch.Code {
			t.Fatalf("out = %+v, %v", out, err)
		}
		w.wantStates([]id.Conversation{ids[0], ids[2]}, conversation.Active)
		w.wantStates(ids[1:2], conversation.Hidden)
		if now := w.batch(batch.ID); now.State != bin.Undone || w.count(&bin.Item{}, "state = ?", bin.ItemRestored) != 3 {
			t.Errorf("the batch is %s", now.State)
		}
		before := w.snapshot()
		_, err = w.bin.Restore(w.ctx(), w.boss, batch.ID)
		wantFault(t, err, "bin.nothing_to_restore", "")
		w.wantUntouched(before, "restoring twice")
		// It may go again, into a batch of its own.
		again := w.discard(w.boss, w.all())
		if again.Moved != 3 || again.Code != "SC-20261129-001" {
			t.Errorf("the second time: %+v", again)
		}
	})
}

// TestTheEndOfTheWindow walks over the last instant at which a batch may be restored by a
// supervisor.
func TestTheEndOfTheWindow(t *testing.T) {
	supervisor := func(w *world) account.Actor { return w.local }
	agent := func(w *world) account.Actor { return w.agent }
	legal := func(w *world) account.Actor { return w.legal }
	tests := []struct {
		name   string
		after  time.Duration
		by     func(w *world) account.Actor
		frozen bool
		key    string
		done   int64
		stays  map[string]int64
	}{
		{"a second before the end a supervisor may", 7*day - time.Second, supervisor, false, "", 4, nil},
		{"and an agent his own", 7*day - time.Second, agent, false, "", 1, map[string]int64{bin.Outside: 3}},
		{"at the end nobody but legal may", 7 * day, supervisor, false, "bin.expired_legal_only", 0, nil},
		{"nor an agent", 7 * day, agent, false, "bin.expired_legal_only", 0, nil},
		{"nor a second after it", 7*day + time.Second, supervisor, false, "bin.expired_legal_only", 0, nil},
		{"legal may at the end", 7 * day, legal, false, "", 4, nil},
		{"and long after it", 40 * day, legal, false, "", 4, nil},
		{"on a purge's list it may still be restored in time", 7*day - time.Second, supervisor, true, "", 4, nil},
		{"but not after it, not even by legal", 7 * day, legal, true, "", 0, map[string]int64{bin.OnList: 4}},
		{"and a supervisor is told that only legal may", 7 * day, supervisor, true, "bin.expired_legal_only", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ids := w.store(chat{}, chat{}, chat{}, chat{agent: w.agent.StaffNo})
				batch := w.discard(w.boss, w.in(w.city))
				if tt.frozen {
					w.toThePurge(7, batch.ID)
				}
				w.clock.Advance(tt.after)
				before := w.snapshot()
				out, err := w.bin.Restore(w.ctx(), tt.by(w), batch.ID)
				if tt.key != "" {
					wantFault(t, err, tt.key, "")
				} else if err != nil || out.Done != tt.done || !cmp.Equal(out.Stays, tt.stays) {
					t.Fatalf("out = %+v, %v; want %d and %v", out, err, tt.done, tt.stays)
				}
				if tt.done == 0 {
					w.wantUntouched(before, "the refused act")
				}
				if n := w.inState(conversation.Active, ids); n != int(tt.done) {
					t.Errorf("%d came back, want %d", n, tt.done)
				}
				if tt.frozen && tt.done > 0 && w.count(&bin.Item{}, "purge_id IS NOT NULL") != 0 {
					t.Error("restored items are still on the purge's list")
				}
			})
		})
	}
}

func TestOneRestoresOnlyWhatOneMaySee(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{dep: w.north})
		batch := w.discard(w.boss, w.all())
		w.store(chat{dep: w.north})
		only := w.discard(w.boss, w.in(w.north))
		before := w.snapshot()
		for name, act := range map[string]func(b id.Batch) error{
			"restoring": func(b id.Batch) error { _, err := w.bin.Restore(w.ctx(), w.local, b); return err },
			"undoing":   func(b id.Batch) error { _, err := w.bin.Undo(w.ctx(), w.local, b); return err },
			"extending": func(b id.Batch) error { _, err := w.bin.Extend(w.ctx(), w.local, b, reason); return err },
			"opening":   func(b id.Batch) error { _, err := w.bin.Get(w.ctx(), w.local, b); return err },
			"retrying":  func(b id.Batch) error { return w.bin.Retry(w.ctx(), w.local, b) },
		} {
			hidden, absent := act(only.ID), act(only.ID+100)
			f, _ := fault.Of(hidden)
			g, _ := fault.Of(absent)
			if !cmp.Equal(f, g) || fault.KindOf(hidden) != fault.KindNotFound {
				t.Errorf("%s: hidden %v, absent %v; want the same not-found", name, hidden, absent)
			}
		}
		w.wantUntouched(before, "acts on somebody else's batch")
		if _, err := w.bin.Undo(w.ctx(), w.local, batch.ID); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("undoing what lies partly elsewhere: %v", err)
		}
		w.wantUntouched(before, "undoing what lies partly elsewhere")
		out, err := w.bin.Restore(w.ctx(), w.local, batch.ID)
		if err != nil || out.Done != 1 || out.Stays[bin.Outside] != 1 {
			t.Errorf("out = %+v, %v", out, err)
		}
		w.wantStates(ids[:1], conversation.Active)
		w.wantStates(ids[1:], conversation.Binned)
		if state := w.batch(batch.ID).State; state != bin.Done {
			t.Errorf("the batch is %s though something rests in it", state)
		}
		if _, err := w.bin.Restore(w.ctx(), account.Actor{ID: 9, Role: account.Auditor, Scope: account.Everywhere()}, batch.ID); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an auditor restored: %v", err)
		}
		if out, err = w.bin.Undo(w.ctx(), w.boss, only.ID); err != nil || out.Done != 1 || w.batch(only.ID).State != bin.Undone {
			t.Errorf("undo: %+v, %v", out, err)
		}
	})
}

func TestSingleConversationsComeBackFromSeveralBatches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, one := w.binned(3)
		second, two := w.binned(3)
		never := w.some(1)
		out, err := w.bin.RestoreItems(w.ctx(), w.local, w.set(first[0], second[0], second[2], never[0]))
		if err != nil || out.Done != 3 || out.Stays[bin.NotThere] != 1 || len(out.Codes) != 2 {
			t.Errorf("out = %+v, %v", out, err)
		}
		w.wantStates([]id.Conversation{first[0], second[0], second[2], never[0]}, conversation.Active)
		w.wantStates([]id.Conversation{first[1], first[2], second[1]}, conversation.Binned)
		for _, b := range []*bin.Batch{one, two} {
			if s := w.batch(b.ID).State; s != bin.Done {
				t.Errorf("%s is %s", b.Code, s)
			}
		}
		before := w.snapshot()
		if out, err = w.bin.RestoreItems(w.ctx(), w.local, w.set(first[0])); err == nil && (out.Done != 0 || out.Stays[bin.NotThere] != 1) {
			t.Errorf("restoring twice: %+v", out)
		}
		w.wantUntouched(before, "restoring twice")
		_, err = w.bin.RestoreItems(w.ctx(), w.local, w.set(first[1:]...))
		w.must(err)
		if s := w.batch(one.ID).State; s != bin.Undone {
			t.Errorf("%s is %s after its last conversation came back", one.Code, s)
		}
	})
}

func TestExtend(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, batch := w.binned(2)
		extend := func() (*bin.Batch, error) { return w.bin.Extend(w.ctx(), w.local, batch.ID, reason) }
		_, err := w.bin.Extend(w.ctx(), w.local, batch.ID, "太短")
		wantFault(t, err, "bin.reason_needed", "reason")
		if _, err := w.bin.Extend(w.ctx(), w.agent, batch.ID, reason); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an agent extended: %v", err)
		}
		w.clock.Advance(7*day - time.Second)
		longer, err := extend()
		if err != nil || !longer.KeepUntil.Equal(batch.KeepUntil.Add(3*day)) || !w.batch(batch.ID).KeepUntil.Equal(longer.KeepUntil) {
			t.Fatalf("extended to %+v, %v", longer, err)
		}
		before := w.snapshot()
		_, err = extend()
		wantFault(t, err, "bin.extended_before", "")
		w.wantUntouched(before, "extending twice")
		// The window is three days longer, to the second.
		w.clock.Set(batch.KeepUntil.Add(3 * day))
		_, err = w.bin.Restore(w.ctx(), w.local, batch.ID)
		wantFault(t, err, "bin.expired_legal_only", "")
		w.clock.Advance(-time.Second)
		if out, err := w.bin.Restore(w.ctx(), w.local, batch.ID); err != nil || out.Done != 2 {
			t.Errorf("a second before the longer end: %+v, %v", out, err)
		}
		_, late := w.binned(1)
		w.clock.Set(late.KeepUntil)
		_, err = w.bin.Extend(w.ctx(), w.local, late.ID, reason)
		wantFault(t, err, "bin.time_over", "")
	})
}

func TestAPolicyChangeNeverShortensTheTimeInTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, batch := w.binned(1)
		for _, change := range []string{"UPDATE retention_rule SET floor_days = 0", "UPDATE retention_rule SET floor_days = 3650", "DELETE FROM retention_rule WHERE service_type <> ''"} {
			dbtest.Exec(t, w.d, change)
			if now := w.batch(batch.ID).KeepUntil; !now.Equal(batch.KeepUntil) {
				t.Errorf("after %q the batch is kept until %v, before until %v", change, now, batch.KeepUntil)
			}
		}
		var expired []id.Batch
		look := func() int {
			w.write(func(tx *db.Tx) (err error) { expired, err = bin.ExpiredWithoutRequest(tx); return err })
			return len(expired)
		}
		w.clock.Advance(7*day - time.Second)
		if look() != 0 {
			t.Error("a batch expired a second early")
		}
		w.clock.Advance(time.Second)
		if look() != 0 {
			t.Error("a batch in which a floor protects everything was found")
		}
		dbtest.Exec(t, w.d, "UPDATE retention_rule SET floor_days = 0")
		if look() != 1 || expired[0] != batch.ID {
			t.Errorf("expired are %v, want %d", expired, batch.ID)
		}
		w.toThePurge(9, batch.ID)
		if look() != 0 {
			t.Error("a batch that is on a purge's list was found")
		}
		w.write(func(tx *db.Tx) error { return bin.GiveBack(tx, 9) })
		w.write(func(tx *db.Tx) error { _, err := bin.Drafted(tx, batch.ID); return err })
		if look() != 0 {
			t.Error("a batch for which a request was drafted was found")
		}
	})
}
