package proof

import (
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// ManifestItem is one line of the frozen list of a purge, with everything that its root covers.
type ManifestItem struct {
	Conversation uint64
	Version      uint32
	Digest       []byte // SHA-256 of the ciphertext
	Department   uint64
	Platform     string // one word
	Messages     int
	Attachments  int
	Bytes        int64
	LastAt       time.Time
	ServiceType  string // stands last, since it is the only text in which anything may stand
}

// Line is the one spelling of an item under the manifest's root, version 1.
func (i ManifestItem) Line() []byte {
	return fmt.Appendf(nil, "qingdang/manifest/v1\n%d\n%d\n%s\n%d\n%s\n%d\n%d\n%d\n%s\n%s\n", i.Conversation, i.Version, hex.EncodeToString(i.Digest),
		i.Department, i.Platform, i.Messages, i.Attachments, i.Bytes, i.LastAt.UTC().Format(time.RFC3339), i.ServiceType)
}

// OutcomeLine is the one spelling, under a certificate's outcome root, of what became of one line
// of a manifest, version 1. Lines are counted from 0; reason is empty for what was purged.
func OutcomeLine(seq int64, conversation uint64, outcome, reason string) []byte {
	return fmt.Appendf(nil, "qingdang/outcome/v1\n%d\n%d\n%s\n%s\n", seq, conversation, outcome, reason)
}

// Lines is the RFC 6962 root of lines that are added one by one.
type Lines struct{ edge Edge }

// Add takes the next line.
func (l *Lines) Add(line []byte) { l.edge.Add(tlog.RecordHash(line)) }

// Root is the root of the lines so far.
func (l *Lines) Root() [32]byte { return l.edge.Root() }

// Size tells how many lines there are.
func (l *Lines) Size() int64 { return l.edge.Size() }
