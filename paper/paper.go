// Package paper draws documents on A4 as PDF: a head, sections of facts, tables and sentences, and a
// foot on every page. It knows no words: whoever makes a Doc has chosen them. The same Doc always
// gives the same bytes.
package paper

import "time"

// Doc is one document.
type Doc struct {
	Owner, OwnerNote string // left of the head
	Code, CodeNote   string // right of the head
	Title, Subtitle  string
	Stamp            string // the state, in a frame
	Lead             []string
	Sections         []Section
	Foot             []string // lines left of every foot
	Page             string   // right of every foot: {page} and {pages} are replaced
	Replaced         string   // on the last page if the font lacked characters: {n} is replaced
	Created          time.Time

	// Marks are lines printed across every page, below what stands on it.
	Marks []string
	Lang  string // of the text, for those who hear it
}

// Section is a part of a document under its title. Its parts stand in the order of the fields.
type Section struct {
	Title string
	Facts []Fact
	Table *Table
	Lines []string
}

// Fact is a term and what it is.
type Fact struct {
	Term, Text string
	Mono       bool // a number or a digest: in groups, never to be read as words
}

// Table is rows under a head, which is repeated on every page.
type Table struct {
	Caption string
	Head    []Column
	Rows    [][]Cell
}

// Column is the head of a column and its share of the width.
type Column struct {
	Text   string
	Weight float64
	Number bool // right-aligned
}

// Cell is what stands in a row. A page shows a cell with a badge as such, paper as text.
type Cell struct {
	Text  string
	Badge *Badge
}

// Badge is a state as a page draws it.
type Badge struct{ Kind, Icon, Text string }

// Plain is the text of a cell as paper shows it.
func (c Cell) Plain() string {
	switch {
	case c.Badge == nil:
		return c.Text
	case c.Text == "":
		return c.Badge.Text
	}
	return c.Text + " · " + c.Badge.Text
}
