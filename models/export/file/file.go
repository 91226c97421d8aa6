// Package file writes the files that leave: transcripts as PDF, tables as CSV and XLSX, and JSON.
// What it is given is masked already and complete; it takes nothing away without saying so. It
// knows no database and no person, and keeps in memory what one conversation takes, but for PDF,
// whose pages stay there until Close.
package file

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Format is what a file is.
type Format string

// The formats. JSONL has one conversation a line, in the neutral form that qingdang import reads;
// JSON is one array of the same objects.
const (
	PDF   Format = "pdf"
	CSV   Format = "csv"
	XLSX  Format = "xlsx"
	JSON  Format = "json"
	JSONL Format = "jsonl"
)

// Formats are all, in the order in which a form offers them.
var Formats = []Format{PDF, CSV, JSON, JSONL, XLSX}

// Ext is the ending of a file's name, with its dot.
func (f Format) Ext() string { return "." + string(f) }

// Valid tells whether there is such a format.
func (f Format) Valid() bool {
	_, ok := makers[f]
	return ok
}

// Limit is how many conversations one part takes at most, and Messages after how many messages
// no further conversation should be put into it: 20,000 messages are some 2,000 pages.
func Limit(f Format) int {
	if f == PDF {
		return 500
	}
	return 5000
}

// Messages belongs to Limit.
func Messages(f Format) int {
	if f == PDF {
		return 20_000
	}
	return 200_000
}

// Options are what stands around the conversations: on every page of a PDF, and on the first
// sheet of an XLSX. The other formats carry nothing but data; the manifest beside them has it.
type Options struct {
	Lang        string         // zh-CN or en
	Zone        *time.Location // of all times; nil is UTC
	Code        string
	Title       string // whose conversations these are: the organisation's name
	Purpose     string // printed across every page
	By, Holder  string // who asked for it, and who will have it
	Made        time.Time
	Masked      string // what was masked: all, others, none
	Part, Parts int
	Fingerprint string // manifest root, hex
	From        int    // number of the first conversation, from 1
}

// Conversation is one to write. Every text is as it shall be read: masked where that was asked for.
type Conversation struct {
	Code         string // names it in the file, and as external_id where ExternalID is empty
	ExternalID   string
	Department   string // its path
	Platform     string
	ServiceType  string
	OrderNo      string
	OrderState   string // open, closed or empty
	Tags         []string
	AgentID      string
	AgentName    string
	CustomerID   string
	CustomerName string
	StartedAt    time.Time
	LastAt       time.Time
	State        string // active, hidden, binned, frozen
	Held         bool
	Messages     []Message
	Unreadable   bool // its body cannot be opened: it is listed, and says so
}

// Message is one message. Of an attachment the name is all that is kept.
type Message struct {
	ID         string
	At         time.Time
	Sender     string // customer, agent, system, robot
	SenderName string
	Kind       string // text, image, file …
	Text       string
	Attachment string
	Recalled   bool // where Text is empty, it was left out
}

// Summary is what a file holds.
type Summary struct {
	Conversations int
	Messages      int
	// Replaced counts the characters that the format cannot hold and that stand there as
	// [U+1F600] instead.
	Replaced int
	// Cut counts the texts that a cell of a spreadsheet was too small for and that go on in the
	// rows below.
	Cut int
}

// Writer writes one file. Add may be called until Close, which ends the file and does not close
// what lies below. After an error the file is worth nothing.
type Writer interface {
	Add(*Conversation) error
	Close() (Summary, error)
}

var makers = map[Format]func(io.Writer, Options) (Writer, error){
	CSV: newCSV, JSON: newJSON, JSONL: newJSONL, XLSX: newXLSX, PDF: newPDF,
}

// New begins a file.
func New(f Format, w io.Writer, o Options) (Writer, error) {
	start, ok := makers[f]
	if !ok {
		return nil, fmt.Errorf("export file: no format %q", string(f))
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.From = max(o.From, 1)
	return start(w, o)
}

const longestName = 60

// Name gives a part's file name. Whatever the code is, the name is letters, digits, - and _, so
// that no path, header or shell reads more into it.
func Name(code string, part, parts int, f Format) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, code)
	safe = "qingdang-" + safe[:min(len(safe), longestName)]
	if parts > 1 {
		safe += fmt.Sprintf("-%03d", part)
	}
	return safe + f.Ext()
}
