package format

import (
	"context"
	"io"
	"time"
)

// The formats that Options.Format can name. Auto decides by content and by the name's ending.
const (
	Auto     = "auto"
	Neutral  = "neutral"  // one whole conversation a JSON line
	Table    = "table"    // CSV, TSV or XLSX with one message a row
	WeCom    = "wecom"    // 企业微信会话内容存档, JSON lines
	DingTalk = "dingtalk" // robot callbacks, JSON lines
	WeChat   = "wechat"   // MemoTrace columns, CSV or XLSX
	QQ       = "qq"       // 消息管理器 text export
	Qianniu  = "qianniu"  // answer of taobao.wangwang.eservice.chatlog.get
	Sobot    = "sobot"    // unread pushes, JSON lines
)

// Formats lists what a person may choose from, Auto first.
var Formats = []string{Auto, Neutral, Table, WeCom, DingTalk, WeChat, QQ, Qianniu, Sobot}

// Source is one exported file.
type Source struct {
	Name    string      // file name; only its ending and its base name are looked at
	Body    io.ReaderAt // read more than once: text is first searched for its encoding
	Size    int64
	Request []byte // content of the companion RequestName(Name); nil when there is none
}

// Limits bound what one file may cost. A zero field means its default.
type Limits struct {
	MaxBytes                int64 // size of the file; 8 GiB
	MaxUnpacked             int64 // a spreadsheet, unpacked; 2 GiB
	MaxRows                 int64 // records of the file; 100,000,000
	MaxRecordBytes          int   // one line, row or block; 64 MiB
	MaxMessageChars         int   // text of one message; 1,000,000
	MaxConversationMessages int   // 100,000; what is beyond is rejected
	MaxConversationBytes    int   // 64 MiB; what is beyond is rejected
	MaxRejectDetails        int   // rejected records described one by one; 1,000
	MemoryBytes             int   // sorted in memory before the temporary file is used; 64 MiB
}

// Options say how a file is to be read. The zero value reads anything with default limits.
type Options struct {
	Format          string // one of Formats; "" is Auto
	DefaultPlatform string // platform of table rows that name none; "" is "other"
	Limits          Limits
	TempDir         string // for the sealed temporary file; "" is the system's
	Progress        func(bytesRead, total int64)
}

// Report is the outcome of reading one file, by the counting rules. With a FileError all
// counts are zero and the sink has seen nothing.
type Report struct {
	Format        string // the format that was found, never Auto; "" when none was
	Conversations int
	Messages      int
	Duplicates    int
	Events        int
	Rejected      int
	Recalled      int
	FileError     *FileError
	Rejects       []Reject // the first Limits.MaxRejectDetails of them
	RejectsMore   int      // how many more there are
}

// FileError says why a file as a whole could not be read (rule 8).
type FileError struct {
	Key  string // catalogue key, one of the File… constants
	Args []any
}

// Error makes a FileError usable as an error; people are shown the words of Key.
func (e *FileError) Error() string { return e.Key }

// Position is the place of a record; fields that do not apply are zero.
type Position struct {
	Line  int    // physical line of a text file, from 1
	Sheet string // sheet of a spreadsheet
	Row   int    // row of that sheet, from 1
	Item  int    // message within the line or the answer, from 1
}

// Reject is one record that was not taken, and why.
type Reject struct {
	Position
	Reason string // catalogue key, one of the Reason… constants
}

// Sender is the side that wrote a message.
type Sender string

// The sides.
const (
	Customer Sender = "customer"
	Agent    Sender = "agent"
	System   Sender = "system"
	Robot    Sender = "robot"
)

// Conversation is a whole conversation of one file: at least one message, by time, no duplicates.
type Conversation struct {
	Platform, ExternalID           string // together the key
	DepartmentCode, DepartmentPath string // as the file gives them; may be empty
	AgentID, AgentName             string
	CustomerID, CustomerName       string
	ServiceType                    string
	Tags                           []string
	OrderNo, OrderState            string // OrderState: "open", "closed" or ""
	Messages                       []Message
	Position                       Position // of its first record
}

// Message is one stored message.
type Message struct {
	ID         string // may be empty
	Sender     Sender
	SenderName string
	At         time.Time // UTC
	Kind       string    // text image file voice video sticker card system quote …
	Text       string
	Attachment string
	Recalled   bool

	pos Position
}

// Sink takes the conversations, ordered by first message. The conversation is the sink's to keep.
// An error stops the reading and comes back from Read.
type Sink func(*Conversation) error

// Read reads src and hands every conversation to sink, after the whole file has been read.
// A file that cannot be read is no error but Report.FileError; an error is a broken disk, a
// cancelled ctx or the sink's own.
func Read(ctx context.Context, src Source, opt Options, sink Sink) (Report, error) {
	opt.Limits = opt.Limits.withDefaults()
	c := newCollector(ctx, src, opt)
	defer c.close()
	if err := c.read(); err != nil {
		return c.failed(err)
	}
	if err := c.finish(sink); err != nil {
		return c.failed(err)
	}
	return c.report, nil
}
