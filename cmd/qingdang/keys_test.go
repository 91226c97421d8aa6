package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vault is an installation on the embedded database with one conversation and a backup of its keys.
type vault struct {
	*bench
	keys, backup string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	data := t.TempDir()
	v := &vault{bench: &bench{t: t, env: map[string]string{"QINGDANG_DATA": data, "QINGDANG_LANG": "en"}}, keys: filepath.Join(data, "keys")}
	v.talk("first")
	v.backup = v.backUp()
	return v
}

// talk imports a conversation.
func (v *vault) talk(name string) {
	v.t.Helper()
	file := filepath.Join(v.t.TempDir(), "c.jsonl")
	line := fmt.Sprintf(`{"platform":"wechat","external_id":%q,"department":"集团/一组","service_type":"咨询","messages":[{"id":"1","sender":"customer","at":"2026-01-02T03:04:05Z","type":"text","text":"你好"}]}`, name)
	v.must(os.WriteFile(file, []byte(line+"\n"), 0o600))
	v.ok("import", "--department", "集团/"+name, file)
}

func (v *vault) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// backUp makes a backup and gives its file.
func (v *vault) backUp() string {
	v.t.Helper()
	folder := v.t.TempDir()
	v.ok("keys", "backup", folder)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 {
		v.t.Fatalf("backups: %v, %v", files, err)
	}
	return files[0]
}

func (v *vault) path(name string) string { return filepath.Join(v.keys, name) }

func (v *vault) read(name string) []byte {
	v.t.Helper()
	b, err := os.ReadFile(v.path(name))
	v.must(err)
	return b
}

func (v *vault) write(name string, b []byte) {
	v.t.Helper()
	v.must(os.WriteFile(v.path(name), b, 0o600))
}

// found is how many conversations a search finds.
func (v *vault) found() int { return len(lines(v.ok("search", "--json"))) }

// Whatever is wrong with the key store is said in the terminal's language, with the way out, which works;
// and nothing is made in its place.
func TestAKeyStoreThatDoesNotOpenIsSaidClearly(t *testing.T) {
	restore := func(v *vault) { v.ok("keys", "restore", v.backup) }
	var root []byte // or what else was taken away
	tests := []struct {
		name  string
		spoil func(v *vault)
		zh    string
		en    string
		mend  func(v *vault)
	}{
		{"the folder is gone", func(v *vault) {
			root = v.read("root.key")
			v.must(os.RemoveAll(v.keys))
		}, "没有找到", "is not at", func(v *vault) {
			v.must(os.MkdirAll(v.keys, 0o700))
			v.write("root.key", root)
			restore(v)
		}},
		{"store.json is gone", func(v *vault) { v.must(os.Remove(v.path("store.json"))) }, "没有找到", "is not at", restore},
		{"store.json is damaged", func(v *vault) { v.write("store.json", []byte("{")) }, "已损坏", "is damaged", restore},
		{"store.json is of another version", func(v *vault) {
			root = v.read("store.json")
			v.write("store.json", []byte(`{"format":9}`))
		}, "格式与这个版本不符", "does not know", func(v *vault) { v.write("store.json", root) }},
		{"the root key is gone", func(v *vault) {
			root = v.read("root.key")
			v.must(os.Remove(v.path("root.key")))
		}, "没有根密钥", "its root key is not", func(v *vault) { v.write("root.key", root) }},
		{"the root key is another", func(v *vault) {
			root = v.read("root.key")
			v.write("root.key", make([]byte, 32))
		}, "根密钥打不开", "does not open", func(v *vault) { v.write("root.key", root) }},
		{
			"another root key is set", func(v *vault) { v.env["QINGDANG_ROOT_KEY"] = strings.Repeat("ab", 32) },
			"根密钥打不开", "does not open", func(v *vault) { delete(v.env, "QINGDANG_ROOT_KEY") },
		},
		{
			"others may read the root key", func(v *vault) { v.must(os.Chmod(v.path("root.key"), 0o644)) },
			"其他用户", "Other users", func(v *vault) { v.must(os.Chmod(v.path("root.key"), 0o600)) },
		},
		{"the slots are gone", func(v *vault) { v.must(os.Remove(v.path("buckets.slots"))) }, "缺少 buckets.slots", "lacks buckets.slots", restore},
		{"the slots are damaged", func(v *vault) {
			b := v.read("buckets.slots")
			b[40] ^= 1
			v.write("buckets.slots", b)
		}, "已损坏", "is damaged", restore},
		{"the key store of another database", func(v *vault) {
			other := newVault(v.t)
			v.must(os.Rename(v.keys, v.keys+".own"))
			v.must(os.Rename(other.keys, v.keys))
		}, "属于另一个数据库", "belongs to another database", func(v *vault) {
			v.must(os.RemoveAll(v.keys))
			v.must(os.Rename(v.keys+".own", v.keys))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newVault(t)
			tt.spoil(v)
			before := files(t, v.keys)
			for lang, want := range map[string]string{"zh": tt.zh, "en": tt.en} {
				v.env["QINGDANG_LANG"] = lang
				for _, command := range [][]string{{"search"}, {"worker"}, {"keys", "status"}, {"keys", "rotate"}} {
					out, errOut, code := v.run(command...)
					if code != 1 || !strings.Contains(errOut, want) || !strings.Contains(errOut, v.keys) || strings.ContainsAny(out+errOut, "⟦{") || len(lines(errOut)) != 1 {
						t.Errorf("%v says %q (exit %d), want %q", command, errOut, code, want)
					}
				}
			}
			if after := files(t, v.keys); after != before {
				t.Errorf("the folder was changed from %s to %s", before, after)
			}
			v.env["QINGDANG_LANG"] = "en"
			tt.mend(v)
			if v.found() != 1 {
				t.Error("the conversation is not found")
			}
			if out := v.ok("fsck", "--deep"); !strings.Contains(out, "all hold") {
				t.Errorf("fsck: %s", out)
			}
			v.talk("second")
		})
	}
}

