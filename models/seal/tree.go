package seal

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"
)

// TreeLeaves is how many records a bucket has places for. A place is called a leaf.
const TreeLeaves = 1 << treeDepth

const (
	treeDepth   = 10
	treeVersion = 1
	treeLabel   = "qingdang/seal/tree/1\x00"
	childLabel  = "qingdang tree/1\x00"
	seedSize    = 32
)

// A seed is the secret of a node of a tree.
type seed [seedSize]byte

// Tree is the unwrapped keys of a bucket's leaves: some of a tree of seeds of depth 10, after Goldreich,
// Goldwasser and Micali, "How to construct random functions" (Journal of the ACM 33, 1986). Every
// child is made of its parent's seed, child b = SHA-256(label ‖ seed ‖ b), and every leaf's seed makes the key that
// wraps the data key of the one record at that place. So a leaf can be reached from any node above it, and
// from no other: who keeps the seeds of a few nodes, and destroys the root, keeps the leaves
// under these nodes and has lost all others for good. (The hash stands for the generator that doubles a seed. What
// goes in has one length and fits one block, so that HMAC would add nothing but three more blocks for
// every step, on the way to every record that is read.)
//
// The root of a bucket that was never punctured is made of its slot's key. Keep punctures it: the seeds of the
// nodes that exactly cover what is to stay go into a state that is sealed under another slot's key, which
// the database stores with the bucket's row. When the old slot is destroyed, the root is gone, and so is every
// earlier state in any backup of the database. Nobody touches the records that stay.
//
// A state, version 1:
//
//	0   version, 1
//	1   a box under the slot's key, bound to store id ‖ bucket ‖ slot, of
//	    128 bytes, a bit for each leaf that is covered, leaf 0 the highest bit of the first byte
//	    32 bytes for each node of the smallest cover of these leaves, from left to right
//
// A data key wrapped at a leaf is version 2 ‖ box, bound to bucket ‖ record ‖ leaf. Like a Bucket, a Tree
// does not notice by itself that its slot is destroyed meanwhile.
type Tree struct {
	store  *Store
	bucket uint64
	slot   uint64
	state  string // what it was made of
	leaves Leaves
	nodes  []int // their cover; the root is 1, the children of n are 2n and 2n+1, and leaf 0 is 1024
	seeds  []seed
}

// Leaves is a set of leaves.
type Leaves [TreeLeaves / 8]byte

// Add puts a leaf into the set. A number that is none is left out.
func (l *Leaves) Add(leaf int) {
	if leaf >= 0 && leaf < TreeLeaves {
		l[leaf/8] |= 0x80 >> (leaf % 8)
	}
}

// Has tells whether a leaf is in the set.
func (l *Leaves) Has(leaf int) bool {
	return leaf >= 0 && leaf < TreeLeaves && l[leaf/8]&(0x80>>(leaf%8)) != 0
}

