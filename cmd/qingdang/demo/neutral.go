package demo

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"time"
)

type neutralParty struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type neutralConversation struct {
	Platform    string           `json:"platform"`
	ExternalID  string           `json:"external_id"`
	Department  string           `json:"department"`
	Agent       neutralParty     `json:"agent"`
	Customer    neutralParty     `json:"customer"`
	ServiceType string           `json:"service_type"`
	Tags        []string         `json:"tags"`
	OrderNo     string           `json:"order_no,omitempty"`
	OrderState  string           `json:"order_state,omitempty"`
	StartedAt   string           `json:"started_at"`
	EndedAt     string           `json:"ended_at"`
	Messages    []neutralMessage `json:"messages"`
}

type neutralMessage struct {
	ID         string `json:"id"`
	Seq        int    `json:"seq"`
	Sender     string `json:"sender"`
	At         string `json:"at"`
	Type       string `json:"type"`
	Text       string `json:"text,omitempty"`
	Attachment string `json:"attachment,omitempty"`
	Recalled   bool   `json:"recalled,omitempty"`
}

// NeutralJSONL writes conversations in the neutral form, one a line, and says how
// many. The file can be imported.
func NeutralJSONL(w io.Writer, conversations iter.Seq[Conversation]) (int, error) {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	n := 0
	for c := range conversations {
		if err := lines.Encode(neutral(c)); err != nil {
			return n, err
		}
		n++
	}
	return n, out.Flush()
}

func neutral(c Conversation) neutralConversation {
	n := neutralConversation{
		Platform: c.Platform, ExternalID: c.ExternalID, Department: c.DepartmentPath,
		Agent:       neutralParty{c.AgentID, c.AgentName},
		Customer:    neutralParty{c.CustomerID, c.CustomerName},
		ServiceType: c.ServiceType, Tags: c.Tags, OrderNo: c.OrderNo, OrderState: c.OrderState,
		StartedAt: c.StartedAt.Format(time.RFC3339), EndedAt: c.EndedAt.Format(time.RFC3339),
		Messages: make([]neutralMessage, len(c.Messages)),
	}
	for i, m := range c.Messages {
		n.Messages[i] = neutralMessage{
			ID: m.ID, Seq: i + 1, Sender: m.Sender, At: m.At.Format(time.RFC3339), Type: m.Kind,
			Text: m.Text, Attachment: m.Attachment, Recalled: m.Recalled,
		}
	}
	return n
}
