package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/bits"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustTree(t testing.TB, s *Store, bucket, slot uint64, state []byte) *Tree {
	t.Helper()
	tree, err := s.Tree(bucket, slot, state)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// anyLeaves draws runs and single leaves: what departments purge together lies together, and what they
// purge one by one does not.
func anyLeaves(t *rapid.T, name string) (l Leaves) {
	for range rapid.IntRange(0, 6).Draw(t, name+" runs") {
		first := rapid.IntRange(0, TreeLeaves-1).Draw(t, "first")
		for i := range rapid.IntRange(1, TreeLeaves).Draw(t, "n") {
			l.Add(first + i)
		}
	}
	for _, leaf := range rapid.SliceOfN(rapid.IntRange(0, TreeLeaves-1), 0, 40).Draw(t, name) {
		l.Add(leaf)
	}
	return l
}

func (l *Leaves) minus(other *Leaves) (left Leaves) {
	for i := range l {
		left[i] = l[i] &^ other[i]
	}
	return left
}

func (l *Leaves) count() (n int) {
	for _, b := range l {
		n += bits.OnesCount8(b)
	}
	return n
}

// What Keep keeps opens, and nothing else ever again: with the present state under the present slot, with any
// earlier state, and for another process. Twice in a row.
func TestKeepKeepsTheseLeavesAndNoOthers(t *testing.T) {
	s := newTestStore(t)
	other := reopen(t, Options{Dir: s.dir})
	bucket := newBuckets(t, s, 1)[0]
	whole := mustTree(t, s, bucket, bucket, nil) // in memory only from here on
	aad := func(leaf int) AAD {
		return AAD{Suite: AES256GCM, Record: uint64(5000 + leaf), Version: 1, Department: 3}
	}
	var sealed [TreeLeaves]Sealed
	for leaf := range sealed {
		var err error
		sealed[leaf], err = whole.Seal(leaf, aad(leaf), []byte{byte(leaf)})
		check(t, err)
	}
	check(t, s.Destroy(bucket))
	rapid.Check(t, func(rt *rapid.T) {
		tree, kept := whole, whole.leaves
		type past struct {
			slot  uint64
			state []byte
		}
		before := []past{{bucket, nil}}
		for _, to := range newBuckets(t, s, 2) {
			gone := anyLeaves(rt, "gone")
			next := kept.minus(&gone)
			state, err := tree.Keep(next, to)
			if next == (Leaves{}) {
				if !errors.Is(err, ErrDestroyed) {
					rt.Fatalf("keeping nothing: %v", err)
				}
				break
			}
			check(t, err)
			check(t, s.Destroy(before[len(before)-1].slot))
			for _, p := range before {
				if _, err := s.Tree(bucket, p.slot, p.state); !errors.Is(err, ErrDestroyed) {
					rt.Fatalf("after its slot was destroyed: %v", err)
				}
			}
			before, kept = append(before, past{to, state}), next
			tree = mustTree(t, other, bucket, to, state)
			for leaf := range sealed {
				plain, err := tree.Open(leaf, aad(leaf), sealed[leaf])
				in := kept.Has(leaf)
				switch {
				case in != tree.Covers(leaf):
					rt.Fatalf("leaf %d: kept %v, covered %v", leaf, in, tree.Covers(leaf))
				case in && (err != nil || !bytes.Equal(plain, []byte{byte(leaf)})):
					rt.Fatalf("leaf %d was kept and is %x, %v", leaf, plain, err)
				case !in && !errors.Is(err, ErrDestroyed):
					rt.Fatalf("leaf %d was not kept: %v", leaf, err)
				}
				if in {
					continue
				}
				if _, err := tree.Seal(leaf, aad(leaf), nil); !errors.Is(err, ErrDestroyed) {
					rt.Fatalf("sealing at leaf %d, which was not kept: %v", leaf, err)
				}
			}
			// No seed in it is above a leaf that was not kept, whatever it is used for.
			for _, n := range tree.nodes {
				first := firstLeaf(n)
				for leaf := first; leaf < first+TreeLeaves>>(bits.Len(uint(n))-1); leaf++ {
					if !kept.Has(leaf) {
						rt.Fatalf("node %d leads to leaf %d", n, leaf)
					}
				}
			}
			if kept != whole.leaves {
				if _, err := tree.Keep(whole.leaves, to); !errors.Is(err, ErrDestroyed) {
					rt.Fatalf("keeping what is gone: %v", err)
				}
			}
		}
	})
}

