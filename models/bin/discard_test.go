package bin_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

func TestDiscardMovesExactlyWhatWasShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		go1 := w.store(chat{}, chat{hidden: true}, chat{dep: w.east}, chat{class: "投诉"})
		stay := w.store(
			chat{dep: w.north}, chat{order: conversation.OrderOpen}, chat{class: "法律纠纷"}, chat{at: w.clock.Time().Add(-182 * day)}, chat{class: "投诉", at: w.clock.Time().Add(-364 * day)},
		)
		w.hold(w.north, false)
		batch := w.discard(w.boss, w.all())
		if batch.State != bin.Done || batch.Size != 4 || batch.Moved != 4 || batch.ScopeKind != bin.ScopeOrganisation || !batch.KeepUntil.Equal(w.clock.Time().Add(7*day)) {
			t.Errorf("batch = %+v", batch)
		}
		w.wantStates(go1, conversation.Binned)
		if n := w.inState(conversation.Active, stay); n != len(stay) {
			t.Errorf("%d of %d protected conversations stayed", n, len(stay))
		}
		excluded, err := batch.ExcludedCounts()
		if want := (bin.Excluded{Held: 1, Floor: 3, Order: 1}); err != nil || excluded != want {
			t.Errorf("excluded = %+v, %v; want %+v", excluded, err, want)
		}
		if batch.Code != "SC-20261122-001" || batch.Reason != reason || batch.OwnerID != w.boss.ID || batch.Bytes == 0 {
			t.Errorf("batch = %+v", batch)
		}
	})
}

func TestWhatIsNotWhollyAskedForIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *bin.Request)
		key    string
		field  string
	}{
		{"a list that was not shown", func(r *bin.Request) { r.Shown = "00" + r.Shown[2:] }, "bin.list_not_shown", ""},
		{"no list at all", func(r *bin.Request) { r.Shown = "" }, "bin.list_not_shown", ""},
		{"no reason", func(r *bin.Request) { r.Reason = "" }, "bin.reason_needed", "reason"},
		{"a reason of seven characters", func(r *bin.Request) { r.Reason = " 七个字的理由啊 " }, "bin.reason_needed", "reason"},
		{"a reason that is no text", func(r *bin.Request) { r.Reason = reason + "\xff" }, "bin.reason_needed", "reason"},
		{"a reason that never ends", func(r *bin.Request) { r.Reason = string(make([]byte, 2001)) }, "bin.reason_long", "reason"},
		{"a check that was not made", func(r *bin.Request) { r.Checks.Complaints = false }, "bin.checks_missing", "checks"},
		{"no key of the form", func(r *bin.Request) { r.Key = "1234567" }, "bin.form_stale", ""},
		{"a draft that is not there", func(r *bin.Request) { r.Draft += 1000 }, "bin.draft_not_found", ""},
	}
	each(t, func(t *testing.T, w *world) {
		ids := w.some(3)
		good := w.frozen(w.local, w.in(w.city))
		for _, tt := range tests {
			before, bad := w.snapshot(), good
			tt.change(&bad)
			_, err := w.bin.Discard(w.ctx(), w.local, bad)
			if wantFault(t, err, tt.key, tt.field); t.Failed() {
				t.Fatal(tt.name)
			}
			w.wantUntouched(before, tt.name)
		}
		_, err := w.bin.Discard(w.ctx(), w.boss, good)
		wantFault(t, err, "bin.draft_not_found", "")
		_, err = w.bin.Discard(w.ctx(), w.agent, good)
		if fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an agent carried out a batch: %v", err)
		}
		w.wantStates(ids, conversation.Active)
		_, err = w.bin.Discard(w.ctx(), w.local, good)
		w.must(err)
		w.wantStates(ids, conversation.Binned)
	})
}

