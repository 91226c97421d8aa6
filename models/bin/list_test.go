package bin_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// shelf is a bin with a batch of every kind: one that ends soon, one with time, one that is
// over, one on a purge's list, one that was undone, and one of another department.
func (w *world) shelf() map[string]*bin.Batch {
	w.t.Helper()
	out := map[string]*bin.Batch{}
	put := func(name string, by account.Actor, c ...chat) {
		w.store(c...)
		out[name] = w.discard(by, w.in(c[0].dep))
	}
	put("over", w.local, chat{dep: w.city}, chat{dep: w.city, agent: w.agent.StaffNo})
	w.clock.Advance(6*day + time.Hour)
	put("soon", w.local, chat{dep: w.city}, chat{dep: w.city}, chat{dep: w.city})
	w.clock.Advance(6*day + time.Hour)
	put("frozen", w.boss, chat{dep: w.city})
	put("time", w.local, chat{dep: w.city, agent: w.agent.StaffNo})
	put("undone", w.local, chat{dep: w.city})
	put("elsewhere", w.boss, chat{dep: w.north})
	w.toThePurge(purge, out["frozen"].ID)
	_, err := w.bin.Undo(w.ctx(), w.local, out["undone"].ID)
	w.must(err)
	return out
}

func TestViewsOfTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		shelf := w.shelf()
		tests := []struct {
			name string
			by   account.Actor
			view bin.View
			want []string // in this order
		}{
			{"what can be restored, the soonest end first", w.local, bin.View{}, []string{"soon", "frozen", "time"}},
			{"what ends within a day", w.local, bin.View{Within: 24 * time.Hour}, []string{"soon"}},
			{"what is over", w.local, bin.View{State: bin.ViewExpired}, []string{"over"}},
			{"what is on a list", w.local, bin.View{State: bin.ViewFrozen}, []string{"frozen"}},
			{"everything, the newest first", w.local, bin.View{State: bin.ViewAll}, []string{"undone", "time", "frozen", "soon", "over"}},
			{"legal sees all departments", w.legal, bin.View{}, []string{"soon", "frozen", "time", "elsewhere"}},
			{"narrowed to a department and what is below it", w.boss, bin.View{Department: w.east}, []string{"soon", "frozen", "time"}},
			{"by the beginning of a code", w.legal, bin.View{State: bin.ViewAll, Text: shelf["soon"].Code}, []string{"soon"}},
			{"by the owner's name", w.legal, bin.View{Text: w.boss.Name}, []string{"frozen", "elsewhere"}},
			{"by what looks like a pattern", w.legal, bin.View{State: bin.ViewAll, Text: "%"}, nil},
			{"an agent sees what holds his own", w.agent, bin.View{State: bin.ViewAll}, []string{"time", "over"}},
			{"the second page", w.local, bin.View{Page: 2, Size: 2}, []string{"time"}},
		}
		for _, tt := range tests {
			p, err := w.bin.List(w.ctx(), tt.by, tt.view)
			w.must(err)
			var got []string
			for _, row := range p.Rows {
				for name, b := range shelf {
					if b.ID == row.ID {
						got = append(got, name)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
			if tt.view.Size == 0 && p.Total != int64(len(tt.want)) {
				t.Errorf("%s: total %d, want %d", tt.name, p.Total, len(tt.want))
			}
		}
		_, err := w.bin.List(w.ctx(), w.local, bin.View{Department: w.north})
		wantFault(t, err, "bin.unknown_department", "department")
		if _, err := w.bin.List(w.ctx(), account.Actor{Role: account.Admin, Scope: account.Everywhere()}, bin.View{}); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("the administrator sees the bin: %v", err)
		}
	})
}

func TestFiguresOfTheBin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.shelf()
		tests := []struct {
			name string
			by   account.Actor
			want bin.Figures
		}{
			{"a supervisor's", w.local, bin.Figures{Restorable: 5, RestorableBatches: 3, Soon: 3, SoonBatches: 1, Expired: 2, ExpiredBatches: 1, Frozen: 1, FrozenBatches: 1}},
			{"legal's", w.legal, bin.Figures{Restorable: 6, RestorableBatches: 4, Soon: 3, SoonBatches: 1, Expired: 2, ExpiredBatches: 1, Frozen: 1, FrozenBatches: 1}},
			{"an agent's", w.agent, bin.Figures{Restorable: 1, RestorableBatches: 1, Expired: 1, ExpiredBatches: 1}},
		}
		for _, tt := range tests {
			got, err := w.bin.Figures(w.ctx(), tt.by)
			w.must(err)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(bin.Figures{}, "RestorableBytes")); diff != "" || got.RestorableBytes <= 0 {
				t.Errorf("%s: %s (%d bytes)", tt.name, diff, got.RestorableBytes)
			}
			// The figures are the lists.
			for state, n := range map[string]int64{bin.ViewRestorable: got.Restorable, bin.ViewExpired: got.Expired, bin.ViewFrozen: got.Frozen} {
				p, err := w.bin.Items(w.ctx(), tt.by, bin.View{State: state})
				if err != nil || p.Total != n || int64(len(p.Rows)) != n {
					t.Errorf("%s: %d conversations are listed as %s, the figures say %d, %v", tt.name, len(p.Rows), state, n, err)
				}
			}
		}
	})
}

