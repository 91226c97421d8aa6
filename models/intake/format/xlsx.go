package format

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Spreadsheets are read here and not with excelize, for three reasons: excelize unpacks large
// sheets into plain temporary files (invariant I8), its row stream does not tell a number from
// a text that looks like one (rule 13), and it keeps whole parts in memory. Reading forward
// through three parts of the package is little code; tests write their books with excelize.

// maxParts is how many parts a spreadsheet's package may have.
const maxParts = 10_000

// workbook is an opened spreadsheet.
type workbook struct {
	c       *collector
	parts   map[string]*zip.File
	left    int64 // bytes that may still be unpacked
	sheets  []sheetRef
	date04  bool
	dates   []bool // per cell style: shows a date
	strings []string
}

type sheetRef struct{ name, part string }

// readWorkbook reads every sheet that has a header; others are passed over (rule 13).
func (c *collector) readWorkbook(format string) error {
	w, err := c.openWorkbook()
	if err != nil {
		return err
	}
	finder := &headerFinder{format: format}
	found := false
	for _, s := range w.sheets {
		ok, err := w.readSheet(s, finder)
		if err != nil {
			return w.broken(err)
		}
		found = found || ok
	}
	if !found {
		return finder.fail()
	}
	return nil
}

func (w *workbook) readSheet(s sheetRef, finder *headerFinder) (bool, error) {
	rows, err := w.openSheet(s)
	if err != nil {
		return false, err
	}
	defer rows.close()
	l, width, found, err := finder.find(rows)
	if err != nil || l == nil {
		return false, err
	}
	if w.c.report.Format != Table { // a book with both kinds of sheet counts as a table
		w.c.report.Format = found
	}
	w.c.platform(l)
	return true, w.c.readRows(rows, l, width)
}

// openWorkbook looks at the package's directory before anything is unpacked.
func (c *collector) openWorkbook() (*workbook, error) {
	w := &workbook{c: c, parts: make(map[string]*zip.File), left: c.lim.MaxUnpacked}
	z, err := zip.NewReader(&progressAt{c: c}, c.src.Size)
	if err != nil {
		return nil, w.broken(err)
	}
	if len(z.File) > maxParts {
		return nil, fileError(FileTooManyParts, maxParts)
	}
	var declared uint64
	for _, f := range z.File {
		if declared += f.UncompressedSize64; declared > uint64(c.lim.MaxUnpacked) || f.UncompressedSize64 > uint64(c.lim.MaxUnpacked) {
			return nil, fileError(FileUnpackedLarge, c.lim.MaxUnpacked)
		}
		name := strings.ToLower(strings.TrimPrefix(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), "/"))
		if _, twice := w.parts[name]; !twice {
			w.parts[name] = f
		}
	}
	if err := w.load(); err != nil {
		return nil, w.broken(err)
	}
	return w, nil
}

// broken turns what is wrong inside a package into a FileError; a broken disk and a cancelled
// reading stay what they are.
func (w *workbook) broken(err error) error {
	var fe *FileError
	var disk *diskError
	if err == nil || errors.As(err, &fe) || errors.As(err, &disk) || w.c.ctx.Err() != nil {
		return err
	}
	return fileError(FileNotWorkbook)
}

// diskError marks an error of the source itself, as against one of its content.
type diskError struct{ err error }

func (e *diskError) Error() string { return e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// progressAt reads the source for the package's reader.
type progressAt struct {
	c    *collector
	done int64
}

// ReadAt reads the source and reports progress; parts that are read twice do not count twice.
func (p *progressAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.c.src.Body.ReadAt(b, off)
	p.done = min(p.done+int64(n), p.c.src.Size)
	if p.c.opt.Progress != nil && n > 0 {
		p.c.opt.Progress(p.done, p.c.src.Size)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &diskError{err}
	}
	return n, err
}

var errNoPart = errors.New("part is missing")

// open unpacks a part under the limit that all parts share: what a directory declares need not
// be true.
func (w *workbook) open(part string) (*xmlReader, error) {
	f := w.parts[strings.ToLower(part)]
	if f == nil {
		return nil, fmt.Errorf("%w: %s", errNoPart, part)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return newXMLReader(&unpackReader{w: w, r: r}, r), nil
}

type unpackReader struct {
	w *workbook
	r io.Reader
}

func (u *unpackReader) Read(b []byte) (int, error) {
	if err := u.w.c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(b)
	if u.w.left -= int64(n); u.w.left < 0 {
		return n, fileError(FileUnpackedLarge, u.w.c.lim.MaxUnpacked)
	}
	return n, err
}
