package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"qingdang/models/account"
	"qingdang/models/audit/proof"
	"qingdang/models/db/dbtest"
	"qingdang/models/report"
	"qingdang/templates/locale"
)

// evidence is files as an auditor has them, and nothing else.
type evidence struct {
	report, bundle, checkpoint, other, key string
	bench                                  *bench
}

func makeEvidence(t *testing.T) *evidence {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, env: map[string]string{"QINGDANG_DATA": t.TempDir(), "QINGDANG_LANG": "en"}}
	for i := range 3 {
		b.ok("user", "add", "--staff-no", string(rune('1'+i)), "--name", "某人", "--role", "admin")
	}
	config, err := loadConfig(func(name string) string { return b.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), config, options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	desk := &report.Evidence{DB: a.db, Log: a.log, Organisation: "云栖优品集团"}
	auditor := account.Actor{ID: 1, PersonID: 1, Name: "郑开元", StaffNo: "10031", Role: account.Auditor, Scope: account.Everywhere()}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	made, err := desk.Make(t.Context(), auditor, report.Ask{Kind: report.Operations, Period: report.Period{First: "2020-01-01", Last: "2020-12-31"}})
	if err != nil {
		t.Fatal(err)
	}
	var bundle bytes.Buffer
	if err := desk.Bundle(t.Context(), auditor, &bundle); err != nil {
		t.Fatal(err)
	}
	c, err := a.log.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stranger := &bench{t: t, env: map[string]string{"QINGDANG_DATA": t.TempDir(), "QINGDANG_LANG": "en"}}
	stranger.ok("user", "add", "--staff-no", "1", "--name", "某人", "--role", "admin")
	return &evidence{
		report: write("report.json", made.File), bundle: write("log.jsonl", bundle.Bytes()), checkpoint: write("checkpoint.txt", []byte(c.Note)),
		other: write("notes.txt", []byte("hello")), key: a.log.Signer.Public(), bench: b,
	}
}

