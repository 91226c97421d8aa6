package seal

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"
)

// TestGoldenBytes holds every stored format to the bytes in testdata/golden.txt. They are never changed:
// whoever needs other bytes adds a version and new lines. Compressed bytes may differ between builds of
// the encoder, so that the packed document is only held to be readable.
func TestGoldenBytes(t *testing.T) {
	want := map[string][]byte{}
	for _, line := range readLines(t, "testdata/golden.txt") {
		name, value, _ := strings.Cut(string(line), " ")
		b, err := hex.DecodeString(value)
		check(t, err)
		want[name] = b
	}
	compare := func(name string, got []byte) {
		t.Helper()
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s %x\nwant %x", name, got, want[name])
		}
	}

	o := Options{Dir: t.TempDir(), Create: true, Root: bytes.Repeat([]byte{7}, 32), Now: func() time.Time { return noon }}
	s := newStore(o)
	s.random = fixed()
	check(t, s.open(o))
	defer s.Close()

	ids := newBuckets(t, s, 2)
	var sl slot
	check(t, s.readSlot(ids[0], &sl))
	compare("slot-live", sl[:])
	for _, suite := range suites {
		aad := AAD{Suite: suite, Record: 1<<40 + 9, Version: 2, Department: 3}
		name := "suite-" + string('0'+byte(suite))
		sealed := mustSeal(t, s, ids[0], aad, []byte(talk))
		compare(name+"-body", sealed.Body)
		compare(name+"-key", sealed.Wrapped)
		got, err := s.Open(ids[0], aad, Sealed{want[name+"-body"], want[name+"-key"]})
		if err != nil || string(got) != talk {
			t.Errorf("%s: stored bytes open as %q, %v", name, got, err)
		}
	}
	check(t, s.Destroy(ids[1]))
	check(t, s.readSlot(ids[1], &sl))
	compare("slot-destroyed", sl[:])
	sum := s.MAC("customer", []byte("a"), []byte("bc"))
	compare("mac", sum[:])
	compare("small", s.SealSmall("totp", []byte("4"), []byte("JBSWY3DPEHPK3PXP")))
	signer, err := s.Signer("qingdang.local/audit")
	check(t, err)
	compare("signer", []byte(signer.Public()))
	var head slot
	_, err = s.slots.file.ReadAt(head[:], 0)
	check(t, err)
	compare("slots-header", head[:])
	backup := backup(t, s, t.TempDir(), noon)
	content, err := os.ReadFile(backup.File)
	check(t, err)
	compare("backup", content)
	check(t, s.writeRegister(register{Lives: []life{{Days: 7}}, Backups: []Backup{{File: "/b", MadeAt: noon, ExpiresAt: noon.Add(day)}}}))
	content, err = os.ReadFile(s.path(registerFile))
	check(t, err)
	compare("register", content)
	_, err = s.RotateRoot(bytes.Repeat([]byte{8}, 32))
	check(t, err)
	check(t, s.readSlot(ids[0], &sl))
	compare("slot-rotated", sl[:])
	for _, name := range []string{"packed-0", "packed-1"} {
		if got, err := Unpack(want[name]); err != nil || string(got) != talk {
			t.Errorf("%s unpacks as %q, %v", name, got, err)
		}
	}
}

// The key, nonce, text and tag of RFC 8998, appendix A.1: our SM4-GCM is everybody's SM4-GCM.
func TestSM4GCMOfRFC8998(t *testing.T) {
	raw := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	plain := raw("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd" +
		"eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")
	want := raw("17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735" +
		"d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d" + "83de3541e4c2b58177e065a9bf7b62ec")
	got := sm4GCM(raw("0123456789abcdeffedcba9876543210")).Seal(nil, raw("00001234567800000000abcd"), plain,
		raw("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
	if !bytes.Equal(got, want) {
		t.Errorf("SM4-GCM = %x, want %x", got, want)
	}
}
