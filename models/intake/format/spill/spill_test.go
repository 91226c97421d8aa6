package spill

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

func key(n uint64) (k Key) {
	binary.BigEndian.PutUint64(k[:], n*7919%1000)
	binary.BigEndian.PutUint64(k[16:], n)
	return k
}

// fill adds n records of a marked text; the text of record i is i%97 marks long, with a few large ones.
func fill(t *testing.T, s *Sorter, n int) {
	t.Helper()
	for i := range n {
		times := i % 97
		if i%500 == 0 {
			times = 40_000
		}
		payload := fmt.Appendf(nil, "%d:%s", i, bytes.Repeat([]byte("PLAINTEXT"), times))
		if err := s.Add(key(uint64(i)), payload); err != nil {
			t.Fatal(err)
		}
	}
}

func drain(t *testing.T, s *Sorter) (keys []Key, sum int) {
	t.Helper()
	err := s.Each(func(k Key, b []byte) error {
		n := binary.BigEndian.Uint64(k[16:])
		if !bytes.HasPrefix(b, fmt.Appendf(nil, "%d:", n)) {
			t.Fatalf("record %d came back as %.20q", n, b)
		}
		keys, sum = append(keys, k), sum+len(b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, sum
}

func TestRecordsComeBackInOrderWhereverTheyLay(t *testing.T) {
	memory := New(t.TempDir(), 1<<30)
	fill(t, memory, 3000)
	want, sum := drain(t, memory)
	if len(want) != 3000 || memory.Spilled() != 0 {
		t.Fatalf("%d records, %d runs", len(want), memory.Spilled())
	}
	for i := 1; i < len(want); i++ {
		if bytes.Compare(want[i-1][:], want[i][:]) >= 0 {
			t.Fatalf("record %d is out of order", i)
		}
	}
	for _, budget := range []int{1, 1000, 60_000, 2 << 20} {
		s := New(t.TempDir(), budget)
		fill(t, s, 3000)
		got, n := drain(t, s)
		if n != sum || len(got) != len(want) {
			t.Errorf("budget %d: %d records of %d bytes, want %d of %d", budget, len(got), n, len(want), sum)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("budget %d: record %d is another", budget, i)
			}
		}
		if s.Spilled() < 2 {
			t.Errorf("budget %d: %d runs; the test wants several", budget, s.Spilled())
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func TestNothingIsReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := New(dir, 10_000)
	fill(t, s, 1000)
	b := make([]byte, s.file.end)
	if _, err := s.file.f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if len(b) < 100_000 {
		t.Fatalf("the file has %d bytes only; the test proves nothing", len(b))
	}
	if bytes.Contains(b, []byte("PLAIN")) || bytes.Contains(b, []byte("TEXTPL")) {
		t.Error("plain text lies in the temporary file")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the temporary file has a name: %v", left)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAChangedFileIsNoticed(t *testing.T) {
	s := New(t.TempDir(), 10_000)
	defer s.Close()
	fill(t, s, 1000)
	one := []byte{0}
	at := rand.Int64N(s.file.end-100) + 50
	if _, err := s.file.f.ReadAt(one, at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 0x10
	if _, err := s.file.f.WriteAt(one, at); err != nil {
		t.Fatal(err)
	}
	if err := s.Each(func(Key, []byte) error { return nil }); err == nil {
		t.Errorf("a bit changed at %d and nobody noticed", at)
	}
}

func TestAFileThatWasCutShortIsNoticed(t *testing.T) {
	s := New(t.TempDir(), 10_000)
	defer s.Close()
	fill(t, s, 1000)
	if err := s.file.f.Truncate(s.file.end / 2); err != nil {
		t.Fatal(err)
	}
	s.items = nil // or the last run would be written behind the gap
	if err := s.Each(func(Key, []byte) error { return nil }); err == nil {
		t.Error("half of the records are gone and nobody noticed")
	}
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	s := New(t.TempDir()+"/none", 1)
	if err := errors.Join(s.Add(key(1), []byte("a")), s.Add(key(2), []byte("b"))); err == nil {
		t.Error("no error")
	}
}
