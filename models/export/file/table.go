package file

import (
	"strings"
)

// columns are those of CSV and XLSX, by the keys of their heads. From message on they are a
// message's; those before it say of which conversation.
var columns = []string{
	"n", "conversation", "platform", "department", "service_type", "order_no", "tags", "agent_id", "agent_name", "customer_id", "customer_name", "state", "held",
	"message", "at", "sender", "sender_name", "kind", "text", "attachment", "recalled", "note",
}

const (
	ofConversation = 13 // columns of the conversation, with its number
	ofMessage      = 9
	textColumn     = 5 // among the message's
)

// table is what both tables have in common: rows of texts from conversations.
type table struct {
	Options
	lang language
	sum  Summary
}

func newTable(o Options) table { return table{Options: o, lang: languageOf(o.Lang)} }

func (t *table) head() []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = t.lang.word(c)
	}
	return out
}

// of gives the cells of a conversation but its number.
func (t *table) of(c *Conversation) [ofConversation - 1]string {
	return [...]string{
		c.Code, t.lang.of("platform", c.Platform), c.Department, c.ServiceType, c.OrderNo, strings.Join(c.Tags, ";"), c.AgentID, c.AgentName, c.CustomerID,
		c.CustomerName, t.lang.of("state", c.State), t.lang.yes(c.Held),
	}
}

func (t *table) message(m *Message) [ofMessage]string {
	note := ""
	if m.Recalled && m.Text == "" {
		note = t.lang.word("recalled_gone")
	}
	return [...]string{
		m.ID, t.at(m.At), t.lang.of("sender", m.Sender), m.SenderName, t.lang.of("kind", m.Kind), m.Text, m.Attachment, t.lang.yes(m.Recalled), note,
	}
}

// none is the row of a conversation that has no messages to show: it is not left out.
func (t *table) none(c *Conversation) [ofMessage]string {
	key := "empty"
	if c.Unreadable {
		key = "unreadable"
	}
	return [...]string{ofMessage - 1: t.lang.word(key)}
}

func (l language) yes(is bool) string {
	if is {
		return l.word("yes")
	}
	return l.word("no")
}
