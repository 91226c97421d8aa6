package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement "the log called Origin has Size leaves and
// this root" in the C2SP tlog-checkpoint form; Note is its signed text.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Note   string
}

var (
	errCheckpoint = errors.New("proof: not a checkpoint")
	errKey        = errors.New("proof: not a verifier key")
)

// Sign makes the checkpoint of a log's head. The key's name is the log's origin.
func Sign(k Signer, size int64, root tlog.Hash) (Checkpoint, error) {
	c := Checkpoint{Origin: k.Name(), Size: size, Root: root}
	text, err := note.Sign(&note.Note{Text: c.text()}, k)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	c.Note = string(text)
	return c, nil
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ParseCheckpoint reads a checkpoint that one of the given verifier keys signed.
// Signatures of others (witnesses) may stand beside it.
func ParseCheckpoint(text string, keys ...string) (Checkpoint, error) {
	var known []note.Verifier
	for _, k := range unique(keys) {
		v, err := verifier(k)
		if err != nil {
			return Checkpoint{}, err
		}
		known = append(known, v)
	}
	n, err := note.Open([]byte(text), note.VerifierList(known...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		return Checkpoint{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := tlog.ParseHash(lines[2])
	c := Checkpoint{Origin: lines[0], Size: size, Root: root, Note: text}
	// Only the one spelling: what was parsed, written again, is what was signed.
	if err != nil || err2 != nil || size < 0 || c.text() != n.Text {
		return Checkpoint{}, errCheckpoint
	}
	return c, nil
}

// only refuses a checkpoint whose text could be spelled differently: exactly one
// signature, written as note.Sign would.
func (c Checkpoint) only(v note.Verifier) bool {
	line, found := strings.CutPrefix(c.Note, c.text()+"\n— "+v.Name()+" ")
	if !found {
		return false
	}
	b64, found := strings.CutSuffix(line, "\n")
	_, ok := unbase64(b64)
	return found && ok
}

// verifier reads a verifier key in its one spelling.
func verifier(public string) (note.Verifier, error) {
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKey, err)
	}
	_, key, err := publicKey(public)
	if err != nil || public != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(key)) {
		return nil, errKey
	}
	return v, nil
}

func publicKey(public string) (name string, key []byte, err error) {
	name, rest, _ := strings.Cut(public, "+")
	_, b64, found := strings.Cut(rest, "+")
	key, ok := unbase64(b64)
	if !found || !ok {
		return "", nil, errKey
	}
	return name, key, nil
}

// Fingerprint gives the SHA-256 of a verifier key, in groups of eight digits.
// The first group is the key hash inside the key's own text.
func Fingerprint(public string) (string, error) {
	if _, err := verifier(public); err != nil {
		return "", err
	}
	name, key, err := publicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	digits := hex.EncodeToString(sum[:])
	var groups []string
	for part := range slices.Chunk([]byte(digits), 8) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, " "), nil
}

// pinned tells whether a key is one of those the person trusts, who named them
// by key text or by fingerprint.
func pinned(public string, trusted []string) bool {
	print, err := Fingerprint(public)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(trusted, func(t string) bool {
		return t == public || plain(t) == plain(print)
	})
}

func plain(fingerprint string) string {
	return strings.ToLower(strings.Join(strings.Fields(fingerprint), ""))
}

// checkOptions refuses pinned keys that could never match anything.
func checkOptions(o Options) error {
	for _, k := range o.Keys {
		if _, err := verifier(k); err == nil {
			continue
		}
		if sum, err := hex.DecodeString(plain(k)); err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("%w and not a fingerprint: %q", errKey, k)
		}
	}
	return nil
}

// keyTexts gives those of the trusted keys that are keys, not fingerprints, and
// the file's own.
func keyTexts(own string, trusted []string) []string {
	out := []string{own}
	for _, k := range trusted {
		if _, err := verifier(k); err == nil {
			out = append(out, k)
		}
	}
	return unique(out)
}

func unique(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// unbase64 accepts only the one spelling of some bytes: encoding/base64 also
// takes stray bits and line breaks.
func unbase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil && base64.StdEncoding.EncodeToString(b) == s
}

// signature signs text by itself, outside a note, as a document carries it.
func signature(k Signer, text []byte) (string, error) {
	sig, err := k.Sign(text)
	if err != nil {
		return "", fmt.Errorf("sign document: %w", err)
	}
	return base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, k.KeyHash()), sig...)), nil
}

func signed(v note.Verifier, text []byte, b64 string) bool {
	sig, ok := unbase64(b64)
	hash := binary.BigEndian.AppendUint32(nil, v.KeyHash())
	return ok && bytes.HasPrefix(sig, hash) && v.Verify(text, sig[len(hash):])
}
