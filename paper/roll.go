package paper

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Roll is a document drawn piece by piece, for more than fits a Doc: chapters of spoken lines. Its
// pages stay in memory until Close.
type Roll struct{ s *sheet }

// Line is one thing that was said.
type Line struct {
	Time, Who string
	Text      string
	Tint      bool // on a pale ground
	Quiet     bool // in grey
}

// Begin draws the head of a document with its sections, and gives the roll behind it.
func Begin(d Doc) *Roll {
	return &Roll{d.begin("")}
}

const (
	timeWidth = 16.0
	whoWidth  = 30.0
	lineSize  = typeSize - 0.5
	lineStep  = lineSize * leading
)

// Chapter begins a chapter. Its title stands at the top of every further page, too.
func (r *Roll) Chapter(title, running string, facts []Fact) {
	s := r.s
	s.running = ""
	s.need(15 + float64(len(facts))*typeSize*leading + 4*lineStep) // never alone at the end of a page
	s.Ln(4)
	s.font(headingSize, black)
	for _, l := range wrap(s.text(title), inner, s.GetStringWidth) {
		s.need(6.5)
		s.CellFormat(inner, 6.5, l, "", 1, "L", false, 0, "")
	}
	s.rule(black)
	s.Ln(1.5)
	for _, f := range facts {
		s.fact(f)
	}
	s.Ln(1)
	s.running = s.text(running)
}

// Divide puts a word on a line between the lines, such as a new day.
func (r *Roll) Divide(text string) {
	s := r.s
	s.need(3 * lineStep)
	s.font(smallSize, grey)
	s.CellFormat(inner, lineStep+1, s.text(text), "", 1, "C", false, 0, "")
}

// Line draws one thing that was said. Lines of a text stay lines.
func (r *Roll) Line(l Line) {
	s := r.s
	s.font(lineSize, black)
	ink := black
	if l.Quiet {
		ink = grey
	}
	who := wrap(s.text(l.Who), whoWidth-2, s.GetStringWidth)
	text := s.lines(l.Text)
	s.need(2*lineStep + 1)
	for i := range max(len(text), len(who)) {
		s.need(lineStep)
		s.ground(l.Tint, lineStep)
		s.font(smallSize, grey)
		if i == 0 {
			s.CellFormat(timeWidth, lineStep, s.text(l.Time), "", 0, "L", false, 0, "")
		}
		s.SetX(side + timeWidth)
		s.font(lineSize, grey)
		s.CellFormat(whoWidth, lineStep, at(who, i), "", 0, "L", false, 0, "")
		s.font(lineSize, ink)
		s.CellFormat(inner-timeWidth-whoWidth, lineStep, at(text, i), "", 1, "L", false, 0, "")
	}
	s.Ln(0.8)
}

// lines wraps every line of a text by itself.
func (s *sheet) lines(text string) (out []string) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for l := range strings.SplitSeq(text, "\n") {
		out = append(out, wrap(s.text(l), inner-timeWidth-whoWidth-1, s.GetStringWidth)...)
	}
	return out
}

func (s *sheet) ground(tint bool, height float64) {
	if !tint {
		return
	}
	s.SetFillColor(pale[0], pale[1], pale[2])
	s.SetAlpha(0.6, "Normal") // what is printed across the page stays to be seen
	s.Rect(side-1, s.GetY(), inner+2, height, "F")
	s.SetAlpha(1, "Normal")
}

// Err is the library's first refusal, if there was one.
func (r *Roll) Err() error { return r.s.Error() }

// Close draws the last sentences, among them how many characters the font lacked, and writes the
// document.
func (r *Roll) Close(w io.Writer, last ...string) (replaced int, err error) {
	s := r.s
	s.running = ""
	s.Ln(4)
	s.need(14)
	s.rule(line)
	s.Ln(2)
	for _, text := range last {
		s.paragraph(text, smallSize+0.5, grey)
	}
	s.end()
	s.numbers()
	if err := s.Output(w); err != nil {
		return s.replaced, fmt.Errorf("draw pdf: %w", err)
	}
	return s.replaced, nil
}

func (s *sheet) rule(colour [3]int) {
	s.SetDrawColor(colour[0], colour[1], colour[2])
	s.Line(side, s.GetY(), pageWidth-side, s.GetY())
}

// numbers puts on every page which of how many it is, which is known now.
func (s *sheet) numbers() {
	pages := s.PageCount()
	for n := 1; n <= pages; n++ {
		s.SetPage(n)
		s.font(smallSize-0.5, grey)
		s.SetXY(side, footAt+1.5)
		s.number(strconv.Itoa(pages))
	}
}

// beneath draws what lies below a page's text: the marks, and the running head of a chapter that
// goes on. The library calls it at the beginning of each page.
func (s *sheet) beneath() {
	s.mark()
	if s.running != "" {
		s.font(smallSize, grey)
		s.SetXY(side, top-6)
		s.CellFormat(inner, 4, s.running, "", 0, "L", false, 0, "")
	}
	s.SetXY(side, top)
}

// The marks run across the page from below, row behind row.
const (
	markSize  = 11.0
	markAngle = 28.0
	markStep  = 68.0 // millimetres from row to row
)

var markColour = [3]int{226, 230, 236}

func (s *sheet) mark() {
	if len(s.marks) == 0 {
		return
	}
	s.SetFont(fontName, "", markSize)
	s.SetTextColor(markColour[0], markColour[1], markColour[2])
	s.TransformBegin()
	s.TransformRotate(markAngle, pageWidth/2, pageHeight/2)
	reach := math.Hypot(pageWidth, pageHeight) / 2
	for y := pageHeight/2 - reach + markStep/2; y < pageHeight/2+reach; y += markStep {
		for i, text := range s.marks {
			s.Text(pageWidth/2-s.GetStringWidth(text)/2, y+float64(i)*markSize*leading, text)
		}
	}
	s.TransformEnd()
}
