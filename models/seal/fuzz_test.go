package seal

import (
	"bytes"
	"os"
	"path/filepath"
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

// FuzzHeader looks for a header that is taken for whole without the root key having made it.
func FuzzHeader(f *testing.F) {
	s := newTestStore(f)
	root, err := s.readRoot(rootFile)
	check(f, err)
	var good slot
	_, err = s.slots.file.ReadAt(good[:], 0)
	check(f, err)
	f.Add(good[:headerSum])
	f.Add(good[:headerEpoch])
	f.Fuzz(func(t *testing.T, b []byte) {
		var head slot
		copy(head[:headerSum], b)
		copy(head[headerSum:], headerDigest(&head)) // the digest has no key: anybody can make it
		// The last bytes before it are padding, which only the digest covers.
		if err := s.openHeader(&slots{}, &head, root); err == nil && !bytes.Equal(head[:headerZero], good[:headerZero]) {
			t.Error("a forged header was opened")
		}
	})
}

// FuzzBackup looks for a panic, and for a backup that is restored without having been made.
func FuzzBackup(f *testing.F) {
	s := newTestStore(f)
	newBuckets(f, s, 2)
	_, err := s.Signer("a")
	check(f, err)
	b := backup(f, s, f.TempDir(), noon)
	good, err := os.ReadFile(b.File)
	check(f, err)
	f.Add(good)
	f.Add(good[:200])
	f.Add([]byte("qingdang key store backup 1\n{\"files\":[{\"name\":\"a\",\"size\":-1}]}\n"))
	f.Add([]byte("qingdang key store backup 1\n{\"files\":[{\"name\":\"../a\",\"size\":0}]}\n0123456789abcdef0123456789abcdef"))
	file := filepath.Join(f.TempDir(), "changed")
	f.Fuzz(func(t *testing.T, content []byte) {
		check(t, os.WriteFile(file, content, 0o600))
		if _, err := Restore(Options{Dir: s.dir}, Restoring{File: file, Now: noon}); err == nil && !bytes.Equal(content, good) {
			t.Error("a forged backup was restored")
		}
	})
}
