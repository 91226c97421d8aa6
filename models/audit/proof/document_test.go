package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

type vote struct {
	Stage  string `json:"stage"`
	Person string `json:"person"`
	At     string `json:"at"`
}

func testBody() map[string]any {
	return map[string]any{
		"code":      "CERT-2026-0087",
		"statement": map[string]any{"purge": "PG-20261110-001", "conversations": 2100},
		"approvals": []vote{{"发起", "高翔（客服 20417）", "2026-11-10T01:02:11Z"}, {"主管审批", "林静怡（10482）", "2026-11-10T02:30:54Z"}, {"法务审批", "周敏（10077）", "2026-11-13T06:21:09Z"}},
		"reach":     []any{},
	}
}

// sealed gives a certificate in a log of 11 leaves, at index 6.
func sealed(t testing.TB, k Signer, body any) ([]byte, *memoryLog) {
	t.Helper()
	d, err := Digest(Certificate, body)
	if err != nil {
		t.Fatal(err)
	}
	m := newLog(t, 6)
	m.add(testLeaf(t, 6, map[string]any{DigestField: hex.EncodeToString(d[:])}))
	for n := range int64(4) {
		m.add(testLeaf(t, 7+n, map[string]any{}))
	}
	p, err := tlog.ProveRecord(m.edge.Size(), 6, m)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Seal(Certificate, body, k, m.checkpoint(t, k).Note, m.leaves[6], 6, p)
	if err != nil {
		t.Fatal(err)
	}
	return data, m
}

