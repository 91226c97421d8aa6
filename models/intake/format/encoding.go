package format

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is the encoding of a text file (rule 9).
type charset int

const (
	charsetUTF8 charset = iota
	charsetUTF16LE
	charsetUTF16BE
	charsetGB18030
)

// charsetOf decides on the whole file: its mark, else whether it is UTF-8, else GB18030. A file
// that is UTF-8 but for a few broken bytes stays UTF-8, so that one bad record costs no other
// (rule 2); GB18030 read as UTF-8 is mostly broken.
func (c *collector) charsetOf() (charset, error) {
	if set, ok := c.mark(); ok {
		return set, nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(c.src.Body, 0, c.src.Size), 256<<10)
	var good, bad int64
	for n := 0; ; n++ {
		if n%(1<<20) == 0 {
			if err := c.ctx.Err(); err != nil {
				return 0, err
			}
		}
		ch, size, err := r.ReadRune()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		switch {
		case ch == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
	}
	if bad > 0 && good < 4*bad {
		return charsetGB18030, nil
	}
	return charsetUTF8, nil
}

// mark looks for a byte order mark.
func (c *collector) mark() (charset, bool) {
	var b [3]byte
	n, _ := c.src.Body.ReadAt(b[:], 0)
	switch head := string(b[:n]); {
	case head == string(utf8BOM):
		return charsetUTF8, true
	case n >= 2 && head[:2] == "\xff\xfe":
		return charsetUTF16LE, true
	case n >= 2 && head[:2] == "\xfe\xff":
		return charsetUTF16BE, true
	}
	return 0, false
}

// text is the file as UTF-8 without a mark. With mayBreak it can hold broken bytes, and whoever
// reads it rejects the records that do.
func (c *collector) text() (r io.Reader, mayBreak bool) {
	return decodeText(c.body(), c.set), c.set == charsetUTF8
}

func decodeText(r io.Reader, set charset) io.Reader {
	switch set {
	case charsetUTF16LE:
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case charsetUTF16BE:
		return transform.NewReader(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	case charsetGB18030:
		return transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	b := bufio.NewReaderSize(r, 64<<10)
	if head, _ := b.Peek(len(utf8BOM)); string(head) == string(utf8BOM) {
		_, _ = b.Discard(len(utf8BOM)) // just peeked at, so it is there
	}
	return b
}