// files is a folder in one line: names and sizes.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(e.Name(), " ", info.Size()))
	}
	return strings.Join(out, ", ")
}

// A key store that is older than the database is refused at start: it lacks keys, and would give out
// bucket ids a second time. After the restore the lost conversations are counted, and work goes on.
func TestAKeyStoreThatIsOlderThanTheDatabase(t *testing.T) {
	v := newVault(t)
	old := v.read("buckets.slots")
	v.talk("second") // a bucket of its own: another department
	newer := v.backUp()
	v.write("buckets.slots", old)
	for lang, want := range map[string]string{"zh": "比数据库旧：有 1 个桶、1 条会话", "en": "older than the database: the keys of 1 buckets, 1 conversations"} {
		v.env["QINGDANG_LANG"] = lang
		if _, errOut, code := v.run("search"); code != 1 || !strings.Contains(errOut, want) {
			t.Errorf("exit %d: %s", code, errOut)
		}
	}
	v.env["QINGDANG_LANG"] = "en"
	out := v.ok("keys", "restore", newer)
	if !strings.Contains(out, "2 bucket keys came back, 2 were there") || strings.Contains(out, "missing") {
		t.Errorf("restored: %s", out)
	}
	if out := v.ok("fsck", "--deep"); !strings.Contains(out, "all hold") {
		t.Errorf("fsck: %s", out)
	}

	// No newer backup is left: the store's own is restored, the loss is told, the rest works.
	v.write("buckets.slots", old)
	out = v.ok("keys", "restore", v.backUp())
	if !strings.Contains(out, "the keys of 1 buckets are missing, and 1 conversations do not open") {
		t.Errorf("restored: %s", out)
	}
	v.talk("third")
	if v.found() != 3 {
		t.Errorf("%d conversations", v.found())
	}
	// fsck names the lost bucket and the conversation in it, and nothing else.
	out, _, code := v.run("fsck", "--deep")
	if code != 1 || !strings.Contains(out, "fsck.key_lost") || !strings.Contains(out, "fsck.body_unreadable") || !strings.Contains(out, "for --words") || len(lines(out)) != 4 {
		t.Errorf("fsck: %s", out)
	}
	if out := v.ok("keys", "restore", newer); strings.Contains(out, "missing") { // it turned up after all
		t.Errorf("restored: %s", out)
	}
	if out := v.ok("fsck", "--deep"); !strings.Contains(out, "all hold") {
		t.Errorf("fsck: %s", out)
	}
}

