package format

import "strings"

// readSobot reads one push 客户未读消息: what an agent wrote to a customer. Its only time is when
// the chat was made, so the order of the file is the order of the messages (rule 7).
func readSobot(c *collector, o object, p Position) error {
	content := o.get("content").text()
	agent := strings.TrimSpace(o.get("aname").text())
	partner := strings.TrimSpace(o.get("partnerId").word())
	m := Message{ID: o.get("msgId").word(), pos: p, Sender: Agent, SenderName: agent}
	var reason string
	m.At, reason = jsonMillis(o.get("createChatTime"))
	switch {
	case partner == "":
		reason = ReasonNoConversation
	case strings.TrimSpace(m.ID) == "":
		reason = ReasonNoID
	case strings.TrimSpace(content) == "":
		reason = ReasonNoText
	}
	if reason != "" {
		c.reject(p, reason)
		return nil
	}
	m.Kind = firstOf(kindOf(o.get("msgType").text()), kindText)
	if m.Kind == kindText {
		m.Text = content
	} else {
		m.Attachment = content // the address of the file
	}
	return c.single(&Conversation{
		Platform: platformSobot, ExternalID: partner, CustomerID: partner, AgentName: agent,
	}, m)
}
