package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The dictionaries by their SHA-256. A line may be added here. None may ever be changed or taken away:
// what was packed with a changed dictionary cannot be unpacked.
var dictionarySums = map[byte]string{
	1: "8aa01c3b259188f2fbddd63e2180607afccb5fae5b602d52cad26d9b87bf4345",
}

func TestDictionariesNeverChange(t *testing.T) {
	all, newest := dictionaries()
	got := map[byte]string{}
	for n, b := range all {
		sum := sha256.Sum256(b)
		got[n] = hex.EncodeToString(sum[:])
		if info, err := zstd.InspectDictionary(b); err != nil || info.ID() != uint32(n) {
			t.Errorf("dict/%d.zstd: %v", n, err)
		}
	}
	if !maps.Equal(got, dictionarySums) {
		t.Errorf("dictionaries %v, want %v", got, dictionarySums)
	}
	if int(newest) != len(all) {
		t.Errorf("newest is %d of %d", newest, len(all))
	}
}

func TestUnpackedIsWhatWasPacked(t *testing.T) {
	noise := make([]byte, 5000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	docs := append(chatDocuments(t, 50, 3), nil, []byte{0}, noise, bytes.Repeat([]byte(talk), 20_000), make([]byte, 3<<20))
	for i, doc := range docs {
		for dictionary := range byte(2) {
			packed, err := PackWith(dictionary, doc)
			check(t, err)
			if packed[0] != dictionary || len(packed) > len(doc)+32 {
				t.Errorf("document %d: dictionary %d, %d bytes of %d", i, packed[0], len(packed), len(doc))
			}
			if got, err := Unpack(packed); err != nil || !bytes.Equal(got, doc) {
				t.Errorf("document %d, dictionary %d: %d bytes of %d, %v", i, dictionary, len(got), len(doc), err)
			}
		}
	}
	if packed, _ := Pack(docs[0]); packed[0] != 1 {
		t.Errorf("packed with dictionary %d, want the newest", packed[0])
	}
}

func TestDictionaryIsWorthItsPlace(t *testing.T) {
	var plain, without, with int
	for _, doc := range chatDocuments(t, 300, 77) {
		a, _ := PackWith(0, doc)
		b, _ := Pack(doc)
		plain, without, with = plain+len(doc), without+len(a), with+len(b)
	}
	t.Logf("%d bytes, %d %% without dictionary, %d %% with", plain, without*100/plain, with*100/plain)
	if with*10 > without*7 {
		t.Errorf("dictionary saves too little: %d against %d", with, without)
	}
}

func TestWhatIsNotPackedIsRefused(t *testing.T) {
	good, err := Pack([]byte(talk))
	check(t, err)
	bomb, err := zstd.NewWriter(nil)
	check(t, err)
	tests := []struct {
		name   string
		packed []byte
		want   error
	}{
		{"nothing", nil, ErrTampered},
		{"a dictionary only", []byte{1}, ErrTampered},
		{"a cut frame", good[:len(good)-3], ErrTampered},
		{"bytes behind the frame", append(bytes.Clone(good), 1, 2, 3), ErrTampered},
		{"a second frame", append(bytes.Clone(good), good[1:]...), ErrTampered},
		{"a second frame of one byte", append(bytes.Clone(good), "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00x"...), ErrTampered},
		{"text", []byte("\x00plain text"), ErrTampered},
		{"a skippable frame", []byte("\x00\x50\x2a\x4d\x18\x01\x00\x00\x00x"), ErrTampered},
		{"more than MaxDocument", bomb.EncodeAll(make([]byte, MaxDocument+1), []byte{0}), ErrTooLarge},
		{"64 MiB claimed by a few bytes", []byte("\x00\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x04\x01\x00\x00"), ErrTampered},
	}
	for _, tt := range tests {
		if got, err := Unpack(tt.packed); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: %d bytes, %v, want %v", tt.name, len(got), err, tt.want)
		}
	}
	var unknown *FormatError
	if _, err := Unpack(append([]byte{200}, good[1:]...)); !errors.As(err, &unknown) || unknown.Got != 200 {
		t.Errorf("dictionary 200 = %v", err)
	}
	if _, err := PackWith(200, nil); !errors.As(err, &unknown) {
		t.Errorf("packing with dictionary 200 = %v", err)
	}
	if _, err := Pack(make([]byte, MaxDocument+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("packing more than MaxDocument = %v", err)
	}
}

// A frame of n bytes must not make Unpack take more than a block per four bytes of it.
func TestUnpackTakesLittleForLittle(t *testing.T) {
	claim := []byte("\x00\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x04\x01\x00\x00")
	Unpack(claim)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		Unpack(claim)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("100 forged frames of 64 MiB took %d bytes", took)
	}
}