func TestKeysStatus(t *testing.T) {
	v := newVault(t)
	v.env["QINGDANG_SUITE"], v.env["QINGDANG_KEY_BACKUP_DAYS"] = "sm4", "3"
	second := v.backUp()
	var st keysState
	v.must(json.Unmarshal([]byte(v.ok("keys", "status", "--json")), &st))
	// Alive are the key of a bucket and that of a segment of the search index.
	if st.Suite != "SM4-GCM" || st.Epoch != 1 || st.Root != "file" || st.RootFile != v.path("root.key") || !st.Beside || st.Live != 2 || st.Days != 3 || st.Missing != 0 {
		t.Errorf("status = %+v", st)
	}
	if len(st.Backups) != 2 || st.Backups[0].File != v.backup || st.Backups[1].File != second || st.Backups[1].ExpiresAt.Sub(st.Backups[1].MadeAt) != 72*time.Hour {
		t.Errorf("backups = %+v", st.Backups)
	}
	if left := time.Until(st.Until); left < 6*24*time.Hour { // copies were allowed seven days until a moment ago
		t.Errorf("until = %v", st.Until)
	}
	apart := filepath.Join(t.TempDir(), "root.hex")
	v.must(os.WriteFile(apart, []byte(hex.EncodeToString(v.read("root.key"))+"\n"), 0o600))
	v.must(os.Remove(v.path("root.key")))
	v.env["QINGDANG_ROOT_KEY_FILE"] = apart
	for lang, want := range map[string][]string{
		"zh": {"SM4-GCM", "由 QINGDANG_ROOT_KEY 给出，第 1 期", "可用 2", second, "最多保留 3 天", "不会自动备份"},
		"en": {"SM4-GCM", "given by QINGDANG_ROOT_KEY, number 1", "2 live", second, "may live 3 days", "nobody makes any"},
	} {
		v.env["QINGDANG_LANG"] = lang
		out := v.ok("keys", "status")
		for _, w := range append(want, v.keys) {
			if !strings.Contains(out, w) {
				t.Errorf("status lacks %q: %s", w, out)
			}
		}
		if strings.Contains(out, "ledger replay") {
			t.Errorf("the database is open: %s", out)
		}
		if strings.Contains(out, "⟦") || strings.Contains(out, "警告") || strings.Contains(out, "Warning") {
			t.Errorf("status: %s", out)
		}
	}
	v.env["QINGDANG_LANG"] = "en"
	inside := v.path("root.hex")
	v.must(os.Rename(apart, inside))
	v.env["QINGDANG_ROOT_KEY_FILE"] = inside
	if out := v.ok("keys", "status"); !strings.Contains(out, "Warning: the root key lies in") {
		t.Errorf("a root key beside the slots: %s", out)
	}
}

// The root key in the folder: a rotation needs no more than the command.
func TestRotateRootKeyInTheFolder(t *testing.T) {
	v := newVault(t)
	v.env["QINGDANG_KEY_BACKUPS"] = t.TempDir()
	before := v.read("root.key")
	out := v.ok("keys", "rotate")
	for _, want := range []string{"number 2", "2 bucket keys", v.path("root.key"), "destroy every copy", "Backed up to " + v.env["QINGDANG_KEY_BACKUPS"]} {
		if !strings.Contains(out, want) {
			t.Errorf("rotate lacks %q: %s", want, out)
		}
	}
	if string(v.read("root.key")) == string(before) || v.found() != 1 {
		t.Error("the root key was not exchanged")
	}
	if _, errOut, code := v.run("keys", "rotate", "--new-root", "x"); code != 1 || !strings.Contains(errOut, "--new-root is not needed") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	// The backup from before needs the root key from before.
	if _, errOut, code := v.run("keys", "restore", v.backup); code != 1 || !strings.Contains(errOut, "--backup-root") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	old := filepath.Join(t.TempDir(), "old")
	v.must(os.WriteFile(old, before, 0o600))
	v.must(os.Remove(v.path("buckets.slots")))
	v.ok("keys", "restore", "--backup-root", old, v.backup)
	if out := v.ok("fsck", "--deep"); !strings.Contains(out, "all hold") {
		t.Errorf("fsck: %s", out)
	}
}

