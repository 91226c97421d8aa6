package file

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a sheet and a cell take: Excel's own limit of a cell, in UTF-16 units, and rows with the
// head that still open quickly.
const (
	sheetRows = 100_000
	cellUnits = 32_767
)

// xlsxWriter writes sheets row by row into the archive, so that no sheet is ever in memory. Texts are inline
// strings of a style that stays text when somebody edits the cell; nothing is a formula.
type xlsxWriter struct {
	table
	zip    *zip.Writer
	sheet  *bufio.Writer // of the sheet under way
	sheets int
	rows   int // of it
	err    error
}

func newXLSX(w io.Writer, o Options) (Writer, error) {
	x := &xlsxWriter{table: newTable(o), zip: zip.NewWriter(w)}
	x.begin()
	return x, x.err
}

// Add is part of Writer.
func (x *xlsxWriter) Add(c *Conversation) error {
	number := x.From + x.sum.Conversations
	x.sum.Conversations++
	of := x.of(c)
	for i := range c.Messages {
		x.sum.Messages++
		x.divided(number, of[:], x.message(&c.Messages[i]))
	}
	if len(c.Messages) == 0 {
		x.divided(number, of[:], x.none(c))
	}
	return x.err
}

// divided writes a message, in as many rows as its text needs.
func (x *xlsxWriter) divided(number int, of []string, m [ofMessage]string) {
	rest := m[textColumn]
	for first := true; first || rest != ""; first = false {
		var n int
		m[textColumn], rest, n = portion(rest)
		x.sum.Replaced += n
		if !first {
			m[ofMessage-1] = x.lang.word("goes_on_note")
			x.sum.Cut++
		}
		x.row(number, of, m[:])
	}
}

// portion cuts off what fits a cell.
func portion(s string) (now, later string, replaced int) {
	s, replaced = clean(s)
	if len(s) <= cellUnits {
		return s, "", replaced
	}
	units := 0
	for i, r := range s {
		units++
		if r > 0xffff {
			units++
		}
		if units > cellUnits {
			return s[:i], s[i:], replaced
		}
	}
	return s, "", replaced
}

func (x *xlsxWriter) row(number int, of, m []string) {
	if x.rows >= sheetRows {
		x.finish()
		x.begin()
	}
	x.rows++
	x.put(`<row><c s="1"><v>`, strconv.Itoa(number), `</v></c>`)
	for _, cell := range of {
		x.text(cell, textStyle)
	}
	for _, cell := range m {
		x.text(cell, textStyle)
	}
	x.put("</row>\n")
}

// The styles of styles.xml.
const (
	textStyle = "1"
	headStyle = "2"
)

// literal keeps what Excel would read as the number of a character, _x0041_, as it was written. It
// is done at every underscore, since two of them may share one.
var numbered = regexp.MustCompile(`^_x[0-9A-Fa-f]{4}_`)

func literal(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		if numbered.MatchString(s[i:]) {
			b.WriteString("_x005F")
		}
		b.WriteByte('_')
		s = s[i+1:]
	}
	b.WriteString(s)
	return b.String()
}

var inXML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (x *xlsxWriter) text(s, style string) {
	if s == "" {
		x.put("<c/>")
		return
	}
	s, n := clean(s)
	x.sum.Replaced += n
	if len(s) > cellUnits && utf8.RuneCountInString(s) > cellUnits {
		s, _, _ = portion(s) // a name of that length is nobody's; texts have been divided
	}
	x.put(`<c t="inlineStr" s="`, style, `"><is><t xml:space="preserve">`, inXML.Replace(literal(s)), `</t></is></c>`)
}

// put writes into the sheet and keeps the first error.
func (x *xlsxWriter) put(parts ...string) {
	for _, p := range parts {
		if x.err != nil {
			return
		}
		_, x.err = x.sheet.WriteString(p)
	}
}

func (x *xlsxWriter) entry(name string) io.Writer {
	w, err := x.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: x.Made.UTC()})
	if x.err == nil {
		x.err = err
	}
	return w
}

func (x *xlsxWriter) open(name string) {
	w := x.entry(name)
	if x.err != nil {
		w = io.Discard
	}
	x.sheet = bufio.NewWriterSize(w, 1<<16)
	x.put(xmlHead, `<worksheet xmlns="`, spreadsheet, `">`)
}

// begin starts the next sheet of messages.
func (x *xlsxWriter) begin() {
	x.sheets++
	x.rows = 1
	x.open(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets+1))
	x.put(`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, width := range widths {
		x.put(fmt.Sprintf(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, width))
	}
	x.put("</cols><sheetData>\n<row>")
	for _, h := range x.head() {
		x.text(h, headStyle)
	}
	x.put("</row>\n")
}

// widths of the columns, in characters.
var widths = []int{6, 25, 10, 30, 10, 20, 16, 12, 12, 16, 12, 10, 10, 16, 28, 8, 12, 10, 60, 20, 10, 20}

func (x *xlsxWriter) finish() {
	x.put("</sheetData></worksheet>")
	if x.err == nil {
		x.err = x.sheet.Flush()
	}
}

// Close is part of Writer.
func (x *xlsxWriter) Close() (Summary, error) {
	x.finish()
	x.about()
	for name, text := range x.parts() {
		if w := x.entry(name); x.err == nil {
			_, x.err = io.WriteString(w, xmlHead+text)
		}
	}
	if err := x.zip.Close(); x.err == nil {
		x.err = err
	}
	return x.sum, x.err
}

// about writes the first sheet: what this file is, and how much is in it.
func (x *xlsxWriter) about() {
	sum := x.sum
	x.open("xl/worksheets/sheet1.xml")
	x.put(`<cols><col min="1" max="1" width="28" customWidth="1"/><col min="2" max="2" width="80" customWidth="1"/></cols><sheetData>`)
	facts := append(x.facts(x.lang),
		[2]string{x.lang.word("conversations"), strconv.Itoa(sum.Conversations)}, [2]string{x.lang.word("messages"), strconv.Itoa(sum.Messages)},
		[2]string{x.lang.word("replaced_cells"), strconv.Itoa(sum.Replaced)}, [2]string{x.lang.word("cut"), strconv.Itoa(sum.Cut)})
	for _, f := range facts {
		x.put("<row>")
		x.text(f[0], headStyle)
		x.text(f[1], textStyle)
		x.put("</row>\n")
	}
	x.finish()
	x.sum = sum // what stands on this sheet is not what was exported
}

// facts are what a head says of an export, without what is not known.
func (o *Options) facts(l language) [][2]string {
	part := ""
	if o.Parts > 1 {
		part = l.word("part_of", strconv.Itoa(o.Part), strconv.Itoa(o.Parts))
	}
	var out [][2]string
	for _, f := range [][2]string{
		{"code", o.Code},
		{"purpose", o.Purpose},
		{"by", o.By},
		{"holder", o.Holder},
		{"made", o.at(o.Made)},
		{"masking", l.of("masked", o.Masked)},
		{"part", part},
		{"fingerprint", o.Fingerprint},
	} {
		if f[1] != "" {
			out = append(out, [2]string{l.word(f[0]), f[1]})
		}
	}
	return out
}