// The cover is the smallest there is: no two of its nodes are the children of one.
func TestACoverIsSmall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := anyLeaves(rt, "leaves")
		nodes := map[int]bool{}
		under := 0
		for _, n := range l.cover() {
			nodes[n] = true
			under += TreeLeaves >> (bits.Len(uint(n)) - 1)
		}
		if under != l.count() {
			rt.Fatalf("%d leaves under the cover of %d", under, l.count())
		}
		for n := range nodes {
			if n > 1 && nodes[n^1] {
				rt.Fatalf("nodes %d and %d are one", n, n^1)
			}
		}
	})
}

func TestAStateBelongsToOneBucketUnderOneSlot(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 4)
	tree := mustTree(t, s, ids[0], ids[0], nil)
	var kept Leaves
	kept.Add(3)
	kept.Add(700)
	state, err := tree.Keep(kept, ids[1])
	check(t, err)
	for name, c := range map[string]struct{ bucket, slot uint64 }{
		"another bucket": {ids[2], ids[1]}, "another slot": {ids[0], ids[3]}, "the old slot": {ids[0], ids[0]}, "both": {ids[2], ids[3]},
	} {
		if _, err := s.Tree(c.bucket, c.slot, state); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustTree(t, s, ids[0], ids[1], state)
	for i := range state {
		bad := bytes.Clone(state)
		bad[i] ^= 1 << (i % 8)
		var format *FormatError
		if _, err := s.Tree(ids[0], ids[1], bad); !errors.Is(err, ErrTampered) && !(i == 0 && errors.As(err, &format)) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for n := 1; n < len(state); n++ {
		if _, err := s.Tree(ids[0], ids[1], state[:n]); !errors.Is(err, ErrTampered) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	// Without its state a punctured bucket is none: the root of the slot's key would pass for a whole one.
	if _, err := s.Tree(ids[0], ids[1], nil); !errors.Is(err, ErrTampered) {
		t.Errorf("without its state: %v", err)
	}
	aad := AAD{Record: 9, Version: 1}
	sealed, err := tree.Seal(3, aad, []byte(talk))
	check(t, err)
	if got, err := mustTree(t, s, ids[0], ids[1], state).Open(3, aad, sealed); err != nil || string(got) != talk {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := tree.Keep(kept, ids[3]+1); !errors.Is(err, ErrNoBucket) {
		t.Errorf("a slot that is none: %v", err)
	}
	if _, err := s.Tree(ids[0], ids[3]+1, state); !errors.Is(err, ErrNoBucket) {
		t.Errorf("a slot that is none: %v", err)
	}
}

func TestAKeyBelongsToOneLeaf(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 2)
	tree := mustTree(t, s, ids[0], ids[0], nil)
	aad := AAD{Record: 9, Version: 2, Department: 3}
	sealed, err := tree.Seal(17, aad, []byte(talk))
	check(t, err)
	if got, err := tree.Open(17, aad, sealed); err != nil || string(got) != talk || len(sealed.Wrapped) != WrappedSize {
		t.Fatalf("%q, %v", got, err)
	}
	for _, leaf := range []int{16, 18, 0, TreeLeaves - 1} {
		if _, err := tree.Open(leaf, aad, sealed); !errors.Is(err, ErrTampered) {
			t.Errorf("leaf %d: %v", leaf, err)
		}
	}
	for _, leaf := range []int{-1, TreeLeaves, TreeLeaves + 17} {
		if _, err := tree.Open(leaf, aad, sealed); !errors.Is(err, ErrDestroyed) {
			t.Errorf("leaf %d, which is none: %v", leaf, err)
		}
	}
	other := aad
	other.Record++
	if _, err := tree.Open(17, other, sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("another record: %v", err)
	}
	if _, err := mustTree(t, s, ids[1], ids[1], nil).Open(17, aad, sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("another bucket: %v", err)
	}
	for n := range sealed.Wrapped {
		if _, err := tree.Open(17, aad, Sealed{sealed.Body, sealed.Wrapped[:n]}); !errors.Is(err, ErrTampered) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	// The bucket's key itself opens nothing of a leaf, nor the other way round.
	var format *FormatError
	if _, err := s.Open(ids[0], aad, sealed); !errors.As(err, &format) {
		t.Errorf("by the bucket's key: %v", err)
	}
	direct := mustSeal(t, s, ids[0], aad, []byte(talk))
	if _, err := tree.Open(17, aad, direct); !errors.As(err, &format) {
		t.Errorf("a key of the bucket at a leaf: %v", err)
	}
}

// What was sealed before there were trees is lifted to a leaf, and the body stays.
func TestLiftKeepsTheBody(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 2)
	aad := AAD{Record: 5, Version: 1, Department: 8}
	sealed := mustSeal(t, s, ids[0], aad, []byte(talk))
	tree := mustTree(t, s, ids[0], ids[0], nil)
	if _, err := tree.Lift(2, 6, sealed.Wrapped); !errors.Is(err, ErrTampered) {
		t.Errorf("for another record: %v", err)
	}
	wrapped, err := tree.Lift(2, 5, sealed.Wrapped)
	check(t, err)
	var kept Leaves
	kept.Add(2)
	state, err := tree.Keep(kept, ids[1])
	check(t, err)
	check(t, s.Destroy(ids[0]))
	if got, err := mustTree(t, s, ids[0], ids[1], state).Open(2, aad, Sealed{sealed.Body, wrapped}); err != nil || string(got) != talk {
		t.Errorf("lifted: %q, %v", got, err)
	}
	if _, err := s.Open(ids[0], aad, sealed); !errors.Is(err, ErrDestroyed) {
		t.Errorf("as it was: %v", err)
	}
}

// A tree that another process or a rotation meets is the same one; a destroyed slot gives none, whoever had it.
func TestATreeOutlivesARotationAndNotItsSlot(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 2)
	aad := AAD{Record: 5, Version: 1}
	sealed, err := mustTree(t, s, ids[0], ids[0], nil).Seal(9, aad, []byte(talk))
	check(t, err)
	var kept Leaves
	kept.Add(9)
	state, err := mustTree(t, s, ids[0], ids[0], nil).Keep(kept, ids[1])
	check(t, err)
	_, err = s.RotateRoot(nil)
	check(t, err)
	other := reopen(t, Options{Dir: s.dir})
	for _, store := range []*Store{s, other} {
		for slot, state := range map[uint64][]byte{ids[0]: nil, ids[1]: state} {
			if got, err := mustTree(t, store, ids[0], slot, state).Open(9, aad, sealed); err != nil || string(got) != talk {
				t.Errorf("slot %d: %q, %v", slot, got, err)
			}
		}
	}
	check(t, other.Destroy(ids[1]))
	for _, store := range []*Store{s, other} {
		if _, err := store.Tree(ids[0], ids[1], state); !errors.Is(err, ErrDestroyed) {
			t.Errorf("%v", err)
		}
	}
}

// The stored bytes of a punctured bucket and of a key at a leaf: see TestGoldenBytes.
func TestGoldenTree(t *testing.T) {
	want := map[string][]byte{}
	for _, line := range readLines(t, "testdata/golden.txt") {
		name, value, _ := strings.Cut(string(line), " ")
		b, err := hex.DecodeString(value)
		check(t, err)
		want[name] = b
	}
	o := Options{Dir: t.TempDir(), Create: true, Root: bytes.Repeat([]byte{7}, 32), Now: func() time.Time { return noon }}
	s := newStore(o)
	s.random = fixed()
	check(t, s.open(o))
	defer s.Close()
	ids := newBuckets(t, s, 3)
	aad := AAD{Record: 1<<40 + 9, Version: 2, Department: 3}
	tree := mustTree(t, s, ids[0], ids[0], nil)
	sealed, err := tree.Seal(700, aad, []byte(talk))
	check(t, err)
	var kept Leaves
	for leaf := 256; leaf < 512; leaf++ {
		kept.Add(leaf)
	}
	kept.Add(700)
	state, err := tree.Keep(kept, ids[1])
	check(t, err)
	for name, got := range map[string][]byte{"leaf-key": sealed.Wrapped, "leaf-body": sealed.Body, "tree-state": state} {
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s %x\nwant %x", name, got, want[name])
		}
	}
	check(t, s.Destroy(ids[0]))
	stored := mustTree(t, s, ids[0], ids[1], want["tree-state"])
	if got, err := stored.Open(700, aad, Sealed{want["leaf-body"], want["leaf-key"]}); err != nil || string(got) != talk {
		t.Errorf("stored bytes open as %q, %v", got, err)
	}
	// A state of a state is held to what it opens.
	again, err := stored.Keep(Leaves{700 / 8: 0x80 >> (700 % 8)}, ids[2])
	check(t, err)
	if got, err := mustTree(t, s, ids[0], ids[2], again).Open(700, aad, Sealed{want["leaf-body"], want["leaf-key"]}); err != nil || string(got) != talk {
		t.Errorf("after a second time: %q, %v", got, err)
	}
}