// Within tells whether all leaves of the set are in another one.
func (l *Leaves) Within(other *Leaves) bool {
	for i := range l {
		if l[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

// cover is the fewest nodes under which the leaves of the set are, and no others, from left to right.
func (l *Leaves) cover() (nodes []int) {
	var walk func(node, first, n int)
	walk = func(node, first, n int) {
		switch in := l.between(first, n); {
		case in == n:
			nodes = append(nodes, node)
		case in > 0:
			walk(2*node, first, n/2)
			walk(2*node+1, first+n/2, n/2)
		}
	}
	walk(1, 0, TreeLeaves)
	return nodes
}

// between counts the leaves of the set among the n from first on, where first is a multiple of n.
func (l *Leaves) between(first, n int) (in int) {
	if n < 8 {
		return bits.OnesCount8(l[first/8] << (first % 8) >> (8 - n))
	}
	for _, b := range l[first/8 : (first+n)/8] {
		in += bits.OnesCount8(b)
	}
	return in
}

// Place says where a bucket lies now: under a slot, with the state that Keep gave for that slot, empty where the
// bucket was never punctured and so lies under the slot of its own number.
type Place struct {
	Bucket, Slot uint64
	State        []byte
}

// Tree returns the keys of a bucket's leaves. It returns what Bucket returns for the slot, ErrTampered when the state is
// not this bucket's under this slot, and a FormatError when it comes from a newer build.
func (s *Store) Tree(bucket, slot uint64, state []byte) (t *Tree, err error) {
	err = s.reading(func(f *slots) error {
		t, err = s.treeAt(f, Place{bucket, slot, state})
		return err
	})
	if err != nil {
		return nil, bucketError(bucket, err)
	}
	return t, nil
}

// Trees is Tree for many buckets, with a look at the folder for every few: each has its tree or its error.
func (s *Store) Trees(places []Place) ([]*Tree, []error) {
	trees, errs := make([]*Tree, 0, len(places)), make([]error, 0, len(places))
	for part := range slices.Chunk(places, slotsAtOnce) {
		failed := s.reading(func(f *slots) error {
			for _, p := range part {
				t, err := s.treeAt(f, p)
				if err != nil {
					t, err = nil, bucketError(p.Bucket, err)
				}
				trees, errs = append(trees, t), append(errs, err)
			}
			return nil
		})
		for i := 0; failed != nil && i < len(part); i++ {
			trees, errs = append(trees, nil), append(errs, bucketError(part[i].Bucket, failed))
		}
	}
	return trees, errs
}

func (s *Store) treeAt(f *slots, p Place) (*Tree, error) {
	c, err := s.bucketKey(f, p.Slot, len(p.State) == 0)
	if err != nil {
		return nil, err
	}
	return s.treeOf(c, p)
}

// treeOf takes the tree that hangs on the cached slot, if it was made of this state, or makes it.
func (s *Store) treeOf(c *cached, p Place) (*Tree, error) {
	if hit := c.tree.Load(); hit != nil && hit.bucket == p.Bucket && hit.state == string(p.State) {
		return hit, nil
	}
	t := &Tree{store: s, bucket: p.Bucket, slot: p.Slot, state: string(p.State)}
	if len(p.State) == 0 && p.Slot != p.Bucket {
		return nil, ErrTampered // what moved has a state: without it the root of this slot would pass for the bucket's
	}
	if len(p.State) == 0 {
		for i := range t.leaves {
			t.leaves[i] = 0xff
		}
		t.nodes, t.seeds = []int{1}, []seed{*c.root}
	} else if err := t.decode(c.box, p.State); err != nil {
		return nil, err
	}
	c.tree.Store(t)
	return t, nil
}

func (t *Tree) decode(b *box, state []byte) error {
	if state[0] != treeVersion {
		return &FormatError{What: "tree version", Got: int(state[0])}
	}
	plain, err := b.open(nil, state[1:], t.aad())
	if err != nil {
		return err
	}
	defer clear(plain)
	if len(plain) < len(t.leaves) {
		return ErrTampered
	}
	seeds := plain[copy(t.leaves[:], plain):]
	t.nodes = t.leaves.cover()
	if len(seeds) != seedSize*len(t.nodes) {
		return ErrTampered
	}
	t.seeds = make([]seed, len(t.nodes))
	for i := range t.seeds {
		t.seeds[i] = seed(seeds[i*seedSize:])
	}
	return nil
}

func (t *Tree) aad() []byte {
	b := append([]byte(treeLabel), t.store.id[:]...)
	b = binary.BigEndian.AppendUint64(b, t.bucket)
	return binary.BigEndian.AppendUint64(b, t.slot)
}

// Covers tells whether a leaf can still be reached.
func (t *Tree) Covers(leaf int) bool { return t.leaves.Has(leaf) }

// CoversAny tells whether one of the leaves can still be reached.
func (t *Tree) CoversAny(leaves *Leaves) bool {
	for i := range leaves {
		if leaves[i]&t.leaves[i] != 0 {
			return true
		}
	}
	return false
}

// Keeping says what stays of a bucket, and the slot that was made for it.
type Keeping struct {
	Tree   *Tree
	Leaves Leaves
	To     uint64
}

// Keep gives the state of the bucket under another slot that was made for it, with nothing in it but what leads to
// these leaves. It returns ErrDestroyed when there are none, or the tree does not cover all of them.
func (t *Tree) Keep(leaves Leaves, to uint64) (state []byte, err error) {
	states, err := t.store.Keep([]Keeping{{t, leaves, to}})
	if err != nil {
		return nil, err
	}
	return states[0], nil
}

// Keep is the trees' Keep for many, with a look at the folder for every few. It gives all the states, or the first error.
func (s *Store) Keep(list []Keeping) ([][]byte, error) {
	states := make([][]byte, 0, len(list))
	for part := range slices.Chunk(list, slotsAtOnce) {
		err := s.reading(func(f *slots) error {
			for i := range part {
				state, err := part[i].Tree.keep(f, part[i].Leaves, part[i].To)
				if err != nil {
					return err
				}
				states = append(states, state)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return states, nil
}

func (t *Tree) keep(f *slots, leaves Leaves, to uint64) (state []byte, err error) {
	nodes := leaves.cover()
	if len(nodes) == 0 || !leaves.Within(&t.leaves) {
		return nil, bucketError(t.bucket, ErrDestroyed)
	}
	key, err := t.store.bucketKey(f, to, false)
	if err != nil {
		return nil, bucketError(to, err)
	}
	plain := make([]byte, 0, len(leaves)+seedSize*len(nodes))
	defer func() { clear(plain) }()
	plain = append(plain, leaves[:]...)
	var way way
	for _, n := range nodes {
		plain = append(plain, t.seed(n, &way)[:]...)
	}
	var nonce [nonceSize]byte
	t.store.fill(nonce[:])
	state = make([]byte, 1, 1+boxOverhead+len(plain))
	state[0] = treeVersion
	under := Tree{store: t.store, bucket: t.bucket, slot: to}
	return key.box.seal(state, &nonce, plain, under.aad()), nil
}

// way is the nodes, with their seeds, from the root to one that was asked for: its neighbour shares most of them. The
// zero value is none.
type way [treeDepth + 1]struct {
	node int
	seed seed
}

// seed makes the seed of a node, all leaves of which are covered, of the one above it that the tree has, or that is on the way
// to the last one.
func (t *Tree) seed(node int, w *way) *seed {
	depth := bits.Len(uint(node)) - 1
	from := depth
	for from >= 0 && w[from].node != node>>(depth-from) {
		from--
	}
	if from < 0 {
		i, found := slices.BinarySearchFunc(t.nodes, firstLeaf(node), func(n, leaf int) int { return cmp.Compare(firstLeaf(n), leaf) })
		if !found {
			i-- // the last one that begins before it
		}
		from = bits.Len(uint(t.nodes[i])) - 1
		w[from].node, w[from].seed = t.nodes[i], t.seeds[i]
	}
	for ; from < depth; from++ {
		down := node >> (depth - from - 1)
		w[from+1].node, w[from+1].seed = down, w[from].seed.child(byte(down&1))
	}
	return &w[depth].seed
}

// firstLeaf is the first leaf under a node.
func firstLeaf(node int) int { return node<<(treeDepth+1-bits.Len(uint(node))) - TreeLeaves }

func (s *seed) child(b byte) seed { return s.hash(childLabel, b) }

// hash is one block of SHA-256 over inputs that all have one length.
func (s *seed) hash(label string, b byte) seed {
	var in [len(childLabel) + seedSize + 1]byte
	n := copy(in[:], label)
	n += copy(in[n:], s[:])
	in[n] = b
	return sha256.Sum256(in[:])
}
