package bin_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func TestADraftKeepsEverythingThatWasEntered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		draft := w.draft(w.boss, w.in(w.city))
		want := bin.Form{
			Scope: bin.Scope{
				Departments: []id.Department{w.root, w.east}, Sub: true, Without: []id.Department{w.north}, From: "2020-01-01", To: "2024-12-31",
				ServiceTypes: []string{"咨询", "售后"}, Platforms: []string{"qianniu"}, Tags: []string{"退款"}, WithoutTags: []string{"媒体"}, Agents: []string{"A7"},
			},
			KeepResidue: true, ResidueReason: "短", Reason: "还没写完", Checks: bin.Checks{Notified: true, Complaints: true},
		}
		edit := func(f *bin.Form) { *f = want }
		_, err := w.bin.EditDraft(w.ctx(), w.boss, draft, edit)
		w.must(err)
		// What was said about the residue belonged to another scope; now it is kept.
		_, err = w.bin.EditDraft(w.ctx(), w.boss, draft, edit)
		w.must(err)
		got, err := w.bin.Draft(w.ctx(), w.boss, draft)
		w.must(err)
		if diff := cmp.Diff(want, got.Form); diff != "" {
			t.Error(diff)
		}
		_, err = w.bin.EditDraft(w.ctx(), w.boss, draft, func(f *bin.Form) { f.Scope.To, f.Reason = "not yet a day", "x" })
		wantFault(t, err, "bin.bad_date", "to")
		list, err := w.bin.Drafts(w.ctx(), w.boss)
		if err != nil || len(list) != 1 || !cmp.Equal(list[0].Form, want) {
			t.Errorf("Drafts = %+v, %v", list, err)
		}
	})
}

func TestADraftIsItsOwnersAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.some(1)
		draft := w.draft(w.boss, w.in(w.city))
		before := w.snapshot()
		_, open := w.bin.Draft(w.ctx(), w.local, draft)
		_, edit := w.bin.EditDraft(w.ctx(), w.local, draft, func(f *bin.Form) { f.Reason = "x" })
		_, _, freeze := w.bin.Freeze(w.ctx(), w.local, draft)
		_, absent := w.bin.Draft(w.ctx(), w.local, draft+1)
		drop := w.bin.DropDraft(w.ctx(), w.local, draft)
		for _, err := range []error{open, edit, freeze, drop} {
			if !cmp.Equal(err, absent) || fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("somebody else's draft: %v, an absent one: %v", err, absent)
			}
		}
		if list, err := w.bin.Drafts(w.ctx(), w.local); err != nil || len(list) != 0 {
			t.Errorf("somebody else's drafts are listed: %v, %v", list, err)
		}
		if _, err := w.bin.NewDraft(w.ctx(), w.agent, w.in(w.city)); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("an agent began a batch: %v", err)
		}
		if _, err := w.bin.NewDraft(w.ctx(), w.legal, w.in(w.city)); fault.KindOf(err) != fault.KindForbidden {
			t.Errorf("legal began a batch: %v", err)
		}
		w.wantUntouched(before, "other people's acts")
		w.must(w.bin.DropDraft(w.ctx(), w.boss, draft))
		_, err := w.bin.Draft(w.ctx(), w.boss, draft)
		wantFault(t, err, "bin.draft_not_found", "")
	})
}

