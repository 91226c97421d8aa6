package bin_test

import (
	"testing"

	"qingdang/models/bin"
	"qingdang/models/id"
)

// TestTheWholeOrganisationIsKnownHoweverItIsTicked: the kind decides how long a purge cools off and
// whether legal confirms twice, so leaving the root out must not make it smaller.
func TestTheWholeOrganisationIsKnownHoweverItIsTicked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{}, chat{dep: w.north})
		for _, tt := range []struct {
			name  string
			scope bin.Scope
			want  string
		}{
			{"one department of two", w.in(w.city), bin.ScopeDepartment},
			{"one half with all below it", bin.Scope{Departments: []id.Department{w.east}, Sub: true}, bin.ScopeDepartment},
			{"the root with everything below it", w.all(), bin.ScopeOrganisation},
			{"everything below the root, and not the root", w.in(w.east, w.city, w.north), bin.ScopeOrganisation},
			{"only the two in which something is stored", w.in(w.city, w.north), bin.ScopeOrganisation},
			{"both, narrowed by a date", bin.Scope{Departments: []id.Department{w.city, w.north}, To: "2021-01-01"}, bin.ScopeOrganisation},
		} {
			p, err := w.bin.Preview(w.ctx(), w.boss, tt.scope, 0)
			w.must(err)
			if p.ScopeKind != tt.want {
				t.Errorf("%s is %s, want %s", tt.name, p.ScopeKind, tt.want)
			}
		}
		w.store(chat{dep: w.root})
		p, err := w.bin.Preview(w.ctx(), w.boss, w.in(w.east, w.city, w.north), 0)
		w.must(err)
		if p.ScopeKind != bin.ScopeOrganisation {
			t.Error("everything below the top is a department because the top has a conversation of its own")
		}
		if batch := w.discard(w.boss, w.in(w.city, w.north)); batch.ScopeKind != bin.ScopeDepartment {
			t.Errorf("without the root's conversation: %s", batch.ScopeKind)
		}
	})
}
