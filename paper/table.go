package paper

import (
	"strings"
	"unicode"
)

const (
	cellPad   = 1.2
	tableSize = typeSize - 0.5
)

// grid is a table that is laid out: lines of each cell by row, the head first.
type grid struct {
	*Table
	widths []float64
	rows   [][][]string
	lines  []int // of each row
}

func (s *sheet) grid(t *Table) *grid {
	s.font(tableSize, black)
	g := &grid{Table: t, widths: s.widths(t)}
	head := make([]Cell, len(t.Head))
	for i, c := range t.Head {
		head[i] = Cell{Text: c.Text}
	}
	for _, row := range append([][]Cell{head}, t.Rows...) {
		cells, lines := make([][]string, len(row)), 1
		for i, c := range row {
			cells[i] = wrap(s.text(c.Plain()), g.widths[i]-2*cellPad, s.GetStringWidth)
			lines = max(lines, len(cells[i]))
		}
		g.rows, g.lines = append(g.rows, cells), append(g.lines, lines)
	}
	return g
}

// widths shares the room by weight, but no column is narrower than its longest word or code, as far as that is not
// much longer than a code.
func (s *sheet) widths(t *Table) []float64 {
	least := make([]float64, len(t.Head))
	word := func(i int, text string) {
		text, _ = drawable(text, covered()) // counted where it is drawn
		for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII }) {
			if need := s.GetStringWidth(w) + 2*cellPad + 0.2; need < inner/4 {
				least[i] = max(least[i], need)
			}
		}
	}
	for i, c := range t.Head {
		word(i, c.Text)
	}
	for _, row := range t.Rows {
		for i, c := range row {
			word(i, c.Plain())
		}
	}
	out := make([]float64, len(t.Head))
	for room, weight, more := inner, 0.0, true; more; {
		room, weight, more = inner, 0, false
		for i, c := range t.Head {
			if out[i] > 0 {
				room -= out[i]
			} else {
				weight += c.Weight
			}
		}
		for i, c := range t.Head {
			if out[i] == 0 && room*c.Weight/weight < least[i] {
				out[i], more = least[i], true
			}
		}
		if !more {
			for i, c := range t.Head {
				if out[i] == 0 {
					out[i] = room * c.Weight / weight
				}
			}
		}
	}
	total := 0.0
	for _, w := range out {
		total += w
	}
	for i := range out {
		out[i] *= inner / total
	}
	return out
}

const (
	rowHeight = tableSize * leading
	mostLines = 40 // of a row on one page; what is longer goes on the next
)

func (g *grid) headHeight() float64 { return max(6.2, float64(g.lines[0])*rowHeight+2*cellPad) }

// start is the room that the head needs with the first row, from which it is never parted.
func (g *grid) start() float64 {
	if len(g.lines) == 1 {
		return g.headHeight()
	}
	return g.headHeight() + float64(min(g.lines[1], mostLines))*rowHeight + 2*cellPad
}

// table draws a table. A row is never split between pages unless it is longer than one, and the
// head stands on every page.
func (s *sheet) table(g *grid) {
	s.need(g.start())
	s.tableHead(g)
	for n := range g.Rows {
		s.tableRow(g, n+1)
	}
	s.Ln(1)
}

func (s *sheet) tableHead(g *grid) {
	s.font(tableSize, grey)
	s.SetFillColor(pale[0], pale[1], pale[2])
	height, y, x := g.headHeight(), s.GetY(), side
	s.Rect(side, y, inner, height, "F")
	for i, c := range g.Head {
		for l, text := range g.rows[0][i] {
			s.SetXY(x+cellPad, y+height/2+(float64(l)-float64(len(g.rows[0][i]))/2)*rowHeight)
			s.CellFormat(g.widths[i]-2*cellPad, rowHeight, text, "", 0, align(c), false, 0, "")
		}
		x += g.widths[i]
	}
	s.SetXY(side, y+height)
}

func (s *sheet) tableRow(g *grid, row int) {
	cells, lines := g.rows[row], g.lines[row]
	for from := 0; from < lines; from += mostLines {
		n := min(mostLines, lines-from)
		if s.need(float64(n)*rowHeight + 2*cellPad) {
			s.tableHead(g)
		}
		y := s.GetY() + cellPad
		s.font(tableSize, black)
		x := side
		for i, c := range g.Head {
			for l := range n {
				s.SetXY(x+cellPad, y+float64(l)*rowHeight)
				s.CellFormat(g.widths[i]-2*cellPad, rowHeight, at(cells[i], from+l), "", 0, align(c), false, 0, "")
			}
			x += g.widths[i]
		}
		s.SetXY(side, y+float64(n)*rowHeight+cellPad)
	}
	s.SetDrawColor(line[0], line[1], line[2])
	s.Line(side, s.GetY(), pageWidth-side, s.GetY())
}

func align(c Column) string {
	if c.Number {
		return "R"
	}
	return "L"
}
