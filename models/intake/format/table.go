package format

import (
	"errors"
	"io"
	"strings"
	"time"
)

// cell is one cell of a table. CSV has text only.
type cell struct {
	text   string
	number string    // the bare number of a cell that shows a date
	at     time.Time // the instant of a real date cell
	bad    bool      // the file says something is here and does not say what
}

// id is the cell as an id: numbers without exponent and fraction (rule 13), never as a date.
func (c cell) id() string { return strings.TrimSpace(firstOf(c.number, c.text)) }

// word is the cell without white space at its ends.
func (c cell) word() string { return strings.TrimSpace(c.text) }

// row is one record of a table.
type row struct {
	cells  []cell
	total  int  // cells of the record; cells holds no more than can be used
	filled bool // any cell is not empty
	pos    Position
	reason string // why it cannot be parsed
}

// rowReader gives the rows of a CSV file or of one sheet, without empty ones.
type rowReader interface {
	next() (row, error) // io.EOF is the end
	settle(width int, fits func([]cell) bool)
}

// layout reads the rows below a header that it has understood.
type layout interface {
	message(cells []cell) (*Conversation, Message, string)
	fits(cells []cell) bool // is this a row, as far as one can tell by its key cells?
}

// headerRows is how many rows that are not empty are searched for the header (rule 13). It holds
// for CSV too: a title above the header is as common there.
const headerRows = 10

// headerFinder looks for a header with all required columns, and remembers which columns the
// best row missed.
type headerFinder struct {
	format  string // Auto, Table or WeChat
	missing []string
}

// find reads rows up to the header; a nil layout says that there is none.
func (h *headerFinder) find(rows rowReader) (layout, int, string, error) {
	for range headerRows {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, "", err
		}
		if r.reason != "" {
			continue
		}
		if h.format != Table {
			if l, missing := newMemoLayout(r.cells); l != nil {
				return l, r.total, WeChat, nil
			} else if h.format == WeChat {
				h.note(missing)
			}
		}
		if h.format != WeChat {
			l, missing := newGenericLayout(r.cells)
			if l != nil {
				return l, r.total, Table, nil
			}
			h.note(missing)
		}
	}
	return nil, 0, "", nil
}

func (h *headerFinder) note(missing []string) {
	if h.missing == nil || len(missing) < len(h.missing) {
		h.missing = missing
	}
}

func (h *headerFinder) fail() *FileError {
	return fileError(FileNoHeader, strings.Join(h.missing, "、"))
}

// readRows reads the rows below a header.
func (c *collector) readRows(rows rowReader, l layout, width int) error {
	rows.settle(width, l.fits)
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.record(); err != nil {
			return err
		}
		switch {
		case r.reason != "":
			c.reject(r.pos, r.reason)
			continue
		case r.total > width:
			c.reject(r.pos, ReasonTooManyCells)
			continue
		}
		conv, m, reason := l.message(r.cells)
		m.pos = r.pos
		if reason != "" {
			c.reject(r.pos, reason)
			continue
		}
		if err := c.single(conv, m); err != nil {
			return err
		}
	}
}

// readDelimited reads a CSV or TSV file.
func (c *collector) readDelimited(format string, delim byte) error {
	text, mayBreak := c.text()
	rows := newCSVReader(text, delim, min(c.lim.MaxRecordBytes, maxCSVRecord), mayBreak)
	finder := &headerFinder{format: format}
	l, width, found, err := finder.find(rows)
	if err != nil {
		return err
	}
	if l == nil {
		return finder.fail()
	}
	c.report.Format = found
	c.platform(l)
	return c.readRows(rows, l, width)
}

// maxCSVRecord bounds one CSV record, which has room for several texts of 1,000,000 characters.
const maxCSVRecord = 16 << 20

// platform tells a generic table which platform rows have that name none.
func (c *collector) platform(l layout) {
	if g, ok := l.(*genericLayout); ok && c.opt.DefaultPlatform != "" {
		g.platform = c.opt.DefaultPlatform
	}
}
