package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// An export of what is to be purged, made by the worker as it is wired: the request names it, the command
// line opens it, and every promise is kept.
func TestAnExportOfABatchIsNamedAndOpened(t *testing.T) {
	for _, engine := range []string{"sqlite", "mysql"} {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			a := w.app
			by := accounttest.User(t, a.db, a.accounts, account.Supervisor, w.department)
			key, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			e, err := a.exports.Ask(t.Context(), by, export.Wish{
				Selection: export.Selection{Kind: export.OfBatch, Batch: w.batch}, Format: file.JSONL, Purpose: "批量删除前备份", Key: key.Recipient().String(),
			})
			if err != nil {
				t.Fatal(err)
			}
			only := map[string]job.Runner{export.JobRun: a.runners()[export.JobRun], jobExports: a.runners()[jobExports]}
			if err := job.Work(t.Context(), a.db, "worker", only, job.Options{Once: true}); err != nil {
				t.Fatal(err)
			}
			named := func() []purge.ReachItem {
				t.Helper()
				g, err := a.purges.Get(t.Context(), by, w.request)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range g.Reach {
					if r.Copy == purge.CopyExports {
						return r.Items
					}
				}
				return nil
			}
			if got := named(); len(got) != 1 || got[0].Name != e.Code || got[0].Holder != by.Name || got[0].Until.IsZero() {
				t.Errorf("the request names %+v", got)
			}
			grant, err := a.exports.Prepare(t.Context(), by, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			f, err := a.exports.Download(t.Context(), by, e.ID, grant.Token, "")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := f.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			if got := named(); len(got) != 1 || !got[0].Until.IsZero() {
				t.Errorf("once it is fetched the request names %+v", got)
			}
			opened(t, a, w, e, out.Bytes(), key)
			zipOpened(t, a, w, by)
		})
	}
}

// opened unpacks a file by the command line.
func opened(t *testing.T, a *app, w *world, e *export.Export, data []byte, key *age.X25519Identity) {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	sealed, identity, to := put(e.Code+".zip.age", data), put("key.txt", []byte(key.String()+"\n")), filepath.Join(dir, "out")
	if _, errOut, code := a.cli(t, w.clock, "open", "--to", to, sealed); code != 1 || !strings.Contains(errOut, "No passphrase was typed") {
		t.Errorf("without a secret: exit %d, %s", code, errOut)
	}
	out, errOut, code := a.cli(t, w.clock, "open", "--identity", identity, "--to", to, sealed)
	if code != 0 || !strings.Contains(out, e.Code) {
		t.Fatalf("exit %d: %s%s", code, out, errOut)
	}
	for _, name := range []string{"manifest.json", "manifest.csv", "README.txt"} {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
}

// zipOpened takes the same out for somebody without age, and opens it by the command line.
func zipOpened(t *testing.T, a *app, w *world, by account.Actor) {
	t.Helper()
	e, err := a.exports.Ask(t.Context(), by, export.Wish{
		Selection: export.Selection{Kind: export.OfBatch, Batch: w.batch}, Format: file.JSONL, Purpose: "批量删除前备份", Zip: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Work(t.Context(), a.db, "worker", map[string]job.Runner{export.JobRun: a.runners()[export.JobRun]}, job.Options{Once: true}); err != nil {
		t.Fatal(err)
	}
	grant, err := a.exports.Prepare(t.Context(), by, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.exports.Download(t.Context(), by, e.ID, grant.Token, grant.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := f.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name, to := filepath.Join(dir, grant.FileName), filepath.Join(dir, "out")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		typed string
		args  []string
		code  int
		want  string
	}{
		{"", nil, 1, "No passphrase was typed"},
		{"AAAA-BBBB-CCCC", nil, 1, "The passphrase or the key is wrong"},
		{grant.Passphrase, []string{"--identity", name}, 1, "leave out --identity"},
		{grant.Passphrase, nil, 0, e.Code},
	} {
		said, errOut, code := a.cliTyped(t, w.clock, try.typed+"\n", append([]string{"open", "--to", to, name}, try.args...)...)
		if code != try.code || !strings.Contains(said+errOut, try.want) {
			t.Errorf("%q %v: exit %d, %s%s", try.typed, try.args, code, said, errOut)
		}
	}
}
