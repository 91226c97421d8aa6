package bin_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/department"
	"qingdang/models/id"
)

// TestTickedBoxesMeanWhatTheyShow ticks boxes at random, with and without 包含子部门, and
// compares what the scope takes with what the boxes must mean.
func TestTickedBoxesMeanWhatTheyShow(t *testing.T) {
	t.Parallel()
	d, clock := dbtest.New(t)
	w := newWorld(t, d, clock)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		f := plantTree(rt, w, n)
		tree := w.tree()
		within := account.Within(f.mine...)
		s := bin.Scope{}
		for range rapid.IntRange(1, 6).Draw(rt, "clicks") {
			before := reached(s, tree, within)
			boxes := rapid.SliceOfNDistinct(rapid.SampledFrom(f.all), 0, len(f.all), rapid.ID).Draw(rt, "boxes")
			sub := rapid.Bool().Draw(rt, "sub")
			was := s
			s = s.Ticked(tree, within, boxes, sub)
			after := reached(s, tree, within)
			if s.Sub != sub {
				rt.Fatalf("包含子部门 is %v, want %v", s.Sub, sub)
			}
			for _, d := range f.all {
				ticked := slices.Contains(boxes, d)
				switch {
				case !within.Has(d):
					if after[d] {
						rt.Fatalf("%+v takes %d, in which the actor may not act", s, d)
					}
				case was.Sub && !sub:
					// The boxes fold together into the highest ones.
				case !sub && after[d] != ticked:
					rt.Fatalf("box %d is ticked %v, %+v takes it %v", d, ticked, s, after[d])
				case sub && ticked && (!was.Sub || before[d]) && !after[d] && !unticked(f, before, boxes, d):
					rt.Fatalf("box %d is ticked, %+v does not take it", d, s)
				case sub && was.Sub && !ticked && before[d] && after[d] && !newlyTicked(f, before, boxes, d):
					rt.Fatalf("box %d was unticked, %+v takes it", d, s)
				}
			}
		}
		one := rapid.SampledFrom(f.mine).Draw(rt, "include")
		more := reached(s.Including(tree, within, one), tree, within)
		for _, d := range f.mine {
			if f.under(one, d) && s.Sub && !more[d] || reached(s, tree, within)[d] && !more[d] {
				rt.Fatalf("including %d lost %d", one, d)
			}
		}
	})
}

// unticked tells whether something above d lost its tick just now and took d along.
func unticked(f *forest, before map[id.Department]bool, boxes []id.Department, d id.Department) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(before)), func(top id.Department) bool {
		return before[top] && !slices.Contains(boxes, top) && f.under(top, d)
	})
}

// newlyTicked tells whether something above d was ticked just now and took d along.
func newlyTicked(f *forest, before map[id.Department]bool, boxes []id.Department, d id.Department) bool {
	return slices.ContainsFunc(boxes, func(top id.Department) bool { return !before[top] && f.under(top, d) })
}

// reached are the departments that a scope takes of those in which the actor may act.
func reached(s bin.Scope, tree *department.Tree, within account.Scope) map[id.Department]bool {
	out := map[id.Department]bool{}
	for d := range s.Takes(tree) {
		out[d] = within.Has(d)
	}
	return out
}

func (w *world) tree() (tree *department.Tree) {
	w.t.Helper()
	w.must(w.d.Read(w.ctx(), func(tx *db.Tx) (err error) {
		tree, err = department.Load(tx)
		return err
	}))
	return tree
}
