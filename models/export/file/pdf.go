package file

import (
	"io"
	"strconv"
	"strings"
	"time"

	"qingdang/paper"
)

const (
	shownFingerprint = 16 // hex digits of it in every foot; the head has it whole
	longestMark      = 40 // characters of a purpose across the page
)

// pdfWriter draws transcripts.
type pdfWriter struct {
	Options
	lang language
	out  io.Writer
	roll *paper.Roll
	sum  Summary
}

func newPDF(w io.Writer, o Options) (Writer, error) {
	p := &pdfWriter{Options: o, lang: languageOf(o.Lang), out: w}
	owner := o.Title
	if owner == "" {
		owner = p.lang.word("owner")
	}
	p.roll = paper.Begin(paper.Doc{
		Owner: owner, Code: o.Code, CodeNote: p.day(o.Made), Title: p.lang.word("title"), Sections: []paper.Section{{Title: p.lang.word("about_export"), Facts: p.head()}},
		Foot: p.foot(), Page: p.lang.word("page"), Replaced: p.lang.word("replaced"), Created: o.Made, Marks: p.marks(), Lang: o.Lang,
	})
	return p, nil
}

func (p *pdfWriter) head() (facts []paper.Fact) {
	for _, f := range p.facts(p.lang) {
		facts = append(facts, paper.Fact{Term: f[0], Text: f[1]})
	}
	return facts
}

// foot is what every page says of the file it belongs to.
func (p *pdfWriter) foot() []string {
	line := []string{p.Code}
	if p.Parts > 1 {
		line = append(line, p.lang.word("part_of", strconv.Itoa(p.Part), strconv.Itoa(p.Parts)))
	}
	line = append(line, p.lang.of("masked", p.Masked))
	if p.Fingerprint != "" {
		line = append(line, p.lang.word("fingerprint")+" "+p.Fingerprint[:min(len(p.Fingerprint), shownFingerprint)])
	}
	return []string{strings.Join(line, " · ")}
}

// marks are what stands across every page: who has this copy, since when, and for what.
func (p *pdfWriter) marks() []string {
	holder := p.Holder
	if holder == "" {
		holder = p.By
	}
	purpose := []rune(p.Purpose)
	if len(purpose) > longestMark {
		purpose = append(purpose[:longestMark:longestMark], '…')
	}
	one := strings.Join([]string{holder, p.Made.In(p.Zone).Format("2006-01-02 15:04"), p.Code}, "  ")
	return []string{one + "      " + one, string(purpose)}
}

func (p *pdfWriter) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.Zone).Format("2006-01-02")
}

// Add is part of Writer.
func (p *pdfWriter) Add(c *Conversation) error {
	number := strconv.Itoa(p.From + p.sum.Conversations)
	p.sum.Conversations++
	p.sum.Messages += len(c.Messages)
	title := number + "  " + c.Code
	p.roll.Chapter(title, p.Code+"  "+title+p.lang.word("goes_on"), p.of(c))
	if len(c.Messages) == 0 {
		p.nothing(c)
	}
	day := ""
	for i := range c.Messages {
		m := &c.Messages[i]
		if d := p.day(m.At); d != day {
			p.roll.Divide(m.At.In(p.Zone).Format("2006-01-02 (-07:00)"))
			day = d
		}
		p.roll.Line(p.message(m))
	}
	return p.roll.Err()
}

func (p *pdfWriter) nothing(c *Conversation) {
	key := "empty"
	if c.Unreadable {
		key = "unreadable"
	}
	p.roll.Divide(p.lang.word(key))
}

// of gives what stands below a conversation's code.
func (p *pdfWriter) of(c *Conversation) (facts []paper.Fact) {
	add := func(key string, parts ...string) {
		var given []string
		for _, part := range parts {
			if part != "" {
				given = append(given, part)
			}
		}
		if len(given) > 0 {
			facts = append(facts, paper.Fact{Term: capital(p.lang.word(key)), Text: strings.Join(given, " · ")})
		}
	}
	state := ""
	if c.State != "active" {
		state = p.lang.of("state", c.State)
	}
	if c.Held {
		add("state", state, p.lang.word("is_held"))
	} else {
		add("state", state)
	}
	add("department", c.Department)
	add("customer", c.CustomerName, c.CustomerID)
	add("agent", c.AgentName, c.AgentID)
	add("service", p.lang.of("platform", c.Platform), c.ServiceType, strings.Join(c.Tags, p.lang.word("list")))
	order := ""
	if c.OrderState != "" {
		order = p.lang.of("order", c.OrderState)
	}
	add("order", c.OrderNo, order)
	if !c.StartedAt.IsZero() {
		add("span", c.StartedAt.In(p.Zone).Format(time.DateTime)+" – "+c.LastAt.In(p.Zone).Format(time.DateTime))
	}
	return facts
}

func (p *pdfWriter) message(m *Message) paper.Line {
	who := capital(p.lang.of("sender", m.Sender))
	if m.SenderName != "" {
		who += " " + m.SenderName
	}
	l := paper.Line{Time: m.At.In(p.Zone).Format(time.TimeOnly), Who: who, Tint: m.Sender == "agent", Quiet: m.Sender == "system" || m.Sender == "robot"}
	l.Text = m.Text
	if m.Recalled {
		mark := "recalled_mark"
		if m.Text == "" {
			mark = "recalled_gone"
		}
		l.Text = strings.TrimSpace(p.lang.word(mark) + " " + m.Text)
	}
	kind := p.lang.of("kind", m.Kind)
	if m.Kind == "text" || m.Kind == "" {
		kind = p.lang.word("attachment")
	}
	if m.Attachment != "" || m.Kind != "text" && m.Kind != "system" && m.Kind != "" {
		l.Text = strings.TrimSpace(l.Text + "\n" + strings.TrimSpace(p.lang.word("attached", kind, strings.Join(strings.Fields(m.Attachment), " "))))
	}
	return l
}

// capital begins an English word as a sentence does; tables have it small.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// Close is part of Writer.
func (p *pdfWriter) Close() (Summary, error) {
	var err error
	p.sum.Replaced, err = p.roll.Close(p.out, p.lang.word("end", strconv.Itoa(p.sum.Conversations), strconv.Itoa(p.sum.Messages)))
	return p.sum, err
}
