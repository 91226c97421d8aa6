// Package proof owns the evidence that leaves the machine: the canonical bytes
// of the audit log, signed checkpoints, signed documents (certificates and
// reports) and bundles of the whole log. It needs no database and no network,
// so that a stranger with one file can check what it says.
package proof

import (
	"bytes"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The formats of files, as their member "format" gives them.
const (
	Certificate = "qingdang/certificate/v1"
	Report      = "qingdang/report/v1"
	Inspection  = "qingdang/inspection/v1"
	Bundle      = "qingdang/log/v1"
)

// DigestField is the name under which a leaf's data carries the digest of the
// document that was sealed with it.
const DigestField = "document_sha256"

// Signer is a signing key that can name its public half, as package note writes
// it ("name+hash+base64"). The key store's signers are such.
type Signer interface {
	note.Signer
	Public() string
}

// Options say what the verifying person already knows. Keys holds verifier keys
// or fingerprints obtained by another route; without any, the key in the file
// is only self-declared. Checkpoints holds older checkpoint texts.
type Options struct {
	Keys        []string
	Checkpoints []string
}

// The kinds of problems. Those of the second group are about a log: FirstBad and
// LastBad say which leaves.
const (
	JSONBroken         = "json_broken"
	NotCanonical       = "not_canonical"
	ValueChanged       = "value_changed"
	SectionMissing     = "section_missing"
	SectionAdded       = "section_added"
	DigestChanged      = "digest_changed"
	RootChanged        = "root_changed"
	FormatUnknown      = "format_unknown"
	MemberMissing      = "member_missing"
	KeyMalformed       = "key_malformed"
	KeyNotPinned       = "key_not_pinned"
	SignatureWrong     = "signature_wrong"
	LeafMalformed      = "leaf_malformed"
	LeafWithoutDigest  = "leaf_without_digest"
	IndexWrong         = "index_wrong"
	NotInLog           = "not_in_log"
	CheckpointWrong    = "checkpoint_wrong"
	CheckpointConflict = "checkpoint_conflict"
	HeaderBroken       = "header_broken"

	Changed   = "changed"
	Missing   = "missing"
	Reordered = "reordered"
	Inserted  = "inserted"
	Cut       = "cut"
	Nodes     = "nodes"
	Rewritten = "rewritten"
)

// Remarks that are true of good files too, and must be said aloud.
const (
	KeySelfDeclared        = "key_self_declared"
	TailNotProvable        = "tail_not_provable"
	ConsistencyNeedsBundle = "consistency_needs_bundle"
	CheckpointAgrees       = "checkpoint_agrees"
)

// Problem is one thing that is wrong. Pointer is a JSON pointer into a document;
// Line and Column (in characters, from 1) are 0 where no place can be named.
type Problem struct {
	Kind, Pointer string
	Line, Column  int
	Detail        string
}

// Result is what can honestly be said about a file. FirstBad and LastBad bound
// the leaves that are not what was once signed; -1 means none.
type Result struct {
	OK       bool
	Format   string
	Problems []Problem

	KeyName, Fingerprint string
	Pinned               bool

	LogSize, LeafIndex int64
	LeafAt             time.Time

	TailProvable      bool
	Proven            int64
	FirstBad, LastBad int64
	Notes             []string
}

func (r *Result) problem(p Problem) { r.Problems = append(r.Problems, p) }

func (r *Result) finish() Result {
	r.OK = len(r.Problems) == 0
	if !r.Pinned && r.KeyName != "" {
		r.Notes = append(r.Notes, KeySelfDeclared)
	}
	if !r.TailProvable && !slices.Contains(r.Notes, ConsistencyNeedsBundle) {
		r.Notes = append(r.Notes, TailNotProvable)
	}
	return *r
}

// Format tells by the first bytes of a file what it claims to be; "" is none of
// ours.
func Format(data []byte) string {
	head := data[:min(len(data), 64<<10)]
	if line, _, found := bytes.Cut(head, []byte("\n")); found && bytes.Contains(line, []byte(`"format":"`+Bundle+`"`)) {
		return Bundle
	}
	// A document's body comes first and may be long, so look in all of it.
	for _, f := range []string{Certificate, Report, Inspection} {
		if bytes.Contains(data, []byte("\n  \"format\": \""+f+"\",\n")) {
			return f
		}
	}
	return ""
}
