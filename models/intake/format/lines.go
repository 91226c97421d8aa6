package format

import (
	"bufio"
	"bytes"
	"io"
)

// lineReader gives the lines of a file one by one, without their ends (LF or CRLF). A line
// beyond max is skipped without being kept in memory.
type lineReader struct {
	r    *bufio.Reader
	max  int
	buf  []byte
	line int // number of the line last returned, from 1
	long bool
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), max: limit}
}

// next returns the next line, which stays valid until the call after; io.EOF is the end.
// After it, long tells that the line was too long and is not given.
func (l *lineReader) next() ([]byte, error) {
	l.buf, l.long = l.buf[:0], false
	for first := true; ; first = false {
		part, err := l.r.ReadSlice('\n')
		if err == io.EOF && len(part) == 0 && first {
			return nil, io.EOF
		}
		if len(l.buf)+len(part) > l.max+2 { // two bytes for the line's end
			l.buf, l.long = l.buf[:0], true
		}
		if !l.long {
			l.buf = append(l.buf, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		l.line++
		return bytes.TrimSuffix(bytes.TrimSuffix(l.buf, []byte("\n")), []byte("\r")), nil
	}
}
