package export_test

import (
	"encoding/json"
	"io"

	"qingdang/models/export/file"
)

// plain is the simplest writer: a line of JSON each.
type plain struct {
	out *json.Encoder
	sum file.Summary
	on  func() // called with each conversation
}

func (p *plain) Add(c *file.Conversation) error {
	p.sum.Conversations++
	p.sum.Messages += len(c.Messages)
	if p.on != nil {
		p.on()
	}
	return p.out.Encode(c)
}

func (p *plain) Close() (file.Summary, error) { return p.sum, nil }

func plainWith(on func()) func(file.Format, io.Writer, file.Options) (file.Writer, error) {
	return func(_ file.Format, w io.Writer, _ file.Options) (file.Writer, error) {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return &plain{out: e, on: on}, nil
	}
}
