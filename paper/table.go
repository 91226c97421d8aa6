package paper

const (
	cellPad   = 1.2
	tableSize = typeSize - 0.5
)

// table draws a table. A row is never split between pages unless it is longer than one, and the
// head stands on every page.
func (s *sheet) table(t *Table) {
	widths := make([]float64, len(t.Head))
	sum := 0.0
	for _, c := range t.Head {
		sum += c.Weight
	}
	for i, c := range t.Head {
		widths[i] = inner * c.Weight / sum
	}
	s.tableHead(t, widths)
	for _, row := range t.Rows {
		cells := make([][]string, len(row))
		s.font(tableSize, black)
		lines := 1
		for i, c := range row {
			cells[i] = wrap(s.text(c.Plain()), widths[i]-2*cellPad, s.GetStringWidth)
			lines = max(lines, len(cells[i]))
		}
		s.tableRow(t, widths, cells, lines)
	}
	s.Ln(1)
}

func (s *sheet) tableHead(t *Table, widths []float64) {
	s.font(tableSize, grey)
	s.SetFillColor(pale[0], pale[1], pale[2])
	const height = 6.2
	y, x := s.GetY(), side
	s.Rect(side, y, inner, height, "F")
	for i, c := range t.Head {
		s.SetXY(x+cellPad, y)
		s.CellFormat(widths[i]-2*cellPad, height, s.text(c.Text), "", 0, align(c), false, 0, "")
		x += widths[i]
	}
	s.SetXY(side, y+height)
}

func (s *sheet) tableRow(t *Table, widths []float64, cells [][]string, lines int) {
	const height = tableSize * leading
	const most = 40 // lines; what is longer goes on the next page
	for from := 0; from < lines; from += most {
		n := min(most, lines-from)
		if s.need(float64(n)*height + 2*cellPad) {
			s.tableHead(t, widths)
		}
		y := s.GetY() + cellPad
		s.font(tableSize, black)
		x := side
		for i, c := range t.Head {
			for l := range n {
				s.SetXY(x+cellPad, y+float64(l)*height)
				s.CellFormat(widths[i]-2*cellPad, height, at(cells[i], from+l), "", 0, align(c), false, 0, "")
			}
			x += widths[i]
		}
		s.SetXY(side, y+float64(n)*height+cellPad)
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
