package seal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var suites = []Suite{AES256GCM, SM4GCM, Cascade}

const talk = `{"m":[{"i":"7","s":"c","t":1700000000,"k":"text","x":"订单什么时候发货？"}]}`

// noon is what the clock of these tests says.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fixed yields the same bytes for each Store of the tests that compare ciphertexts.
func fixed() func([]byte) {
	r := rand.NewChaCha8([32]byte{20})
	return func(b []byte) { r.Read(b) }
}

func newTestStore(t testing.TB) *Store {
	t.Helper()
	return reopen(t, Options{Dir: t.TempDir(), Create: true, Now: func() time.Time { return noon }})
}

func reopen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := OpenStore(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newBuckets(t testing.TB, s *Store, n int) []uint64 {
	t.Helper()
	ids, err := s.NewBuckets(n)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func mustSeal(t testing.TB, s *Store, bucket uint64, aad AAD, plain []byte) Sealed {
	t.Helper()
	sealed, err := s.Seal(bucket, aad, plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedOpensAsItWas(t *testing.T) {
	s := newTestStore(t)
	bucket := newBuckets(t, s, 1)[0]
	for _, suite := range suites {
		for _, size := range []int{0, 1, 15, 16, 17, 300, 70_000} {
			plain := bytes.Repeat([]byte{'x'}, size)
			aad := AAD{Suite: suite, Record: 9, Version: 2, Department: 3}
			sealed := mustSeal(t, s, bucket, aad, plain)
			got, err := s.Open(bucket, aad, sealed)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%v, %d bytes: %d bytes, %v", suite, size, len(got), err)
			}
			if len(sealed.Wrapped) != WrappedSize || len(sealed.Body) > size+MaxOverhead {
				t.Errorf("%v: body grew by %d, wrapped key is %d", suite, len(sealed.Body)-size, len(sealed.Wrapped))
			}
			again := mustSeal(t, s, bucket, aad, plain)
			if bytes.Equal(again.Wrapped, sealed.Wrapped) || bytes.Equal(again.Body, sealed.Body) {
				t.Errorf("%v: sealing twice gave the same bytes", suite)
			}
		}
	}
	tooLarge := make([]byte, MaxDocument+1)
	if _, err := s.Seal(bucket, AAD{}, tooLarge); !errors.Is(err, ErrTooLarge) {
		t.Errorf("sealing more than MaxDocument = %v", err)
	}
}

func TestSuiteIsTheStoresUnlessNamed(t *testing.T) {
	for _, want := range suites {
		s := reopen(t, Options{Dir: t.TempDir(), Create: true, Suite: want})
		sealed := mustSeal(t, s, newBuckets(t, s, 1)[0], AAD{Record: 1}, []byte(talk))
		if got, err := bodySuite(sealed.Body); got != want || err != nil {
			t.Errorf("suite = %v, %v, want %v", got, err, want)
		}
	}
	if s := newTestStore(t); s.suite != Cascade {
		t.Errorf("default suite = %v, want the cascade", s.suite)
	}
	var unknown *FormatError
	if _, err := OpenStore(Options{Dir: t.TempDir(), Create: true, Suite: 4}); !errors.As(err, &unknown) {
		t.Errorf("suite 4 = %v, want a FormatError", err)
	}
}

func TestBodyBelongsToOneRecordOnly(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 2)
	for _, suite := range suites {
		own := AAD{Suite: suite, Record: 9, Version: 2, Department: 3}
		sealed := mustSeal(t, s, ids[0], own, []byte(talk))
		tests := []struct {
			name   string
			bucket uint64
			aad    AAD
		}{
			{"another record", ids[0], AAD{Suite: suite, Record: 10, Version: 2, Department: 3}},
			{"another version", ids[0], AAD{Suite: suite, Record: 9, Version: 1, Department: 3}},
			{"another department", ids[0], AAD{Suite: suite, Record: 9, Version: 2, Department: 4}},
			{"another table", ids[0], AAD{Kind: 1, Suite: suite, Record: 9, Version: 2, Department: 3}},
			{"another suite", ids[0], AAD{Suite: suite%3 + 1, Record: 9, Version: 2, Department: 3}},
			{"another bucket", ids[1], own},
		}
		for _, tt := range tests {
			if got, err := s.Open(tt.bucket, tt.aad, sealed); !errors.Is(err, ErrTampered) || got != nil {
				t.Errorf("%v as %s: %q, %v", suite, tt.name, got, err)
			}
		}
		other := mustSeal(t, s, ids[0], AAD{Suite: suite, Record: 10, Version: 2, Department: 3}, []byte(talk))
		if _, err := s.Open(ids[0], own, Sealed{Body: other.Body, Wrapped: sealed.Wrapped}); !errors.Is(err, ErrTampered) {
			t.Errorf("%v: body of another record: %v", suite, err)
		}
		if _, err := s.Open(ids[0], own, Sealed{Body: sealed.Body, Wrapped: other.Wrapped}); !errors.Is(err, ErrTampered) {
			t.Errorf("%v: key of another record: %v", suite, err)
		}
		own.Suite = 0
		if _, err := s.Open(ids[0], own, sealed); err != nil {
			t.Errorf("%v: without naming the suite: %v", suite, err)
		}
	}
}

func TestEveryBitCounts(t *testing.T) {
	s := newTestStore(t)
	bucket := newBuckets(t, s, 1)[0]
	for _, suite := range suites {
		aad := AAD{Record: 9, Version: 2, Department: 3}
		sealed := mustSeal(t, s, bucket, AAD{Suite: suite, Record: 9, Version: 2, Department: 3}, []byte(talk))
		for _, part := range [][]byte{sealed.Body, sealed.Wrapped} {
			for bit := range len(part) * 8 {
				part[bit/8] ^= 1 << (bit % 8)
				got, err := s.Open(bucket, aad, sealed)
				if err == nil || got != nil {
					t.Fatalf("%v: opened with bit %d flipped", suite, bit)
				}
				if strings.Contains(err.Error(), "订单") {
					t.Fatalf("error %q holds plaintext", err)
				}
				part[bit/8] ^= 1 << (bit % 8)
			}
		}
		for cut := range len(sealed.Body) {
			if _, err := s.Open(bucket, aad, Sealed{sealed.Body[:cut], sealed.Wrapped}); err == nil {
				t.Fatalf("%v: opened when cut to %d bytes", suite, cut)
			}
		}
		if _, err := s.Open(bucket, aad, sealed); err != nil {
			t.Errorf("%v: whole again, and still %v", suite, err)
		}
	}
}

func TestNewerFormatsAreNamed(t *testing.T) {
	s := newTestStore(t)
	bucket := newBuckets(t, s, 1)[0]
	aad := AAD{Record: 9}
	change := func(part func(*Sealed) []byte, at int, to byte) error {
		sealed := mustSeal(t, s, bucket, aad, []byte(talk))
		part(&sealed)[at] = to
		_, err := s.Open(bucket, aad, sealed)
		return err
	}
	body := func(x *Sealed) []byte { return x.Body }
	key := func(x *Sealed) []byte { return x.Wrapped }
	tests := []struct {
		err  error
		want FormatError
	}{
		{change(body, 0, 2), FormatError{"body version", 2}},
		{change(body, 1, 0), FormatError{"suite", 0}},
		{change(body, 1, 9), FormatError{"suite", 9}},
		{change(key, 0, 7), FormatError{"key version", 7}},
	}
	for _, tt := range tests {
		var got *FormatError
		if !errors.As(tt.err, &got) || *got != tt.want {
			t.Errorf("error = %v, want %v", tt.err, &tt.want)
		}
	}
}

// The suite is chosen for the installation and written into every record, so that a store holds records
// of all three and the setting may change.
func TestRecordsOfEverySuiteLiveTogether(t *testing.T) {
	dir := t.TempDir()
	var bucket uint64
	var sealed []Sealed
	aad := func(i int) AAD { return AAD{Record: uint64(i + 1), Version: 1, Department: 3} }
	for i, suite := range suites {
		s := reopen(t, Options{Dir: dir, Create: true, Suite: suite})
		if i == 0 {
			bucket = newBuckets(t, s, 1)[0]
		}
		sealed = append(sealed, mustSeal(t, s, bucket, aad(i), []byte(talk)))
	}
	for _, setting := range suites {
		s := reopen(t, Options{Dir: dir, Suite: setting})
		for i, suite := range suites {
			if got, err := s.Open(bucket, aad(i), sealed[i]); err != nil || string(got) != talk {
				t.Errorf("%v while the setting is %v: %q, %v", suite, setting, got, err)
			}
			for _, other := range suites {
				if other == suite {
					continue
				}
				swapped := Sealed{Body: bytes.Clone(sealed[i].Body), Wrapped: sealed[i].Wrapped}
				swapped.Body[1] = byte(other)
				if _, err := s.Open(bucket, aad(i), swapped); !errors.Is(err, ErrTampered) {
					t.Errorf("%v relabelled as %v: %v", suite, other, err)
				}
			}
			if suite == Cascade { // relabelled and its first nonce taken out, the outer layer is a whole SM4 body
				outer := Sealed{Body: slices.Concat([]byte{bodyVersion, byte(SM4GCM)}, sealed[i].Body[2+nonceSize:]), Wrapped: sealed[i].Wrapped}
				if got, err := s.Open(bucket, aad(i), outer); !errors.Is(err, ErrTampered) {
					t.Errorf("the outer layer of the cascade opens alone: %x, %v", got, err)
				}
			}
		}
		if _, err := s.RotateRoot(nil); err != nil {
			t.Fatal(err)
		}
	}
}
