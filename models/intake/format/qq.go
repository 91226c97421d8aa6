package format

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// qqHead is the first line of an export of the QQ 消息管理器.
const qqHead = "消息记录（此消息记录为文本格式"

var (
	qqRule    = strings.Repeat("=", 64)
	qqMessage = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2} \d{1,2}:\d{2}:\d{2}) (.*)$`)
	qqMember  = regexp.MustCompile(`^(.*)(?:\((\d+)\)|<([^<>]+@[^<>]+)>)$`)
	qqTitle   = regexp.MustCompile(`^【[^】]*】`)
	qqObject  = regexp.MustCompile(`^消息对象[:：](.*)$`)
	qqGroup   = regexp.MustCompile(`^消息分组[:：](.*)$`)
)

// qqReader walks through the sections of an export. A line of 64 = is held back until the next
// line tells whether it opens a section or belongs to a text.
type qqReader struct {
	c        *collector
	held     bool // a line of = waits
	header   bool // inside the head of a section
	headed   bool // the first line is an export's
	sections int
	used     map[string]int // keys of sections so far
	group    string
	object   string
	conv     string // key of the current section
	private  bool   // the person above has spoken, so this is no group
	open     *qqBlock
}

// qqBlock is a message and the lines that follow it.
type qqBlock struct {
	m      Message
	who    string
	text   strings.Builder
	blank  int // empty lines that count only if another line follows
	reason string
}

// readQQ reads the text export.
func (c *collector) readQQ() error {
	text, mayBreak := c.text()
	q := &qqReader{c: c, used: make(map[string]int)}
	lines := newLineReader(bufio.NewReader(text), c.lim.MaxRecordBytes)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		reason := ""
		if lines.long {
			reason = ReasonTooLong
		} else if mayBreak && !utf8.Valid(line) {
			reason = ReasonBadEncoding
		}
		if lines.line == 1 {
			q.headed = strings.HasPrefix(string(line), qqHead)
		}
		if err := q.line(string(line), lines.line, reason); err != nil {
			return err
		}
	}
	if q.held {
		q.textLine(qqRule)
	}
	if err := q.finish(); err != nil {
		return err
	}
	if q.sections == 0 && !q.headed {
		return fileError(FileNotQQ)
	}
	return nil
}

func (q *qqReader) line(s string, n int, reason string) error {
	if q.held {
		q.held = false
		if !qqGroup.MatchString(s) && !qqObject.MatchString(s) {
			q.textLine(qqRule)
		} else if err := q.section(); err != nil {
			return err
		}
	}
	bare := strings.TrimRight(s, " \t")
	switch {
	case q.header && q.headLine(bare):
		return nil
	case bare == qqRule:
		q.held = true
		return nil
	}
	if part := qqMessage.FindStringSubmatch(s); part != nil {
		return q.message(part[1], part[2], n, reason)
	}
	if reason != "" && q.open != nil && q.open.reason == "" {
		q.open.reason = reason
	}
	q.textLine(s)
	return nil
}

// section ends the current one and begins the head of the next.
func (q *qqReader) section() error {
	if err := q.finish(); err != nil {
		return err
	}
	q.header, q.private, q.group, q.object, q.conv = true, false, "", "", ""
	return nil
}

// headLine takes a line of a section's head; false says that the head is over.
func (q *qqReader) headLine(s string) bool {
	if part := qqGroup.FindStringSubmatch(s); part != nil {
		q.group = strings.TrimSpace(part[1])
		return true
	}
	if part := qqObject.FindStringSubmatch(s); part != nil && q.object == "" {
		q.object = strings.TrimSpace(part[1])
		q.name()
		return true
	}
	if s == qqRule {
		// The rule after 消息对象 closes the head, the one after 消息分组 does not.
		q.header = q.object == ""
		return true
	}
	q.header = false
	return false
}

// name gives the section its key: group and object, since two people may bear one name. A
// second section of the same key is another conversation.
func (q *qqReader) name() {
	q.sections++
	if q.object == "" {
		return
	}
	key := q.object
	if q.group != "" {
		key = q.group + "/" + q.object
	}
	q.used[key]++
	q.conv = key
	if n := q.used[key]; n > 1 {
		q.conv = key + "#" + strconv.Itoa(n)
	}
}

func (q *qqReader) message(at, who string, n int, reason string) error {
	if err := q.finish(); err != nil {
		return err
	}
	b := &qqBlock{who: strings.TrimSpace(who), reason: reason}
	b.m.pos = Position{Line: n}
	t, bad := readTime(at)
	b.m.At = t
	switch {
	case b.reason != "":
	case bad != "":
		b.reason = bad
	case b.who == "":
		b.reason = ReasonNoSender
	case q.conv == "":
		b.reason = ReasonNoConversation
	}
	q.open = b
	return nil
}

// textLine adds a line to the open message. Empty lines at both ends do not count.
func (q *qqReader) textLine(s string) {
	b := q.open
	if b == nil || b.reason != "" {
		return
	}
	if s == "" {
		b.blank++
		return
	}
	if b.text.Len()+b.blank+len(s) > q.c.lim.MaxRecordBytes {
		b.reason = ReasonTooLong
		return
	}
	if b.text.Len() > 0 {
		b.text.WriteString(strings.Repeat("\n", b.blank+1))
	}
	b.blank = 0
	b.text.WriteString(s)
}

// finish ends the open message: its text is complete.
func (q *qqReader) finish() error {
	b := q.open
	q.open = nil
	if b == nil {
		return nil
	}
	if err := q.c.record(); err != nil {
		return err
	}
	if b.reason != "" {
		q.c.reject(b.m.pos, b.reason)
		return nil
	}
	b.m.Text = b.text.String()
	conv := &Conversation{Platform: platformQQ, ExternalID: q.conv}
	q.sender(b, conv)
	return q.c.single(conv, b.m)
}

// sender tells the sides apart. A private chat has the other person's name above it; in a group
// those who bear a title (群主, 管理员) are taken for the shop's.
func (q *qqReader) sender(b *qqBlock, conv *Conversation) {
	name := qqTitle.ReplaceAllString(b.who, "")
	part := qqMember.FindStringSubmatch(name)
	switch {
	case b.who == q.object:
		q.private = true
		b.m.Sender, b.m.SenderName = Customer, b.who
		conv.CustomerID, conv.CustomerName = q.object, q.object
	case strings.HasPrefix(name, "系统消息"):
		b.m.Sender, b.m.SenderName = System, name
	case part == nil || q.private:
		b.m.Sender, b.m.SenderName = Agent, b.who
		conv.AgentID, conv.AgentName = b.who, b.who
	case name != b.who:
		b.m.Sender, b.m.SenderName = Agent, firstOf(part[1], name)
		conv.AgentID, conv.AgentName = firstOf(part[2], part[3]), b.m.SenderName
	default:
		b.m.Sender, b.m.SenderName = Customer, firstOf(part[1], name)
		conv.CustomerID, conv.CustomerName = firstOf(part[2], part[3]), b.m.SenderName
	}
}
