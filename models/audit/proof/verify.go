package proof

import (
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Verify checks the evidence file of one document and says where it was changed.
// Every byte counts: the file must be spelled as Seal spelled it. The error is
// only for options that could never match; a bad file is a Result.
func Verify(data []byte, o Options) (Result, error) {
	if err := checkOptions(o); err != nil {
		return Result{}, err
	}
	c := &checking{data: data, options: o, result: Result{LeafIndex: -1, FirstBad: -1, LastBad: -1}}
	if c.read() {
		c.checkParts()
		if c.checkKey() {
			c.checkSignature()
			c.checkLeaf()
			c.checkLog()
		}
	}
	return c.result.finish(), nil
}

// checking is one run of Verify over one file.
type checking struct {
	data    []byte
	options Options
	result  Result
	starts  map[string]int // where each part begins in data
	doc     document
	root    [32]byte // the root that the file states
	leaf    []byte
	key     note.Verifier
}

// document is the file's members after their types were checked.
type document struct {
	format, root, signature, key, leaf, checkpoint string
	index                                          int64
	body                                           map[string]any
	digests                                        map[string]string
	proof                                          []string
}

func (c *checking) fail(kind, pointer, detail string) {
	p := Problem{Kind: kind, Pointer: pointer, Detail: detail}
	// Where the pointed value is missing, the place is that of what should hold it.
	for at := pointer; ; {
		if start, ok := c.starts[at]; ok {
			p.Line, p.Column = place(c.data, start)
			break
		}
		up := strings.LastIndexByte(at, '/')
		if up < 0 {
			break
		}
		at = at[:up]
	}
	c.result.problem(p)
}

// checkParts compares every part of the body with its digest and the digests
// with the root.
func (c *checking) checkParts() {
	actual, err := digests(c.doc.body)
	if err != nil {
		c.fail(ValueChanged, "/body", err.Error())
		return
	}
	stated := hex.EncodeToString(c.root[:])
	rootOfActual, rootOfStated := rootOf(c.doc.format, actual), rootOf(c.doc.format, c.doc.digests)
	differ := differing(actual, c.doc.digests)
	switch {
	case len(differ) == 0 && rootOfActual != c.root:
		c.fail(RootChanged, "/root", stated)
	case len(differ) > 0 && rootOfActual == c.root:
		// The body is as it was sealed; what was touched is the list of digests.
		for _, p := range differ {
			c.fail(DigestChanged, "/digests/"+escapePointer(p), c.doc.digests[p])
		}
	default:
		c.failParts(differ, actual)
		if len(differ) > 0 && rootOfStated != c.root {
			c.fail(RootChanged, "/root", stated)
		}
	}
}

func (c *checking) failParts(differ []string, actual map[string]string) {
	for _, p := range differ {
		inner := func(q string) bool { return q != p && strings.HasPrefix(q, p+"/") }
		_, here := actual[p]
		_, stated := c.doc.digests[p]
		switch {
		case !here:
			c.fail(SectionMissing, p, "")
		case !stated:
			c.fail(SectionAdded, p, "")
		case !slices.ContainsFunc(differ, inner):
			c.fail(ValueChanged, p, "")
		}
	}
}

// differing gives the pointers that are not the same in both, sorted.
func differing(a, b map[string]string) []string {
	var out []string
	for p := range a {
		if b[p] != a[p] {
			out = append(out, p)
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

func (c *checking) checkKey() bool {
	v, err := verifier(c.doc.key)
	if err != nil {
		c.fail(KeyMalformed, "/key", err.Error())
		return false
	}
	c.key = v
	c.result.KeyName = v.Name()
	c.result.Fingerprint, _ = Fingerprint(c.doc.key) // the key was just parsed
	c.result.Pinned = len(c.options.Keys) > 0 && pinned(c.doc.key, c.options.Keys)
	if len(c.options.Keys) > 0 && !c.result.Pinned {
		c.fail(KeyNotPinned, "/key", c.result.Fingerprint)
	}
	return true
}

func (c *checking) checkSignature() {
	leaf, ok := unbase64(c.doc.leaf)
	if !ok {
		c.fail(LeafMalformed, "/leaf", "base64")
	}
	c.leaf = leaf
	if !signed(c.key, statement(c.doc.format, c.root, leaf, c.doc.index), c.doc.signature) {
		c.fail(SignatureWrong, "/signature", "")
	}
}

func (c *checking) checkLeaf() {
	head, err := ParseLeafHead(c.leaf)
	if err != nil {
		c.fail(LeafMalformed, "/leaf", err.Error())
		return
	}
	c.result.LeafIndex, c.result.LeafAt = c.doc.index, head.Time()
	if head.N != c.doc.index {
		c.fail(IndexWrong, "/index", "")
	}
	if head.Data[DigestField] != hex.EncodeToString(c.root[:]) {
		c.fail(LeafWithoutDigest, "/leaf", "")
	}
}

func (c *checking) checkLog() {
	cp, err := ParseCheckpoint(c.doc.checkpoint, c.doc.key)
	if err != nil || !cp.only(c.key) {
		c.fail(CheckpointWrong, "/checkpoint", "")
		return
	}
	c.result.LogSize = cp.Size
	var path tlog.RecordProof
	for _, s := range c.doc.proof {
		b, ok := unbase64(s)
		if !ok || len(b) != tlog.HashSize {
			c.fail(NotInLog, "/proof", "base64")
			return
		}
		path = append(path, tlog.Hash(b))
	}
	if err := tlog.CheckRecord(path, cp.Size, cp.Root, c.doc.index, tlog.RecordHash(c.leaf)); err != nil {
		c.fail(NotInLog, "/proof", "")
	}
	c.compare(cp)
}

// compare holds the document's checkpoint against older ones that the person
// brought. Only equal sizes can be compared here: a consistency proof between
// two sizes needs hashes that one document does not carry.
func (c *checking) compare(cp Checkpoint) {
	for _, text := range c.options.Checkpoints {
		old, err := ParseCheckpoint(text, keyTexts(c.doc.key, c.options.Keys)...)
		switch {
		case err != nil:
			c.result.problem(Problem{Kind: CheckpointWrong, Detail: err.Error()})
		case old.Size == cp.Size && old.Root != cp.Root, old.Size == cp.Size && old.Origin != cp.Origin:
			c.result.problem(Problem{Kind: CheckpointConflict, Detail: old.Origin})
		case old.Size == cp.Size:
			c.result.TailProvable, c.result.Proven = true, cp.Size
			c.result.Notes = append(c.result.Notes, CheckpointAgrees)
		case !slices.Contains(c.result.Notes, ConsistencyNeedsBundle):
			c.result.Notes = append(c.result.Notes, ConsistencyNeedsBundle)
		}
	}
}
