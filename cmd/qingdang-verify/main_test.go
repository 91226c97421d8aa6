package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
)

const (
	goldenCertificate = "../../models/purge/testdata/v1/certificate.json"
	goldenItems       = "../../models/purge/testdata/v1/items.csv"
	smallCertificate  = "../../models/audit/proof/testdata/v1/certificate.json"
	smallLog          = "../../models/audit/proof/testdata/v1/log.jsonl"
)

// A stranger has one file to read: it imports none of ours.
func TestItIsOneFileOfTheStandardLibraryAndXMod(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || !slices.Equal(files, []string{"main.go", "main_test.go"}) {
		t.Fatalf("files %v %v", files, err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		first, _, _ := strings.Cut(path, "/")
		if own := first == "qingdang"; own || strings.Contains(first, ".") && path != "golang.org/x/mod/sumdb/note" && path != "golang.org/x/mod/sumdb/tlog" {
			t.Errorf("it imports %s", path)
		}
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// both asks the two verifiers and fails where they do not agree. It gives what they say.
func both(t *testing.T, what string, data []byte, o proof.Options) bool {
	t.Helper()
	mine := options{keys: o.Keys, older: o.Checkpoints}
	if proof.Format(data) == proof.Bundle {
		r, err := proof.VerifyLog(bytes.NewReader(data), o)
		v := bundle(bufio.NewReader(bytes.NewReader(data)), mine)
		if err != nil || r.OK != (len(v.problems) == 0) || r.OK && r.TailProvable == slices.ContainsFunc(v.facts, notProvable) {
			t.Fatalf("%s: %+v %v, the small one: %+v", what, r, err, v)
		}
		return r.OK
	}
	r, err := proof.Verify(data, o)
	v, _ := document(data, mine)
	if err != nil || r.OK != (len(v.problems) == 0) || r.OK && r.TailProvable == slices.ContainsFunc(v.facts, notProvable) {
		t.Fatalf("%s: %+v %v, the small one: %+v", what, r, err, v)
	}
	return r.OK
}

func notProvable(fact string) bool { return strings.HasPrefix(fact, "tail not provable") }

// key signs the same in every run.
type key struct {
	note.Verifier
	private ed25519.PrivateKey
	public  string
}

func (k key) Sign(text []byte) ([]byte, error) { return ed25519.Sign(k.private, text), nil }
func (k key) Public() string                   { return k.public }

func newKey(t testing.TB, name string, seed byte) key {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return key{v, private, public}
}

// log is a log of so many leaves; the one of number special carries data.
func makeLog(t testing.TB, size, special int, data map[string]any) (leaves [][]byte, nodes [][]tlog.Hash, edge proof.Edge) {
	t.Helper()
	for n := range size {
		d := map[string]any{}
		if n == special {
			d = data
		}
		leaf, err := proof.Canonical(map[string]any{"v": int64(1), "n": int64(n), "at": "2026-11-20T06:32:08.123456Z", "action": "batch.created", "data": d})
		if err != nil {
			t.Fatal(err)
		}
		leaves, nodes = append(leaves, leaf), append(nodes, edge.Add(tlog.RecordHash(leaf)))
	}
	return leaves, nodes, edge
}

func checkpointOf(t testing.TB, k key, size, special int, data map[string]any) string {
	t.Helper()
	_, _, edge := makeLog(t, size, special, data)
	c, err := proof.Sign(k, edge.Size(), edge.Root())
	if err != nil {
		t.Fatal(err)
	}
	return c.Note
}

func makeBundle(t testing.TB, k key, size, special int, data map[string]any) []byte {
	t.Helper()
	leaves, nodes, edge := makeLog(t, size, special, data)
	c, err := proof.Sign(k, edge.Size(), edge.Root())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b, err := proof.NewBundle(&out, k, c)
	if err != nil {
		t.Fatal(err)
	}
	for n := range leaves {
		if err := b.Leaf(leaves[n], nodes[n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type allNodes []tlog.Hash

func (n allNodes) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, n[i])
	}
	return out, nil
}

func makeDocument(t testing.TB, k key, format string, body map[string]any) []byte {
	t.Helper()
	digest, err := proof.Digest(format, body)
	if err != nil {
		t.Fatal(err)
	}
	leaves, nodes, edge := makeLog(t, 6, 4, map[string]any{proof.DigestField: hex.EncodeToString(digest[:])})
	c, err := proof.Sign(k, edge.Size(), edge.Root())
	if err != nil {
		t.Fatal(err)
	}
	p, err := tlog.ProveRecord(edge.Size(), 4, allNodes(slices.Concat(nodes...)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := proof.Seal(format, body, k, c.Note, leaves[4], 4, p)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Two programs that were written apart say the same about good files, about touched ones, and
// about what a person knows from elsewhere.
func TestBothVerifiersAgree(t *testing.T) {
	k, other := newKey(t, "qingdang.test/evidence", 3), newKey(t, "qingdang.test/evidence", 4)
	body := map[string]any{
		"code": "AR-2026-0001", "numbers": map[string]any{"min": -3, "zero": 0, "big": uint64(1 << 63)},
		"odd/na~me": []any{"\u202e\u0000\t\n\"\\<&", nil, true, []any{}, map[string]any{}}, "empty": []any{},
	}
	report := makeDocument(t, k, proof.Report, body)
	log := makeBundle(t, k, 20, -1, nil)
	print, err := proof.Fingerprint(k.public)
	if err != nil {
		t.Fatal(err)
	}
	older, forked := checkpointOf(t, k, 12, -1, nil), checkpointOf(t, k, 12, 5, map[string]any{"forged": true})
	same := checkpointOf(t, k, 20, -1, nil)
	for _, tt := range []struct {
		name string
		data []byte
		o    proof.Options
		ok   bool
	}{
		{"a certificate", read(t, goldenCertificate), proof.Options{}, true},
		{"another certificate", read(t, smallCertificate), proof.Options{}, true},
		{"a report", report, proof.Options{}, true},
		{"with its key named", report, proof.Options{Keys: []string{k.public}}, true},
		{"with its fingerprint named", report, proof.Options{Keys: []string{strings.ToUpper(print)}}, true},
		{"with another key named", report, proof.Options{Keys: []string{other.public}}, false},
		{"with an older checkpoint of another size", report, proof.Options{Checkpoints: []string{older}}, true},
		{"with a checkpoint of another key", report, proof.Options{Checkpoints: []string{checkpointOf(t, other, 12, -1, nil)}}, false},
		{"with a checkpoint that is none", report, proof.Options{Checkpoints: []string{"nonsense"}}, false},
		{"with a fork of the same size", report, proof.Options{Checkpoints: []string{checkpointOf(t, k, 6, -1, nil)}}, false},
		{"a log", log, proof.Options{}, true},
		{"a log with an older checkpoint", log, proof.Options{Checkpoints: []string{older}}, true},
		{"a log with an equal checkpoint", log, proof.Options{Keys: []string{k.public}, Checkpoints: []string{same, older}}, true},
		{"a log that was rewritten", log, proof.Options{Checkpoints: []string{forked}}, false},
		{"a log whose end was cut off", makeBundle(t, k, 9, -1, nil), proof.Options{Checkpoints: []string{older}}, false},
		{"a log of another key", log, proof.Options{Keys: []string{other.public}}, false},
		{"a document without an end", bytes.TrimSuffix(report, []byte("\n")), proof.Options{}, false},
		{"a document twice", append(bytes.Clone(report), report...), proof.Options{}, false},
		{"a document in short form", short(t, report), proof.Options{}, false},
		{"a document that its leaf does not name, signed by who has the key", forged(t, k, report, makeDocument(t, k, proof.Report, map[string]any{"code": "AR-2026-0002"})), proof.Options{}, false},
		{"nothing", nil, proof.Options{}, false},
		{"an empty object", []byte("{}\n"), proof.Options{}, false},
		{"a list", []byte("[]\n"), proof.Options{}, false},
		{"a document of another version", bytes.ReplaceAll(report, []byte("report/v1"), []byte("report/v2")), proof.Options{}, false},
		{"leaves behind the end", append(bytes.Clone(log), log[bytes.IndexByte(log, '\n')+1:]...), proof.Options{}, false},
	} {
		if got := both(t, tt.name, tt.data, tt.o); got != tt.ok {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// forged puts the body of one document onto the leaf of another and signs that.
func forged(t *testing.T, k key, leafOf, bodyOf []byte) []byte {
	t.Helper()
	var doc, other documentFile
	if err := errors.Join(json.Unmarshal(leafOf, &doc), json.Unmarshal(bodyOf, &other)); err != nil {
		t.Fatal(err)
	}
	doc.Body, doc.Digests, doc.Root = other.Body, other.Digests, other.Root
	leaf, _ := unbase64(doc.Leaf)
	hash := tlog.RecordHash(leaf)
	sig, err := k.Sign(fmt.Appendf(nil, "qingdang document signature v1\n%s\n%s\n%d\n%x\n", doc.Format, doc.Root, doc.Index, hash[:]))
	if err != nil {
		t.Fatal(err)
	}
	doc.Signature = base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, k.KeyHash()), sig...))
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	value, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out, value, "\n"); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}

func short(t *testing.T, data []byte) []byte {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := proof.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// No byte of a file can be touched or taken away: there is no harmless white space.
func TestBothVerifiersRefuseEveryTouchedByte(t *testing.T) {
	for _, name := range []string{smallCertificate, smallLog} {
		whole := read(t, name)
		for i := range whole {
			for _, mask := range []byte{0x20, 1 << (i % 8)} {
				touched := bytes.Clone(whole)
				touched[i] ^= mask
				if both(t, fmt.Sprintf("%s byte %d ^ %#x", name, i, mask), touched, proof.Options{}) {
					t.Fatalf("%s: byte %d ^ %#x passes", name, i, mask)
				}
			}
			if both(t, "removed", slices.Delete(bytes.Clone(whole), i, i+1), proof.Options{}) {
				t.Fatalf("%s: without byte %d it passes", name, i)
			}
		}
	}
}

// The first leaf that was changed is named, and both name the same.
func TestTheFirstChangedLeafIsNamed(t *testing.T) {
	k := newKey(t, "qingdang.test/evidence", 3)
	lines := bytes.SplitAfter(makeBundle(t, k, 40, -1, nil), []byte("\n"))
	for n := range 40 {
		touched := slices.Clone(lines)
		touched[n+1] = bytes.Replace(touched[n+1], []byte("created"), []byte("dropped"), 1)
		data := bytes.Join(touched, nil)
		r, err := proof.VerifyLog(bytes.NewReader(data), proof.Options{})
		if v := bundle(bufio.NewReader(bytes.NewReader(data)), options{}); err != nil || v.firstBad != int64(n) || r.FirstBad != int64(n) {
			t.Errorf("leaf %d: %+v %v, the small one %+v", n, r, err, v)
		}
	}
	resigned := makeBundle(t, k, 40, 30, map[string]any{"forged": true})
	v := bundle(bufio.NewReader(bytes.NewReader(resigned)), options{older: []string{checkpointOf(t, k, 25, -1, nil), checkpointOf(t, k, 35, -1, nil)}})
	if v.firstBad != 25 {
		t.Errorf("signed anew: %+v", v)
	}
}

// A list file gives both roots of its certificate; no cell of it can be changed.
func TestItemsAreHeldAgainstTheCertificate(t *testing.T) {
	certificate, items := read(t, goldenCertificate), read(t, goldenItems)
	check := func(list []byte) verdict {
		v, body := document(certificate, options{})
		if len(v.problems) > 0 {
			t.Fatal(v.problems)
		}
		v.items(list, body)
		return v
	}
	if v := check(items); len(v.problems) > 0 {
		t.Fatalf("untouched: %v", v.problems)
	}
	rows := strings.SplitAfter(string(items), "\n")
	row := strings.Split(rows[1], ",")
	for i := range row {
		touched := slices.Clone(row)
		switch {
		case i == 1: // the second of the day
			touched[i] = strings.Replace(touched[i], "-1", "-2", 1)
		case i == len(row)-1:
			touched[i] = "held\n"
		case i == 11:
			touched[i] = "2026-03-01T02:20:31Z"
		default:
			touched[i] += "1"
		}
		if v := check([]byte(strings.Replace(string(items), rows[1], strings.Join(touched, ","), 1))); len(v.problems) == 0 {
			t.Errorf("column %s can be changed", itemColumns[i])
		}
	}
	for name, list := range map[string]string{
		"without a row":      strings.Replace(string(items), rows[1], "", 1),
		"in another order":   strings.Join(slices.Concat(rows[:1], rows[2:4], rows[1:2], rows[4:]), ""),
		"with a row twice":   strings.Replace(string(items), rows[1], rows[1]+rows[1], 1),
		"of another version": strings.Replace(string(items), "outcome", "state", 1),
		"that is empty":      "",
	} {
		if v := check([]byte(list)); len(v.problems) == 0 {
			t.Errorf("a list %s passes", name)
		}
	}
}

func TestExitCodes(t *testing.T) {
	k := newKey(t, "qingdang.test/evidence", 3)
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	changed := put("changed.json", bytes.Replace(read(t, goldenCertificate), []byte(`"purged": 3`), []byte(`"purged": 4`), 1))
	log, older := put("log.jsonl", makeBundle(t, k, 20, -1, nil)), put("older.txt", []byte(checkpointOf(t, k, 12, -1, nil)))
	pdf, manifest := put("c.pdf", []byte("%PDF-1.7\n")), put("manifest.json", []byte(`{"code":"EX-20261119-007","files":[],"listed":3,"root":"ab"}`))
	for _, tt := range []struct {
		name string
		args []string
		exit int
		says string
	}{
		{"a PDF is no evidence", []string{pdf}, 2, "this is a PDF; give the .json"},
		{"an archive", []string{put("x.zip", []byte("PK\x03\x04"))}, 2, "an archive or a workbook"},
		{"the manifest of an export", []string{manifest}, 2, "manifest of an export"},
		{"a table", []string{goldenItems}, 2, "a text or a table"},
		{"an empty file", []string{put("empty.json", nil)}, 2, "is empty"},
		{"the others are checked all the same", []string{pdf, goldenCertificate}, 2, "GOOD, certificate"},
		{"and what was changed outweighs it", []string{pdf, changed, manifest}, 1, "/body/result was changed"},
		{"what is left of a certificate is damaged", []string{put("cut.json", read(t, goldenCertificate)[:900])}, 1, "not JSON"},
		{"a log without its first line is damaged", []string{put("cut.jsonl", bytes.SplitAfterN(read(t, smallLog), []byte("\n"), 2)[1])}, 1, "BAD"},
		{"a good certificate", []string{goldenCertificate}, 0, "tail not provable"},
		{"the file's own key is said to be that", []string{goldenCertificate}, 0, "stands in the file itself"},
		{"a good list", []string{"--items", goldenItems, goldenCertificate}, 0, "3 purged, 2 skipped"},
		{"a list of something else", []string{"--items", goldenItems, smallCertificate}, 1, "wrong:"},
		{"a changed certificate", []string{changed}, 1, "/body/result was changed"},
		{"good and bad", []string{goldenCertificate, changed}, 1, "BAD"},
		{"a log with an older checkpoint", []string{"--key", k.public, "--checkpoint", older, log}, 0, "older checkpoint of size 12"},
		{"no file", nil, 2, ""},
		{"a key that is none", []string{"--key", "x", log}, 2, ""},
		{"a file that is not there", []string{filepath.Join(dir, "nothing")}, 2, ""},
		{"a list for two certificates", []string{"--items", goldenItems, goldenCertificate, goldenCertificate}, 2, ""},
	} {
		var out, errOut bytes.Buffer
		if got := run(tt.args, &out, &errOut); got != tt.exit || !strings.Contains(out.String()+errOut.String(), tt.says) {
			t.Errorf("%s: exit %d, want %d\n%s%s", tt.name, got, tt.exit, &out, &errOut)
		}
	}
}
