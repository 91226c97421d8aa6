package bin_test

import (
	"encoding/json"
	"slices"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/id"
)

func TestAScopeThatCannotBeMeantIsRefusedByName(t *testing.T) {
	many := slices.Repeat([]string{"x"}, 201)
	tests := []struct {
		name  string
		edit  func(w *world, s *bin.Scope)
		key   string
		field string
	}{
		{"no department", func(_ *world, s *bin.Scope) { s.Departments, s.Sub = nil, true }, "bin.no_department", "department"},
		{"department 0", func(_ *world, s *bin.Scope) { s.Departments = []id.Department{0} }, "bin.unknown_department", "department"},
		{"department 0 among others", func(_ *world, s *bin.Scope) { s.Departments = append(s.Departments, 0) }, "bin.unknown_department", "department"},
		{"an unknown department", func(w *world, s *bin.Scope) { s.Departments = []id.Department{w.city + 1000} }, "bin.unknown_department", "department"},
		{"somebody else's department", func(w *world, s *bin.Scope) { s.Departments = []id.Department{w.north} }, "bin.unknown_department", "department"},
		{"an unknown department left out", func(_ *world, s *bin.Scope) { s.Sub, s.Without = true, []id.Department{99_999} }, "bin.unknown_department", "department"},
		{"somebody else's left out", func(w *world, s *bin.Scope) { s.Sub, s.Without = true, []id.Department{w.north} }, "bin.unknown_department", "department"},
		{"a first day that is none", func(_ *world, s *bin.Scope) { s.From = "2026-02-30" }, "bin.bad_date", "from"},
		{"a last day that is none", func(_ *world, s *bin.Scope) { s.To = "yesterday" }, "bin.bad_date", "to"},
		{"a last day in another spelling", func(_ *world, s *bin.Scope) { s.To = "2026-1-1" }, "bin.bad_date", "to"},
		{"a day of another century", func(_ *world, s *bin.Scope) { s.From = "1926-01-01" }, "bin.bad_date", "from"},
		{"reversed days", func(_ *world, s *bin.Scope) { s.From, s.To = "2026-03-02", "2026-03-01" }, "bin.dates_reversed", "to"},
		{"too many service types", func(_ *world, s *bin.Scope) { s.ServiceTypes = many }, "bin.too_many_conditions", "service_types"},
		{"too many platforms", func(_ *world, s *bin.Scope) { s.Platforms = many }, "bin.too_many_conditions", "platforms"},
		{"too many tags", func(_ *world, s *bin.Scope) { s.Tags = many }, "bin.too_many_conditions", "tags"},
		{"too many tags left out", func(_ *world, s *bin.Scope) { s.WithoutTags = many }, "bin.too_many_conditions", "without_tags"},
		{"too many agents", func(_ *world, s *bin.Scope) { s.Agents = many }, "bin.too_many_conditions", "agents"},
	}
	each(t, func(t *testing.T, w *world) {
		w.some(2)
		for _, tt := range tests {
			s := w.in(w.city)
			tt.edit(w, &s)
			draft := w.draft(w.local, w.in(w.city))
			_, edit := w.bin.EditDraft(w.ctx(), w.local, draft, func(f *bin.Form) { f.Scope = s })
			_, made := w.bin.NewDraft(w.ctx(), w.local, s)
			if unfinished := tt.key == "bin.no_department"; (edit == nil) != unfinished || (made == nil) != unfinished {
				t.Errorf("%s: stored in a draft: %v, in a new one: %v", tt.name, edit, made)
			}
			// As an older program may have stored it, or when the department went meanwhile.
			form, err := json.Marshal(bin.Form{Scope: s})
			w.must(err)
			dbtest.Exec(t, w.d, "UPDATE bin_draft SET form = ? WHERE id = ?", string(form), draft)
			before := w.snapshot()
			_, preview := w.bin.Preview(w.ctx(), w.local, s, 0)
			_, _, freeze := w.bin.Freeze(w.ctx(), w.local, draft)
			list := w.bin.Exclusions(w.ctx(), w.local, s, "", func(bin.Exclusion) error { return nil })
			for what, err := range map[string]error{"Preview": preview, "Freeze": freeze, "Exclusions": list} {
				if f, ok := fault.Of(err); !ok || f.Kind != fault.KindInvalid || f.Key != tt.key || f.Field != tt.field {
					t.Errorf("%s: %s = %v (%+v), want %s on %s", tt.name, what, err, f, tt.key, tt.field)
				}
			}
			w.wantUntouched(before, tt.name)
		}
	})
}

func TestOddWordsMatchNothingAndBreakNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{tags: []string{"退款"}})
		for _, odd := range []string{"", "%", "' OR '1'='1", "\x00", "\xff\xfe", "\u202e", "[]"} {
			for what, s := range map[string]bin.Scope{
				"service type": {ServiceTypes: []string{odd}}, "platform": {Platforms: []string{odd}}, "tag": {Tags: []string{odd}}, "agent": {Agents: []string{odd + "x"}},
			} {
				s.Departments = []id.Department{w.city}
				p, err := w.bin.Preview(w.ctx(), w.local, s, 0)
				if kind := fault.KindOf(err); err != nil && kind != fault.KindInvalid || err == nil && p.Matching != 0 {
					t.Errorf("the %s %q gives %+v, %v", what, odd, p, err)
				}
			}
		}
	})
}

func TestExclusionsAreExactlyWhatTheCountsSay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		open := chat{order: conversation.OrderOpen}
		held := chat{dep: w.north, order: conversation.OrderOpen, class: "法律纠纷"}
		w.store(chat{}, open, open, held, chat{class: "法律纠纷", order: conversation.OrderOpen}, chat{dep: w.east, class: "法律纠纷"})
		h := w.hold(w.north, false)
		p, err := w.bin.Preview(w.ctx(), w.boss, w.all(), 7)
		w.must(err)
		if want := (bin.Excluded{Held: 1, Floor: 2, Order: 2}); p.Excluded != want || len(p.Holds) != 1 || p.Holds[0] != h.Code {
			t.Errorf("excluded = %+v by %v, want %+v by %s", p.Excluded, p.Holds, want, h.Code)
		}
		for reason, want := range map[string]int64{bin.Held: 1, bin.Floor: 2, bin.Order: 2, "": 5} {
			var got int64
			w.must(w.bin.Exclusions(w.ctx(), w.boss, w.all(), reason, func(e bin.Exclusion) error {
				if got++; reason != "" && e.Reason != reason || e.Path == "" || e.ID == 0 {
					t.Errorf("%q lists %+v", reason, e)
				}
				return nil
			}))
			if got != want {
				t.Errorf("%q lists %d, want %d", reason, got, want)
			}
		}
		err = w.bin.Exclusions(w.ctx(), w.boss, w.all(), "because", func(bin.Exclusion) error { return nil })
		wantFault(t, err, "bin.unknown_reason", "")
	})
}

func TestWhatCoversAWholeOrganisation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{dep: w.root}, chat{}, chat{dep: w.north}, chat{dep: w.east})
		tests := []struct {
			name  string
			scope bin.Scope
			want  string
		}{
			{"the root with its sub-departments", w.all(), bin.ScopeOrganisation},
			{"the root alone", w.in(w.root), bin.ScopeDepartment},
			{"the root and one department, ticked one by one", w.in(w.root, w.city), bin.ScopeOrganisation},
			{"the root, with everything below it left out", bin.Scope{Departments: []id.Department{w.root}, Sub: true, Without: []id.Department{w.east, w.city, w.north}}, bin.ScopeDepartment},
			{"a region with its sub-departments", bin.Scope{Departments: []id.Department{w.east}, Sub: true}, bin.ScopeDepartment},
		}
		for _, tt := range tests {
			p, err := w.bin.Preview(w.ctx(), w.boss, tt.scope, 0)
			if err != nil || p.ScopeKind != tt.want {
				t.Errorf("%s is %v, %v; want %s", tt.name, p, err, tt.want)
			}
		}
	})
}

func TestTheTreeCountsWhatEachDepartmentHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{tags: []string{"退款"}}, chat{hidden: true}, chat{class: "投诉"}, chat{dep: w.east}, chat{dep: w.north})
		s := w.in(w.city)
		s.ServiceTypes = []string{"咨询"}
		tree, counts, err := w.bin.Tree(w.ctx(), w.local, s)
		if err != nil || tree.Len() != 4 || len(counts) != 1 || counts[w.city] != (bin.TreeCount{All: 3, Matching: 2}) {
			t.Errorf("counts = %v of %v, %v", counts, tree, err)
		}
		c, err := w.bin.Choices(w.ctx(), w.local)
		if err != nil || !slices.Equal(c.ServiceTypes, []string{"咨询", "投诉"}) || len(c.Platforms) != 1 || !slices.Equal(c.Tags, []string{"退款"}) {
			t.Errorf("choices = %+v, %v", c, err)
		}
	})
}
