package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write golden files that are missing; none is ever written anew")

// testKey is a signer whose key is made from one byte, so that signatures are the
// same in every run.
type testKey struct {
	note.Signer
	public string
}

func (k testKey) Public() string { return k.public }

func newKey(t testing.TB, name string, seed byte) testKey {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{signer{name, v.KeyHash(), key}, public}
}

type signer struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

func (s signer) Name() string                    { return s.name }
func (s signer) KeyHash() uint32                 { return s.hash }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// memoryLog is a log as the database holds it.
type memoryLog struct {
	edge   Edge
	leaves [][]byte
	stored [][]tlog.Hash
	nodes  []tlog.Hash
}

func (m *memoryLog) add(leaf []byte) {
	hashes := m.edge.Add(tlog.RecordHash(leaf))
	m.leaves, m.stored = append(m.leaves, leaf), append(m.stored, hashes)
	m.nodes = append(m.nodes, hashes...)
}

func (m *memoryLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		if i >= int64(len(m.nodes)) {
			return nil, fmt.Errorf("no node %d", i)
		}
		out = append(out, m.nodes[i])
	}
	return out, nil
}

func testLeaf(t testing.TB, n int64, data map[string]any) []byte {
	t.Helper()
	leaf, err := Canonical(map[string]any{
		"v": int64(LeafVersion), "n": n, "at": "2026-11-20T06:32:08.123456Z", "action": "conversation.discarded",
		"object": fmt.Sprintf("SC-20261120-%03d", n), "data": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func newLog(t testing.TB, size int64) *memoryLog {
	t.Helper()
	m := &memoryLog{}
	for n := range size {
		m.add(testLeaf(t, n, map[string]any{}))
	}
	return m
}

func (m *memoryLog) checkpoint(t testing.TB, k Signer) Checkpoint {
	t.Helper()
	c, err := Sign(k, m.edge.Size(), m.edge.Root())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// golden holds bytes that leave the machine to those that version 1 wrote. The files are never
// written anew: whoever needs other bytes gives the format a new version, keeps reading the old
// one, and adds its file beside this one with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "v1", name)
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *update {
		want, err = got, os.WriteFile(path, got, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what version 1 wrote. Certificates that were given out would no longer fit: this change needs a new version of the format.\n%s", name, got)
	}
}

func TestCanonicalFormHasOneSpelling(t *testing.T) {
	got, err := Canonical(map[string]any{"b": int64(-3), "a": []any{true, nil, "<清档>\n\u202e\"\\"}, "": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"":{},"a":[true,null,"<清档>\n\u202e\"\\"],"b":-3}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, refused := range []any{1.5, []byte("x"), struct{}{}, "\xff", map[string]any{"x": float32(1)}} {
		if _, err := Canonical(refused); err == nil {
			t.Errorf("%#v has no canonical form, but was written", refused)
		}
	}
}

func TestEdgeAgreesWithTlog(t *testing.T) {
	m := &memoryLog{}
	for n := range int64(300) {
		leaf := testLeaf(t, n, nil)
		want, err := tlog.StoredHashes(n, leaf, m)
		if err != nil {
			t.Fatal(err)
		}
		m.add(leaf)
		if fmt.Sprint(m.stored[n]) != fmt.Sprint(want) {
			t.Fatalf("leaf %d stores %v, want %v", n, m.stored[n], want)
		}
		root, err := tlog.TreeHash(n+1, m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseEdge(n+1, m.edge.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadEdge(n+1, m)
		if err != nil {
			t.Fatal(err)
		}
		if m.edge.Root() != root || again.Root() != root || read.Root() != root {
			t.Fatalf("size %d: the roots differ", n+1)
		}
		if _, err := ParseEdge(n+2, m.edge.Bytes()); err == nil && ones(n+1) != ones(n+2) {
			t.Fatalf("the edge of size %d was taken for size %d", n+1, n+2)
		}
	}
}

// The inputs and roots of the RFC 6962 test vectors of certificate-transparency.
func TestRootsAreThoseOfRFC6962(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var e Edge
	for i, want := range roots {
		root := e.Root()
		if got := hex.EncodeToString(root[:]); got != want {
			t.Errorf("size %d: root %s, want %s", i, got, want)
		}
		if i < len(inputs) {
			b, _ := hex.DecodeString(inputs[i])
			e.Add(tlog.RecordHash(b))
		}
	}
}

func TestCheckpointIsSpelledInOneWay(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	c := newLog(t, 5).checkpoint(t, k)
	golden(t, "checkpoint.txt", []byte(c.Note))
	back, err := ParseCheckpoint(c.Note, k.public)
	if err != nil || back != c {
		t.Fatalf("got %+v, %v", back, err)
	}
	v, err := verifier(k.public)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Note {
		for bit := range 8 {
			b := []byte(c.Note)
			b[i] ^= 1 << bit
			if got, err := ParseCheckpoint(string(b), k.public); err == nil && got.only(v) {
				t.Errorf("byte %d bit %d was flipped and nobody noticed: %q", i, bit, b)
			}
		}
	}
	if _, err := ParseCheckpoint(c.Note, newKey(t, "qingdang.test/audit", 2).public); err == nil {
		t.Error("a checkpoint of another key was accepted")
	}
}

func TestFingerprintBeginsWithTheKeyHash(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	got, err := Fingerprint(k.public)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%08x ", k.KeyHash()); got[:9] != want || len(got) != 71 {
		t.Errorf("fingerprint %q of key hash %q", got, want)
	}
	if !pinned(k.public, []string{got}) || !pinned(k.public, []string{k.public}) || pinned(k.public, []string{got[:70] + "0"}) {
		t.Error("pinning by fingerprint or key does not hold")
	}
}
