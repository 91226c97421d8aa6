package purge

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"qingdang/models/id"
	"qingdang/models/seal"
)

// FuzzLedger hands any bytes to the reader of the outside ledger: only what this key store wrote,
// byte for byte, is read to its end.
func FuzzLedger(f *testing.F) {
	keys, err := seal.OpenStore(seal.Options{Dir: f.TempDir(), Create: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = keys.Close() })
	const code = "PG-20261122-001"
	l := &Ledger{Dir: f.TempDir(), Keys: keys}
	var file bytes.Buffer
	err = l.writeTo(&file, LedgerHead{Format: ledgerFormat, Code: code, Purged: 1, Skipped: 1, WrittenAt: time.Unix(1e9, 0).UTC()}, func(put func(ledgerLine) error) error {
		for _, line := range []ledgerLine{{Gone: 7, Platform: "qianniu", External: []byte{1, 2}}, {Left: 8, Reason: Held}, {Closed: 3}, {Kept: 9, Bucket: 4, Wrapped: []byte{5}}} {
			if err := put(line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	whole := file.String()
	lines := strings.SplitAfter(whole, "\n")
	for _, s := range []string{
		"", "\n", "{}\n", whole, whole + "\n", strings.TrimSuffix(whole, "\n"), lines[0], lines[0] + lines[len(lines)-2], strings.Join(lines[1:], ""),
		strings.Replace(whole, `"gone":"7"`, `"gone":"6"`, 1), strings.Replace(whole, lines[1], "", 1), strings.Replace(whole, lines[1], lines[1]+lines[1], 1),
		`{"mac":"` + strings.Repeat("0", 64) + "\"}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		head, err := l.readFrom(bytes.NewReader(data), code, func(ledgerLine) error { n++; return nil })
		if same := string(data) == whole; (err == nil) != same {
			t.Fatalf("it was read: %v (%v)", err == nil, err)
		}
		if err == nil && (n != 4 || head.Purged != 1 || head.Skipped != 1) {
			t.Fatalf("%d lines, %+v", n, head)
		}
	})
}

// FuzzManifestLeaf makes the leaves of two items that differ in one thing: they differ too.
func FuzzManifestLeaf(f *testing.F) {
	f.Add(uint64(1), uint32(1), []byte{1}, "咨询", "投诉")
	f.Add(uint64(11), uint32(1), []byte("\n1"), "a\n1", "1")
	f.Fuzz(func(t *testing.T, c uint64, version uint32, digest []byte, class, other string) {
		it := Item{ConversationID: id.Conversation(c), Version: version, Digest: digest, DepartmentID: 1, ServiceType: class}
		for what, change := range map[string]func(i *Item) bool{
			"conversation": func(i *Item) bool { i.ConversationID++; return true },
			"version":      func(i *Item) bool { i.Version++; return true },
			"digest":       func(i *Item) bool { i.Digest = append([]byte{0}, digest...); return true },
			"department":   func(i *Item) bool { i.DepartmentID++; return true },
			"class":        func(i *Item) bool { i.ServiceType = other; return other != class },
		} {
			changed := it
			if change(&changed) && bytes.Equal(it.line(nil), changed.line(nil)) {
				t.Fatalf("another %s gives the same leaf: %q", what, it.line(nil))
			}
		}
		a, b := Item{ConversationID: 1, Digest: digest, ServiceType: class}, Item{ConversationID: 1, Digest: digest, ServiceType: class}
		if rootOf([]Item{a, b}) == rootOf([]Item{a}) {
			t.Fatal("a list and a longer one have one root")
		}
	})
}
