package proof

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrNotProvable says that the pieces handed to Seal do not prove the document;
// nothing was written.
var ErrNotProvable = errors.New("proof: the pieces do not prove the document")

// Seal writes the evidence file of a document whose Digest stands in leaf number
// index of the log: body, digests of its parts, signature, the leaf, and the
// proof that the leaf is under the checkpoint. The file is verified before it
// is given out, since a certificate that does not verify is worse than none.
func Seal(format string, body any, k Signer, checkpoint string, leaf []byte, index int64, p tlog.RecordProof) ([]byte, error) {
	m, err := object(body)
	if err != nil {
		return nil, err
	}
	parts, err := digests(m)
	if err != nil {
		return nil, err
	}
	root := rootOf(format, parts)
	sig, err := signature(k, statement(format, root, leaf, index))
	if err != nil {
		return nil, err
	}
	path := make([]any, len(p))
	for i, h := range p {
		path[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	data, err := layOut(map[string]any{
		"format":     format,
		"body":       m,
		"digests":    texts(parts),
		"root":       hex.EncodeToString(root[:]),
		"signature":  sig,
		"key":        k.Public(),
		"leaf":       base64.StdEncoding.EncodeToString(leaf),
		"index":      index,
		"proof":      path,
		"checkpoint": checkpoint,
	})
	if err != nil {
		return nil, err
	}
	if r, err := Verify(data.buf.Bytes(), Options{Keys: []string{k.Public()}}); err != nil || !r.OK {
		return nil, fmt.Errorf("%w: %v %w", ErrNotProvable, r.Problems, err)
	}
	return data.buf.Bytes(), nil
}

// layOut writes a document's file: canonical, one member a line, with the place
// of every part.
func layOut(doc map[string]any) (*writer, error) {
	w := &writer{pretty: true, starts: map[string]int{}}
	if err := w.value(doc, "", 0); err != nil {
		return w, err
	}
	w.buf.WriteByte('\n')
	return w, nil
}

// statement is the text that a document's signature covers. Its second line is
// no number, so no checkpoint can be read out of it.
func statement(format string, root [32]byte, leaf []byte, index int64) []byte {
	h := tlog.RecordHash(leaf)
	return fmt.Appendf(nil, "qingdang document signature v1\n%s\n%x\n%d\n%x\n", format, root, index, h[:])
}

func texts(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
