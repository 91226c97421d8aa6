package format

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The readers look into JSON with these few functions instead of encoding/json's structs: keys
// must match exactly (structs would take "MsgID" for "msgid"), a field of the wrong type must
// cost that field and not the whole line, and unknown parts must cost nothing.
// All of them expect text that json.Valid has passed, which also bounds the depth.

// value is one JSON value as it stands in the file; nil is a missing one.
type value []byte

// object is the fields of a JSON object in the order of the file.
type object []jsonField

type jsonField struct {
	key string
	val value
}

// get is the value of a key, the last one of a key that comes twice; nil when there is none.
func (o object) get(key string) value {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].key == key {
			return o[i].val
		}
	}
	return nil
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// span is the length of the JSON value at the beginning of b. It does not recurse, so deep
// nesting costs no stack. In a text that breaks off it is the rest.
func span(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringSpan(b[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			continue
		default:
			for i+1 < len(b) && !strings.ContainsRune(",]} \t\r\n", rune(b[i+1])) {
				i++
			}
		}
		if depth <= 0 {
			return min(i+1, len(b))
		}
	}
	return len(b)
}

func stringSpan(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// fields reads the object v; ok is false when v is something else.
func (v value) fields() (o object, ok bool) {
	b := skipSpace(v)
	if len(b) == 0 || b[0] != '{' {
		return nil, false
	}
	o = make(object, 0, 8)
	eachField(b, func(key string, val value) { o = append(o, jsonField{key, val}) })
	return o, true
}

// eachField walks the fields of the object at the beginning of b, as far as they go.
func eachField(b []byte, fn func(key string, val value)) {
	for b = skipSpace(b[1:]); len(b) > 0 && b[0] == '"'; b = skipSpace(b) {
		n := stringSpan(b)
		key, _ := value(b[:n]).str()
		b = skipSpace(b[n:])
		if len(b) == 0 || b[0] != ':' {
			return
		}
		b = skipSpace(b[1:])
		n = span(b)
		fn(key, value(b[:n]))
		b = skipSpace(b[n:])
		if len(b) == 0 || b[0] != ',' {
			return
		}
		b = b[1:]
	}
}

// elements reads the array v; ok is false when v is something else.
func (v value) elements() (list []value, ok bool) {
	b := skipSpace(v)
	if len(b) == 0 || b[0] != '[' {
		return nil, false
	}
	for b = skipSpace(b[1:]); len(b) > 0 && b[0] != ']'; b = skipSpace(b) {
		n := span(b)
		list = append(list, value(b[:n]))
		b = skipSpace(b[n:])
		if len(b) == 0 || b[0] != ',' {
			break
		}
		b = b[1:]
	}
	return list, true
}

// str reads a JSON string.
func (v value) str() (string, bool) {
	b := skipSpace(v)
	if len(b) < 2 || b[0] != '"' {
		return "", false
	}
	b = b[:stringSpan(b)]
	if bytes.IndexByte(b, '\\') < 0 {
		return strings.TrimSuffix(string(b[1:]), `"`), true
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err == nil
}

// word reads a string or the digits of a number, for ids and codes that programs write either way.
func (v value) word() string {
	if s, ok := v.str(); ok {
		return s
	}
	if raw := string(bytes.TrimSpace(v)); raw != "" && strings.Trim(raw, "-0123456789") == "" {
		return raw // also where it is too long for an integer
	}
	if n, ok := v.integer(); ok {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// text reads a string and gives "" for anything else.
func (v value) text() string {
	s, _ := v.str()
	return s
}

// integer reads a JSON number without fraction. Numbers are never taken from strings.
func (v value) integer() (int64, bool) {
	b := string(bytes.TrimSpace(v))
	if n, err := strconv.ParseInt(b, 10, 64); err == nil {
		return n, true
	}
	if b == "" || !(b[0] == '-' || b[0] >= '0' && b[0] <= '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(b, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// digits reads a number, or a string of digits.
func (v value) digits() (int64, bool) {
	if s, ok := v.str(); ok {
		return digits(strings.TrimSpace(s))
	}
	return v.integer()
}

// isTrue tells whether v is the word true.
func (v value) isTrue() bool { return string(bytes.TrimSpace(v)) == "true" }

// given tells whether v is there and is not null.
func (v value) given() bool { return len(v) > 0 && string(bytes.TrimSpace(v)) != "null" }

// get reads a field of an object inside v; nil when there is none.
func (v value) get(key string) value {
	o, _ := v.fields()
	return o.get(key)
}
