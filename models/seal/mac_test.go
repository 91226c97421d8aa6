package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestMACKeepsPurposesAndPartsApart(t *testing.T) {
	s, other := newTestStore(t), newTestStore(t)
	p := func(parts ...string) (b [][]byte) {
		for _, part := range parts {
			b = append(b, []byte(part))
		}
		return b
	}
	seen := map[[32]byte]string{}
	for _, tt := range []struct {
		name    string
		store   *Store
		purpose string
		parts   [][]byte
	}{
		{"one", s, "customer", p("ab", "c")},
		{"a border moved", s, "customer", p("a", "bc")},
		{"joined", s, "customer", p("abc")},
		{"an empty part more", s, "customer", p("ab", "c", "")},
		{"no part", s, "customer", nil},
		{"an empty part", s, "customer", p("")},
		{"another purpose", s, "tombstone", p("ab", "c")},
		{"a purpose that continues another", s, "customer2", p("ab", "c")},
		{"another store", other, "customer", p("ab", "c")},
	} {
		sum := tt.store.MAC(tt.purpose, tt.parts...)
		if twin, ok := seen[sum]; ok {
			t.Errorf("%q equals %q", tt.name, twin)
		}
		seen[sum] = tt.name
		if again := tt.store.MAC(tt.purpose, tt.parts...); again != sum {
			t.Errorf("%q: not the same twice", tt.name)
		}
	}
	again := reopen(t, Options{Dir: s.dir})
	if again.MAC("customer", p("ab", "c")...) != s.MAC("customer", p("ab", "c")...) {
		t.Error("not the same after opening the store again")
	}
}

func TestSmallSecrets(t *testing.T) {
	s := newTestStore(t)
	sealed := s.SealSmall("totp", []byte("person 4"), []byte("JBSWY3DPEHPK3PXP"))
	got, err := reopen(t, Options{Dir: s.dir}).OpenSmall("totp", []byte("person 4"), sealed)
	if err != nil || string(got) != "JBSWY3DPEHPK3PXP" {
		t.Fatalf("opened %q, %v", got, err)
	}
	if _, err := s.OpenSmall("totp", []byte("person 5"), sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("for another person: %v", err)
	}
	if _, err := s.OpenSmall("webhook", []byte("person 4"), sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("for another purpose: %v", err)
	}
	for bit := range len(sealed) * 8 {
		sealed[bit/8] ^= 1 << (bit % 8)
		if _, err := s.OpenSmall("totp", []byte("person 4"), sealed); err == nil {
			t.Fatalf("opened with bit %d flipped", bit)
		}
		sealed[bit/8] ^= 1 << (bit % 8)
	}
	for cut := range sealed {
		if _, err := s.OpenSmall("totp", []byte("person 4"), sealed[:cut]); err == nil {
			t.Fatalf("opened when cut to %d bytes", cut)
		}
	}
}

func TestSignerSignsNotes(t *testing.T) {
	s := newTestStore(t)
	signer, err := s.Signer("qingdang.local/audit")
	check(t, err)
	signed, err := note.Sign(&note.Note{Text: "qingdang.local/audit\n12\nroot\n"}, signer)
	check(t, err)

	again, err := reopen(t, Options{Dir: s.dir}).Signer("qingdang.local/audit")
	check(t, err)
	if again.Public() != signer.Public() || !strings.HasPrefix(signer.Public(), "qingdang.local/audit+") {
		t.Errorf("public key %s, and %s the second time", signer.Public(), again.Public())
	}
	other, err := s.Signer("qingdang.local/audit/2")
	check(t, err)
	for _, tt := range []struct {
		public string
		good   bool
	}{{signer.Public(), true}, {other.Public(), false}} {
		verifier, err := note.NewVerifier(tt.public)
		check(t, err)
		if _, err := note.Open(signed, note.VerifierList(verifier)); (err == nil) != tt.good {
			t.Errorf("verified by %s: %v", tt.public, err)
		}
	}
	for _, name := range []string{"", "two words", "a+b"} {
		if _, err := s.Signer(name); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
}

func TestSignerFileIsSealedAndBelongsToItsName(t *testing.T) {
	s := newTestStore(t)
	_, err := s.Signer("a")
	check(t, err)
	check(t, os.Rename(s.path("signer-a.key"), s.path("signer-b.key")))
	if _, err := s.Signer("b"); !errors.Is(err, ErrTampered) {
		t.Errorf("key of another name = %v", err)
	}
	files, err := filepath.Glob(s.path("signer-*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files = %v, %v: a key that does not open must not be replaced", files, err)
	}
}
