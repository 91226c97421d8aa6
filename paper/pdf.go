package paper

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"qingdang/static"
)

// Measures in millimetres, sizes of type in points.
const (
	pageWidth   = 210.0
	pageHeight  = 297.0
	side        = 18.0
	top         = 16.0
	bottom      = 22.0
	inner       = pageWidth - 2*side
	termWidth   = 38.0
	typeSize    = 9.5
	smallSize   = 7.5
	headingSize = 11.5
	titleSize   = 21.0
	footAt      = pageHeight - bottom + 5
	leading     = 0.56 // millimetres of a line for each point of type
)

var (
	black = [3]int{27, 36, 48}
	grey  = [3]int{90, 102, 120}
	line  = [3]int{205, 211, 219}
	pale  = [3]int{246, 248, 250}
)

// sheet is a document on its way to paper.
type sheet struct {
	*fpdf.Fpdf
	doc      Doc
	pages    string   // in all
	marks    []string // drawable
	running  string   // at the top of the next page
	replaced int
}

// PDF draws a document. The error is of the library: nothing half-drawn is given out.
func (d Doc) PDF() ([]byte, error) {
	// Drawn twice: how many pages there are stands on the first one.
	first := d.draw("")
	s := d.draw(strconv.Itoa(first.PageCount()))
	var out bytes.Buffer
	if err := s.Output(&out); err != nil {
		return nil, fmt.Errorf("draw pdf: %w", err)
	}
	return out.Bytes(), nil
}

// begin gives the first page with its head.
func (d Doc) begin(pages string) *sheet {
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", ""), doc: d, pages: pages}
	s.AddUTF8FontFromBytes(fontName, "", static.PaperFont())
	// The same document gives the same bytes.
	s.SetCatalogSort(true)
	s.SetCreationDate(d.Created.UTC())
	s.SetModificationDate(d.Created.UTC())
	s.SetProducer("Qingdang", true)
	s.SetTitle(d.Title+" "+d.Code, true)
	s.SetLang(d.Lang)
	s.SetMargins(side, top, side)
	s.SetAutoPageBreak(false, 0)
	s.SetCellMargin(0)
	for _, text := range d.Marks {
		s.marks = append(s.marks, s.text(text))
	}
	s.SetHeaderFunc(s.beneath)
	s.SetFooterFunc(s.foot)
	s.AddPage()
	s.head()
	for _, text := range d.Lead {
		s.paragraph(text, typeSize+1, black)
		s.Ln(1)
	}
	for _, part := range d.Sections {
		s.section(part)
	}
	return s
}

func (d Doc) draw(pages string) *sheet {
	s := d.begin(pages)
	s.end()
	return s
}

// end says what was replaced.
func (s *sheet) end() {
	if s.replaced > 0 {
		s.Ln(2)
		s.paragraph(strings.ReplaceAll(s.doc.Replaced, "{n}", strconv.Itoa(s.replaced)), smallSize, grey)
	}
}

// text makes a text drawable; what had to be replaced is counted.
func (s *sheet) text(t string) string {
	out, n := drawable(t, covered())
	s.replaced += n
	return out
}

func (s *sheet) font(size float64, colour [3]int) {
	s.SetFont(fontName, "", size)
	s.SetTextColor(colour[0], colour[1], colour[2])
}

// need begins a new page unless so much room is left; it tells whether it did.
func (s *sheet) need(height float64) bool {
	if s.GetY()+height <= pageHeight-bottom {
		return false
	}
	s.AddPage()
	return true
}

