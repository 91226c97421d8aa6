package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
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

// AppendLine appends the one spelling of an item under the manifest's root, version 1.
func (i *ManifestItem) AppendLine(b []byte) []byte {
	b = append(b, "qingdang/manifest/v1\n"...)
	b = append(strconv.AppendUint(b, i.Conversation, 10), '\n')
	b = append(strconv.AppendUint(b, uint64(i.Version), 10), '\n')
	b = append(hex.AppendEncode(b, i.Digest), '\n')
	b = append(strconv.AppendUint(b, i.Department, 10), '\n')
	b = append(append(b, i.Platform...), '\n')
	b = append(strconv.AppendInt(b, int64(i.Messages), 10), '\n')
	b = append(strconv.AppendInt(b, int64(i.Attachments), 10), '\n')
	b = append(strconv.AppendInt(b, i.Bytes, 10), '\n')
	b = append(i.LastAt.UTC().AppendFormat(b, time.RFC3339), '\n')
	return append(append(b, i.ServiceType...), '\n')
}

// AppendOutcome appends the one spelling, under a certificate's outcome root, of what became of one line
// of a manifest, version 1. Lines are counted from 0; reason is empty for what was purged.
func AppendOutcome(b []byte, seq int64, conversation uint64, outcome, reason string) []byte {
	b = append(b, "qingdang/outcome/v1\n"...)
	b = append(strconv.AppendInt(b, seq, 10), '\n')
	b = append(strconv.AppendUint(b, conversation, 10), '\n')
	b = append(append(b, outcome...), '\n')
	return append(append(b, reason...), '\n')
}

// Lines is the RFC 6962 root of lines that are added one by one.
type Lines struct {
	edge Edge
	room []byte
}

// Add takes the next line.
func (l *Lines) Add(line []byte) {
	l.room = append(append(l.room[:0], 0), line...) // hashed as tlog.RecordHash does, which takes a new hash for each
	l.edge.push(sha256.Sum256(l.room), nil)
}

// Root is the root of the lines so far.
func (l *Lines) Root() [32]byte { return l.edge.Root() }

// Size tells how many lines there are.
func (l *Lines) Size() int64 { return l.edge.Size() }