func TestAListThatChangedMovesNothingAndSaysHow(t *testing.T) {
	more := func(name string, replies int) chat { return chat{name: name, replies: replies} }
	tests := []struct {
		name    string
		change  func(w *world, ids []id.Conversation)
		now     int64
		entered int64
		left    map[string]int64
	}{
		{"a hold was placed", func(w *world, _ []id.Conversation) { w.hold(w.city, false) }, 0, 0, map[string]int64{bin.Held: 3}},
		{"a message arrived", func(w *world, _ []id.Conversation) { w.store(more("a", 1)) }, 3, 1, map[string]int64{bin.Changed: 1}},
		{"a message of today arrived", func(w *world, _ []id.Conversation) {
			n := w.news(chat{name: "a", at: w.clock.Time()})
			n.Document.Messages[0].ID = "new"
			w.storeNews(n)
		}, 2, 0, map[string]int64{bin.Floor: 1}},
		{"another one was imported", func(w *world, _ []id.Conversation) { w.some(1) }, 4, 1, map[string]int64{}},
		{"another one was restored", func(w *world, _ []id.Conversation) {
			_, err := w.bin.Restore(w.ctx(), w.boss, w.first)
			w.must(err)
		}, 4, 1, map[string]int64{}},
		{"an order was opened again", func(w *world, _ []id.Conversation) {
			n := w.news(more("b", 1))
			n.OrderState = conversation.OrderOpen
			w.storeNews(n)
		}, 2, 0, map[string]int64{bin.Order: 1}},
		{"somebody else was quicker", func(w *world, ids []id.Conversation) {
			_, err := w.bin.DiscardOne(w.ctx(), w.boss, ids[0], reason, w.key())
			w.must(err)
		}, 2, 0, map[string]int64{bin.Elsewhere: 1}},
		{"one does not meet the conditions any more", func(w *world, ids []id.Conversation) {
			dbtest.Exec(w.t, w.d, "UPDATE conversation SET platform = 'wechat' WHERE id = ?", ids[1])
		}, 2, 0, map[string]int64{bin.Unmatched: 1}},
		{"one is gone", func(w *world, ids []id.Conversation) {
			for _, table := range []string{"conversation", "conversation_body", "conversation_key"} {
				dbtest.Exec(w.t, w.d, "DELETE FROM "+table+" WHERE id = ?", ids[2])
			}
		}, 2, 0, map[string]int64{bin.Elsewhere: 1}},
		{"the floor became longer", func(w *world, _ []id.Conversation) {
			dbtest.Exec(w.t, w.d, "UPDATE retention_rule SET forever = ? WHERE service_type = ''", true)
		}, 0, 0, map[string]int64{bin.Floor: 3}},
		{"several things happened", func(w *world, ids []id.Conversation) {
			w.store(more("a", 2), chat{}, chat{})
			dbtest.Exec(w.t, w.d, "UPDATE conversation SET order_state = ? WHERE id = ?", conversation.OrderOpen, ids[1])
		}, 4, 3, map[string]int64{bin.Changed: 1, bin.Order: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.some(1)
				w.first = w.discard(w.boss, w.in(w.city)).ID
				ids := w.store(chat{name: "a"}, chat{name: "b"}, chat{name: "c"})
				s := w.in(w.city)
				s.Platforms = []string{"qianniu"}
				req := w.frozen(w.local, s)
				tt.change(w, ids)
				before := w.snapshot()

				_, err := w.bin.Discard(w.ctx(), w.local, req)

				var differs *bin.Differs
				if !errors.As(err, &differs) || fault.KindOf(err) != fault.KindConflict {
					t.Fatalf("err = %v, want a conflict with the differences", err)
				}
				if differs.Was != 3 || differs.Now != tt.now || differs.Entered != tt.entered || !cmp.Equal(differs.Left, tt.left) {
					t.Errorf("was %d, now %d, entered %d, left %v; want 3, %d, %d, %v", differs.Was, differs.Now, differs.Entered, differs.Left, tt.now, tt.entered, tt.left)
				}
				var left int64
				for _, n := range differs.Left {
					left += n
				}
				if differs.Was+differs.Entered-left != differs.Now || int64(len(differs.Rows)) != differs.Entered+left {
					t.Errorf("%d + %d − %d is not %d, or not %d rows", differs.Was, differs.Entered, left, differs.Now, len(differs.Rows))
				}
				w.wantUntouched(before, "the refused act")
			})
		})
	}
}

