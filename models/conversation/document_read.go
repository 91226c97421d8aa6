package conversation

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// reading takes a document off its JSON as encode writes it: the fields in their order, nothing between
// them. A search opens a page of documents, and a general decoder takes most of that. Whatever is
// written otherwise is not ok, and left to the general one. The texts share the memory of the whole.
type reading struct {
	s  string
	at int
	ok bool
}

// readDocument gives a document; ok is false for what is not written as encode does.
func readDocument(plain []byte) (d *Document, ok bool) {
	r := &reading{s: string(plain), ok: utf8.Valid(plain) && !slices.ContainsFunc(plain, func(b byte) bool { return b < ' ' })}
	d = &Document{}
	r.take(`{"e":`)
	d.ExternalID = r.text()
	r.field(`,"c":`, &d.CustomerID)
	r.field(`,"n":`, &d.CustomerName)
	r.field(`,"o":`, &d.OrderNo)
	r.take(`,"m":[`)
	d.Messages = make([]Message, 0, strings.Count(r.s, `,"t":`))
	for more := !r.has(`]`); more && r.ok; more = r.has(`,`) {
		d.Messages = append(d.Messages, r.message())
	}
	if len(d.Messages) > 0 {
		r.take(`]`)
	}
	r.take(`}`)
	return d, r.ok && r.at == len(r.s)
}

func (r *reading) message() (m Message) {
	r.take(`{`)
	if r.has(`"i":`) {
		m.ID = r.text()
		r.take(`,`)
	}
	r.take(`"s":`)
	m.Sender = Sender(r.text())
	r.field(`,"w":`, &m.SenderName)
	r.take(`,"t":`)
	m.At = Micros(r.number())
	r.take(`,"k":`)
	m.Kind = r.text()
	r.field(`,"x":`, &m.Text)
	r.field(`,"a":`, &m.Attachment)
	m.Recalled = r.has(`,"r":true`)
	r.take(`}`)
	return m
}

// has takes what stands next if it is that.
func (r *reading) has(next string) bool {
	if !r.ok || !strings.HasPrefix(r.s[r.at:], next) {
		return false
	}
	r.at += len(next)
	return true
}

func (r *reading) take(next string) { r.ok = r.has(next) }

// field takes a text that may be left out.
func (r *reading) field(name string, into *string) {
	if r.has(name) {
		*into = r.text()
	}
}

func (r *reading) text() string {
	if r.take(`"`); !r.ok {
		return ""
	}
	rest := r.s[r.at:]
	n := strings.IndexByte(rest, '"')
	if n < 0 {
		r.ok = false
		return ""
	}
	if strings.IndexByte(rest[:n], '\\') >= 0 {
		return r.escaped()
	}
	r.at += n + 1
	return rest[:n]
}

// escaped is text where something in it is escaped. The quotation mark before it was taken.
func (r *reading) escaped() string {
	from := r.at
	for r.at < len(r.s) && r.s[r.at] != '"' {
		if r.s[r.at] == '\\' {
			r.at++
		}
		r.at++
	}
	if r.at++; r.at > len(r.s) {
		r.ok = false
		return ""
	}
	b, err := jsontext.AppendUnquote(nil, r.s[from-1:r.at])
	r.ok = err == nil
	return string(b)
}

// number takes a whole number, written the one way there is.
func (r *reading) number() int64 {
	from := r.at
	for r.at < len(r.s) && (r.s[r.at] >= '0' && r.s[r.at] <= '9' || r.s[r.at] == '-') {
		r.at++
	}
	digits := r.s[from:r.at]
	n, err := strconv.ParseInt(digits, 10, 64)
	r.ok = r.ok && err == nil && (n == 0 && digits == "0" || n != 0 && strings.TrimPrefix(digits, "-")[0] != '0')
	return n
}
