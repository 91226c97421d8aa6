package format

import (
	"encoding/xml"
	"errors"
	"path"
	"strconv"
	"strings"
)

// Bounds of what a package keeps in memory while its sheets are read.
const (
	maxSheets       = 1_000
	maxStyles       = 100_000
	maxSharedBytes  = 192 << 20
	defaultBookPart = "xl/workbook.xml"
)

// load reads the parts that the sheets need: the list of sheets, the styles and the strings.
func (w *workbook) load() error {
	book := defaultBookPart
	if _, types, err := w.relations("_rels/.rels", ""); err == nil {
		for target, kind := range types {
			if kind == "officeDocument" {
				book = target
			}
		}
	}
	targets, types, err := w.relations(path.Join(path.Dir(book), "_rels", path.Base(book)+".rels"), path.Dir(book))
	if err != nil {
		return err
	}
	if err := w.loadBook(book, targets, types); err != nil {
		return err
	}
	for target, kind := range types {
		switch kind {
		case "styles":
			err = w.loadStyles(target)
		case "sharedStrings":
			err = w.loadStrings(target)
		}
		if err != nil && !errors.Is(err, errNoPart) {
			return err
		}
	}
	return nil
}

// relations reads a .rels part: targets by id, and the last word of each target's type.
func (w *workbook) relations(part, base string) (targets, types map[string]string, err error) {
	x, err := w.open(part)
	if err != nil {
		return nil, nil, err
	}
	targets, types = make(map[string]string), make(map[string]string)
	err = x.each(func(e xml.StartElement) error {
		if e.Name.Local != "Relationship" || len(targets) > maxParts {
			return nil
		}
		target := attr(e, "Target")
		if strings.HasPrefix(target, "/") {
			target = target[1:]
		} else {
			target = path.Join(base, target)
		}
		targets[attr(e, "Id")] = target
		types[target] = path.Base(attr(e, "Type"))
		return nil
	})
	return targets, types, err
}

func (w *workbook) loadBook(part string, targets, types map[string]string) error {
	x, err := w.open(part)
	if err != nil {
		return err
	}
	return x.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			v := attr(e, "date1904")
			w.date04 = v == "1" || v == "true"
		case "sheet":
			target := targets[relationID(e)]
			// Charts and dialogs are sheets too, but have no rows.
			if types[target] == "worksheet" && len(w.sheets) < maxSheets {
				w.sheets = append(w.sheets, sheetRef{cut(attr(e, "name")), target})
			}
		}
		return nil
	})
}

// relationID is the r:id of an element, as against a plain id.
func relationID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

// loadStyles finds out which cell styles show dates.
func (w *workbook) loadStyles(part string) error {
	x, err := w.open(part)
	if err != nil {
		return err
	}
	custom := make(map[int]bool)
	inCells := false
	return x.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if id, err := strconv.Atoi(attr(e, "numFmtId")); err == nil && len(custom) < maxStyles {
				custom[id] = isDateFormat(attr(e, "formatCode"))
			}
		case "cellStyleXfs", "cellStyles", "dxfs":
			inCells = false
		case "cellXfs":
			inCells = true
		case "xf":
			if inCells && len(w.dates) < maxStyles {
				id, _ := strconv.Atoi(attr(e, "numFmtId"))
				date, own := custom[id]
				w.dates = append(w.dates, own && date || !own && isBuiltInDate(id))
			}
		}
		return nil
	})
}

// isBuiltInDate knows the date formats that files name by number only, with the East Asian ones.
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// isDateFormat tells whether a format code shows a part of a date or time, outside of quotes,
// colours and conditions.
func isDateFormat(code string) bool {
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			if n := strings.IndexByte(code[i+1:], '"'); n >= 0 {
				i += n + 1
			} else {
				return false
			}
		case '\\', '_', '*':
			i++
		case '[':
			n := strings.IndexByte(code[i:], ']')
			if n < 0 {
				return false
			}
			if inside := strings.ToLower(code[i+1 : i+n]); strings.Trim(inside, "hms") == "" && inside != "" {
				return true // elapsed time
			}
			i += n
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S', 'e':
			return true
		case ';':
			return false // the first section is the one for positive numbers
		}
	}
	return false
}

func (w *workbook) loadStrings(part string) error {
	x, err := w.open(part)
	if err != nil {
		return err
	}
	total := 0
	return x.each(func(e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		s, err := x.text("si", true)
		if err != nil {
			return err
		}
		if total += len(s) + 16; total > maxSharedBytes {
			return fileError(FileUnpackedLarge, int64(maxSharedBytes))
		}
		w.strings = append(w.strings, unescapeX(s))
		return nil
	})
}
