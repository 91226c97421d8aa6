package proof

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// members are the members of a document's file; no other may stand there.
var members = []string{"body", "checkpoint", "digests", "format", "index", "key", "leaf", "proof", "root", "signature"}

// read takes the file apart. It answers false when there is nothing left that
// further checks could say something sensible about.
func (c *checking) read() bool {
	v, err := decode(c.data)
	if err != nil {
		c.broken(err)
		return false
	}
	top, ok := v.(map[string]any)
	if !ok {
		c.fail(JSONBroken, "", errNotObject.Error())
		return false
	}
	w, err := layOut(top)
	c.starts = w.starts
	if at := firstDifference(w.buf.Bytes(), c.data); err != nil || at >= 0 {
		// Positions hold up to the first byte that is spelled in another way.
		maps.DeleteFunc(c.starts, func(_ string, start int) bool { return at >= 0 && start > at })
		p := Problem{Kind: NotCanonical}
		if err != nil {
			p.Detail = err.Error()
		}
		p.Line, p.Column = place(c.data, max(at, 0))
		c.result.problem(p)
	}
	return c.take(top)
}

func (c *checking) broken(err error) {
	at := len(c.data)
	var syntax *json.SyntaxError
	var rest *trailing
	switch {
	case errors.As(err, &syntax):
		at = max(int(syntax.Offset)-1, 0)
	case errors.As(err, &rest):
		at = rest.offset
	}
	p := Problem{Kind: JSONBroken, Detail: err.Error()}
	p.Line, p.Column = place(c.data, at)
	c.result.problem(p)
}

// take checks the members' presence and types.
func (c *checking) take(top map[string]any) bool {
	before := len(c.result.Problems)
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if !slices.Contains(members, name) {
			c.fail(SectionAdded, "/"+escapePointer(name), "")
		}
	}
	d := &c.doc
	d.format = member[string](c, top, "format")
	d.root = member[string](c, top, "root")
	d.signature = member[string](c, top, "signature")
	d.key = member[string](c, top, "key")
	d.leaf = member[string](c, top, "leaf")
	d.checkpoint = member[string](c, top, "checkpoint")
	d.body = member[map[string]any](c, top, "body")
	index, err := strconv.ParseInt(string(member[json.Number](c, top, "index")), 10, 64)
	d.index = index
	d.digests = map[string]string{}
	for p, v := range member[map[string]any](c, top, "digests") {
		text, ok := v.(string)
		if !ok {
			c.fail(DigestChanged, "/digests/"+escapePointer(p), "")
		}
		d.digests[p] = text
	}
	for i, v := range member[[]any](c, top, "proof") {
		text, ok := v.(string)
		if !ok {
			c.fail(NotInLog, "/proof/"+strconv.Itoa(i), "")
		}
		d.proof = append(d.proof, text)
	}
	if len(c.result.Problems) > before {
		return false
	}
	if err != nil {
		c.fail(IndexWrong, "/index", "")
	}
	sum, err := hex.DecodeString(d.root)
	if err != nil || len(sum) != len(c.root) || hex.EncodeToString(sum) != d.root {
		c.fail(RootChanged, "/root", d.root)
		return false
	}
	c.root = [32]byte(sum)
	c.result.Format = d.format
	if d.format != Certificate && d.format != Report && d.format != Inspection {
		c.fail(FormatUnknown, "/format", d.format)
	}
	return true
}

func member[T any](c *checking, top map[string]any, name string) T {
	v, ok := top[name].(T)
	if !ok {
		c.fail(MemberMissing, "/"+name, "")
	}
	return v
}

// firstDifference gives the first byte in which two files differ, -1 if none.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// place turns a byte offset into line and column, both from 1, the column in
// characters as editors count.
func place(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}
