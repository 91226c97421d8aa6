package proof

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Kinds of files that people take for evidence: what they are instead.
const (
	OtherEmpty      = "empty"
	OtherPDF        = "pdf"
	OtherArchive    = "zip" // workbooks too
	OtherEncrypted  = "age"
	OtherManifest   = "manifest" // of an export
	OtherCheckpoint = "checkpoint"
	OtherTable      = "csv"
	OtherText       = "text"
	OtherJSON       = "json"
)

// OtherByHead tells by its first bytes that a file is something that has never been evidence; "" is
// everything else.
func OtherByHead(head []byte) string {
	for _, m := range [][2]string{{"%PDF-", OtherPDF}, {"PK\x03\x04", OtherArchive}, {"PK\x05\x06", OtherArchive}, {"age-encryption.org/", OtherEncrypted}} {
		if bytes.HasPrefix(head, []byte(m[0])) {
			return m[1]
		}
	}
	return ""
}

// Other tells what a whole file is that is no evidence and never was; "" is for what is evidence,
// or may be evidence that was damaged: that must never pass for a mistake of the caller.
func Other(data []byte) string {
	if other := OtherByHead(data); other != "" {
		return other
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	for _, ours := range []string{"qingdang/certificate/", "qingdang/report/", "qingdang/inspection/", "qingdang/log/", `"leaf":`} {
		if bytes.Contains(text, []byte(ours)) {
			return ""
		}
	}
	switch {
	case len(text) == 0:
		return OtherEmpty
	case text[0] == '{' || text[0] == '[':
		return otherJSON(text)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return ""
	case bytes.Contains(text, []byte("\n\n— ")):
		return OtherCheckpoint
	}
	if line, _, _ := bytes.Cut(text, []byte("\n")); bytes.IndexByte(line, ',') >= 0 {
		return OtherTable
	}
	return OtherText
}

// otherJSON looks for what makes a document or a line of a bundle: one of its members is enough.
func otherJSON(text []byte) string {
	var members map[string]json.RawMessage
	switch err := json.Unmarshal(text, &members); {
	case err != nil && (text[0] == '{' || !json.Valid(text)):
		return ""
	case err != nil:
		return OtherJSON
	}
	has := func(names ...string) (n int) {
		for _, name := range names {
			if _, ok := members[name]; ok {
				n++
			}
		}
		return n
	}
	switch {
	case has("body", "checkpoint", "digests", "leaf", "hashes", "proof", "signature") > 0:
		return ""
	case has("code", "purpose", "listed", "left_out", "root", "files") == 6:
		return OtherManifest
	}
	return OtherJSON
}