func verify(t testing.TB, data []byte, o Options) Result {
	t.Helper()
	r, err := Verify(data, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnUntouchedCertificateHolds(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	data, m := sealed(t, k, testBody())
	golden(t, "certificate.json", data)

	r := verify(t, data, Options{})
	if !r.OK || r.Pinned || r.LogSize != 11 || r.LeafIndex != 6 || r.TailProvable || !slices.Equal(r.Notes, []string{KeySelfDeclared, TailNotProvable}) {
		t.Errorf("without a pinned key: %+v", r)
	}
	print, _ := Fingerprint(k.public)
	r = verify(t, data, Options{Keys: []string{print}})
	if !r.OK || !r.Pinned || r.Fingerprint != print || r.KeyName != k.Name() || !slices.Equal(r.Notes, []string{TailNotProvable}) {
		t.Errorf("with a pinned key: %+v", r)
	}
	older := []string{newLog(t, 3).checkpoint(t, k).Note, newLog(t, 4).checkpoint(t, k).Note}
	r = verify(t, data, Options{Keys: []string{print}, Checkpoints: older})
	if !r.OK || r.TailProvable || !slices.Equal(r.Notes, []string{ConsistencyNeedsBundle}) { // it is not without a checkpoint
		t.Errorf("with an older checkpoint: %+v", r)
	}
	r = verify(t, data, Options{Checkpoints: []string{m.checkpoint(t, k).Note}})
	if !r.OK || !r.TailProvable || !slices.Contains(r.Notes, CheckpointAgrees) {
		t.Errorf("with the same checkpoint: %+v", r)
	}
	if Format(data) != Certificate {
		t.Errorf("format %q", Format(data))
	}
	if _, err := Verify(data, Options{Keys: []string{"nonsense"}}); err == nil {
		t.Error("a pinned key that can match nothing was accepted")
	}
}

func TestEveryTouchedByteIsNoticed(t *testing.T) {
	data, _ := sealed(t, newKey(t, "qingdang.test/audit", 1), testBody())
	bodyEnd := bytes.Index(data, []byte("\n  },\n"))
	check := func(t *testing.T, what string, i int, bad []byte) {
		r := verify(t, bad, Options{})
		if r.OK {
			t.Fatalf("byte %d was %s and nobody noticed", i, what)
		}
		named := func(p Problem) bool {
			return strings.HasPrefix(p.Pointer, "/body") || p.Kind == JSONBroken || p.Kind == NotCanonical || p.Kind == MemberMissing
		}
		if i < bodyEnd && !slices.ContainsFunc(r.Problems, named) {
			t.Errorf("byte %d was %s; nothing names the place: %v", i, what, r.Problems)
		}
	}
	for part := range 2 {
		t.Run(fmt.Sprint("half ", part), func(t *testing.T) {
			t.Parallel()
			for i := part; i < len(data); i += 2 {
				for _, mask := range []byte{1, 1 << (i / 2 % 8), 0x20} {
					bad := bytes.Clone(data)
					bad[i] ^= mask
					check(t, "flipped", i, bad)
				}
				check(t, "removed", i, slices.Delete(bytes.Clone(data), i, i+1))
				check(t, "pushed aside", i, slices.Insert(bytes.Clone(data), i, " \n\r0,"[i/2%5]))
			}
		})
	}
	if r := verify(t, append(bytes.Clone(data), '\n'), Options{}); r.OK {
		t.Error("a line was put behind the file and nobody noticed")
	}
}

// edit changes a sealed file the way a program would: decode, change, write again
// in the same canonical form.
func edit(t *testing.T, data []byte, change func(doc map[string]any)) []byte {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	doc := v.(map[string]any)
	change(doc)
	w, err := layOut(doc)
	if err != nil {
		t.Fatal(err)
	}
	return w.buf.Bytes()
}

func TestAChangeIsNamedByPlaceAndKind(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	data, _ := sealed(t, k, testBody())
	other, _ := sealed(t, newKey(t, "qingdang.test/audit", 2), testBody())
	body := func(doc map[string]any) map[string]any { return doc["body"].(map[string]any) }
	tests := []struct {
		name   string
		change func(doc map[string]any)
		want   []string // kind pointer
		at     string   // a text that stands at the first problem's place
	}{
		{"an approval was given another name", func(d map[string]any) {
			body(d)["approvals"].([]any)[1].(map[string]any)["person"] = "某人"
		}, []string{"value_changed /body/approvals/1"}, "{\n        \"at\": \"2026-11-10T02:30:54Z\""},
		{"a number became larger", func(d map[string]any) {
			body(d)["statement"].(map[string]any)["conversations"] = json.Number("2101")
		}, []string{"value_changed /body/statement"}, "{\n      \"conversations\": 2101"},
		{"a section was taken out", func(d map[string]any) { delete(body(d), "code") }, []string{"section_missing /body/code"}, "{\n    \"approvals\""},
		{"a section was put in", func(d map[string]any) { body(d)["note"] = "x" }, []string{"section_added /body/note"}, `"x"`},
		{"an approval was taken out", func(d map[string]any) {
			body(d)["approvals"] = body(d)["approvals"].([]any)[:2]
		}, []string{"section_missing /body/approvals/2"}, "[\n      {"},
		{"two approvals changed places", func(d map[string]any) {
			slices.Reverse(body(d)["approvals"].([]any))
		}, []string{"value_changed /body/approvals/0", "value_changed /body/approvals/2"}, "{\n        \"at\": \"2026-11-13"},
		{"a digest was touched", func(d map[string]any) {
			d["digests"].(map[string]any)["/body/code"] = strings.Repeat("0", 64)
		}, []string{"digest_changed /digests/~1body~1code"}, `"` + strings.Repeat("0", 64)},
		{
			"the root was touched", func(d map[string]any) { d["root"] = strings.Repeat("0", 64) },
			[]string{"root_changed /root", "signature_wrong /signature", "leaf_without_digest /leaf"},
			`"` + strings.Repeat("0", 64),
		},
		{"the signature of somebody else", func(d map[string]any) {
			v, _ := decode(other)
			d["signature"] = v.(map[string]any)["signature"]
		}, []string{"signature_wrong /signature"}, ""},
		{"the key of somebody else", func(d map[string]any) {
			v, _ := decode(other)
			d["key"] = v.(map[string]any)["key"]
		}, []string{"signature_wrong /signature", "checkpoint_wrong /checkpoint"}, ""},
		{"another leaf", func(d map[string]any) {
			d["leaf"] = base64.StdEncoding.EncodeToString(testLeaf(t, 6, map[string]any{}))
		}, []string{"signature_wrong /signature", "leaf_without_digest /leaf", "not_in_log /proof"}, ""},
		{
			"another index", func(d map[string]any) { d["index"] = json.Number("7") },
			[]string{"signature_wrong /signature", "index_wrong /index", "not_in_log /proof"},
			"",
		},
		{"a step of the proof is gone", func(d map[string]any) { d["proof"] = d["proof"].([]any)[1:] }, []string{"not_in_log /proof"}, ""},
		{"a member is gone", func(d map[string]any) { delete(d, "leaf") }, []string{"member_missing /leaf"}, ""},
		{"a member of another type", func(d map[string]any) { d["proof"] = "x" }, []string{"member_missing /proof"}, ""},
		{"a member too many", func(d map[string]any) { d["zzz"] = "x" }, []string{"section_added /zzz"}, `"x"`},
		{
			"another format", func(d map[string]any) { d["format"] = Report },
			[]string{"root_changed /root", "signature_wrong /signature"},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := edit(t, data, tt.change)
			r := verify(t, bad, Options{Keys: nil})
			var got []string
			for _, p := range r.Problems {
				got = append(got, p.Kind+" "+p.Pointer)
			}
			if r.OK || !slices.Equal(got, tt.want) {
				t.Fatalf("problems %q, want %q", got, tt.want)
			}
			if p := r.Problems[0]; tt.at != "" && !strings.HasPrefix(after(bad, p.Line, p.Column), tt.at) {
				t.Errorf("line %d column %d is %.40q, want %q", p.Line, p.Column, after(bad, p.Line, p.Column), tt.at)
			}
		})
	}
}

func after(data []byte, line, column int) string {
	lines := strings.SplitAfter(string(data), "\n")
	return string([]rune(lines[line-1])[column-1:]) + strings.Join(lines[line:], "")
}

func TestSpellingIsPartOfTheEvidence(t *testing.T) {
	data, _ := sealed(t, newKey(t, "qingdang.test/audit", 1), testBody())
	tests := []struct {
		name, old, new string
		kind           string
		line, column   int
	}{
		{"a blank more", `"code": "`, `"code":  "`, NotCanonical, 20, 13},
		{"an escape where none is needed", `CERT-2026`, `\u0043ERT-2026`, NotCanonical, 20, 14},
		{"a comma is gone", "\"CERT-2026-0087\",\n", "\"CERT-2026-0087\"\n", JSONBroken, 21, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(string(data), tt.old, tt.new, 1)
			r := verify(t, []byte(bad), Options{})
			if r.OK || r.Problems[0].Kind != tt.kind || r.Problems[0].Line != tt.line || r.Problems[0].Column != tt.column {
				t.Errorf("got %+v", r.Problems)
			}
		})
	}
}

