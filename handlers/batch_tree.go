package handlers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/templates"
)

// treeBuilder makes the tree of the first step: the departments of a scope, and those above
// them to hang them on.
type treeBuilder struct {
	tree    *department.Tree
	counts  map[id.Department]bin.TreeCount
	within  account.Scope
	taken   map[id.Department]bool
	chosen  []id.Department
	unknown bool
}

func batchTree(tree *department.Tree, counts map[id.Department]bin.TreeCount, within account.Scope, s bin.Scope, unknown bool) []templates.BatchDepartment {
	b := treeBuilder{tree: tree, counts: counts, within: within, taken: s.Takes(tree), chosen: s.Departments, unknown: unknown}
	var out []templates.BatchDepartment
	for _, root := range tree.Roots() {
		if d, ok := b.build(root, 1); ok {
			out = append(out, d)
		}
	}
	return out
}

// openLevels is how deep the tree is open by itself.
const openLevels = 2

// build makes a department with what is below it; ok is false if nothing of that is in scope.
func (b treeBuilder) build(d id.Department, level int) (node templates.BatchDepartment, ok bool) {
	own := b.within.Has(d)
	node = templates.BatchDepartment{ID: uint64(d), Name: b.tree.Name(d), Foreign: !own, Unknown: b.unknown, Checked: own && b.taken[d]}
	if own {
		node.All, node.Matching = b.counts[d].All, b.counts[d].Matching
	}
	some, every := false, true
	node.Open = level < openLevels
	for _, child := range b.tree.Children(d) {
		below, in := b.build(child, level+1)
		if !in {
			continue
		}
		node.Children = append(node.Children, below)
		node.All, node.Matching = node.All+below.All, node.Matching+below.Matching
		some = some || below.Checked || below.Mixed
		every = every && below.Checked && !below.Mixed
		node.Open = node.Open || below.Checked || below.Mixed || below.Current
	}
	node.Mixed = some && !(every && node.Checked)
	node.Current = len(b.chosen) == 1 && b.chosen[0] == d
	node.Open = len(node.Children) > 0 && (node.Open || node.Current || !own)
	return node, own || len(node.Children) > 0
}

// treeDigest tells two trees with different numbers apart.
func treeDigest(nodes []templates.BatchDepartment) string {
	h := sha256.New()
	digestInto(h, nodes)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func digestInto(h hash.Hash, nodes []templates.BatchDepartment) {
	for _, n := range nodes {
		fmt.Fprintln(h, n.ID, n.All, n.Matching, n.Unknown)
		digestInto(h, n.Children)
	}
}

// sameBoxes tells whether the boxes on the page are ticked as the tree has them.
func sameBoxes(boxes []id.Department, nodes []templates.BatchDepartment) bool {
	ticked := map[uint64]bool{}
	for _, d := range boxes {
		ticked[uint64(d)] = true
	}
	n, same := 0, true
	var walk func([]templates.BatchDepartment)
	walk = func(all []templates.BatchDepartment) {
		for _, node := range all {
			if node.Checked {
				n++
			}
			same = same && node.Checked == ticked[node.ID]
			walk(node.Children)
		}
	}
	walk(nodes)
	return same && n == len(ticked)
}

// batchLeft gathers what stays behind under the highest departments that are left out whole,
// the largest first.
func batchLeft(tree *department.Tree, within account.Scope, s bin.Scope, p *bin.Preview) []templates.BatchResidue {
	taken := s.Takes(tree)
	sums := map[id.Department]int64{}
	for _, left := range p.Left() {
		top := left.DepartmentID
		for {
			dep, _ := tree.Get(top)
			if dep.ParentID == 0 || taken[dep.ParentID] || !within.Has(dep.ParentID) {
				break
			}
			top = dep.ParentID
		}
		sums[top] += left.Count
	}
	out := make([]templates.BatchResidue, 0, len(sums))
	for d, n := range sums {
		out = append(out, templates.BatchResidue{ID: uint64(d), Name: tree.Name(d), Count: n})
	}
	slices.SortFunc(out, func(x, y templates.BatchResidue) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.ID, y.ID))
	})
	return out
}
