package export_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
)

// plainWorld is a world on the engine that is always there.
func plainWorld(t *testing.T) *world {
	t.Helper()
	d, clock := dbtest.New(t)
	return newWorld(t, d, clock)
}

// zipped fetches what the supervisor asked for as an archive that ordinary tools open.
func (w *world) zipped(wish export.Wish) (e *export.Export, data []byte, passphrase string) {
	w.t.Helper()
	wish.Zip = true
	e = w.ready(w.supervisor, wish)
	if w.planted(w.desk.Dir) {
		w.t.Error("the shelf can be read")
	}
	g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
	w.must(err)
	if strings.Trim(g.Passphrase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-") != "" || len(strings.ReplaceAll(g.Passphrase, "-", "")) < 20 {
		w.t.Errorf("%q is no passphrase of 100 bits", g.Passphrase)
	}
	f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
	w.must(err)
	if !g.Zip || g.FileName != e.Code+".zip" || f.Name != g.FileName {
		w.t.Errorf("it is called %s and %s", g.FileName, f.Name)
	}
	var out bytes.Buffer
	_, err = f.WriteTo(&out)
	w.must(err)
	return e, out.Bytes(), g.Passphrase
}

// An export for people without age goes the whole way, and is opened by a tool that anybody has: with the right
// passphrase alone, and not when a byte of it was changed.
func TestAZipIsOpenedByAnOrdinaryTool(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 4)
		e, data, passphrase := w.zipped(w.wish())
		for _, word := range []string{canary, phone, "tb_zhangwei88", extern, w.supervisor.Name, "配合监管"} {
			if bytes.Contains(data, []byte(word)) {
				t.Errorf("%q can be read in the file", word)
			}
		}
		if got := w.now(e); got.State != export.Fetched || got.KeyGoneAt == nil || len(w.shelf()) != 0 {
			t.Errorf("afterwards %+v", got)
		}
		found, err := w.desk.Check(w.ctx(), w.supervisor, bytes.NewReader(data))
		w.must(err)
		if found.Code != e.Code || !found.Whole {
			t.Errorf("the ledger knows the file as %+v", found)
		}
		ours := filepath.Join(t.TempDir(), "ours")
		m, err := export.UnpackZip(bytes.NewReader(data), int64(len(data)), passphrase, ours)
		w.must(err)
		if m.Written != 4 || !m.Complete || len(m.Files) != 2 || m.Root != e.Fingerprint() {
			t.Errorf("manifest %+v", m)
		}
		theirs := t.TempDir()
		if out, err := sevenZip(t, data, passphrase, theirs); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		said := ""
		for _, name := range []string{"manifest.json", "manifest.csv", "README.txt", m.Files[0].Name, m.Files[1].Name} {
			if !strings.Contains(name, e.Code) && strings.HasPrefix(name, "qingdang") {
				t.Errorf("a name tells more than the code: %s", name)
			}
			a, err := os.ReadFile(filepath.Join(ours, name))
			w.must(err)
			b, err := os.ReadFile(filepath.Join(theirs, name))
			w.must(err)
			if !bytes.Equal(a, b) {
				t.Errorf("7-Zip reads another %s", name)
			}
			said += string(b)
		}
		if strings.Count(said, canary) != 4 {
			t.Error("conversations are missing")
		}
		if out, err := sevenZip(t, data, "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF", t.TempDir()); err == nil {
			t.Errorf("a wrong passphrase opens it: %s", out)
		}
		changed := bytes.Clone(data)
		changed[150] ^= 1 // in the body of the first part
		if out, err := sevenZip(t, changed, passphrase, t.TempDir()); err == nil {
			t.Errorf("a changed byte is not seen: %s", out)
		}
		// A connection that ended: nothing of it can be read.
		if _, err := sevenZip(t, data[:len(data)*2/3], "", t.TempDir()); err == nil {
			t.Error("a cut file opens")
		}
	})
}