// Whoever owns another key can build another log. Only the pinned key tells.
func TestACompleteForgeryNeedsThePinnedKey(t *testing.T) {
	mine := newKey(t, "qingdang.test/audit", 1)
	forged, _ := sealed(t, newKey(t, "qingdang.test/audit", 9), testBody())
	if r := verify(t, forged, Options{}); !r.OK || !slices.Contains(r.Notes, KeySelfDeclared) {
		t.Errorf("a self-declared key must be said aloud: %+v", r)
	}
	r := verify(t, forged, Options{Keys: []string{mine.public}})
	if r.OK || r.Problems[0].Kind != KeyNotPinned {
		t.Errorf("got %+v", r)
	}
}

func TestSealRefusesWhatDoesNotProve(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	m := newLog(t, 3) // none of its leaves carries the digest
	p, err := tlog.ProveRecord(3, 1, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(Certificate, testBody(), k, m.checkpoint(t, k).Note, m.leaves[1], 1, p); !errors.Is(err, ErrNotProvable) {
		t.Errorf("got %v", err)
	}
	for _, body := range []any{[]int{1}, map[string]any{"share": 0.5}, make(chan int)} {
		if _, err := Digest(Certificate, body); err == nil {
			t.Errorf("%v was taken for a body", body)
		}
	}
}

// A second verifier that shares no line with the first: plain crypto/ed25519,
// SHA-256 and the proof rule of RFC 9162, section 2.1.3.2.
func TestASecondVerifierAgrees(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	data, _ := sealed(t, k, testBody())
	var doc struct {
		Root, Signature, Key, Leaf, Checkpoint, Format string
		Index                                          uint64
		Proof                                          []string
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	b64 := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	hash := func(prefix byte, parts ...[]byte) []byte {
		sum := sha256.Sum256(append([]byte{prefix}, bytes.Join(parts, nil)...))
		return sum[:]
	}
	public := ed25519.PublicKey(b64(strings.Split(doc.Key, "+")[2])[1:])
	lines := strings.Split(doc.Checkpoint, "\n")
	if !ed25519.Verify(public, []byte(strings.Join(lines[:3], "\n")+"\n"), b64(strings.Fields(lines[4])[2])[4:]) {
		t.Error("checkpoint signature")
	}
	var size uint64
	if _, err := fmt.Sscan(lines[1], &size); err != nil {
		t.Fatal(err)
	}
	r, fn, sn := hash(0, b64(doc.Leaf)), doc.Index, size-1
	for _, p := range doc.Proof {
		if fn&1 == 1 || fn == sn {
			r = hash(1, b64(p), r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = hash(1, r, b64(p))
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 || !bytes.Equal(r, b64(lines[2])) {
		t.Error("inclusion proof")
	}
	statement := fmt.Sprintf("qingdang document signature v1\n%s\n%s\n%d\n%x\n", doc.Format, doc.Root, doc.Index, hash(0, b64(doc.Leaf)))
	if !ed25519.Verify(public, []byte(statement), b64(doc.Signature)[4:]) {
		t.Error("document signature")
	}
	if !strings.Contains(string(b64(doc.Leaf)), `"document_sha256":"`+doc.Root+`"`) {
		t.Error("digest in the leaf")
	}
}

func FuzzVerify(f *testing.F) {
	data, _ := sealed(f, newKey(f, "qingdang.test/audit", 1), testBody())
	f.Add(data)
	f.Add([]byte(`{"body":{}}`))
	f.Fuzz(func(t *testing.T, bad []byte) {
		r, err := Verify(bad, Options{})
		if err != nil || r.OK && !bytes.Equal(bad, data) && verifySigner(bad) {
			t.Errorf("%v %+v", err, r)
		}
	})
}

// verifySigner tells whether a fuzzed file names the test's key: with another key
// it may be a document of its own.
func verifySigner(data []byte) bool {
	return bytes.Contains(data, []byte(`"key": "qingdang.test/audit+`))
}
