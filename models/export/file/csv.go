package file

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"qingdang/models/mask"
)

// bom tells spreadsheets that a file is UTF-8.
const bom = "\ufeff"

// csvWriter writes a line for every message. Every cell is in quotes; lines within a cell end in LF, rows
// in CRLF.
type csvWriter struct {
	table
	out *bufio.Writer
	row []byte
}

func newCSV(w io.Writer, o Options) (Writer, error) {
	c := &csvWriter{table: newTable(o), out: bufio.NewWriterSize(w, 1<<16)}
	c.row = append(c.row, bom...)
	for _, h := range c.head() {
		c.cell(h)
	}
	return c, c.end(0)
}

// Add is part of Writer.
func (c *csvWriter) Add(conv *Conversation) error {
	c.row = strconv.AppendInt(append(c.row, '"'), int64(c.From+c.sum.Conversations), 10)
	c.row = append(c.row, `",`...)
	c.sum.Conversations++
	replaced := c.sum.Replaced
	for _, cell := range c.of(conv) {
		c.cell(cell)
	}
	replaced = c.sum.Replaced - replaced
	begin := len(c.row)
	for i := range conv.Messages {
		c.sum.Messages++
		if i > 0 {
			c.sum.Replaced += replaced // they stand on every line
		}
		for _, cell := range c.message(&conv.Messages[i]) {
			c.cell(cell)
		}
		if err := c.end(begin); err != nil {
			return err
		}
	}
	if len(conv.Messages) == 0 {
		for _, cell := range c.none(conv) {
			c.cell(cell)
		}
		if err := c.end(begin); err != nil {
			return err
		}
	}
	c.row = c.row[:0]
	return nil
}

// cell appends a cell and its comma.
func (c *csvWriter) cell(s string) {
	s, n := clean(s)
	c.sum.Replaced += n
	s = mask.Cell(s)
	c.row = append(c.row, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		c.row = append(append(c.row, s[:i]...), `""`...)
		s = s[i+1:]
	}
	c.row = append(append(c.row, s...), `",`...)
}

// end writes the row and keeps its first bytes for the next one.
func (c *csvWriter) end(keep int) error {
	c.row = append(c.row[:len(c.row)-1], "\r\n"...)
	_, err := c.out.Write(c.row)
	c.row = c.row[:keep]
	return err
}

// Close is part of Writer.
func (c *csvWriter) Close() (Summary, error) { return c.sum, c.out.Flush() }
