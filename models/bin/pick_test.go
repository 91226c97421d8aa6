package bin_test

import (
	"slices"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func (w *world) picked(by account.Actor, ids ...id.Conversation) uint64 {
	w.t.Helper()
	draft, err := w.bin.NewPicked(w.ctx(), by, ids, bin.Picked{All: true, Except: 2, Words: 1, Of: bin.Scope{From: "2020-01-01"}})
	w.must(err)
	return draft
}

func TestABatchOfWhatWasChosenIsExactlyThat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		go1 := w.store(chat{}, chat{hidden: true}, chat{dep: w.east})
		stay := w.store(chat{}, chat{dep: w.east}, chat{dep: w.root})
		kept := w.store(chat{order: conversation.OrderOpen}, chat{class: "法律纠纷"}, chat{dep: w.north})
		w.hold(w.north, false)
		draft := w.picked(w.boss, slices.Concat(go1, kept)...)
		p, err := w.bin.Preview(w.ctx(), w.boss, w.scopeOf(draft), 1)
		w.must(err)
		if p.Matching != 6 || p.Moves != 3 || p.Excluded != (bin.Excluded{Held: 1, Floor: 1, Order: 1}) || p.Residue != 0 || p.Missing != 0 || len(p.Shares) != 3 || len(p.Sample) != 3 {
			t.Errorf("preview = %+v", p)
		}
		// Going back and forth changes nothing about the list.
		d, err := w.bin.EditDraft(w.ctx(), w.boss, draft, func(f *bin.Form) { f.Scope = w.all(); f.Reason = reason })
		if err != nil || d.Form.Scope.Picked == nil || d.Form.Reason != reason {
			t.Errorf("edited: %+v, %v", d, err)
		}
		req := w.freeze(w.boss, draft)
		batch, err := w.bin.Discard(w.ctx(), w.boss, req)
		w.must(err)
		if batch.Size != 3 || batch.Moved != 3 || batch.Excluded != `{"held":1,"floor":1,"order":1}` {
			t.Errorf("batch = %+v", batch)
		}
		w.wantStates(go1, conversation.Binned)
		w.wantStates(stay, conversation.Active)
		w.wantStates(kept, conversation.Active)
		s, err := bin.ParseScope(batch.Scope)
		if err != nil || s.Picked == nil || s.Picked.Count != 6 || s.Picked.Except != 2 || len(s.Departments) != 3 {
			t.Errorf("the batch says it is of %s, %v", batch.Scope, err)
		}
		if n := w.rows("bin_draft_pick"); n != 0 {
			t.Errorf("%d ids are left behind", n)
		}
		again, err := w.bin.Discard(w.ctx(), w.boss, req)
		if err != nil || again.ID != batch.ID {
			t.Errorf("sent twice: %+v, %v", again, err)
		}
	})
}

func (w *world) scopeOf(draft uint64) bin.Scope {
	w.t.Helper()
	d, err := w.bin.Draft(w.ctx(), w.boss, draft)
	w.must(err)
	return d.Form.Scope
}

func (w *world) rows(table string) int64 {
	w.t.Helper()
	var n int64
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error { return tx.Table(table).Count(&n).Error }))
	return n
}

func TestWhatWasChosenIsLookedAtAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(6) // all of 杭州
		far := w.store(chat{dep: w.north})
		draft := w.picked(w.boss, slices.Concat(ids, far)...)
		// Meanwhile one went into the bin, and the drafter lost a department.
		_, err := w.bin.DiscardOne(w.ctx(), w.boss, ids[0], reason, w.key())
		w.must(err)
		w.boss.Scope = account.Within(w.root, w.east, w.city)
		p, err := w.bin.Preview(w.ctx(), w.boss, w.scopeOf(draft), 1)
		w.must(err)
		if p.Matching != 5 || p.Missing != 2 || p.Moves != 5 || len(p.Shares) != 1 {
			t.Errorf("preview = %+v", p)
		}
		req := w.freeze(w.boss, draft)
		w.hold(w.city, false)
		_, err = w.bin.Discard(w.ctx(), w.boss, req)
		if fault.KindOf(err) != fault.KindConflict {
			t.Errorf("a hold came in between: %v", err)
		}
		w.wantStates(ids[1:], conversation.Active)
		w.wantStates(far, conversation.Active)
	})
}

func TestAChosenListThatWasForgedMovesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(4)
		for name, forge := range map[string]func(draft uint64){
			"one more id": func(draft uint64) {
				dbtest.Exec(t, w.d, "INSERT INTO bin_draft_pick (draft_id, conversation_id) VALUES (?, ?)", draft, ids[3])
			},
			"one id less": func(draft uint64) {
				dbtest.Exec(t, w.d, "DELETE FROM bin_draft_pick WHERE conversation_id = ?", ids[0])
			},
			"another number": func(draft uint64) {
				dbtest.Exec(t, w.d, `UPDATE bin_draft SET form = REPLACE(form, '"except":2', '"except":1') WHERE id = ?`, draft)
			},
		} {
			draft := w.picked(w.local, ids[:3]...)
			forge(draft)
			_, _, err := w.bin.Freeze(w.ctx(), w.local, draft)
			if f, _ := fault.Of(err); f == nil || f.Key != "bin.picked_forged" {
				t.Errorf("%s: %v", name, err)
			}
			if w.must(w.bin.DropDraft(w.ctx(), w.local, draft)); w.rows("bin_draft_pick") != 0 {
				t.Errorf("%s: the list stays", name)
			}
		}
		w.wantStates(ids, conversation.Active)
	})
}

func TestListsThatAreNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.some(2)
		far := w.store(chat{dep: w.north})
		for _, tt := range []struct {
			name string
			by   account.Actor
			ids  []id.Conversation
			want fault.Kind
		}{
			{"nothing", w.local, nil, fault.KindInvalid},
			{"an id of zero", w.local, []id.Conversation{0}, fault.KindInvalid},
			{"another department's", w.local, far, fault.KindInvalid},
			{"too many", w.local, make([]id.Conversation, bin.MostPicked+1), fault.KindInvalid},
			{"an agent's", w.agent, ids, fault.KindForbidden},
			{"an auditor's", accounttest.Actor(account.Auditor, w.city), ids, fault.KindForbidden},
		} {
			if tt.name == "too many" {
				for i := range tt.ids {
					tt.ids[i] = id.Conversation(i + 1)
				}
			}
			if _, err := w.bin.NewPicked(w.ctx(), tt.by, tt.ids, bin.Picked{}); fault.KindOf(err) != tt.want {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if w.rows("bin_draft_pick")+w.rows("bin_draft") != 0 {
			t.Error("a refused list was stored")
		}
		// A list is taken by nobody through a form, and somebody else's draft is nobody's.
		draft := w.picked(w.local, ids...)
		s := w.scopeIn(w.local, draft)
		plain, err := w.bin.NewDraft(w.ctx(), w.boss, bin.Scope{Picked: s.Picked, Departments: []id.Department{w.north}})
		w.must(err)
		if w.scopeIn(w.boss, plain).Picked != nil {
			t.Error("a list came in through a form")
		}
		if _, err := w.bin.Preview(w.ctx(), w.boss, s, 1); err == nil || !strings.Contains(err.Error(), "picked_forged") {
			t.Errorf("somebody else's list: %v", err)
		}
	})
}

func (w *world) scopeIn(by account.Actor, draft uint64) bin.Scope {
	w.t.Helper()
	d, err := w.bin.Draft(w.ctx(), by, draft)
	w.must(err)
	return d.Form.Scope
}

func TestChoosingEverythingIsTheWholeOrganisation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{}, chat{dep: w.north}, chat{dep: w.east}, chat{dep: w.root})
		p, err := w.bin.Preview(w.ctx(), w.boss, w.scopeOf(w.picked(w.boss, ids...)), 1)
		if err != nil || p.ScopeKind != bin.ScopeOrganisation {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err = w.bin.Preview(w.ctx(), w.boss, w.scopeOf(w.picked(w.boss, ids[0])), 1); err != nil || p.ScopeKind != bin.ScopeDepartment || p.Top != w.city {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
