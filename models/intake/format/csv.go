package format

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// csvReader reads CSV and TSV. encoding/csv is not used because it cannot keep rule 12: a quote
// that never closes makes it read the rest of the file into memory as one error, and it does not
// give back the records that it swallowed. This reader keeps the bytes of the current record,
// and when the record turns out to be broken it goes on at the line after the record's first.
type csvReader struct {
	r         io.Reader
	delim     byte
	max       int  // bytes of one record
	checkUTF8 bool // records with broken bytes are rejected

	cells []cell // reused from record to record
	buf   []byte
	pos   int // beginning of the current record in buf
	eof   bool
	line  int // physical line of pos, from 1

	width  int // cells of the header; 0 until it is known
	fits   func([]cell) bool
	resync bool // after a broken record: lines that are no record belong to it
}

// csvRecord is the outcome of one attempt to read a record.
type csvRecord struct {
	cells  []cell
	total  int  // cells of the record, of which only as many as can be used are kept
	filled bool // any cell has more than white space
	size   int  // bytes, with the line's end
	lines  int
	bad    string // a Reason when the record is broken
}

// maxHeaderCells bounds what a header can have; it is the width of a spreadsheet.
const maxHeaderCells = 16384

func newCSVReader(r io.Reader, delim byte, limit int, checkUTF8 bool) *csvReader {
	return &csvReader{r: r, delim: delim, max: limit, checkUTF8: checkUTF8, line: 1}
}

// settle tells the reader what a record looks like, once the header is known.
func (r *csvReader) settle(width int, fits func([]cell) bool) { r.width, r.fits = width, fits }

// next returns the next record that is not empty; io.EOF is the end.
func (r *csvReader) next() (row, error) {
	for {
		if _, ok, err := r.byteAt(0); err != nil {
			return row{}, err
		} else if !ok {
			return row{}, io.EOF
		}
		rec, err := r.parse()
		if err != nil {
			return row{}, err
		}
		out := row{cells: rec.cells, total: rec.total, filled: rec.filled, pos: Position{Line: r.line}, reason: rec.bad}
		if rec.bad == "" && r.checkUTF8 && !utf8.Valid(r.buf[r.pos:r.pos+rec.size]) {
			out.reason = ReasonBadEncoding
		}
		switch {
		case rec.bad != "":
			// What follows may still be good records (rule 2), so only the first line is lost.
			if err := r.skipLine(); err != nil {
				return row{}, err
			}
			again := r.resync && !(r.fits != nil && r.fits(rec.cells))
			r.resync = r.fits != nil
			if again {
				continue // still the tail of the broken record before
			}
			return out, nil
		case r.resync && rec.total != r.width && !r.fits(rec.cells):
			if err := r.skipLine(); err != nil {
				return row{}, err
			}
			continue
		}
		r.pos += rec.size
		r.line += rec.lines
		if !out.filled {
			continue
		}
		r.resync = false
		return out, nil
	}
}

// parse reads one record at pos without moving pos.
func (r *csvReader) parse() (csvRecord, error) {
	rec := csvRecord{cells: r.cells[:0]}
	defer func() { r.cells = rec.cells }()
	keep := maxHeaderCells
	if r.width > 0 {
		keep = r.width
	}
	for i := 0; ; {
		text, n, err := r.cell(i, &rec)
		if err != nil || rec.bad != "" {
			return rec, err
		}
		rec.total++
		rec.filled = rec.filled || len(bytes.TrimSpace(text)) > 0
		if rec.total <= keep {
			rec.cells = append(rec.cells, cell{text: string(text)})
		}
		i = n
		b, ok, err := r.byteAt(i)
		if err != nil {
			return rec, err
		}
		if i > r.max {
			rec.bad = ReasonTooLong
			return rec, nil
		}
		if ok && b == r.delim {
			i++
			continue
		}
		rec.size = i
		if ok { // CR LF or LF
			if b == '\r' {
				rec.size++
			}
			rec.size++
			rec.lines++
		}
		return rec, nil
	}
}

// cell reads the cell at offset i of the record and returns its text and the offset after it.
func (r *csvReader) cell(i int, rec *csvRecord) ([]byte, int, error) {
	b, ok, err := r.byteAt(i)
	if err != nil {
		return nil, 0, err
	}
	if ok && b == '"' {
		return r.quoted(i+1, rec)
	}
	end, err := r.plainEnd(i, rec)
	return r.at(i, end), end, err
}

// plainEnd finds the end of an unquoted cell: the delimiter or the line's end. A quote inside
// is a character like any other.
func (r *csvReader) plainEnd(i int, rec *csvRecord) (int, error) {
	for ; ; i++ {
		b, ok, err := r.byteAt(i)
		if err != nil || !ok || b == r.delim || b == '\n' {
			return i, err
		}
		if b == '\r' {
			next, more, err := r.byteAt(i + 1)
			if err != nil || more && next == '\n' {
				return i, err
			}
		}
		if i > r.max {
			rec.bad = ReasonTooLong
			return i, nil
		}
	}
}

// quoted reads a quoted cell whose text begins at offset i.
func (r *csvReader) quoted(i int, rec *csvRecord) ([]byte, int, error) {
	var text []byte
	lines := 0
	for {
		end, err := r.find('"', i)
		switch {
		case errors.Is(err, io.EOF):
			rec.bad = ReasonOpenQuote
			return nil, i, nil
		case errors.Is(err, errTooLong):
			rec.bad = ReasonTooLong
			return nil, i, nil
		case err != nil:
			return nil, i, err
		}
		text = append(text, r.at(i, end)...)
		lines += bytes.Count(r.at(i, end), []byte("\n"))
		i = end + 1
		b, ok, err := r.byteAt(i)
		if err != nil {
			return nil, i, err
		}
		switch {
		case ok && b == '"':
			text = append(text, '"')
			i++
			continue
		case !ok || b == r.delim || b == '\n' || b == '\r':
			rec.lines += lines
			return text, i, nil
		case lines > 0:
			// A quote in the middle of a word, lines below the one that opened the cell, is the
			// beginning of another record's cell: the cell here never ended.
			rec.bad = ReasonOpenQuote
			return nil, i, nil
		}
		return r.afterStray(text, i, rec)
	}
}

// afterStray goes on behind a quote that stands in the middle of a cell on its first line, as
// programs write that do not double quotes. The cell ends with the next delimiter or line; a
// quote right before that belongs to the one that opened it.
func (r *csvReader) afterStray(text []byte, i int, rec *csvRecord) ([]byte, int, error) {
	end, err := r.plainEnd(i, rec)
	if err != nil {
		return nil, i, err
	}
	rest := r.at(i, end)
	if bytes.HasSuffix(rest, []byte(`"`)) {
		text = append(text, '"')
		rest = rest[:len(rest)-1]
	}
	return append(text, rest...), end, nil
}