func TestWhatABatchAndItsItemsTell(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{}, chat{}, chat{dep: w.north})
		batch := w.discard(w.boss, w.all())
		_, err := w.bin.RestoreItems(w.ctx(), w.boss, w.set(ids[0]))
		w.must(err)
		w.toThePurge(purge, batch.ID)
		d, err := w.bin.Get(w.ctx(), w.boss, batch.ID)
		if err != nil || d.Resting != 3 || d.OnList != 3 || d.Restored != 1 || !d.Within || d.Expired || d.Path != "集团" {
			t.Errorf("the whole batch: %+v, %v", d, err)
		}
		d, err = w.bin.Get(w.ctx(), w.local, batch.ID)
		if err != nil || d.Resting != 2 || d.Within {
			t.Errorf("what a department sees of it: %+v, %v", d, err)
		}
		p, err := w.bin.BatchItems(w.ctx(), w.local, batch.ID, bin.View{})
		if err != nil || p.Total != 3 || p.Rows[0].State != bin.ItemRestored || p.Rows[1].State != bin.ItemFrozen || p.Rows[1].BatchCode != batch.Code || p.Rows[1].Conversation == nil {
			t.Errorf("items = %+v, %v", p, err)
		}
		row := w.row(ids[1])
		one, err := w.bin.Items(w.ctx(), w.local, bin.View{Text: row.Code()})
		if err != nil || one.Total != 1 || one.Rows[0].ConversationID != ids[1] {
			t.Errorf("by its code: %+v, %v", one, err)
		}
		if _, err := w.bin.Items(w.ctx(), w.local, bin.View{Page: 1 << 40}); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("a page beyond everything: %v", err)
		}
	})
}

func TestLocksTellWhatProtects(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		last := w.clock.Time().Add(-182 * day)
		ids := w.store(chat{}, chat{at: last}, chat{class: "法律纠纷"}, chat{order: conversation.OrderOpen}, chat{dep: w.east}, chat{dep: w.north})
		batch, err := w.bin.DiscardOne(w.ctx(), w.local, ids[0], reason, w.key())
		w.must(err)
		h := w.hold(w.east, false)
		w.boss.Scope = account.Within(w.city, w.east)
		seen, err := w.bin.Locks(w.ctx(), w.legal, ids)
		if err != nil || !slices.Equal(seen[ids[4]].Holds, []string{h.Code}) {
			t.Errorf("legal sees %+v, %v; want the code of the hold", seen[ids[4]], err)
		}
		got, err := w.bin.Locks(w.ctx(), w.boss, append(ids, 99_999))
		w.must(err)
		want := map[id.Conversation]bin.Lock{
			ids[0]: {Batch: batch.ID, BatchCode: batch.Code, KeepUntil: batch.KeepUntil},
			ids[1]: {FloorUntil: last.Add(183 * day)},
			ids[2]: {Forever: true},
			ids[3]: {OrderOpen: true},
			ids[4]: {Held: true}, // by which hold is for legal and auditors
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		found := make([]conversation.Row, len(ids))
		for i, c := range ids {
			found[i].Conversation = *w.row(c)
		}
		if of, err := w.bin.LocksOf(w.ctx(), w.boss, found); err != nil || !cmp.Equal(of, got) {
			t.Errorf("of what was found: %+v, %v", of, err)
		}
		if none, err := w.bin.LocksOf(w.ctx(), w.boss, nil); err != nil || len(none) != 0 {
			t.Errorf("nothing found: %v, %v", none, err)
		}
		for c, l := range got {
			if l.Locked() != (c != ids[0]) {
				t.Errorf("%+v is locked: %v", l, l.Locked())
			}
		}
		w.agent.Scope = account.Within(w.east)
		if got, err = w.bin.Locks(w.ctx(), w.agent, ids); err != nil || !got[ids[4]].Held || got[ids[4]].Holds != nil {
			t.Errorf("an agent sees %+v, %v; want no code of a hold", got, err)
		}
		if none, err := w.bin.Locks(w.ctx(), w.boss, nil); err != nil || len(none) != 0 {
			t.Errorf("no ids: %v, %v", none, err)
		}
	})
}
