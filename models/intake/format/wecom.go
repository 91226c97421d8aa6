package format

import (
	"strings"
	"time"
)

// wecomEvents are the records that are no messages (rule 4).
var wecomEvents = map[string]bool{"revoke": true, "agree": true, "disagree": true, "switch": true}

// readWeCom reads one decrypted record of 企业微信会话内容存档.
func readWeCom(c *collector, o object, p Position) error {
	kind := strings.TrimSpace(o.get("msgtype").text())
	if wecomEvents[kind] || kind == "" && wecomEvents[strings.TrimSpace(o.get("action").text())] {
		c.event()
		if kind != "revoke" {
			return nil
		}
		return c.revoke(o.get("revoke").get("pre_msgid").word())
	}
	from, conv := wecomConversation(o)
	m := Message{ID: o.get("msgid").word(), pos: p, Sender: wecomSide(from), SenderName: from}
	var reason string
	m.At, reason = jsonMillis(o.get("msgtime"))
	switch {
	case strings.TrimSpace(m.ID) == "":
		reason = ReasonNoID
	case from == "":
		reason = ReasonNoSender
	case conv.ExternalID == "":
		reason = ReasonNoConversation
	case kind == "":
		reason = ReasonNoKind
	}
	if reason != "" {
		c.reject(p, reason)
		return nil
	}
	body := o.get(kind)
	if body == nil {
		body = o.get("info") // where markdown and news have theirs
	}
	wecomContent(body, kind, &m)
	return c.single(conv, m)
}

// wecomConversation is the room, else the two people in either order.
func wecomConversation(o object) (from string, conv *Conversation) {
	from = strings.TrimSpace(o.get("from").word())
	to := ""
	if list, ok := o.get("tolist").elements(); ok && len(list) > 0 {
		to = strings.TrimSpace(list[0].word())
	}
	conv = &Conversation{Platform: platformWeCom}
	people := []string{from, to}
	if room := strings.TrimSpace(o.get("roomid").word()); room != "" {
		conv.ExternalID = room
		people = people[:1] // tolist is the rest of the room, in no order that means anything
	} else if to != "" {
		conv.ExternalID = min(from, to) + "|" + max(from, to)
	}
	for _, id := range people {
		switch wecomSide(id) {
		case Customer:
			conv.CustomerID, conv.CustomerName = id, id
		case Agent:
			conv.AgentID, conv.AgentName = id, id
		}
	}
	return from, conv
}

// wecomSide tells external contacts (wm, wo) and robots (wb) from staff.
func wecomSide(id string) Sender {
	switch {
	case id == "":
		return ""
	case strings.HasPrefix(id, "wm"), strings.HasPrefix(id, "wo"):
		return Customer
	case strings.HasPrefix(id, "wb"):
		return Robot
	}
	return Agent
}

// wecomContent takes what can be read or named of a message's body. For other kinds than text
// an empty body is no fault.
func wecomContent(body value, kind string, m *Message) {
	m.Kind = kindOf(kind)
	o, _ := body.fields()
	m.Text = o.get("content").text()
	if kind == kindText {
		return
	}
	if m.Kind == kindText { // a word of another platform that we would take for text
		m.Kind = kindOther
	}
	for _, key := range []string{"title", "description", "address", "corpname"} {
		if m.Text == "" {
			m.Text = o.get(key).text()
		}
	}
	for _, key := range []string{"filename", "link_url", "sdkfileid"} {
		if m.Attachment == "" {
			m.Attachment = o.get(key).text()
		}
	}
}

// jsonMillis reads a time that its format counts in milliseconds: a number, or a string of digits.
func jsonMillis(v value) (t time.Time, reason string) {
	if !v.given() {
		return t, ReasonNoTime
	}
	if s, ok := v.str(); ok && strings.TrimSpace(s) == "" {
		return t, ReasonNoTime
	}
	n, ok := v.digits()
	if !ok {
		return t, ReasonBadTime
	}
	return fromMillis(n)
}
