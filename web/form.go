package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/models/id"
)

// noBinder keeps handlers from Echo's binder, which lets the body overwrite the
// path and the query the body.
type noBinder struct{}

// Bind always fails: use Form, Query and PathID.
func (noBinder) Bind(any, echo.Context) error {
	return errors.New("web: use Form, Query or PathID")
}

func badForm() error { return fault.Invalid("fault.bad_form") }

// Form fills the fields with tag `form` from the body of the request, and from
// nothing else. The fault is invalid for a body that is no form or a value that does
// not fit its field.
func Form(c echo.Context, into any) error {
	req := c.Request()
	kind, _, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return badForm()
	}
	if err := req.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return badForm()
	}
	if !fill(into, "form", req.PostForm) {
		return badForm()
	}
	return nil
}

// Query fills the fields with tag `query` from the address. Values that do not fit
// are left out, as unknown parameters are.
func Query(c echo.Context, into any) {
	fill(into, "query", c.QueryParams())
}

// PathID reads an id of the address. Anything that is none is not found, like an id
// that does not exist.
func PathID[T ~uint64](c echo.Context, name string) (T, error) {
	v, err := id.Parse[T](c.Param(name))
	if err != nil {
		return 0, fault.NotFound("fault.no_such_page")
	}
	return v, nil
}

// fill sets the tagged fields of the struct behind into and tells whether every
// value fitted.
func fill(into any, tag string, values url.Values) bool {
	all := true
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get(tag)
		if name == "" {
			continue
		}
		if sent, ok := values[name]; ok && !set(v.Field(i), sent) {
			all = false
		}
	}
	return all
}

func set(field reflect.Value, sent []string) bool {
	if field.Kind() != reflect.Slice {
		return len(sent) > 0 && setOne(field, sent[0])
	}
	out := reflect.MakeSlice(field.Type(), 0, len(sent))
	for _, s := range sent {
		one := reflect.New(field.Type().Elem()).Elem()
		if !setOne(one, s) {
			return false
		}
		out = reflect.Append(out, one)
	}
	field.Set(out)
	return true
}

// setOne reads one value. Numbers have one spelling; text is UTF-8 without NUL,
// which no engine stores alike.
func setOne(field reflect.Value, s string) bool {
	switch field.Kind() {
	case reflect.String:
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return false
		}
		field.SetString(s)
	case reflect.Bool:
		switch s {
		case "1", "true", "on":
			field.SetBool(true)
		case "", "0", "false", "off":
			field.SetBool(false)
		default:
			return false
		}
	case reflect.Int, reflect.Int64:
		if s == "" {
			return true
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return false
		}
		field.SetInt(n)
	case reflect.Uint64:
		if s == "" {
			return true
		}
		n, err := id.Parse[uint64](s)
		if err != nil {
			return false
		}
		field.SetUint(n)
	default:
		return false
	}
	return true
}
