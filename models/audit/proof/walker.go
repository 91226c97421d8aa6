package proof

import (
	"cmp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Finding is the first thing that is wrong with a log: what, and between which
// leaves.
type Finding struct {
	What        string
	First, Last int64
}

// Walker goes over a log from its first leaf, compares each leaf with the nodes
// that were stored with it and the growing tree with checkpoints. The
// database check and the offline verifier are both this walk.
type Walker struct {
	edge        Edge
	checkpoints []Checkpoint
	good        int64 // the tree agreed with a checkpoint of this size
}

// NewWalker starts at the empty tree. Two checkpoints of one size with different
// roots are a finding at once: somebody signed two histories.
func NewWalker(checkpoints []Checkpoint) (*Walker, *Finding) {
	return resume(Edge{}, checkpoints)
}

// ResumeWalker starts behind an edge that the caller trusts because its root
// stands in a checkpoint of the same size.
func ResumeWalker(e *Edge, checkpoints []Checkpoint) (*Walker, *Finding) {
	return resume(Edge{size: e.size, peaks: slices.Clone(e.peaks)}, checkpoints)
}

func resume(e Edge, checkpoints []Checkpoint) (*Walker, *Finding) {
	w := &Walker{edge: e}
	sorted := slices.SortedFunc(slices.Values(checkpoints), func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for i, c := range sorted {
		if i > 0 && sorted[i-1].Size == c.Size && sorted[i-1].Root != c.Root {
			return nil, &Finding{What: CheckpointConflict, First: 0, Last: c.Size - 1}
		}
	}
	w.checkpoints = slices.DeleteFunc(sorted, func(c Checkpoint) bool { return c.Size < e.size })
	return w, w.compare()
}

// Size tells how many leaves were walked.
func (w *Walker) Size() int64 { return w.edge.size }

// Proven tells up to which size the walked tree agreed with a checkpoint.
func (w *Walker) Proven() int64 { return w.good }

// Edge gives the edge of the walked tree.
func (w *Walker) Edge() *Edge { return &w.edge }

// Step walks one leaf, whose own index is own, with the nodes stored for it. next
// is the index that the following leaf claims, or -1; it only serves to name
// what happened.
func (w *Walker) Step(leaf []byte, own int64, stored []tlog.Hash, next int64) *Finding {
	n := w.edge.size
	switch {
	case own > n && next == own+1:
		return &Finding{What: Missing, First: n, Last: own - 1}
	case own > n:
		return &Finding{What: Reordered, First: n, Last: max(own, n)}
	case own >= 0 && own < n && next == n+1:
		// Its neighbours are in place, so nothing moved: its number was altered.
		return &Finding{What: Changed, First: n, Last: n}
	case own >= 0 && own == n-1:
		// Either of the two that claim this place may be the strange one.
		return &Finding{What: Inserted, First: own, Last: n}
	case own >= 0 && own < n:
		return &Finding{What: Inserted, First: n, Last: n}
	}
	computed := w.edge.Add(tlog.RecordHash(leaf))
	wrong := firstWrong(stored, computed)
	switch {
	case own >= 0 && wrong < 0:
		return w.compare()
	case own >= 0 && next == own:
		// The following leaf claims the same place: this one was pushed in before it.
		return &Finding{What: Inserted, First: n, Last: n}
	case wrong <= 0:
		return &Finding{What: Changed, First: n, Last: n}
	}
	// Everything below agrees with its own node, so either this node was touched or
	// a leaf under it together with its lower nodes.
	return &Finding{What: Nodes, First: n >> wrong << wrong, Last: n}
}

// firstWrong gives the lowest level on which stored nodes are not the computed
// ones, -1 if none.
func firstWrong(stored, computed []tlog.Hash) int {
	for level := range max(len(stored), len(computed)) {
		if level >= len(stored) || level >= len(computed) || stored[level] != computed[level] {
			return level
		}
	}
	return -1
}

// compare holds the tree against the checkpoints of its size.
func (w *Walker) compare() *Finding {
	for len(w.checkpoints) > 0 && w.checkpoints[0].Size == w.edge.size {
		if w.checkpoints[0].Root != w.edge.Root() {
			return &Finding{What: Rewritten, First: w.good, Last: w.edge.size - 1}
		}
		w.good = w.edge.size
		w.checkpoints = w.checkpoints[1:]
	}
	return nil
}

// End is called behind the last leaf: a checkpoint that knows more leaves says
// that the tail was cut off.
func (w *Walker) End() *Finding {
	if len(w.checkpoints) == 0 {
		return nil
	}
	last := w.checkpoints[len(w.checkpoints)-1].Size
	return &Finding{What: Cut, First: w.edge.size, Last: last - 1}
}
