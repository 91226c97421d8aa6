package seal

import (
	"bytes"
	"testing"
)

// FuzzOpen looks for a body or key that opens without having been sealed.
func FuzzOpen(f *testing.F) {
	s := newTestStore(f)
	bucket := newBuckets(f, s, 1)[0]
	aad := AAD{Record: 9, Version: 2, Department: 3}
	made := map[string]string{}
	for _, suite := range suites {
		sealed := mustSeal(f, s, bucket, AAD{Suite: suite, Record: 9, Version: 2, Department: 3}, []byte(talk))
		made[string(sealed.Body)] = string(sealed.Wrapped)
		f.Add(sealed.Body, sealed.Wrapped)
		f.Add(sealed.Body[:20], sealed.Wrapped[:40])
	}
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, body, wrapped []byte) {
		before := bytes.Clone(body)
		got, err := s.Open(bucket, aad, Sealed{body, wrapped})
		if err == nil && (made[string(body)] != string(wrapped) || string(got) != talk) {
			t.Errorf("opened what was never sealed: %q", got)
		}
		if !bytes.Equal(before, body) {
			t.Error("opening changed the body")
		}
	})
}

// FuzzUnpack looks for a panic, and for output that outgrows its bound.
func FuzzUnpack(f *testing.F) {
	for dictionary := range byte(2) {
		packed, err := PackWith(dictionary, []byte(talk))
		check(f, err)
		f.Add(packed)
	}
	f.Add([]byte("\x00\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x04\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		plain, err := Unpack(packed)
		if err != nil {
			return
		}
		if len(plain) > (len(packed)/4+1)*maxBlock {
			t.Errorf("%d bytes made %d", len(packed), len(plain))
		}
		again, err := Pack(plain)
		check(t, err)
		if got, err := Unpack(again); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("packed again: %d bytes of %d, %v", len(got), len(plain), err)
		}
	})
}

// FuzzSlot looks for a slot that is taken for valid without the root key having made it.
func FuzzSlot(f *testing.F) {
	s := newTestStore(f)
	bucket := newBuckets(f, s, 1)[0]
	var good slot
	check(f, s.readSlot(bucket, &good))
	f.Add(good[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var sl slot
		copy(sl[:], b)
		if st := s.slotState(bucket, &sl); (st == Live || st == Destroyed) && sl != good {
			t.Errorf("state %v of a forged slot", st)
		}
		s.status(bucket, &sl)
		if _, err := s.unwrapSlot(s.slots, bucket, &sl); err == nil && !bytes.Equal(sl[slotWrapped:slotPadding], good[slotWrapped:slotPadding]) {
			t.Error("a forged key was unwrapped")
		}
	})
}
