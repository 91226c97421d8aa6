package export

import (
	"qingdang/models/conversation"
	"qingdang/models/export/file"
	"qingdang/models/mask"
)

// shown gives a conversation as a mask lets it be seen.
func (m Mask) shown(c *conversation.Conversation, d *conversation.Document) *file.Conversation {
	out := &file.Conversation{
		Code: c.Code(), Platform: c.Platform, ServiceType: c.ServiceType, OrderState: orderStates[c.OrderState], AgentID: c.AgentID, AgentName: c.AgentName,
		StartedAt: c.StartedAt, LastAt: c.LastAt, State: c.State.Code(),
	}
	if m == MaskOthers {
		out.AgentID, out.AgentName = mask.Account(c.AgentID), mask.Name(c.AgentName)
	}
	if d == nil {
		out.Unreadable = true
		return out
	}
	own := m != MaskAll // the customer's own data is open
	out.CustomerID, out.CustomerName, out.OrderNo = d.CustomerID, d.CustomerName, d.OrderNo
	if own {
		out.ExternalID = d.ExternalID // masked, the code stands for it: platforms put accounts into theirs
	} else {
		out.CustomerID, out.CustomerName, out.OrderNo = mask.Account(d.CustomerID), mask.Name(d.CustomerName), orderNo(d.OrderNo)
	}
	for i := range d.Messages {
		out.Messages = append(out.Messages, m.message(&d.Messages[i]))
	}
	return out
}

var orderStates = map[conversation.OrderState]string{conversation.OrderOpen: "open", conversation.OrderClosed: "closed"}

func orderNo(n string) string {
	if n == "" {
		return ""
	}
	return mask.Value(mask.Order, n)
}

func (m Mask) message(said *conversation.Message) file.Message {
	out := file.Message{
		ID: said.ID, At: said.At.Time(), Sender: string(said.Sender), SenderName: said.SenderName, Kind: said.Kind, Text: said.Text, Attachment: said.Attachment, Recalled: said.Recalled,
	}
	if said.Recalled { // the console does not show it either
		out.Text, out.Attachment = "", ""
	}
	customer := said.Sender == conversation.FromCustomer
	if m == MaskAll || m == MaskOthers && !customer {
		out.Text, out.Attachment = mask.String(out.Text), mask.String(out.Attachment)
		// Who of ours answered is no secret on the console; only what goes to somebody else hides it.
		if customer || m == MaskOthers {
			out.SenderName = mask.Name(said.SenderName)
		}
	}
	return out
}