// put is a file of some text.
func (e *evidence) put(name, text string) string {
	e.bench.t.Helper()
	path := filepath.Join(e.bench.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.bench.t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// damaged is a copy of a file in which old was replaced by new.
func (e *evidence) damaged(t *testing.T, file, old, fresh string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(data, []byte(old), []byte(fresh), 1)
	if bytes.Equal(changed, data) {
		t.Fatalf("%s has no %q", file, old)
	}
	path := filepath.Join(t.TempDir(), "damaged-"+filepath.Base(file))
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerify(t *testing.T) {
	e := makeEvidence(t)
	// What verify knows must come from the files alone.
	e.bench.env = map[string]string{"QINGDANG_LANG": "en", "QINGDANG_DATA": filepath.Join(t.TempDir(), "nothing")}
	print, err := proof.Fingerprint(e.key)
	if err != nil {
		t.Fatal(err)
	}
	changed := e.damaged(t, e.report, `"entries": 0`, `"entries": 1`)
	whole, err := os.ReadFile(e.bundle)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n')
	shorter := e.damaged(t, e.bundle, string(whole[last+1:]), "")
	tests := []struct {
		name  string
		args  []string
		code  int
		words []string
	}{
		{"an untouched report is ok, and its key is only its own word", []string{e.report}, 0, []string{"ok (audit report)", "only the file itself", "was not cut off", print}},
		{"with the key it is pinned", []string{"--key", e.key, e.report}, 0, []string{"The key is one that you named"}},
		{"with the fingerprint too", []string{"--key", print, e.report}, 0, []string{"The key is one that you named"}},
		{"with another key it is not", []string{"--key", strings.Repeat("ab", 32), e.report}, 1, []string{"none of those you named"}},
		{"a changed figure is named with its place", []string{changed}, 1, []string{"NOT ok", "/body/total", "the content was changed", changed + ":"}},
		{"a bundle is ok and its tail is not proven", []string{e.bundle}, 0, []string{"bundle of the audit log", "nobody can prove"}},
		{"with a checkpoint the tail is proven", []string{"--checkpoint", e.checkpoint, e.bundle}, 0, []string{"agree with your own checkpoint"}},
		{"with one of another size a report cannot be compared", []string{"--key", e.key, "--checkpoint", e.checkpoint, e.report}, 0, []string{"another size of the log than this file", "was cut off stays open"}},
		{"a bundle without its last line is cut", []string{shorter}, 1, []string{"the end was cut off"}},
		{"a changed entry is named", []string{e.damaged(t, e.bundle, `"action":"account.added"`, `"action":"account.edited"`)}, 1, []string{":3:1", "an entry was changed", "Entries 1 to 1"}},
		{"a text is a wrong call", []string{e.other}, 2, []string{"not checked. This is a text file", "Give the .json"}},
		{"so is a PDF", []string{e.put("CERT-2026-0001.pdf", "%PDF-1.7\n%")}, 2, []string{"This is a PDF for people to read"}},
		{"and an export's manifest", []string{e.put("manifest.json", `{"code":"EX-20261119-007","purpose":"p","listed":3,"left_out":0,"root":"ab","files":[]}`)}, 2, []string{"manifest.json of an export"}},
		{"and a table", []string{e.put("list.csv", "\ufeffseq,conversation\n0,C-1\n")}, 2, []string{"This is a table (CSV)"}},
		{"and an archive", []string{e.put("export.zip", "PK\x03\x04")}, 2, []string{"archive or workbook"}},
		{"and an encrypted export", []string{e.put("export.age", "age-encryption.org/v1\n")}, 2, []string{"qingdang open"}},
		{"and a checkpoint", []string{e.checkpoint}, 2, []string{"goes with --checkpoint"}},
		{"and an empty file", []string{e.put("empty.json", "")}, 2, []string{"The file is empty"}},
		{"a file of another kind does not hide the others", []string{e.other, e.report}, 2, []string{"report.json: ok"}},
		{"and a changed one outweighs it", []string{e.other, changed, e.other}, 1, []string{"NOT ok"}},
		{"what is left of a report is damaged", []string{e.put("cut.json", string(readFile(t, e.report)[:700]))}, 1, []string{"NOT ok", "not complete JSON"}},
		{"so is a report that claims to be something else", []string{e.damaged(t, e.report, `qingdang/report/v1`, `something/v1`)}, 1, []string{"NOT ok"}},
		{"a missing file is a wrong call", []string{e.report + "x"}, 2, nil},
		{"no file is a wrong call", nil, 2, nil},
		{"a folder is a wrong call", []string{t.TempDir()}, 2, nil},
		{"a key that is none is a wrong call", []string{"--key", "abc", e.report}, 2, nil},
		{"a missing checkpoint is a wrong call", []string{"--checkpoint", "nowhere.txt", e.report}, 2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := e.bench.run(append([]string{"verify"}, tt.args...)...)
			if code != tt.code {
				t.Errorf("exit %d, want %d: %s%s", code, tt.code, out, errOut)
			}
			for _, w := range tt.words {
				if !strings.Contains(out, w) {
					t.Errorf("no %q in: %s", w, out)
				}
			}
		})
	}
	out, _, code := e.bench.run("verify", "--json", changed, e.bundle)
	rows := lines(out)
	var bad, good verdict
	if code != 1 || len(rows) != 2 || json.Unmarshal([]byte(rows[0]), &bad) != nil || json.Unmarshal([]byte(rows[1]), &good) != nil {
		t.Fatalf("exit %d: %s", code, out)
	}
	if bad.OK || bad.Format != proof.Report || len(bad.Problems) == 0 || bad.Problems[0].Line == 0 || bad.File != changed || bad.FirstBad != -1 {
		t.Errorf("%+v", bad)
	}
	if !good.OK || good.Format != proof.Bundle || good.Pinned || good.TailProvable || good.LogSize == 0 {
		t.Errorf("%+v", good)
	}
	if out, _, code := e.bench.run("verify", "--json", e.other); code != 2 || !strings.Contains(out, `"ok":false`) || !strings.Contains(out, `"other":"text"`) {
		t.Errorf("exit %d: %s", code, out)
	}
	e.bench.env["QINGDANG_LANG"] = "zh"
	if out, _, _ := e.bench.run("verify", e.other); !strings.Contains(out, "没有校验。这是文本文件") || !strings.Contains(out, "请给出证书或报告的 .json 文件") {
		t.Error(out)
	}
	if out, _, _ := e.bench.run("verify", changed); !strings.Contains(out, "内容被改动") || !strings.Contains(out, "不一致（审计报告）") {
		t.Error(out)
	}
}

func TestFsckAndMigrate(t *testing.T) {
	eachEngine(t, func(t *testing.T, b *bench) {
		if out := b.ok("migrate"); !strings.Contains(out, "up to date") {
			t.Error(out)
		}
		b.ok("user", "add", "--staff-no", "1", "--name", "某人", "--role", "admin")
		b.ok("fsck", "--deep")
		var clean struct {
			Checks   int
			Findings []fsckFinding
		}
		if err := json.Unmarshal([]byte(b.ok("fsck", "--json")), &clean); err != nil || clean.Checks < 20 || clean.Findings == nil {
			t.Errorf("%+v %v", clean, err)
		}
		config, err := loadConfig(func(name string) string { return b.env[name] })
		if err != nil {
			t.Fatal(err)
		}
		a, err := openApp(t.Context(), config, options{})
		if err != nil {
			t.Fatal(err)
		}
		dbtest.Exec(t, a.db, "UPDATE audit_leaf SET actor_name = 'x' WHERE n = 0")
		dbtest.Exec(t, a.db, "INSERT INTO conversation_tag (conversation_id, tag_id) VALUES (77, 1)")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		out, _, code := b.run("fsck")
		if code != 1 || !strings.Contains(out, "I6") || !strings.Contains(out, "a tag without a conversation [77]") {
			t.Errorf("exit %d: %s", code, out)
		}
		out, _, code = b.run("fsck", "--json")
		if err := json.Unmarshal([]byte(out), &clean); err != nil || code != 1 || len(clean.Findings) != 2 {
			t.Errorf("exit %d: %s", code, out)
		}
	})
}

// Every finding, problem, remark and act has words in both languages. The keys are read out of
// the sources, so that a new one cannot be forgotten.
func TestEvidenceHasWords(t *testing.T) {
	want := map[string]bool{}
	literals(t, "../../models/fsck", func(s string) {
		if strings.HasPrefix(s, "fsck.") && s != "fsck.log_" {
			want[s] = true
		}
	})
	literals(t, "../../models/inspection", func(s string) {
		if strings.HasPrefix(s, "fsck.") {
			want[s] = true
		}
	})
	for _, what := range []string{"changed", "columns", "missing", "reordered", "inserted", "cut", "nodes", "head", "rewritten", "checkpoint"} {
		want["fsck.log_"+what], want["audit.what_"+what] = true, true
	}
	sources(t, "../../models/audit/proof", func(f *ast.File) {
		if f.Name.Name != "proof" || f.Scope.Lookup("JSONBroken") == nil {
			return
		}
		for _, d := range f.Decls {
			for _, spec := range constantsOf(d) {
				kind, _ := literal(spec.Values[0])
				switch name := spec.Names[0].Name; name {
				case "Certificate", "Report", "Inspection", "Bundle", "DigestField":
				case "KeySelfDeclared", "TailNotProvable", "ConsistencyNeedsBundle", "CheckpointAgrees":
					want["verify.note_"+kind] = true
				default:
					want["verify.kind_"+kind] = true
				}
			}
		}
	})
	sources(t, "../../models/purge", func(f *ast.File) {
		for _, d := range f.Decls {
			for _, spec := range constantsOf(d) {
				if what, ok := checkNamed(spec); ok {
					want["certificate.check_"+what], want["certificate.method_"+what], want["certificate.found_"+what] = true, true, true
				}
			}
		}
	})
	for a := range actions(t, "../../models") {
		if !strings.HasPrefix(a, "fsck.") { // findings, collected above
			want["action."+a] = true
		}
	}
	if len(want) < 120 {
		t.Errorf("only %d keys were found", len(want))
	}
	for key := range want {
		if !locale.Has(key) {
			t.Errorf("no words for %s", key)
		}
	}
}

// sources parses the sources of a folder and of those below it.
func sources(t *testing.T, dir string, each func(*ast.File)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil {
			each(f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func constantsOf(d ast.Decl) (out []*ast.ValueSpec) {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.CONST {
		return nil
	}
	for _, s := range g.Specs {
		out = append(out, s.(*ast.ValueSpec))
	}
	return out
}

// checkNamed gives the code of a look back of a purge, CheckRows and the like.
func checkNamed(spec *ast.ValueSpec) (string, bool) {
	if !strings.HasPrefix(spec.Names[0].Name, "Check") || len(spec.Values) == 0 {
		return "", false
	}
	return literal(spec.Values[0])
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func literals(t *testing.T, dir string, each func(string)) {
	t.Helper()
	sources(t, dir, func(f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := literal(n); ok {
				each(s)
			}
			return true
		})
	})
}

// actions collects what the drawers write into the log as acts: literals that stand where an
// act stands, in an entry, in a variable or constant called act…, or handed to a function.
func actions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	form := regexp.MustCompile(`^[a-z][a-z_]*\.[a-z_]*(ed|en|set|one)$`)
	found := map[string]bool{}
	take := func(n ast.Node) {
		if s, ok := literal(n); ok && form.MatchString(s) {
			found[s] = true
		}
	}
	named := func(n ast.Expr) bool {
		i, ok := n.(*ast.Ident)
		return ok && strings.HasPrefix(strings.ToLower(i.Name), "act")
	}
	sources(t, dir, func(f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if named(n.Key) {
					take(n.Value)
				}
			case *ast.AssignStmt:
				if named(n.Lhs[0]) {
					take(n.Rhs[0])
				}
			case *ast.ValueSpec:
				if len(n.Values) > 0 && named(n.Names[0]) {
					take(n.Values[0])
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "fault" || s.Sel.Name == "words" {
						return true
					}
				}
				if x, ok := n.Fun.(*ast.Ident); ok && x.Name == "rows" {
					return true
				}
				for _, arg := range n.Args {
					take(arg)
				}
			}
			return true
		})
	})
	return found
}
