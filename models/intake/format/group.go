package format

import (
	"encoding/binary"
	"slices"

	"qingdang/models/intake/format/spill"
)

// finish puts the fragments together (rules 3 to 7) and hands on the conversations.
func (c *collector) finish(sink Sink) error {
	var g *group
	var key [16]byte
	err := c.fragments.Each(func(k spill.Key, b []byte) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		f, err := decode(b)
		if err != nil {
			return err
		}
		if g != nil && [16]byte(k[:16]) != key {
			if err := c.complete(g); err != nil {
				return err
			}
			g = nil
		}
		if g == nil {
			g, key = newGroup(f, binary.BigEndian.Uint64(k[16:])), [16]byte(k[:16])
		}
		g.take(c, f)
		return nil
	})
	if err != nil {
		return err
	}
	if g != nil {
		if err := c.complete(g); err != nil {
			return err
		}
	}
	// The memory of the first sorting is free before the second is read back.
	if err := c.fragments.Close(); err != nil {
		return err
	}
	return c.whole.Each(func(_ spill.Key, b []byte) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		conv, err := decode(b)
		if err != nil {
			return err
		}
		return sink(conv)
	})
}

// complete counts a conversation and puts it in line by its first message, so that whoever
// stores it writes in order of time.
func (c *collector) complete(g *group) error {
	conv := g.conv
	slices.SortStableFunc(conv.Messages, func(a, b Message) int { return a.At.Compare(b.At) })
	for i := range conv.Messages {
		m := &conv.Messages[i]
		if _, ok := c.revoked[digest(m.ID)]; ok && m.ID != "" {
			m.Recalled = true
		}
		if m.Recalled {
			c.report.Recalled++
		}
	}
	c.report.Conversations++
	c.report.Messages += len(conv.Messages)

	var key spill.Key
	// Times lie between 1990 and 2099, so they are positive and sort as unsigned numbers.
	binary.BigEndian.PutUint64(key[:8], uint64(conv.Messages[0].At.UnixNano()))
	binary.BigEndian.PutUint64(key[8:16], g.seq)
	c.buf = conv.encode(c.buf[:0])
	return c.whole.Add(key, c.buf)
}

// group is a conversation being put together from its fragments in file order.
type group struct {
	conv  *Conversation
	seq   uint64 // place of its first fragment in the file
	ids   map[string]struct{}
	bytes int
	full  bool
}

func newGroup(f *Conversation, seq uint64) *group {
	head := *f
	head.Messages = nil
	head.Tags = nil
	return &group{conv: &head, seq: seq}
}

func (g *group) take(c *collector, f *Conversation) {
	mine, theirs := g.conv.heads(), f.heads()
	for i, s := range mine {
		if *s == "" {
			*s = *theirs[i]
		}
	}
	for _, t := range f.Tags {
		if len(g.conv.Tags) < maxTags && !slices.Contains(g.conv.Tags, t) {
			g.conv.Tags = append(g.conv.Tags, t)
		}
	}
	for _, m := range f.Messages {
		g.message(c, m)
	}
}

func (g *group) message(c *collector, m Message) {
	if _, seen := g.ids[m.ID]; seen {
		c.report.Duplicates++
		return
	}
	size := len(m.Text) + len(m.Attachment) + len(m.ID) + 64
	// Once full it stays full: a short message that still fits would leave a gap before it.
	g.full = g.full || len(g.conv.Messages) >= c.lim.MaxConversationMessages || g.bytes+size > c.lim.MaxConversationBytes
	if g.full && len(g.conv.Messages) > 0 {
		c.reject(m.pos, ReasonConversationCap)
		return
	}
	if m.ID != "" {
		if g.ids == nil {
			g.ids = make(map[string]struct{})
		}
		g.ids[m.ID] = struct{}{}
	}
	g.bytes += size
	g.conv.Messages = append(g.conv.Messages, m)
}
