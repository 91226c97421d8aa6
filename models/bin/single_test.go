package bin_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func TestDiscardOne(t *testing.T) {
	tests := []struct {
		name string
		chat chat
		by   func(w *world) account.Actor
		do   func(w *world, c id.Conversation)
		key  string // "" = it moves
		kind fault.Kind
	}{
		{name: "a supervisor, in his department"},
		{name: "one that was hidden", chat: chat{hidden: true}},
		{name: "an agent, his own", chat: chat{agent: "own"}, by: func(w *world) account.Actor { return w.agent }},
		{name: "an agent, a colleague's", chat: chat{agent: "else"}, by: func(w *world) account.Actor { return w.agent }, key: "bin.own_only", kind: fault.KindForbidden},
		{name: "outside the department", chat: chat{dep: 1}, key: "bin.conversation_not_found", kind: fault.KindNotFound},
		{name: "legal, who discards nothing", by: func(w *world) account.Actor { return w.legal }, key: "account.forbidden", kind: fault.KindForbidden},
		{name: "one under a hold", do: func(w *world, _ id.Conversation) { w.hold(w.city, false) }, key: "bin.one_held", kind: fault.KindConflict},
		{name: "one inside its floor", chat: chat{class: "法律纠纷"}, key: "bin.one_floor", kind: fault.KindConflict},
		{name: "one whose order is open", chat: chat{order: conversation.OrderOpen}, key: "bin.one_order", kind: fault.KindConflict},
		{name: "one whose order is closed", chat: chat{order: conversation.OrderClosed}},
		{name: "one that is in the bin", do: func(w *world, _ id.Conversation) { w.discard(w.boss, w.in(w.city)) }, key: "bin.one_elsewhere", kind: fault.KindConflict},
	}
	each(t, func(t *testing.T, w *world) {
		for i, tt := range tests {
			if tt.chat.dep == 1 {
				tt.chat.dep = w.north
			}
			if tt.chat.agent == "own" {
				tt.chat.agent = w.agent.StaffNo
			}
			// Every row has a department of its own, so that holds do not reach the next.
			by := w.local
			if tt.by != nil {
				by = tt.by(w)
			}
			if tt.chat.dep == 0 {
				w.city = w.department(fmt.Sprint("集团/分店", i))
				by.Scope = account.Within(w.city)
				w.boss.Scope = by.Scope
			}
			c := w.store(tt.chat)[0]
			if tt.do != nil {
				tt.do(w, c)
			}
			was := w.row(c).State
			before := w.snapshot()
			batch, err := w.bin.DiscardOne(w.ctx(), by, c, reason, w.key())
			if tt.key != "" {
				wantFault(t, err, tt.key, "")
				if fault.KindOf(err) != tt.kind || w.row(c).State != was {
					t.Errorf("%s: %v, state %v", tt.name, err, w.row(c).State)
				}
				w.wantUntouched(before, tt.name)
				continue
			}
			if err != nil || batch.Kind != bin.KindSingle || batch.Moved != 1 || batch.State != bin.Done || !batch.KeepUntil.Equal(w.clock.Time().Add(7*day)) {
				t.Errorf("%s: %+v, %v", tt.name, batch, err)
				continue
			}
			if row := w.row(c); row.State != conversation.Binned || *row.BatchID != batch.ID {
				t.Errorf("%s: %+v", tt.name, row)
			}
			_, err = w.bin.RestoreItems(w.ctx(), w.boss, w.set(c))
			w.must(err)
			if w.row(c).State != was {
				t.Errorf("%s: was %v, is %v after restoring", tt.name, was, w.row(c).State)
			}
		}
	})
}

func TestDiscardOneAsksForAReasonAndAKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.some(1)[0]
		before := w.snapshot()
		_, err := w.bin.DiscardOne(w.ctx(), w.local, c, "七个字的理由啊", w.key())
		wantFault(t, err, "bin.reason_needed", "reason")
		_, err = w.bin.DiscardOne(w.ctx(), w.local, c, reason, "short")
		wantFault(t, err, "bin.form_stale", "")
		_, err = w.bin.DiscardOne(w.ctx(), w.local, 0, reason, w.key())
		wantFault(t, err, "bin.conversation_not_found", "")
		w.wantUntouched(before, "refused acts")
	})
}

func TestARepeatedSubmitOfOneIsOneBatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(2)
		key := w.key()
		var wg sync.WaitGroup
		var first atomic.Uint64
		for range 20 {
			wg.Go(func() {
				batch, err := w.bin.DiscardOne(w.ctx(), w.local, ids[0], reason, key)
				if err != nil {
					t.Error(err)
				} else if was := first.Swap(uint64(batch.ID)); was != 0 && was != uint64(batch.ID) {
					t.Errorf("batches %d and %d", was, batch.ID)
				}
			})
		}
		wg.Wait()
		if w.count(&bin.Batch{}) != 1 || w.inState(conversation.Binned, ids) != 1 {
			t.Errorf("%d batches, %d binned", w.count(&bin.Batch{}), w.inState(conversation.Binned, ids))
		}
		// A key belongs to one conversation and to one person.
		_, err := w.bin.DiscardOne(w.ctx(), w.local, ids[1], reason, key)
		wantFault(t, err, "bin.form_stale", "")
		_, err = w.bin.DiscardOne(w.ctx(), w.boss, ids[1], reason, key)
		wantFault(t, err, "bin.form_stale", "")
		w.wantStates(ids[1:], conversation.Active)
	})
}

func TestAnAgentBinsTenTimesAMonth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := accounttest.User(t, w.d, w.accounts, account.Agent, w.city)
		chats := make([]chat, 30)
		for i := range chats {
			chats[i].agent = w.agent.StaffNo
		}
		chats[29].agent = other.StaffNo
		ids := w.store(chats...)
		one := func(c id.Conversation) error {
			_, err := w.bin.DiscardOne(w.ctx(), w.agent, c, reason, fmt.Sprint("month-", c))
			return err
		}
		// The last second of November and the first of December, as the organisation's clock shows it.
		december := time.Date(2026, 12, 1, 0, 0, 0, 0, shanghai)
		w.clock.Set(december.Add(-time.Second))
		var wg sync.WaitGroup
		var done, busy atomic.Int64
		for _, c := range ids[:15] {
			wg.Go(func() {
				switch err := one(c); fault.KindOf(err) {
				case fault.None:
					done.Add(1)
				case fault.KindBusy:
					busy.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 10 || busy.Load() != 5 || w.inState(conversation.Binned, ids) != 10 {
			t.Fatalf("%d went, %d were too many; %d are binned, want 10", done.Load(), busy.Load(), w.inState(conversation.Binned, ids))
		}
		before := w.snapshot()
		wantFault(t, one(ids[20]), "bin.quota_used", "")
		w.wantUntouched(before, "the eleventh")
		if _, err := w.bin.DiscardOne(w.ctx(), other, ids[29], reason, w.key()); err != nil {
			t.Errorf("another agent: %v", err)
		}
		// What is restored was still binned.
		_, err := w.bin.RestoreItems(w.ctx(), w.boss, w.set(ids[:15]...))
		w.must(err)
		wantFault(t, one(ids[20]), "bin.quota_used", "")
		w.clock.Set(december)
		for _, c := range ids[16:26] {
			w.must(one(c))
		}
		wantFault(t, one(ids[26]), "bin.quota_used", "")
	})
}

func (w *world) row(c id.Conversation) *conversation.Conversation {
	w.t.Helper()
	var row conversation.Conversation
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Where("id = ?", c).Take(&row).Error }))
	return &row
}
