package bin_test

import (
	"encoding/json"
	"testing"

	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/department"
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

// TestOneBatchOfTheWholeOrganisationIsAlwaysThat looks at each line by which batches are the whole organisation: what one
// of them was when it was made, what is ticked in the tree as it is, and where the conversations lie that they took.
func TestOneBatchOfTheWholeOrganisationIsAlwaysThat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(chat{}, chat{dep: w.north})
		whole := func(batches ...bin.Batch) (is bool) {
			t.Helper()
			w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
				tree, err := department.Load(tx)
				if err == nil {
					is, err = bin.WholeOrganisation(tx, tree, batches)
				}
				return err
			}))
			return is
		}
		of := func(kind, scopeKind string, ticked ...id.Department) bin.Batch {
			b, err := json.Marshal(bin.Scope{Departments: ticked})
			w.must(err)
			return bin.Batch{Kind: kind, ScopeKind: scopeKind, Scope: string(b)}
		}
		city, north := of(bin.KindBatch, bin.ScopeDepartment, w.city), of(bin.KindBatch, bin.ScopeDepartment, w.north)
		for _, tt := range []struct {
			name    string
			batches []bin.Batch
			want    bool
		}{
			{"nothing", nil, false},
			{"one department", []bin.Batch{city}, false},
			{"all of them, each on its own", []bin.Batch{city, north}, true},
			{"one that was the whole organisation when it was made", []bin.Batch{of(bin.KindBatch, bin.ScopeOrganisation, w.city)}, true},
			{"the same among others", []bin.Batch{city, of(bin.KindBatch, bin.ScopeOrganisation)}, true},
			{"single conversations of every department", []bin.Batch{of(bin.KindSingle, bin.ScopeDepartment, w.city), of(bin.KindSingle, bin.ScopeDepartment, w.north)}, false},
			{"a single conversation beside a department", []bin.Batch{city, of(bin.KindSingle, bin.ScopeDepartment, w.north)}, false},
		} {
			if got := whole(tt.batches...); got != tt.want {
				t.Errorf("%s: %v", tt.name, got)
			}
		}
		// What was ticked in the north says no more where its conversations lie: they do.
		taken := w.discard(w.boss, w.in(w.north))
		said, err := json.Marshal(bin.Scope{Departments: []id.Department{w.root}})
		w.must(err)
		moved := *taken
		moved.Scope = string(said)
		if !whole(city, moved) {
			t.Error("a batch of everything of the north is not counted for the north")
		}
		moved.ID = 999_999
		if whole(city, moved) {
			t.Error("the control: without its items it is")
		}
	})
}