func TestAFloorThatRunsOutMeanwhileIsNoDifference(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		soon := w.store(chat{at: w.clock.Time().Add(-183*day + time.Second)})
		ids := w.some(2)
		req := w.frozen(w.local, w.in(w.city))
		w.clock.Advance(time.Second)
		batch, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
		if batch.Moved != 2 {
			t.Errorf("%d moved, want 2", batch.Moved)
		}
		w.wantStates(ids, conversation.Binned)
		w.wantStates(soon, conversation.Active)
	})
}

func TestADoubleSubmitIsOneBatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.some(5)
		req := w.frozen(w.local, w.in(w.city))
		var mu sync.Mutex
		got := map[id.Batch]int{}
		submit := func() {
			batch, err := w.bin.Discard(w.ctx(), w.local, req)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			got[batch.ID]++
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(submit)
		}
		wg.Wait()
		submit()
		if len(got) != 1 || w.count(&bin.Batch{}) != 1 || w.count(&bin.Item{}) != 5 {
			t.Errorf("the submits gave %v, there are %d batches", got, w.count(&bin.Batch{}))
		}
		// The same draft with another form is another act.
		req.Key = w.key()
		_, err := w.bin.Discard(w.ctx(), w.local, req)
		wantFault(t, err, "bin.draft_done", "")
		// The key of another form is worth nothing for another draft, and nobody else's is.
		w.some(1)
		for _, by := range []account.Actor{w.local, w.boss} {
			again := w.frozen(by, w.in(w.city))
			again.Key = "form-key-1"
			_, err := w.bin.Discard(w.ctx(), by, again)
			wantFault(t, err, "bin.form_stale", "")
		}
	})
}

func TestAnAccountBatchDeletesFromItsThirdDayOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(1)
		young := accounttest.User(t, w.d, w.accounts, account.Supervisor, w.city)
		req := w.frozen(young, w.in(w.city))
		w.clock.Advance(2*day - time.Second)
		before := w.snapshot()
		_, err := w.bin.Discard(w.ctx(), young, req)
		wantFault(t, err, "bin.account_too_young", "")
		w.wantUntouched(before, "a young account")
		w.wantStates(ids, conversation.Active)
		w.clock.Advance(time.Second)
		_, err = w.bin.Discard(w.ctx(), young, req)
		w.must(err)
		w.wantStates(ids, conversation.Binned)
	})
}

func TestFromTenThousandOnTheNumberIsTyped(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.bin.SyncLimit = 20_000
		// As many again stay, so that half of the department is no more than the cap.
		rows := make([]conversation.Conversation, 2*bin.TypeFrom)
		for i := range rows {
			if rows[i] = plainRow(w.city, i); i >= bin.TypeFrom {
				rows[i].LastAt = clock.Time()
			}
		}
		w.write(func(tx *db.Tx) error { return tx.CreateInBatches(rows, 1000).Error })
		req := w.frozen(w.local, w.in(w.city))
		for _, wrong := range []string{"", "9999", "10001", "10000x", "1000", "一万"} {
			req.Typed = wrong
			_, err := w.bin.Discard(w.ctx(), w.local, req)
			wantFault(t, err, "bin.number_differs", "typed")
		}
		if n := w.count(&bin.Batch{}); n != 0 {
			t.Fatalf("%d batches after a wrong number", n)
		}
		req.Typed = "１０，000 "
		batch, err := w.bin.Discard(w.ctx(), w.local, req)
		w.must(err)
		if batch.Moved != bin.TypeFrom {
			t.Errorf("%d moved", batch.Moved)
		}
		out, err := w.bin.Restore(w.ctx(), w.local, batch.ID)
		if err != nil || out.Done != bin.TypeFrom || w.batch(batch.ID).State != bin.Undone {
			t.Errorf("restored %+v, %v", out, err)
		}
	})
}

func TestTheHoldEpochMustBeThere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.some(1)
		req := w.frozen(w.local, w.in(w.city))
		dbtest.Exec(t, d, "DELETE FROM hold_epoch")
		if _, err := w.bin.Discard(w.ctx(), w.local, req); err == nil {
			t.Error("a batch moved without the hold epoch")
		}
		if _, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.city}); err == nil {
			t.Error("a hold was placed without the hold epoch")
		}
		w.wantStates(ids, conversation.Active)
	})
}