func TestAChangedScopeUnfreezesTheList(t *testing.T) {
	tests := []struct {
		name string
		edit func(w *world, f *bin.Form)
		thaw bool
	}{
		{"another department", func(w *world, f *bin.Form) { f.Scope.Departments = append(f.Scope.Departments, w.east) }, true},
		{"a condition more", func(_ *world, f *bin.Form) { f.Scope.Tags = []string{"退款"} }, true},
		{"another day", func(_ *world, f *bin.Form) { f.Scope.To = "2026-01-01" }, true},
		{"a reason", func(_ *world, f *bin.Form) { f.Reason = reason }, false},
		{"the checks", func(_ *world, f *bin.Form) { f.Checks.Notified = true }, false},
	}
	each(t, func(t *testing.T, w *world) {
		w.some(2)
		for _, tt := range tests {
			req := w.frozen(w.boss, w.in(w.city))
			d, err := w.bin.EditDraft(w.ctx(), w.boss, req.Draft, func(f *bin.Form) { tt.edit(w, f) })
			w.must(err)
			stored, err := w.bin.Draft(w.ctx(), w.boss, req.Draft)
			w.must(err)
			if thawed := stored.FrozenAt == nil; thawed != tt.thaw || (d.FrozenAt == nil) != tt.thaw || thawed && (stored.Frozen != 0 || stored.Form.KeepResidue) {
				t.Errorf("%s: the draft is %+v, want unfrozen %v", tt.name, stored, tt.thaw)
			}
			if !tt.thaw {
				continue
			}
			_, err = w.bin.Discard(w.ctx(), w.boss, req)
			wantFault(t, err, "bin.list_not_shown", "")
			for _, shown := range []string{"", hex.EncodeToString(nil)} {
				req.Shown = shown
				_, err = w.bin.Discard(w.ctx(), w.boss, req)
				wantFault(t, err, "bin.list_not_shown", "")
			}
		}
		if n := w.count(&bin.Batch{}); n != 0 {
			t.Errorf("%d batches", n)
		}
	})
}

func TestResidueNeedsADecision(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.store(chat{dep: w.east}, chat{dep: w.city}, chat{dep: w.city})
		draft := w.draft(w.boss, w.in(w.east))
		say := func(keep bool, why string) error {
			_, err := w.bin.EditDraft(w.ctx(), w.boss, draft, func(f *bin.Form) { f.KeepResidue, f.ResidueReason = keep, why })
			w.must(err)
			_, _, err = w.bin.Freeze(w.ctx(), w.boss, draft)
			return err
		}
		wantFault(t, say(false, ""), "bin.residue_undecided", "residue")
		wantFault(t, say(false, "这些部门下月单独处理"), "bin.residue_undecided", "residue")
		wantFault(t, say(true, "下月单独处理"), "bin.reason_needed", "residue_reason")
		w.must(say(true, "这些部门下月单独处理"))
		req := w.freeze(w.boss, draft)
		// Whoever takes the decision back on the last page has not decided.
		_, err := w.bin.EditDraft(w.ctx(), w.boss, draft, func(f *bin.Form) { f.KeepResidue = false })
		w.must(err)
		_, err = w.bin.Discard(w.ctx(), w.boss, req)
		wantFault(t, err, "bin.residue_undecided", "residue")
		w.wantStates(ids, conversation.Active)
		w.must(say(true, "这些部门下月单独处理"))
		batch, err := w.bin.Discard(w.ctx(), w.boss, w.freeze(w.boss, draft))
		w.must(err)
		left, err := batch.ResidueList()
		want := []bin.Residue{{DepartmentID: w.city, Path: "集团/华东/杭州", Count: 2}}
		if err != nil || !cmp.Equal(left, want) || batch.ResidueCount != 2 || batch.ResidueReason != "这些部门下月单独处理" || batch.Moved != 1 {
			t.Errorf("batch = %+v, left %v, %v", batch, left, err)
		}
	})
}

func TestAFreezeThatFindsNothingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{class: "法律纠纷"}, chat{at: w.clock.Time()})
		_, _, err := w.bin.Freeze(w.ctx(), w.local, w.draft(w.local, w.in(w.city)))
		wantFault(t, err, "bin.nothing_to_move", "")
	})
}

func TestStandingTellsWhenAnAccountMayBegin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		young := accounttest.User(t, w.d, w.accounts, w.local.Role, w.city)
		made := w.clock.Time()
		s, err := w.bin.Standing(w.ctx(), young)
		if err != nil || !s.SeasonAt.Equal(made.Add(2*day)) || !s.Since.Equal(made) || s.Quota != 0 {
			t.Errorf("a new account: %+v, %v", s, err)
		}
		w.clock.Advance(2 * day)
		if s, err = w.bin.Standing(w.ctx(), young); err != nil || !s.SeasonAt.IsZero() {
			t.Errorf("after two days: %+v, %v", s, err)
		}
		if s, err = w.bin.Standing(w.ctx(), w.agent); err != nil || s.Quota != bin.AgentQuota || s.Used != 0 {
			t.Errorf("an agent: %+v, %v", s, err)
		}
	})
}
