package format

import "strings"

// readDingTalk reads one body of the robot's message callback.
func readDingTalk(c *collector, o object, p Position) error {
	nick := strings.TrimSpace(o.get("senderNick").text())
	staff := strings.TrimSpace(o.get("senderStaffId").word())
	id := strings.TrimSpace(o.get("senderId").word())
	kind := strings.TrimSpace(o.get("msgtype").text())
	m := Message{ID: o.get("msgId").word(), pos: p, SenderName: firstOf(nick, staff, id)}
	conv := &Conversation{Platform: platformDingTalk, ExternalID: strings.TrimSpace(o.get("conversationId").word())}
	var reason string
	m.At, reason = jsonMillis(o.get("createAt"))
	switch {
	case conv.ExternalID == "":
		reason = ReasonNoConversation
	case strings.TrimSpace(m.ID) == "":
		reason = ReasonNoID
	case m.SenderName == "":
		reason = ReasonNoSender
	case kind == "":
		reason = ReasonNoKind
	case kind != kindText && o.get("content").empty():
		reason = ReasonNoText
	}
	if reason != "" {
		c.reject(p, reason)
		return nil
	}
	corp := strings.TrimSpace(o.get("senderCorpId").word())
	if staff != "" && corp != "" && corp == strings.TrimSpace(o.get("chatbotCorpId").word()) {
		m.Sender, conv.AgentID, conv.AgentName = Agent, staff, firstOf(nick, staff)
	} else {
		m.Sender, conv.CustomerID, conv.CustomerName = Customer, firstOf(id, staff), firstOf(nick, id, staff)
	}
	dingtalkContent(o, kind, &m)
	return c.single(conv, m)
}

func dingtalkContent(o object, kind string, m *Message) {
	m.Kind = kindOf(kind)
	if kind == kindText {
		m.Text = o.get("text").get("content").text()
		return
	}
	if m.Kind == kindText {
		m.Kind = kindOther
	}
	body, ok := o.get("content").fields()
	if !ok {
		m.Text = o.get("content").text()
		return
	}
	m.Text = body.get("recognition").text() // what the platform heard in a voice message
	parts, _ := body.get("richText").elements()
	for _, part := range parts {
		m.Text += part.get("text").text()
	}
	m.Attachment = firstOf(body.get("fileName").text(), body.get("downloadCode").text())
}

// empty tells whether v is missing, null, or an empty string, object or list.
func (v value) empty() bool {
	if s, ok := v.str(); ok {
		return strings.TrimSpace(s) == ""
	}
	if o, ok := v.fields(); ok {
		return len(o) == 0
	}
	if list, ok := v.elements(); ok {
		return len(list) == 0
	}
	return !v.given()
}

// firstOf is the first of words that is not empty.
func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
