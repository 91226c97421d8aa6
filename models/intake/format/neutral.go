package format

import "strings"

// readNeutral reads a whole conversation; its records are the messages.
func readNeutral(c *collector, o object, p Position) error {
	conv, list, reason := neutralHead(o)
	if reason != "" {
		c.reject(p, reason)
		return nil
	}
	conv.Position = p
	for i, v := range list {
		if i > 0 { // the line itself has been counted as the first
			if err := c.record(); err != nil {
				return err
			}
		}
		m := Message{pos: Position{Line: p.Line, Item: i + 1}}
		reason := neutralMessage(v, &m)
		if reason == "" {
			reason = c.tidy(&m)
		}
		if reason != "" {
			c.reject(m.pos, reason)
			continue
		}
		conv.Messages = append(conv.Messages, m)
	}
	if len(conv.Messages) == 0 {
		return nil
	}
	return c.add(conv)
}

func neutralHead(o object) (*Conversation, []value, string) {
	platform := strings.ToLower(strings.TrimSpace(o.get("platform").text()))
	external := strings.TrimSpace(o.get("external_id").word())
	list, ok := o.get("messages").elements()
	switch {
	case platform == "":
		return nil, nil, ReasonNoPlatform
	case !platformFits(platform):
		return nil, nil, ReasonBadPlatform
	case external == "":
		return nil, nil, ReasonNoConversation
	case !ok:
		return nil, nil, ReasonNoMessages
	}
	agent, _ := o.get("agent").fields()
	customer, _ := o.get("customer").fields()
	conv := &Conversation{
		Platform:       platform,
		ExternalID:     external,
		DepartmentCode: o.get("department_id").word(),
		DepartmentPath: o.get("department").text(),
		AgentID:        agent.get("id").word(),
		AgentName:      agent.get("name").text(),
		CustomerID:     customer.get("id").word(),
		CustomerName:   customer.get("name").text(),
		ServiceType:    o.get("service_type").text(),
		OrderNo:        o.get("order_no").word(),
	}
	if conv.CustomerName == "" {
		conv.CustomerName = customer.get("nick").text()
	}
	if state := o.get("order_state").text(); state == "open" || state == "closed" {
		conv.OrderState = state
	}
	tags, _ := o.get("tags").elements()
	var words []string
	for _, t := range tags {
		words = append(words, t.text())
	}
	conv.Tags = cleanTags(words)
	return conv, list, ""
}

// neutralMessage fills m and says why it cannot.
func neutralMessage(v value, m *Message) (reason string) {
	o, ok := v.fields()
	if !ok {
		return ReasonNotObject
	}
	m.ID = o.get("id").word()
	switch s := Sender(strings.TrimSpace(o.get("sender").text())); s {
	case Customer, Agent, System, Robot:
		m.Sender = s
	case "":
		return ReasonNoSender
	default:
		return ReasonBadSender
	}
	m.SenderName = o.get("sender_name").text()
	if !o.get("at").given() {
		return ReasonNoTime
	}
	at, ok := o.get("at").str()
	if !ok { // a number has no unit here
		return ReasonBadTime
	}
	m.At, reason = readTime(at)
	m.Kind = kindOf(o.get("type").text())
	m.Text = o.get("text").text()
	m.Attachment = o.get("attachment").text()
	m.Recalled = o.get("recalled").isTrue()
	return reason
}
