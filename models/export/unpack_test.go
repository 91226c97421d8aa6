package export_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"qingdang/models/export"
	"qingdang/models/export/file"
)

// Every format goes the whole way: asked for, written, fetched, unpacked by the official reader.
func TestEveryFormatGoesTheWholeWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 4)
		w.desk.PartSize = 0
		begins := map[file.Format]string{file.PDF: "%PDF-", file.XLSX: "PK", file.CSV: "\uFEFF", file.JSON: "[", file.JSONL: "{"}
		for _, f := range file.Formats {
			wish := w.wish()
			wish.Format = f
			e := w.ready(w.supervisor, wish)
			if w.planted(w.desk.Dir) || len(w.shelf()) != 1 {
				t.Errorf("%s: the shelf holds %v", f, w.shelf())
			}
			dir, m := w.unpackTo(e)
			if m.Written != 4 || !m.Complete || m.Messages != 8 || len(m.Files) != 1 {
				t.Errorf("%s: %+v", f, m)
			}
			b, err := os.ReadFile(filepath.Join(dir, m.Files[0].Name))
			w.must(err)
			if !bytes.HasPrefix(b, []byte(begins[f])) || !strings.HasSuffix(m.Files[0].Name, f.Ext()) {
				t.Errorf("%s begins with %.8q", m.Files[0].Name, b)
			}
		}
	})
}

// unpackTo fetches an export of the supervisor and opens it with the official reader.
func (w *world) unpackTo(e *export.Export) (dir string, m *export.Manifest) {
	w.t.Helper()
	data, key := w.sent(e)
	dir = filepath.Join(w.t.TempDir(), "out")
	m, err := export.Unpack(bytes.NewReader(data), int64(len(data)), []age.Identity{key}, dir)
	w.must(err)
	return dir, m
}

// sent gives the file as it leaves, and what opens it.
func (w *world) sent(e *export.Export) ([]byte, age.Identity) {
	w.t.Helper()
	g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
	w.must(err)
	f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
	w.must(err)
	var out bytes.Buffer
	_, err = f.WriteTo(&out)
	w.must(err)
	key, err := age.NewScryptIdentity(g.Passphrase)
	w.must(err)
	return out.Bytes(), key
}

// The reader names what does not fit, keeps nothing of it, and writes over nothing.
func TestTheReaderTrustsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 4)
		data, key := w.sent(w.ready(w.supervisor, w.wish()))
		dir := filepath.Join(t.TempDir(), "out")
		open := func(data []byte, key age.Identity) error {
			_, err := export.Unpack(bytes.NewReader(data), int64(len(data)), []age.Identity{key}, dir)
			return err
		}
		wrong, err := age.NewScryptIdentity("AAAA-BBBB")
		w.must(err)
		w.wantFault(open(data, wrong), "export.open_wrong_key")
		cut := bytes.Clone(data)
		cut[len(cut)/2] ^= 1
		if open(cut, key) == nil {
			t.Error("a changed file opens")
		}
		files := w.unpack(data, key)
		to, err := age.NewScryptRecipient("x")
		w.must(err)
		to.SetWorkFactor(10)
		own, err := age.NewScryptIdentity("x")
		w.must(err)
		pack := func(change func(map[string]string)) []byte {
			all := map[string]string{}
			for n, s := range files {
				all[n] = s
			}
			change(all)
			var out bytes.Buffer
			sealed, err := age.Encrypt(&out, to)
			w.must(err)
			z := zip.NewWriter(sealed)
			for n, s := range all {
				e, err := z.Create(n)
				w.must(err)
				_, err = e.Write([]byte(s))
				w.must(err)
			}
			w.must(z.Close())
			w.must(sealed.Close())
			return out.Bytes()
		}
		for name, change := range map[string]func(map[string]string){
			"a changed part": func(m map[string]string) { m["qingdang-"+w.code()+"-001.jsonl"] += " " },
			"a missing part": func(m map[string]string) { delete(m, "qingdang-"+w.code()+"-002.jsonl") },
			"a changed list": func(m map[string]string) { m["manifest.csv"] = strings.Replace(m["manifest.csv"], "\n1,", "\n9,", 1) },
			"another root": func(m map[string]string) {
				m["manifest.json"] = strings.Replace(m["manifest.json"], `"root": "`, `"root": "0`, 1)
			},
			"a way out":        func(m map[string]string) { m["../../evil"] = "x" },
			"no manifest":      func(m map[string]string) { delete(m, "manifest.json") },
			"something more":   func(m map[string]string) { m["setup.exe"] = "x" },
			"a folder":         func(m map[string]string) { m["a/b"] = "x" },
			"a name of a disk": func(m map[string]string) { m["/tmp/evil"] = "x" },
		} {
			w.wantFault(open(pack(change), own), "export.open_changed")
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Fatalf("%s: something was left", name)
			}
		}
		w.must(open(pack(func(map[string]string) {}), own))
		w.wantFault(open(data, key), "export.open_there")
	})
}

// code is that of the only export.
func (w *world) code() string {
	w.t.Helper()
	page, err := w.desk.List(w.ctx(), w.supervisor, export.Query{Size: 1})
	w.must(err)
	return page.Rows[0].Code
}
