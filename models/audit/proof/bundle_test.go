package proof

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// bundleLines gives the bundle of a log as lines: the head, then leaf n in line n+1.
func bundleLines(t testing.TB, m *memoryLog, k Signer) [][]byte {
	t.Helper()
	var buf bytes.Buffer
	b, err := NewBundle(&buf, k, m.checkpoint(t, k))
	if err != nil {
		t.Fatal(err)
	}
	for i, leaf := range m.leaves {
		if err := b.Leaf(leaf, m.stored[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.SplitAfter(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), []byte("\n"))
}

func join(lines [][]byte) []byte {
	out := bytes.Join(lines, nil)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return out
}

func verifyLog(t testing.TB, data []byte, o Options) Result {
	t.Helper()
	r, err := VerifyLog(bytes.NewReader(data), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnUntouchedLogIsConsistentButItsTailNeedsAWitness(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	m := newLog(t, 57)
	data := join(bundleLines(t, m, k))
	golden(t, "log.jsonl", join(bundleLines(t, newLog(t, 5), k)))

	r := verifyLog(t, data, Options{Keys: []string{k.public}})
	if !r.OK || r.TailProvable || !slices.Contains(r.Notes, TailNotProvable) || r.LogSize != 57 {
		t.Errorf("alone: %+v", r)
	}
	old := newLog(t, 40).checkpoint(t, k)
	r = verifyLog(t, data, Options{Keys: []string{k.public}, Checkpoints: []string{old.Note}})
	if !r.OK || !r.TailProvable || r.Proven != 40 {
		t.Errorf("with a checkpoint of size 40: %+v", r)
	}
	if Format(data) != Bundle {
		t.Errorf("format %q", Format(data))
	}
}

func TestTheFirstBadLeafIsNamed(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	const size = 64
	m := newLog(t, size)
	whole := bundleLines(t, m, k)
	half := newLog(t, size/2).checkpoint(t, k)
	rnd := rand.New(rand.NewPCG(1, 2))
	type lines = [][]byte
	drills := []struct {
		name string
		do   func(l lines, n int) lines
		want string
	}{
		{"changed", func(l lines, n int) lines {
			l[n+1] = bytes.Replace(l[n+1], []byte("discarded"), []byte("discardee"), 1)
			return l
		}, Changed},
		{"its number changed", func(l lines, n int) lines {
			l[n+1] = bytes.Replace(l[n+1], []byte(`"n":`), []byte(`"n":9`), 1)
			return l
		}, ""},
		{"removed", func(l lines, n int) lines { return slices.Delete(l, n+1, n+2) }, ""},
		{"swapped with the next", func(l lines, n int) lines {
			l[n+1], l[n+2] = l[n+2], l[n+1]
			return l
		}, Reordered},
		{"a forged leaf before it", func(l lines, n int) lines {
			f := testLeaf(t, int64(n), map[string]any{"forged": true})
			var buf bytes.Buffer
			b := BundleWriter{w: bufio.NewWriter(&buf)}
			_ = b.Leaf(f, []tlog.Hash{{}})
			_ = b.Close()
			return slices.Insert(l, n+1, buf.Bytes())
		}, Inserted},
		{"the tail from it on cut", func(l lines, n int) lines { return l[:n+1] }, Cut},
		{"cut in the middle of its line", func(l lines, n int) lines {
			l = l[:n+2]
			l[n+1] = l[n+1][:len(l[n+1])/2]
			return l
		}, ""},
		{"a stored node changed", func(l lines, n int) lines {
			l[n+1] = bytes.Replace(l[n+1], []byte(`{"hashes":["`), []byte(`{"hashes":["A`), 1)
			return l
		}, Changed},
	}
	for _, d := range drills {
		t.Run(d.name, func(t *testing.T) {
			for range 40 {
				n := rnd.IntN(size - 1)
				data := bytes.Join(d.do(slices.Clone(whole), n), nil)
				r := verifyLog(t, data, Options{Keys: []string{k.public}, Checkpoints: []string{half.Note}})
				if r.OK || r.FirstBad != int64(n) || d.want != "" && r.Problems[0].Kind != d.want {
					t.Fatalf("leaf %d: %+v", n, r)
				}
			}
		})
	}
}

// A forger who recomputes everything in the bundle but cannot sign is caught by
// the checkpoint; older checkpoints narrow down where.
func TestARewrittenLogIsNarrowedDownByCheckpoints(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	forged := &memoryLog{}
	for n := range int64(60) {
		leaf := testLeaf(t, n, map[string]any{})
		if n == 45 {
			leaf = testLeaf(t, n, map[string]any{"forged": true})
		}
		forged.add(leaf)
	}
	lines := bundleLines(t, forged, k)
	lines[0] = bundleLines(t, newLog(t, 60), k)[0] // the true checkpoint
	o := Options{Checkpoints: []string{newLog(t, 40).checkpoint(t, k).Note, newLog(t, 50).checkpoint(t, k).Note}}
	r := verifyLog(t, join(lines), o)
	if r.OK || r.Problems[0].Kind != Rewritten || r.FirstBad != 40 || r.LastBad != 49 {
		t.Errorf("got %+v", r)
	}
	// The same, signed again by somebody with the key: only the witness remembers.
	resigned := join(bundleLines(t, forged, k))
	if r := verifyLog(t, resigned, Options{Keys: []string{k.public}}); !r.OK || r.TailProvable {
		t.Errorf("without a witness: %+v", r)
	}
	if r := verifyLog(t, resigned, o); r.OK || r.FirstBad != 40 {
		t.Errorf("with a witness: %+v", r)
	}
}

func TestARestoredOlderLogIsCutWhereItEnds(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	older := join(bundleLines(t, newLog(t, 30), k))
	witness := newLog(t, 44).checkpoint(t, k)
	if r := verifyLog(t, older, Options{}); !r.OK || r.TailProvable {
		t.Errorf("without a witness: %+v", r)
	}
	r := verifyLog(t, older, Options{Checkpoints: []string{witness.Note}})
	if r.OK || r.Problems[0].Kind != Cut || r.FirstBad != 30 || r.LastBad != 43 {
		t.Errorf("with a witness: %+v", r)
	}
}

func TestKeysOfABundle(t *testing.T) {
	k, old := newKey(t, "qingdang.test/audit-2", 1), newKey(t, "qingdang.test/audit-1", 2)
	m := newLog(t, 9)
	signedAgain := join(bundleLines(t, m, old))
	if r := verifyLog(t, signedAgain, Options{Keys: []string{k.public}}); r.OK || r.Problems[0].Kind != KeyNotPinned {
		t.Errorf("signed with an old key: %+v", r)
	}
	relabelled := []byte(strings.Replace(string(join(bundleLines(t, m, k))), "audit-2+", "audit-1+", 1))
	if r := verifyLog(t, relabelled, Options{}); r.OK || r.Problems[0].Kind != KeyMalformed {
		t.Errorf("epoch relabelled: %+v", r)
	}
	fork := newLog(t, 9)
	fork.edge.Add(tlog.Hash{})
	o := Options{Checkpoints: []string{newLog(t, 10).checkpoint(t, k).Note, fork.checkpoint(t, k).Note}}
	if r := verifyLog(t, join(bundleLines(t, m, k)), o); r.OK || r.Problems[0].Kind != CheckpointConflict {
		t.Errorf("two histories were signed: %+v", r)
	}
	o = Options{Checkpoints: []string{"nonsense"}}
	if r := verifyLog(t, join(bundleLines(t, m, k)), o); r.OK || r.Problems[0].Kind != CheckpointWrong {
		t.Errorf("a witness that is none: %+v", r)
	}
}

func TestEveryTouchedByteOfABundleIsNoticed(t *testing.T) {
	k := newKey(t, "qingdang.test/audit", 1)
	data := join(bundleLines(t, newLog(t, 6), k))
	for i := range data {
		for _, mask := range []byte{1, 1 << (i % 8), 0x20} {
			bad := bytes.Clone(data)
			bad[i] ^= mask
			if r := verifyLog(t, bad, Options{}); r.OK {
				t.Fatalf("byte %d was flipped and nobody noticed", i)
			}
		}
		if r := verifyLog(t, slices.Delete(bytes.Clone(data), i, i+1), Options{}); r.OK {
			t.Fatalf("byte %d was removed and nobody noticed", i)
		}
	}
	if r := verifyLog(t, append(data, data[bytes.IndexByte(data, '\n')+1:]...), Options{}); r.OK || r.FirstBad != 6 {
		t.Errorf("leaves behind the end: %+v", r)
	}
	if r := verifyLog(t, nil, Options{}); r.OK {
		t.Error("nothing is no log")
	}
	endless := io.LimitReader(zeros{}, 16<<20)
	if r, err := VerifyLog(endless, Options{}); err != nil || r.OK {
		t.Errorf("an endless line: %+v %v", r, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func FuzzVerifyLog(f *testing.F) {
	data := join(bundleLines(f, newLog(f, 6), newKey(f, "qingdang.test/audit", 1)))
	f.Add(data)
	f.Fuzz(func(t *testing.T, bad []byte) {
		if r, err := VerifyLog(bytes.NewReader(bad), Options{}); err != nil || r.OK && len(r.Problems) > 0 {
			t.Errorf("%v %+v", err, r)
		}
	})
}

func BenchmarkAppend100k(b *testing.B) {
	leaf := testLeaf(b, 0, map[string]any{"manifest": strings.Repeat("0", 64)})
	for b.Loop() {
		var e Edge
		for range 100_000 {
			e.Add(tlog.RecordHash(leaf))
			_ = e.Root()
		}
	}
}

func BenchmarkVerifyLog(b *testing.B) {
	k := newKey(b, "qingdang.test/audit", 1)
	const size = 1_000_000
	m := &memoryLog{}
	for n := range int64(size) {
		m.add(testLeaf(b, n, map[string]any{"manifest": strings.Repeat("0", 64), "reason": "回收站到期清理"}))
	}
	data := join(bundleLines(b, m, k))
	m = nil
	b.SetBytes(int64(len(data)))
	b.ResetTimer()
	for b.Loop() {
		if r := verifyLog(b, data, Options{}); !r.OK {
			b.Fatalf("%+v", r)
		}
	}
}
