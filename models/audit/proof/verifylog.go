package proof

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// VerifyLog walks a bundle and names the first leaf that was changed, removed,
// inserted, reordered or cut off. Without a checkpoint obtained by another
// route it never claims that the tail is complete. The error is for unusable
// options and for reading that failed; a bad bundle is a Result.
func VerifyLog(r io.Reader, o Options) (Result, error) {
	if err := checkOptions(o); err != nil {
		return Result{}, err
	}
	w := &walk{lines: lineReader{r: bufio.NewReaderSize(r, 256<<10)}, options: o}
	w.result = Result{Format: Bundle, LeafIndex: -1, FirstBad: -1, LastBad: -1}
	if w.head() {
		w.leaves()
	}
	switch err := w.lines.err; {
	case errors.Is(err, errUnended), errors.Is(err, errLong):
		if w.result.FirstBad < 0 {
			w.found(&Finding{What: Cut, First: w.read, Last: max(w.own.Size-1, w.read)})
		}
	case err != nil:
		return Result{}, fmt.Errorf("read bundle: %w", err)
	}
	return w.result.finish(), nil
}

type walk struct {
	lines   lineReader
	options Options
	result  Result
	key     string
	own     Checkpoint   // the bundle's
	outside []Checkpoint // what the person brought
	read    int64        // leaf lines so far
}

func (w *walk) problem(kind, detail string) {
	w.result.problem(Problem{Kind: kind, Line: 1, Column: 1, Detail: detail})
}

// found records a finding. A bundle's leaf n stands in line n+2.
func (w *walk) found(f *Finding) {
	w.result.FirstBad, w.result.LastBad = f.First, f.Last
	w.result.problem(Problem{Kind: f.What, Line: int(f.First) + 2, Column: 1})
}

// head reads the first line and the outside checkpoints.
func (w *walk) head() bool {
	data, ok := w.lines.next()
	if !ok {
		w.problem(HeaderBroken, "empty")
		return false
	}
	v, err := decode(data)
	m, _ := v.(map[string]any)
	key, ok1 := m["key"].(string)
	note, ok2 := m["checkpoint"].(string)
	again, _ := headLine(key, note) // both are UTF-8, having been decoded
	if err != nil || !ok1 || !ok2 || !bytes.Equal(again, append(slices.Clone(data), '\n')) {
		w.problem(HeaderBroken, "")
		return false
	}
	known, err := verifier(key)
	if err != nil {
		w.problem(KeyMalformed, err.Error())
		return false
	}
	w.key, w.result.KeyName = key, known.Name()
	w.result.Fingerprint, _ = Fingerprint(key) // the key was just parsed
	w.result.Pinned = len(w.options.Keys) > 0 && pinned(key, w.options.Keys)
	if len(w.options.Keys) > 0 && !w.result.Pinned {
		w.problem(KeyNotPinned, w.result.Fingerprint)
	}
	if w.own, err = ParseCheckpoint(note, key); err != nil || !w.own.only(known) {
		w.problem(CheckpointWrong, "")
		return false
	}
	w.result.LogSize = w.own.Size
	for _, text := range w.options.Checkpoints {
		c, err := ParseCheckpoint(text, keyTexts(key, w.options.Keys)...)
		if err != nil {
			w.result.problem(Problem{Kind: CheckpointWrong, Detail: err.Error()})
			continue
		}
		w.outside = append(w.outside, c)
	}
	return true
}

// leaves walks all lines, one line ahead of itself so that it can tell a removed
// leaf from a moved one.
func (w *walk) leaves() {
	walker, finding := NewWalker(append([]Checkpoint{w.own}, w.outside...))
	if finding != nil {
		w.found(finding)
		return
	}
	current, more := w.line()
	for more {
		following, another := w.line()
		next := int64(-1)
		if another {
			next = following.own
		}
		if walker.Size() >= w.own.Size {
			w.found(&Finding{What: Inserted, First: w.own.Size, Last: walker.Size()})
			return
		}
		if f := walker.Step(current.leaf, current.own, current.stored, next); f != nil {
			w.found(f)
			return
		}
		current, more = following, another
	}
	if w.lines.err != nil {
		return
	}
	if f := walker.End(); f != nil {
		w.found(f)
		return
	}
	for _, c := range w.outside {
		w.result.TailProvable = true
		w.result.Proven = max(w.result.Proven, c.Size)
	}
}

func (w *walk) line() (line, bool) {
	data, ok := w.lines.next()
	if !ok {
		return line{}, false
	}
	w.read++
	return parseLine(data), true
}