// Whatever byte of a file is changed: what comes out is the same, or it is refused and nothing stays.
func TestTheReaderOfAZipTrustsNothing(t *testing.T) {
	w := plainWorld(t)
	w.store(w.east, 1)
	_, data, passphrase := w.zipped(w.wish())
	dir := filepath.Join(t.TempDir(), "out")
	open := func(data []byte, passphrase string) error {
		_, err := export.UnpackZip(bytes.NewReader(data), int64(len(data)), passphrase, dir)
		return err
	}
	w.must(open(data, passphrase))
	want := folder(t, dir)
	w.wantFault(open(data, passphrase), "export.open_there")
	w.must(os.RemoveAll(dir))
	w.wantFault(open(data, "AAAA-BBBB"), "export.open_wrong_key")
	w.wantFault(open(data[:len(data)-30], passphrase), "export.open_cut")
	const step = 7 // each try derives keys
	for i := 0; i < len(data); i += step {
		bad := bytes.Clone(data)
		bad[i] ^= 1 << (i % 8)
		if open(bad, passphrase) == nil && !slices.Equal(folder(t, dir), want) {
			t.Fatalf("byte %d changed: something else is unpacked", i)
		} else if _, err := os.Stat(dir); err != nil {
			continue
		}
		w.must(os.RemoveAll(dir))
	}
	var plain bytes.Buffer
	z := zip.NewWriter(&plain)
	_, err := z.Create("manifest.json")
	w.must(errors.Join(err, z.Close()))
	w.wantFault(open(plain.Bytes(), passphrase), "export.open_other_zip")
	if !export.IsZip(data[:4]) || export.IsZip([]byte("age-")) {
		t.Error("not told apart")
	}
}

// Whoever chose it gets it again; a key is for age alone; the second person agrees to it with all else.
func TestAZipHasAPassphrase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 1)
		wish := w.wish()
		wish.Zip, wish.Key = true, "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudcvwzqs3gkzcn"
		_, err := w.desk.Ask(w.ctx(), w.supervisor, wish)
		w.wantFault(err, "export.key_in_zip")
		e, _, _ := w.zipped(w.wish())
		again, err := w.desk.Again(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		g, err := w.desk.Get(w.ctx(), w.supervisor, again.ID)
		w.must(err)
		if !g.Zip || g.FileName() != again.Code+".zip" {
			t.Errorf("asked for again it is %s", g.FileName())
		}
	})
}

// Every format goes into it.
func TestEveryFormatGoesIntoAZip(t *testing.T) {
	w := plainWorld(t)
	w.store(w.east, 1)
	for _, f := range file.Formats {
		wish := w.wish()
		wish.Format = f
		_, data, passphrase := w.zipped(wish)
		m, err := export.UnpackZip(bytes.NewReader(data), int64(len(data)), passphrase, filepath.Join(t.TempDir(), "out"))
		if err != nil || m.Written != 1 || m.Format != string(f) {
			t.Errorf("%s: %+v, %v", f, m, err)
		}
		if bytes.Contains(data, []byte("%PDF-1.")) {
			t.Errorf("%s can be read", f)
		}
	}
}

// A stream that breaks is over, as one of age is: the key is destroyed, and what arrived opens for nobody.
func TestABrokenZipIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 4)
		wish := w.wish()
		wish.Zip = true
		e := w.ready(w.supervisor, wish)
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
		w.must(err)
		got := &breaks{left: 300}
		if _, err := f.WriteTo(got); err == nil {
			t.Fatal("it was sent")
		}
		if now := w.now(e); now.State != export.Fetched || now.KeyGoneAt == nil || now.FileSHA256 != nil || len(w.shelf()) != 0 {
			t.Errorf("%+v", now)
		}
		_, err = export.UnpackZip(bytes.NewReader(got.Bytes()), int64(got.Len()), g.Passphrase, filepath.Join(t.TempDir(), "out"))
		if fault.KindOf(err) != fault.KindInvalid || bytes.Contains(got.Bytes(), []byte(canary)) {
			t.Errorf("what arrived: %v", err)
		}
	})
}

// breaks is a connection that takes so many bytes.
type breaks struct {
	bytes.Buffer
	left int
}

func (b *breaks) Write(p []byte) (int, error) {
	if len(p) > b.left {
		n, _ := b.Buffer.Write(p[:b.left])
		b.left = 0
		return n, os.ErrClosed
	}
	b.left -= len(p)
	return b.Buffer.Write(p)
}

// folder is what lies in one.
func folder(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name()+"\n"+string(b))
	}
	return all
}

// sevenZip unpacks by 7-Zip, under the names that Debian's packages give it.
func sevenZip(t *testing.T, data []byte, passphrase, to string) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("7zz")
	if err != nil {
		tool, err = exec.LookPath("7z")
	}
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("7-Zip is not installed (.ci/prepare installs 7zip)")
	} else if err != nil {
		t.Fatal("7-Zip is not installed")
	}
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "x", "-y", "-p"+passphrase, "-o"+to, path).CombinedOutput()
	return string(out), err
}
