package format

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"qingdang/models/intake/format/spill"
)

// collector is one reading of one file: readers call reject, event, single and add while the
// file passes, and finish puts the conversations together.
type collector struct {
	ctx    context.Context
	src    Source
	opt    Options
	lim    Limits
	report Report
	set    charset // of a text file

	fragments *spill.Sorter // by conversation, then file order
	whole     *spill.Sorter // by first message
	seq       uint64
	records   int64
	revoked   map[[16]byte]struct{} // ids that a WeCom revoke names
	buf       []byte
}

func newCollector(ctx context.Context, src Source, opt Options) *collector {
	half := opt.Limits.MemoryBytes / 2
	return &collector{
		ctx: ctx, src: src, opt: opt, lim: opt.Limits,
		fragments: spill.New(opt.TempDir, half),
		whole:     spill.New(opt.TempDir, half),
	}
}

func (c *collector) close() {
	// A temporary file that cannot be removed holds nothing that can be read.
	_ = c.fragments.Close()
	_ = c.whole.Close()
}

// failed turns a FileError into a report without counts (rule 8) and passes other errors on.
func (c *collector) failed(err error) (Report, error) {
	var fe *FileError
	if !errors.As(err, &fe) {
		return Report{Format: c.report.Format}, err
	}
	return Report{Format: c.report.Format, FileError: fe}, nil
}

// record counts one record and stops at the limit.
func (c *collector) record() error {
	c.records++
	if c.records > c.lim.MaxRows {
		return fileError(FileTooManyRows, c.lim.MaxRows)
	}
	if c.records%1024 == 0 {
		return c.ctx.Err()
	}
	return nil
}

func (c *collector) reject(p Position, reason string) {
	c.report.Rejected++
	if len(c.report.Rejects) < c.lim.MaxRejectDetails {
		c.report.Rejects = append(c.report.Rejects, Reject{p, reason})
		return
	}
	c.report.RejectsMore++
}

func (c *collector) event() { c.report.Events++ }

// revoke remembers that the message id was recalled, wherever in the file it stands (rule 5).
func (c *collector) revoke(id string) error {
	if id = boundID(id); id == "" {
		return nil
	}
	if c.revoked == nil {
		c.revoked = make(map[[16]byte]struct{})
	}
	c.revoked[digest(id)] = struct{}{}
	if len(c.revoked) > maxRevokes {
		return fileError(FileManyRevokes, maxRevokes)
	}
	return nil
}

// single adds a fragment of one message, or rejects it.
func (c *collector) single(head *Conversation, m Message) error {
	if reason := c.tidy(&m); reason != "" {
		c.reject(m.pos, reason)
		return nil
	}
	head.Position = m.pos
	head.Messages = append(head.Messages[:0], m)
	return c.add(head)
}

// tidy brings a message into its stored form and returns why it is none, or "".
func (c *collector) tidy(m *Message) string {
	m.ID = boundID(m.ID)
	m.SenderName = cut(strings.TrimSpace(m.SenderName))
	m.Text = strings.ReplaceAll(m.Text, "\x00", "")
	m.Attachment = cutTo(strings.TrimSpace(m.Attachment), maxPathRunes)
	if m.Kind == "" {
		m.Kind = kindText
	}
	if m.Kind == kindText && strings.TrimSpace(m.Text) == "" && m.Attachment == "" {
		return ReasonNoText
	}
	if len(m.Text) > c.lim.MaxMessageChars && utf8.RuneCountInString(m.Text) > c.lim.MaxMessageChars {
		return ReasonTextTooLong
	}
	return ""
}

// add hands a fragment with tidy messages to the sorter.
func (c *collector) add(f *Conversation) error {
	f.ExternalID = boundID(f.ExternalID)
	for _, s := range f.heads() {
		if s != &f.ExternalID && s != &f.DepartmentPath {
			*s = cut(strings.TrimSpace(*s))
		}
	}
	f.DepartmentPath = cutTo(strings.TrimSpace(f.DepartmentPath), maxPathRunes)
	var key spill.Key
	conv := digest(f.Platform + "\x00" + f.ExternalID)
	copy(key[:], conv[:])
	binary.BigEndian.PutUint64(key[16:], c.seq)
	c.seq++
	c.buf = f.encode(c.buf[:0])
	return c.fragments.Add(key, c.buf)
}

func digest(s string) (d [16]byte) {
	sum := sha256.Sum256([]byte(s))
	copy(d[:], sum[:])
	return d
}

// boundID trims an id (rule 3). An id of unreasonable length keeps its beginning and a digest
// of the whole, so that it stays unique and fits a column.
func boundID(id string) string {
	id = strings.TrimSpace(strings.ReplaceAll(id, "\x00", ""))
	if len(id) <= maxIDChars {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	head := strings.ToValidUTF8(id[:maxIDChars-65], "")
	return head + "~" + hex.EncodeToString(sum[:])
}

// cut shortens names and labels to what a column holds. Message text is never cut.
func cut(s string) string { return cutTo(s, maxNameRunes) }

func cutTo(s string, runes int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) <= runes || utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes])
}

// body is the file from its beginning. It reports progress and notices a cancelled ctx.
func (c *collector) body() io.Reader {
	return &progressReader{c: c, r: io.NewSectionReader(c.src.Body, 0, c.src.Size)}
}

type progressReader struct {
	c    *collector
	r    io.Reader
	done int64
}

func (p *progressReader) Read(b []byte) (int, error) {
	if err := p.c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.done += int64(n)
	if p.c.opt.Progress != nil && n > 0 {
		p.c.opt.Progress(p.done, p.c.src.Size)
	}
	return n, err
}
