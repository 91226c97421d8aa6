package format

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxTokenBytes is how much may be read for one piece of XML. A cell has 32,767 characters at
// most; without the limit one endless attribute would be collected in memory.
const maxTokenBytes = 4 << 20

var errToken = errors.New("endless piece of XML")

// xmlReader reads XML forward, piece by piece. It counts levels but keeps no stack, so depth
// costs nothing.
type xmlReader struct {
	d      *xml.Decoder
	closer io.Closer
	src    io.Reader
	spent  int
	depth  int
}

func newXMLReader(r io.Reader, closer io.Closer) *xmlReader {
	x := &xmlReader{src: r, closer: closer}
	x.d = xml.NewDecoder(x)
	x.d.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(label, "utf-8") {
			return r, nil
		}
		return nil, errors.New("XML is not UTF-8")
	}
	return x
}

// Read feeds the decoder.
func (x *xmlReader) Read(b []byte) (int, error) {
	n, err := x.src.Read(b)
	if x.spent += n; x.spent > maxTokenBytes {
		return 0, errToken
	}
	return n, err
}

func (x *xmlReader) close() { _ = x.closer.Close() } // only read from

// token is the next piece. io.EOF is the end of a part that is whole; one that was cut off ends
// with another error.
func (x *xmlReader) token() (xml.Token, error) {
	x.spent = 0
	t, err := x.d.RawToken()
	switch t.(type) {
	case xml.StartElement:
		x.depth++
	case xml.EndElement:
		x.depth--
	}
	if errors.Is(err, io.EOF) && x.depth != 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return t, err
}

// each calls start for every element's beginning and returns at the end of the part.
func (x *xmlReader) each(start func(xml.StartElement) error) error {
	defer x.close()
	for {
		t, err := x.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := start(e); err != nil {
				return err
			}
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// text collects the text of the element that has just begun, up to its end. Of a shared or
// inline string these are its <t> parts, but not the reading aid of <rPh>.
func (x *xmlReader) text(element string, parts bool) (string, error) {
	var b strings.Builder
	aid, inPart := 0, !parts
	for {
		t, err := x.token()
		if err != nil {
			return "", unexpected(err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			aid += isName(e.Name, "rPh")
			inPart = inPart || parts && e.Name.Local == "t"
		case xml.EndElement:
			if e.Name.Local == element {
				return b.String(), nil
			}
			aid -= isName(e.Name, "rPh")
			inPart = inPart && !(parts && e.Name.Local == "t")
		case xml.CharData:
			if inPart && aid == 0 {
				b.Write(e)
			}
		}
		if b.Len() > maxTokenBytes {
			return "", errToken
		}
	}
}

func isName(n xml.Name, local string) int {
	if n.Local == local {
		return 1
	}
	return 0
}

// attr is an attribute by its local name; RawToken leaves prefixes in Name.Space.
func attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}
