package proof

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func testItems() []ManifestItem {
	at := time.Date(2026, 3, 1, 10, 20, 30, 987654000, time.FixedZone("UTC+8", 8*60*60))
	item := func(n uint64, platform, class string) ManifestItem {
		digest := sha256.Sum256(fmt.Append(nil, n))
		return ManifestItem{
			Conversation: 1_862_000_000_000_000 + n, Version: uint32(n), Digest: digest[:], Department: 40 + n, Platform: platform,
			Messages: int(10 * n), Attachments: int(n) - 1, Bytes: int64(1000 * n), LastAt: at.AddDate(0, 0, int(n)), ServiceType: class,
		}
	}
	return []ManifestItem{item(1, "qianniu", "咨询"), item(2, "wecom", "投诉"), item(3, "other", "=cmd\n2"), item(4, "ctrip", "")}
}

// The lines of a list and of what became of it, with their roots, are what certificates commit to.
func TestTheLinesOfAListHaveOneSpelling(t *testing.T) {
	var list, became bytes.Buffer
	var lines, outcomes Lines
	for n, i := range testItems() {
		line := i.AppendLine(nil)
		list.Write(line)
		lines.Add(line)
		o := AppendOutcome(nil, int64(n), i.Conversation, "purged", "")
		if n == 2 {
			o = AppendOutcome(nil, int64(n), i.Conversation, "skipped", "held")
		}
		became.Write(o)
		outcomes.Add(o)
	}
	fmt.Fprintf(&list, "root of %d: %x\n", lines.Size(), lines.Root())
	fmt.Fprintf(&became, "root of %d: %x\n", outcomes.Size(), outcomes.Root())
	golden(t, "manifest.txt", list.Bytes())
	golden(t, "outcomes.txt", became.Bytes())
	golden(t, "leaf.json", testLeaf(t, 7, map[string]any{"root": "ab"}))
}

// Nothing of an item can be changed without changing its line.
func TestEveryFieldOfAnItemIsUnderTheRoot(t *testing.T) {
	whole := testItems()[0]
	for name, change := range map[string]func(*ManifestItem){
		"conversation": func(i *ManifestItem) { i.Conversation++ },
		"version":      func(i *ManifestItem) { i.Version++ },
		"digest":       func(i *ManifestItem) { i.Digest = bytes.Repeat([]byte{1}, 32) },
		"department":   func(i *ManifestItem) { i.Department++ },
		"platform":     func(i *ManifestItem) { i.Platform = "wecom" },
		"messages":     func(i *ManifestItem) { i.Messages++ },
		"attachments":  func(i *ManifestItem) { i.Attachments++ },
		"bytes":        func(i *ManifestItem) { i.Bytes++ },
		"last message": func(i *ManifestItem) { i.LastAt = i.LastAt.Add(time.Second) },
		"service type": func(i *ManifestItem) { i.ServiceType = "投诉" },
	} {
		i := whole
		change(&i)
		if bytes.Equal(i.AppendLine(nil), whole.AppendLine(nil)) {
			t.Errorf("another %s gives the same line", name)
		}
	}
}
