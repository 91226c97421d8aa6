package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"time"
)

// jsonWriter writes a conversation as one object of the neutral form that models/intake reads; what the form
// does not know is left out by its reader.
type jsonWriter struct {
	Options
	out   *bufio.Writer
	buf   bytes.Buffer
	enc   *json.Encoder
	array bool
	item  jsonConversation // and its messages, to be used again
	sum   Summary
}

type jsonConversation struct {
	Code        string        `json:"code"`
	Platform    string        `json:"platform"`
	ExternalID  string        `json:"external_id"`
	Department  string        `json:"department"`
	ServiceType string        `json:"service_type,omitempty"`
	OrderNo     string        `json:"order_no,omitempty"`
	OrderState  string        `json:"order_state,omitempty"`
	Tags        []string      `json:"tags,omitempty"`
	Agent       jsonPerson    `json:"agent"`
	Customer    jsonPerson    `json:"customer"`
	StartedAt   string        `json:"started_at"`
	LastAt      string        `json:"last_at"`
	State       string        `json:"state"`
	Held        bool          `json:"held,omitempty"`
	Unreadable  bool          `json:"unreadable,omitempty"`
	Messages    []jsonMessage `json:"messages"`
}

type jsonPerson struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type jsonMessage struct {
	ID         string `json:"id,omitempty"`
	Sender     string `json:"sender"`
	SenderName string `json:"sender_name,omitempty"`
	At         string `json:"at"`
	Type       string `json:"type"`
	Text       string `json:"text,omitempty"`
	Attachment string `json:"attachment,omitempty"`
	Recalled   bool   `json:"recalled,omitempty"`
}

func newJSON(w io.Writer, o Options) (Writer, error) { return newObjects(w, o, true), nil }

func newJSONL(w io.Writer, o Options) (Writer, error) { return newObjects(w, o, false), nil }

func newObjects(w io.Writer, o Options, array bool) *jsonWriter {
	j := &jsonWriter{Options: o, out: bufio.NewWriterSize(w, 1<<16), array: array}
	j.enc = json.NewEncoder(&j.buf)
	j.enc.SetEscapeHTML(false)
	j.item.Messages = []jsonMessage{}
	return j
}

// Add is part of Writer.
func (j *jsonWriter) Add(c *Conversation) error {
	if j.array {
		before := ",\n"
		if j.sum.Conversations == 0 {
			before = "[\n"
		}
		if _, err := j.out.WriteString(before); err != nil {
			return err
		}
	}
	j.fill(c)
	j.buf.Reset()
	if err := j.enc.Encode(&j.item); err != nil {
		return err
	}
	object := j.buf.Bytes()
	if j.array {
		object = object[:len(object)-1] // its line end
	}
	j.sum.Conversations++
	j.sum.Messages += len(c.Messages)
	_, err := j.out.Write(object)
	return err
}

func (j *jsonWriter) fill(c *Conversation) {
	external := c.ExternalID
	if external == "" {
		external = c.Code
	}
	j.item = jsonConversation{
		Code: c.Code, Platform: c.Platform, ExternalID: external, Department: c.Department, ServiceType: c.ServiceType, OrderNo: c.OrderNo, OrderState: c.OrderState,
		Tags: c.Tags, Agent: jsonPerson{c.AgentID, c.AgentName}, Customer: jsonPerson{c.CustomerID, c.CustomerName}, StartedAt: j.at(c.StartedAt), LastAt: j.at(c.LastAt),
		State: c.State, Held: c.Held, Unreadable: c.Unreadable, Messages: j.item.Messages[:0],
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		j.item.Messages = append(j.item.Messages, jsonMessage{
			ID: m.ID, Sender: m.Sender, SenderName: m.SenderName, At: j.at(m.At), Type: m.Kind, Text: m.Text, Attachment: m.Attachment, Recalled: m.Recalled,
		})
	}
}

func (j *jsonWriter) at(t time.Time) string { return t.In(j.Zone).Format(time.RFC3339Nano) }

// Close is part of Writer.
func (j *jsonWriter) Close() (Summary, error) {
	if j.array {
		end := "\n]\n"
		if j.sum.Conversations == 0 {
			end = "[]\n"
		}
		if _, err := j.out.WriteString(end); err != nil {
			return j.sum, err
		}
	}
	return j.sum, j.out.Flush()
}