// The root key outside: the operator names the next one and sets it.
func TestRotateRootKeyKeptOutside(t *testing.T) {
	v := newVault(t)
	v.env["QINGDANG_ROOT_KEY"] = hex.EncodeToString(v.read("root.key"))
	v.must(os.Remove(v.path("root.key")))
	next, bad := filepath.Join(t.TempDir(), "next"), filepath.Join(t.TempDir(), "bad")
	v.must(os.WriteFile(bad, []byte("not a key"), 0o600))
	for _, tt := range []struct {
		args []string
		want string
	}{{[]string{"keys", "rotate"}, "--new-root FILE"}, {[]string{"keys", "rotate", "--new-root", bad}, "64 hex digits"}} {
		if _, errOut, code := v.run(tt.args...); code != 1 || !strings.Contains(errOut, tt.want) {
			t.Errorf("%v: exit %d: %s", tt.args, code, errOut)
		}
	}
	out := v.ok("keys", "rotate", "--new-root", next)
	for _, want := range []string{"was written to " + next, "set QINGDANG_ROOT_KEY to the root key in " + next, "restart every", "destroy every copy"} {
		if !strings.Contains(out, want) {
			t.Errorf("rotate lacks %q: %s", want, out)
		}
	}
	info, err := os.Stat(next)
	v.must(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the new root key has mode %v", info.Mode())
	}
	if _, errOut, code := v.run("search"); code != 1 || !strings.Contains(errOut, "after a rotation it must be the new one") {
		t.Errorf("with the old root key: exit %d: %s", code, errOut)
	}
	delete(v.env, "QINGDANG_ROOT_KEY")
	v.env["QINGDANG_ROOT_KEY_FILE"] = next
	if out := v.ok("fsck", "--deep"); !strings.Contains(out, "all hold") || v.found() != 1 {
		t.Errorf("fsck: %s", out)
	}
	if _, errOut, code := v.run("keys", "rotate", "--new-root", next); code != 1 || !strings.Contains(errOut, "is the present one") {
		t.Errorf("to the same: exit %d: %s", code, errOut)
	}
}

func TestRestoreOfKeysIsRefusedInWords(t *testing.T) {
	v, other := newVault(t), newVault(t)
	content, err := os.ReadFile(v.backup)
	v.must(err)
	cut, text := filepath.Join(t.TempDir(), "cut"), filepath.Join(t.TempDir(), "text")
	v.must(os.WriteFile(cut, content[:len(content)-5], 0o600))
	v.must(os.WriteFile(text, []byte("hello"), 0o600))
	fresh := &vault{bench: &bench{t: t, env: map[string]string{"QINGDANG_DATA": t.TempDir(), "QINGDANG_LANG": "en"}}}
	before := files(t, v.keys)
	for _, tt := range []struct {
		v    *vault
		args []string
		want string
	}{
		{v, []string{"keys", "restore", other.backup}, "not of the same key store"},
		{v, []string{"keys", "restore", cut}, "incomplete or was altered"},
		{v, []string{"keys", "restore", text}, "is not a key-store backup"},
		{v, []string{"keys", "restore", "/no/such/file"}, "no file /no/such/file"},
		{v, []string{"keys", "restore", "--backup-root", "/no/root", v.backup}, "no file /no/root"},
		{fresh, []string{"keys", "restore", v.backup}, "Restore the database first"},
		{v, []string{"keys", "backup"}, "QINGDANG_KEY_BACKUPS"},
		{v, []string{"keys", "backup", v.keys}, "must not lie in"},
	} {
		if _, errOut, code := tt.v.run(tt.args...); code != 1 || !strings.Contains(errOut, tt.want) {
			t.Errorf("%v: exit %d: %s", tt.args, code, errOut)
		}
	}
	if after := files(t, v.keys); after != before {
		t.Errorf("the folder was changed from %s to %s", before, after)
	}
}
