package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errNotObject = errors.New("proof: the body must be one JSON object")

var integer = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// Canonical gives the one spelling of a JSON value: keys sorted, no blanks, no
// floating point, control and direction characters escaped. It takes what
// encoding/json decodes with UseNumber, and int64.
func Canonical(v any) ([]byte, error) {
	w := writer{}
	err := w.value(v, "", 0)
	return w.buf.Bytes(), err
}

// writer writes canonical JSON. With pretty set it breaks lines and remembers at
// which byte the values of the first levels begin.
type writer struct {
	buf    bytes.Buffer
	pretty bool
	starts map[string]int
}

// trackDepth is how deep positions are remembered: /body/section/element.
const trackDepth = 3

func (w *writer) value(v any, pointer string, depth int) error {
	if w.pretty && depth <= trackDepth {
		w.starts[pointer] = w.buf.Len()
	}
	switch v := v.(type) {
	case nil:
		w.buf.WriteString("null")
	case bool:
		w.buf.WriteString(strconv.FormatBool(v))
	case int64:
		w.buf.WriteString(strconv.FormatInt(v, 10))
	case json.Number:
		if !integer.MatchString(string(v)) {
			return fmt.Errorf("proof: %s: %s is not a whole number", pointer, v)
		}
		w.buf.WriteString(string(v))
	case string:
		return w.text(v, pointer)
	case []any:
		return w.list(v, pointer, depth)
	case map[string]any:
		return w.object(v, pointer, depth)
	default:
		return fmt.Errorf("proof: %s: a %T has no canonical form", pointer, v)
	}
	return nil
}

func (w *writer) list(v []any, pointer string, depth int) error {
	w.buf.WriteByte('[')
	for i, e := range v {
		w.next(i, depth)
		if err := w.value(e, pointer+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	w.end(len(v), depth)
	w.buf.WriteByte(']')
	return nil
}

func (w *writer) object(v map[string]any, pointer string, depth int) error {
	w.buf.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(v)) {
		w.next(i, depth)
		inner := pointer + "/" + escapePointer(k)
		if err := w.text(k, inner); err != nil {
			return err
		}
		w.buf.WriteByte(':')
		if w.pretty {
			w.buf.WriteByte(' ')
		}
		if err := w.value(v[k], inner, depth+1); err != nil {
			return err
		}
	}
	w.end(len(v), depth)
	w.buf.WriteByte('}')
	return nil
}

func (w *writer) next(i, depth int) {
	if i > 0 {
		w.buf.WriteByte(',')
	}
	w.line(depth + 1)
}

func (w *writer) end(n, depth int) {
	if n > 0 {
		w.line(depth)
	}
}

func (w *writer) line(depth int) {
	if w.pretty {
		w.buf.WriteByte('\n')
		w.buf.WriteString(strings.Repeat("  ", depth))
	}
}

func (w *writer) text(s, pointer string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("proof: %s: text is not UTF-8", pointer)
	}
	w.buf.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.buf.WriteByte('\\')
			w.buf.WriteRune(r)
		case r == '\n':
			w.buf.WriteString(`\n`)
		case Unseen(r):
			fmt.Fprintf(&w.buf, `\u%04x`, r)
		default:
			w.buf.WriteRune(r)
		}
	}
	w.buf.WriteByte('"')
	return nil
}

// Unseen tells whether a character could break a line or turn the reading
// direction, and so make evidence look like something else.
func Unseen(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
		return true
	}
	return false
}

func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// decode reads one JSON value with its numbers as they are spelled.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, &trailing{offset: len(data) - len(rest)}
	}
	return v, nil
}

type trailing struct{ offset int }

func (t *trailing) Error() string { return "something follows the end of the value" }

// object turns any value that encoding/json can write into a decoded object.
func object(body any) (map[string]any, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("proof: encode the body: %w", err)
	}
	v, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("proof: read the body again: %w", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	return m, nil
}
