package proof

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// longestLine bounds what one line of a bundle may take of memory.
const longestLine = 1 << 20

var (
	hashesOpen = []byte(`{"hashes":[`)
	leafOpen   = []byte(`],"leaf":`)
	errLong    = errors.New("proof: a line is too long")
	errUnended = errors.New("proof: the last line does not end")
)

// BundleWriter writes a bundle: a head line with the checkpoint, then one line
// for each leaf with the nodes that were stored for it.
type BundleWriter struct{ w *bufio.Writer }

// NewBundle writes the head line. Close must be called at the end.
func NewBundle(w io.Writer, k Signer, c Checkpoint) (*BundleWriter, error) {
	head, err := headLine(k.Public(), c.Note)
	if err != nil {
		return nil, err
	}
	b := &BundleWriter{w: bufio.NewWriterSize(w, 256<<10)}
	_, err = b.w.Write(head)
	return b, err
}

func headLine(key, checkpoint string) ([]byte, error) {
	head, err := Canonical(map[string]any{"format": Bundle, "key": key, "checkpoint": checkpoint})
	return append(head, '\n'), err
}

// Leaf writes the next leaf.
func (b *BundleWriter) Leaf(leaf []byte, stored []tlog.Hash) error {
	line := bytes.Clone(hashesOpen)
	for i, h := range stored {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(line, '"')
		line = base64.StdEncoding.AppendEncode(line, h[:])
		line = append(line, '"')
	}
	line = append(append(line, leafOpen...), leaf...)
	_, err := b.w.Write(append(line, "}\n"...))
	return err
}

// Close writes what is still buffered; it does not close the file under it.
func (b *BundleWriter) Close() error { return b.w.Flush() }

// line is one leaf of a bundle. A line that is none of ours has own -1.
type line struct {
	leaf   []byte
	stored []tlog.Hash
	own    int64
}

func parseLine(data []byte) line {
	rest, ok := bytes.CutPrefix(data, hashesOpen)
	hashes, leaf, ok2 := bytes.Cut(rest, leafOpen)
	leaf, ok3 := bytes.CutSuffix(leaf, []byte("}"))
	l := line{leaf: bytes.Clone(leaf), own: -1}
	if !ok || !ok2 || !ok3 {
		return l
	}
	for part := range bytes.SplitSeq(hashes, []byte(",")) {
		h, ok := parseNode(part)
		if !ok {
			return l
		}
		l.stored = append(l.stored, h)
	}
	if n, ok := leafIndex(l.leaf); ok && n >= 0 {
		l.own = n
	}
	return l
}

func parseNode(part []byte) (tlog.Hash, bool) {
	const width = 44 // of 32 bytes in base64
	if len(part) != width+2 || part[0] != '"' || part[width+1] != '"' {
		return tlog.Hash{}, false
	}
	var b [36]byte
	text := part[1 : width+1]
	n, err := base64.StdEncoding.Decode(b[:], text)
	if err != nil || n != tlog.HashSize {
		return tlog.Hash{}, false
	}
	var again [width]byte
	base64.StdEncoding.Encode(again[:], b[:n])
	return tlog.Hash(b[:n]), bytes.Equal(again[:], text)
}

// lineReader gives the lines of a bundle without their end. The last line must
// end too: a file cut in the middle of a line is noticed.
type lineReader struct {
	r   *bufio.Reader
	err error
}

func (r *lineReader) next() ([]byte, bool) {
	if r.err != nil {
		return nil, false
	}
	var out []byte
	for {
		part, err := r.r.ReadSlice('\n')
		out = append(out, part...)
		switch {
		case err == nil:
			return out[:len(out)-1], true
		case len(out) > longestLine:
			r.err = errLong
			return nil, false
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(out) > 0:
			r.err = errUnended
			return nil, false
		case err == io.EOF:
			return nil, false
		default:
			r.err = err
			return nil, false
		}
	}
}
