package audit

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/audit/proof"
)

// longestText bounds one string of an entry's data, in characters.
const longestText = 2000

// clean makes a text safe to read in any log, table or file: no character that
// breaks a line or turns the direction, no broken UTF-8, at most limit
// characters. It never fails, so that nobody can stop an act from being written
// down by a long or malformed name.
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	for _, r := range s {
		if proof.Unseen(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	s = b.String()
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// plain turns the data of an entry into what the canonical form knows.
func plain(path string, v any) (any, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format(proof.TimeFormat), nil
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.String:
		return clean(rv.String(), longestText), nil
	case reflect.Bool:
		return rv.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return rv.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned(path, rv)
	case reflect.Slice, reflect.Array:
		return plainList(path, rv)
	case reflect.Map:
		return plainMap(path, rv)
	}
	return nil, fmt.Errorf("audit: %s: a %T has no place in an entry", path, v)
}

// unsigned writes identifiers (named types) as text, like everywhere else.
func unsigned(path string, rv reflect.Value) (any, error) {
	switch n := rv.Uint(); {
	case rv.Kind() == reflect.Uint64 && rv.Type().PkgPath() != "":
		return strconv.FormatUint(n, 10), nil
	case n > math.MaxInt64:
		return nil, fmt.Errorf("audit: %s: %d is too large", path, n)
	default:
		return int64(n), nil
	}
}

func plainList(path string, rv reflect.Value) (any, error) {
	if rv.Type().Elem().Kind() == reflect.Uint8 {
		return nil, fmt.Errorf("audit: %s: bytes have no place in an entry; write their digest in hex", path)
	}
	out := make([]any, rv.Len())
	for i := range out {
		e, err := plain(path+"/"+strconv.Itoa(i), rv.Index(i).Interface())
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func plainMap(path string, rv reflect.Value) (any, error) {
	if rv.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("audit: %s: keys must be strings", path)
	}
	out := make(map[string]any, rv.Len())
	for it := rv.MapRange(); it.Next(); {
		key := clean(it.Key().String(), longestText)
		e, err := plain(path+"/"+key, it.Value().Interface())
		if err != nil {
			return nil, err
		}
		out[key] = e
	}
	return out, nil
}
