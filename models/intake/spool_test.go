package intake

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"

	"qingdang/models/fault"
)

func TestASpoolGivesBackWhatWasPutIn(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, spoolBlock - 1, spoolBlock, spoolBlock + 1, 3*spoolBlock + 77} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(rand.Uint32())
		}
		name := newSpool()
		key, n, err := writeSpool(dir, name, iotest.HalfReader(bytes.NewReader(want)), 1<<30)
		if err != nil || n != int64(size) {
			t.Fatalf("%d bytes: %d, %v", size, n, err)
		}
		s, err := openSpool(dir, name, key, n)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(io.NewSectionReader(s, 0, n)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
		for range 50 {
			if size == 0 {
				break
			}
			off, part := rand.IntN(size), make([]byte, rand.IntN(2*spoolBlock))
			n, err := s.ReadAt(part, int64(off))
			end := min(off+len(part), size)
			if !bytes.Equal(part[:n], want[off:end]) || (err == io.EOF) != (off+len(part) > size) {
				t.Errorf("%d at %d of %d: %d, %v", len(part), off, size, n, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAChangedSpoolIsNotRead(t *testing.T) {
	dir, name := t.TempDir(), newSpool()
	key, n, err := writeSpool(dir, name, bytes.NewReader(make([]byte, 2*spoolBlock)), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		s, err := openSpool(dir, name, key, n)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = io.ReadAll(io.NewSectionReader(s, 0, n))
		return err
	}
	file := spoolPath(dir, name)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	half := len(whole) / 2
	for what, changed := range map[string][]byte{
		"a bit turned": append(append(bytes.Clone(whole[:100]), whole[100]^1), whole[101:]...), "blocks swapped": append(bytes.Clone(whole[half:]), whole[:half]...), "cut off": whole[:half],
	} {
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if read() == nil {
			t.Errorf("read with %s", what)
		}
	}
	if err := removeSpool(dir, name); err != nil {
		t.Fatal(err)
	}
	if err := read(); fault.KindOf(err) != fault.KindGone {
		t.Errorf("a lost spool: %v", err)
	}
}
