package aeszip_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"qingdang/models/export/aeszip"
)

const password = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX"

var made = time.Date(2026, 11, 22, 9, 41, 58, 0, time.UTC)

// entry is a file of an archive.
type entry struct {
	name string
	by   uint16
	text []byte
}

// entries are empty, of one byte, around the sizes of a block and of the pad, large, and stored as well as deflated.
func entries() (all []entry) {
	for _, n := range []int{0, 1, 15, 16, 17, 4095, 4096, 4097, 300_000} {
		text := bytes.Repeat([]byte("CANARY-灯笼 "), n/14+1)[:n]
		all = append(all, entry{fmt.Sprintf("stored-%d.txt", n), zip.Store, text}, entry{fmt.Sprintf("deflated-%d.txt", n), zip.Deflate, text})
	}
	return all
}

func archive(t testing.TB, all []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := aeszip.NewWriter(&out, password)
	for _, e := range all {
		w, err := z.Create(e.name, e.by, made)
		if err == nil {
			// In uneven pieces: what is sealed must not depend on how it comes.
			_, err = io.Copy(struct{ io.Writer }{w}, iotest.HalfReader(bytes.NewReader(e.text)))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read gives what our reader reads, by name.
func read(data []byte, password string) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := aeszip.Open(f, password)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		out[f.Name] = b
	}
	return out, nil
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	all := entries()
	data := archive(t, all)
	if bytes.Contains(data, []byte("CANARY")) || bytes.Contains(data, []byte("灯笼")) {
		t.Error("the plain text can be read")
	}
	got, err := read(data, password)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if !bytes.Equal(got[e.name], e.text) {
			t.Errorf("%s: %d bytes of %d", e.name, len(got[e.name]), len(e.text))
		}
	}
	if _, err := read(data, password+"x"); !errors.Is(err, aeszip.ErrPassword) && !errors.Is(err, aeszip.ErrChanged) {
		t.Errorf("another password: %v", err)
	}
	if again := archive(t, all); bytes.Equal(again[:200], data[:200]) {
		t.Error("two archives are sealed alike")
	}
}

// Every byte of a small archive is changed: nothing else than what was written is ever read.
func TestAChangedByteIsRefusedOrChangesNothing(t *testing.T) {
	all := []entry{{"a.txt", zip.Deflate, []byte(strings.Repeat("甲方说", 30))}, {"b.txt", zip.Store, []byte("一二三")}}
	data := archive(t, all)
	want := []string{string(all[0].text), string(all[1].text)}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		got, err := read(bad, password)
		if err == nil && inBody(t, data, int64(i)) {
			t.Errorf("byte %d of a body changed: not refused", i)
		}
		// Names are not under the code: a manifest inside says what belongs to which.
		for name, b := range got {
			if !slices.Contains(want, string(b)) {
				t.Errorf("byte %d changed: %s reads %q", i, name, b)
			}
		}
	}
}

// inBody tells whether a byte belongs to salt, check value, sealed body or code of a file.
func inBody(t *testing.T, data []byte, at int64) bool {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(z.File, func(f *zip.File) bool {
		begin, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		return at >= begin && at < begin+int64(f.CompressedSize64)
	})
}

func TestOtherArchivesAreTold(t *testing.T) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("a.txt")
	if err == nil {
		_, err = w.Write([]byte("x"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := read(out.Bytes(), password); !errors.Is(err, aeszip.ErrOther) {
		t.Errorf("an archive that nobody sealed: %v", err)
	}
	if _, err := aeszip.NewWriter(io.Discard, password).Create("a", 12, made); err == nil {
		t.Error("bzip2 was let through")
	}
}

// The memory that a large file takes does not grow with it.
func TestALargeFileIsAStream(t *testing.T) {
	z := aeszip.NewWriter(io.Discard, password)
	w, err := z.Create("large.bin", zip.Deflate, made)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 64 {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
		t.Errorf("%d bytes are kept after 64 MiB", grown)
	}
}

// 7-Zip opens what we write with the right password, and with nothing else.
func TestAnOrdinaryToolOpensIt(t *testing.T) {
	all := entries()
	data := archive(t, all)
	dir := t.TempDir()
	if out, err := sevenZip(t, data, password, dir); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, e := range all {
		got, err := os.ReadFile(filepath.Join(dir, e.name))
		if err != nil || !bytes.Equal(got, e.text) {
			t.Errorf("%s: %d bytes of %d, %v", e.name, len(got), len(e.text), err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, all[0].name)); err != nil || info.ModTime().Format("20060102150405") != "20261122094158" {
		t.Errorf("its time is %v, %v", info, err)
	}
	if out, err := sevenZip(t, data, password[1:], t.TempDir()); err == nil || !strings.Contains(out, "Wrong password") {
		t.Errorf("a wrong password: %v: %s", err, out)
	}
	changed := bytes.Clone(data)
	changed[len(changed)/2] ^= 1 // inside of the largest body
	if out, err := sevenZip(t, changed, password, t.TempDir()); err == nil {
		t.Errorf("a changed byte: %s", out)
	}
	if out, err := sevenZip(t, data[:len(data)/2], password, t.TempDir()); err == nil {
		t.Errorf("half of it: %s", out)
	}
}

// Sizes above 4 GiB stand in ZIP64 fields that archive/zip writes.
func TestAFileAbove4GiB(t *testing.T) {
	if os.Getenv("QINGDANG_TEST_TIER") != "long" {
		t.Skip("of the long tier")
	}
	path := filepath.Join(t.TempDir(), "large.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := aeszip.NewWriter(out, password)
	w, err := z.Create("large.bin", zip.Deflate, made)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range 4097 {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), tool(t), "t", "-p"+password, path).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "Size:       4296015872") {
		t.Errorf("%v: %s", err, said)
	}
}

// tool is 7-Zip, by the names that Debian's packages give it.
func tool(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"7zz", "7z"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("7-Zip is not installed")
	}
	t.Skip("7-Zip is not installed (.ci/prepare installs 7zip)")
	return ""
}

func sevenZip(t *testing.T, data []byte, password, to string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool(t), "x", "-y", "-p"+password, "-o"+to, path).CombinedOutput()
	return string(out), err
}