func (s *sheet) head() {
	s.font(headingSize+1, black)
	s.CellFormat(inner/2, 7, s.text(s.doc.Owner), "", 0, "L", false, 0, "")
	s.CellFormat(inner/2, 7, s.text(s.doc.Code), "", 1, "R", false, 0, "")
	s.font(smallSize+0.5, grey)
	s.CellFormat(inner/2, 5, s.text(s.doc.OwnerNote), "", 0, "L", false, 0, "")
	s.CellFormat(inner/2, 5, s.text(s.doc.CodeNote), "", 1, "R", false, 0, "")
	s.Ln(6)
	s.font(titleSize, black)
	s.CellFormat(inner, 11, s.text(s.doc.Title), "", 1, "C", false, 0, "")
	s.font(typeSize, grey)
	s.CellFormat(inner, 5, s.text(s.doc.Subtitle), "", 1, "C", false, 0, "")
	s.Ln(2)
	if s.doc.Stamp != "" {
		s.stamp(s.text(s.doc.Stamp))
	}
	s.Ln(3)
}

// stamp frames the state below the title.
func (s *sheet) stamp(text string) {
	s.font(typeSize+0.5, black)
	width := s.GetStringWidth(text) + 10
	s.SetDrawColor(black[0], black[1], black[2])
	s.SetX((pageWidth - width) / 2)
	s.CellFormat(width, 7, text, "1", 1, "C", false, 0, "")
}

// foot draws the foot of a page; the library calls it at the end of each.
func (s *sheet) foot() {
	s.SetDrawColor(line[0], line[1], line[2])
	s.Line(side, footAt, pageWidth-side, footAt)
	s.font(smallSize-0.5, grey)
	s.SetXY(side, footAt+1.5)
	for i, text := range s.doc.Foot {
		s.SetX(side)
		s.CellFormat(inner-30, 3.6, s.text(text), "", 0, "L", false, 0, "")
		if i == 0 && s.pages != "" {
			s.number(s.pages)
		}
		s.Ln(3.6)
	}
}

// number says which page this is, at the right end of its foot.
func (s *sheet) number(pages string) {
	text := strings.NewReplacer("{page}", strconv.Itoa(s.PageNo()), "{pages}", pages).Replace(s.doc.Page)
	s.SetX(pageWidth - side - 30)
	s.CellFormat(30, 3.6, text, "", 0, "R", false, 0, "")
}

func (s *sheet) paragraph(text string, size float64, colour [3]int) {
	s.font(size, colour)
	height := size * leading
	for _, l := range wrap(s.text(text), inner, s.GetStringWidth) {
		s.need(height)
		s.font(size, colour)
		s.CellFormat(inner, height, l, "", 1, "L", false, 0, "")
	}
}

func (s *sheet) section(part Section) {
	room := 18.0 // a title never stands alone at the end of a page
	var g *grid
	if part.Table != nil {
		if g = s.grid(part.Table); len(part.Facts) == 0 {
			room = max(room, 11+g.start())
		}
	}
	s.need(room)
	s.Ln(3)
	s.font(headingSize, black)
	s.CellFormat(inner, 6.5, s.text(part.Title), "", 1, "L", false, 0, "")
	s.SetDrawColor(line[0], line[1], line[2])
	s.Line(side, s.GetY(), pageWidth-side, s.GetY())
	s.Ln(1.5)
	for _, f := range part.Facts {
		s.fact(f)
	}
	if g != nil {
		s.table(g)
	}
	for _, text := range part.Lines {
		s.paragraph(text, typeSize-0.5, grey)
	}
}

func (s *sheet) fact(f Fact) {
	s.font(typeSize, black)
	height := typeSize * leading
	lines := wrap(s.text(f.Text), inner-termWidth, s.GetStringWidth)
	terms := wrap(s.text(f.Term), termWidth-2, s.GetStringWidth)
	for i := range max(len(lines), len(terms)) {
		s.need(height)
		s.font(typeSize, grey)
		s.SetX(side)
		s.CellFormat(termWidth, height, at(terms, i), "", 0, "L", false, 0, "")
		s.font(typeSize, black)
		s.CellFormat(inner-termWidth, height, at(lines, i), "", 1, "L", false, 0, "")
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
