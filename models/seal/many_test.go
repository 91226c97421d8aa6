package seal

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"testing"
)

// Many buckets at once are what they are one by one, each with its own error.
func TestManyBucketsAtOnce(t *testing.T) {
	s := newTestStore(t)
	const n = slotsAtOnce + 3
	ids, to := newBuckets(t, s, n), newBuckets(t, s, n)
	var kept Leaves
	for leaf := 5; leaf < TreeLeaves; leaf += 7 {
		kept.Add(leaf)
	}
	list := make([]Keeping, n)
	for i, b := range ids {
		list[i] = Keeping{mustTree(t, s, b, b, nil), kept, to[i]}
	}
	states, err := s.Keep(list)
	check(t, err)
	if bad := append(list[:n-1:n-1], Keeping{list[n-1].Tree, Leaves{}, to[n-1]}); len(states) != n {
		t.Fatalf("%d states", len(states))
	} else if _, err := s.Keep(bad); !errors.Is(err, ErrDestroyed) {
		t.Errorf("keeping nothing of the last one: %v", err)
	}
	check(t, s.Destroy(to[1], to[n-2]))
	places := make([]Place, n)
	for i := range places {
		places[i] = Place{ids[i], to[i], states[i]}
	}
	places[2].State = states[3]
	places[n-1].Slot = to[n-1] + 1
	trees, errs := s.Trees(places)
	for i, p := range places {
		want := map[int]error{1: ErrDestroyed, 2: ErrTampered, n - 2: ErrDestroyed, n - 1: ErrNoBucket}[i]
		_, alone := s.Tree(p.Bucket, p.Slot, p.State)
		if !errors.Is(errs[i], want) || !errors.Is(alone, want) || (trees[i] == nil) != (want != nil) {
			t.Errorf("bucket %d: %v, alone %v, want %v", i, errs[i], alone, want)
		}
		if want == nil && trees[i].leaves != kept {
			t.Errorf("bucket %d has other leaves", i)
		}
	}
	all, err := s.States(append([]uint64{to[n-1] + 1}, to...)...)
	check(t, err)
	for i, st := range all {
		want := Live
		switch i {
		case 0:
			want = Absent
		case 2, n - 1:
			want = Destroyed
		}
		if st.State != want {
			t.Errorf("slot %d is %s, want %s", i, st.State, want)
		}
	}
	check(t, s.Close())
	if _, errs := s.Trees(places[:1]); errs[0] == nil {
		t.Error("a closed store gives trees")
	}
}

// Long secrets are masked as short ones are, so that whatever wrote a state reads it.
func TestALongSecretIsMaskedBlockByBlock(t *testing.T) {
	var key [dataKeySize]byte
	newTestStore(t).fill(key[:])
	b, nonce := newBox(&key), key[7:7+nonceSize]
	for _, n := range []int{0, 1, bulk - 1, bulk, bulk + 1, 128 + 512*seedSize} {
		want := make([]byte, n)
		for i := 0; i < n; i += 16 {
			var block [16]byte
			copy(block[:], nonce)
			binary.BigEndian.PutUint32(block[nonceSize:], uint32(i/16))
			b.inner.Encrypt(block[:], block[:])
			subtle.XORBytes(want[i:], want[i:], block[:])
		}
		got := make([]byte, n)
		b.mask(nonce, got)
		if !bytes.Equal(got, want) {
			t.Errorf("of %d bytes: another mask", n)
		}
	}
}
