package format

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// sheetReader gives the rows of one sheet.
type sheetReader struct {
	w     *workbook
	x     *xmlReader
	name  string
	width int // columns that are kept; more are only counted
	row   int
}

func (w *workbook) openSheet(s sheetRef) (*sheetReader, error) {
	x, err := w.open(s.part)
	if err != nil {
		return nil, err
	}
	return &sheetReader{w: w, x: x, name: s.name, width: maxHeaderCells}, nil
}

func (s *sheetReader) close() { s.x.close() }

func (s *sheetReader) settle(width int, _ func([]cell) bool) { s.width = width }

// next returns the next row that is not empty.
func (s *sheetReader) next() (row, error) {
	for {
		t, err := s.x.token()
		if err != nil {
			return row{}, err // io.EOF is the end of the sheet
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "row" {
			r, err := s.readRow(e)
			if err != nil || r.filled {
				return r, err
			}
		}
	}
}

// readRow reads the cells of a row. Cells at the end that hold nothing are not there, since a
// format alone makes no cell.
func (s *sheetReader) readRow(start xml.StartElement) (row, error) {
	s.row++
	if n, err := strconv.Atoi(attr(start, "r")); err == nil && n > 0 {
		s.row = n
	}
	r := row{pos: Position{Sheet: s.name, Row: s.row}}
	column := 0
	for {
		t, err := s.x.token()
		if err != nil {
			return r, unexpected(err)
		}
		switch e := t.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return r, nil
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			if n, ok := columnOf(attr(e, "r")); ok {
				column = n
			}
			c, err := s.readCell(e)
			if err != nil {
				return r, err
			}
			if c.text != "" || c.bad {
				r.put(column, c, s.width)
			}
			column++
		}
	}
}

func (r *row) put(column int, c cell, width int) {
	r.total = max(r.total, column+1)
	r.filled = r.filled || c.bad || c.word() != ""
	if column >= width {
		return
	}
	for len(r.cells) <= column {
		r.cells = append(r.cells, cell{})
	}
	r.cells[column] = c
}

// columnOf reads the letters of a reference such as BC12, counting from 0.
func columnOf(ref string) (int, bool) {
	n := 0
	for i := 0; i < len(ref); i++ {
		ch := ref[i] &^ 0x20
		if ch < 'A' || ch > 'Z' {
			break
		}
		if n = n*26 + int(ch-'A') + 1; n > maxHeaderCells {
			return maxHeaderCells, true
		}
	}
	return n - 1, n > 0
}

// readCell reads the value of a cell by its type.
func (s *sheetReader) readCell(start xml.StartElement) (cell, error) {
	kind, style := attr(start, "t"), attr(start, "s")
	var raw string
	for {
		t, err := s.x.token()
		if err != nil {
			return cell{}, unexpected(err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				raw, err = s.x.text("v", false)
			case "is":
				raw, err = s.x.text("is", true)
			}
			if err != nil {
				return cell{}, err
			}
		case xml.EndElement:
			if e.Name.Local == "c" {
				return s.value(kind, style, raw), nil
			}
		}
	}
}

func (s *sheetReader) value(kind, style, raw string) cell {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(raw))
		if err != nil || i < 0 || i >= len(s.w.strings) {
			return cell{bad: true}
		}
		return cell{text: s.w.strings[i]}
	case "inlineStr", "str":
		return cell{text: unescapeX(raw)}
	case "b":
		return cell{text: map[string]string{"1": "TRUE", "0": "FALSE"}[strings.TrimSpace(raw)]}
	case "d":
		// The date of a cell of this type stands as it is read: yyyy-mm-ddThh:mm:ss.
		at, _ := readTime(raw)
		return cell{text: raw, at: at}
	case "e":
		return cell{text: raw}
	}
	return s.number(style, strings.TrimSpace(raw))
}

func (s *sheetReader) number(style, raw string) cell {
	plain := plainNumber(raw)
	i, err := strconv.Atoi(style)
	if err != nil || i < 0 || i >= len(s.w.dates) || !s.w.dates[i] {
		return cell{text: plain}
	}
	at, ok := serialTime(raw, s.w.date04)
	if !ok {
		return cell{text: plain}
	}
	return cell{text: at.Format("2006-01-02 15:04:05.999"), number: plain, at: at}
}

// plainNumber writes a number without exponent; digits that are written out stay as they are,
// since a number of eighteen digits does not fit a float.
func plainNumber(raw string) string {
	if whole, zeros, ok := strings.Cut(raw, "."); ok && strings.Trim(zeros, "0") == "" {
		raw = whole
	}
	f, err := strconv.ParseFloat(raw, 64)
	if _, whole := digits(raw); whole || err != nil || f > 1e30 || f < -1e30 {
		return raw
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// Days of a spreadsheet are counted from here, in local time; 1904 is the old Mac's beginning.
var (
	epoch1900 = time.Date(1899, 12, 30, 0, 0, 0, 0, china)
	epoch1904 = time.Date(1904, 1, 1, 0, 0, 0, 0, china)
)

// maxSerial is the 31st of December 9999; larger numbers are no days.
const maxSerial = 2_958_466

// serialTime reads a number of days, to the millisecond: the fraction of a day has no more.
func serialTime(raw string, date04 bool) (time.Time, bool) {
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || !(f >= 0 && f < maxSerial) {
		return time.Time{}, false
	}
	epoch := epoch1900
	if date04 {
		epoch = epoch1904
	}
	day := int(f)
	ms := int64((f-float64(day))*86_400_000 + 0.5)
	return epoch.AddDate(0, 0, day).Add(time.Duration(ms) * time.Millisecond), true
}

// unescapeX undoes _xHHHH_, by which spreadsheets write characters that XML cannot hold. It is a
// part of the file format and so of reading the text as it is.
func unescapeX(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+7 <= len(s) && s[i] == '_' && s[i+1] == 'x' && s[i+6] == '_' {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil && (n < 0xd800 || n > 0xdfff) {
				b.WriteRune(rune(n))
				i += 6
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
