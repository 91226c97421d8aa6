package format

import (
	"encoding/binary"
	"errors"
	"time"
)

// errWire says that a fragment came back from the sorter in another shape than it went in.
var errWire = errors.New("fragment cannot be read back")

// encode appends c, as it travels through the sorter.
func (c *Conversation) encode(b []byte) []byte {
	for _, s := range c.heads() {
		b = putString(b, *s)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Tags)))
	for _, t := range c.Tags {
		b = putString(b, t)
	}
	b = c.Position.encode(b)
	b = binary.AppendUvarint(b, uint64(len(c.Messages)))
	for i := range c.Messages {
		b = c.Messages[i].encode(b)
	}
	return b
}

// heads lists the single-valued words of a conversation in wire order.
func (c *Conversation) heads() [11]*string {
	return [...]*string{
		&c.Platform, &c.ExternalID, &c.DepartmentCode, &c.DepartmentPath, &c.AgentID, &c.AgentName,
		&c.CustomerID, &c.CustomerName, &c.ServiceType, &c.OrderNo, &c.OrderState,
	}
}

func (m *Message) encode(b []byte) []byte {
	b = putString(b, m.ID)
	b = putString(b, string(m.Sender))
	b = putString(b, m.SenderName)
	b = binary.AppendVarint(b, m.At.UnixNano())
	b = putString(b, m.Kind)
	b = putString(b, m.Text)
	b = putString(b, m.Attachment)
	recalled := byte(0)
	if m.Recalled {
		recalled = 1
	}
	return m.pos.encode(append(b, recalled))
}

func (p Position) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(p.Line))
	b = putString(b, p.Sheet)
	b = binary.AppendUvarint(b, uint64(p.Row))
	return binary.AppendUvarint(b, uint64(p.Item))
}

func putString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder reads what encode wrote; the first misfit is kept in err.
type decoder struct {
	b   []byte
	err error
}

func decode(b []byte) (*Conversation, error) {
	d := &decoder{b: b}
	c := &Conversation{}
	for _, s := range c.heads() {
		*s = d.str()
	}
	for range d.count() {
		c.Tags = append(c.Tags, d.str())
	}
	c.Position = d.pos()
	n := d.count()
	c.Messages = make([]Message, 0, n)
	for range n {
		c.Messages = append(c.Messages, d.message())
	}
	return c, d.err
}

func (d *decoder) message() Message {
	m := Message{ID: d.str(), Sender: Sender(d.str()), SenderName: d.str()}
	ns, n := binary.Varint(d.b)
	d.skip(n)
	m.At = time.Unix(0, ns).UTC()
	m.Kind, m.Text, m.Attachment = d.str(), d.str(), d.str()
	if len(d.b) > 0 {
		m.Recalled = d.b[0] == 1
	}
	d.skip(1)
	m.pos = d.pos()
	return m
}

func (d *decoder) pos() Position {
	return Position{Line: int(d.uint()), Sheet: d.str(), Row: int(d.uint()), Item: int(d.uint())}
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

// count is a number of things to come; each takes a byte at least.
func (d *decoder) count() int {
	v := d.uint()
	if v > uint64(len(d.b)) {
		d.skip(-1)
		return 0
	}
	return int(v)
}

func (d *decoder) str() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) skip(n int) {
	if n <= 0 || n > len(d.b) {
		d.b, d.err = nil, errWire
		return
	}
	d.b = d.b[n:]
}
