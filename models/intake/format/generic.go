package format

import (
	"slices"
)

// field is a column of the generic table.
type field int

const (
	fPlatform field = iota
	fConversation
	fMessage
	fDepartment
	fAgentID
	fAgentName
	fCustomerID
	fCustomerName
	fSender
	fSenderName
	fSentAt
	fKind
	fText
	fAttachment
	fService
	fTags
	fOrder
	fRecalled
	fields
)

// headerWords are the words that a header may use for each column. No word stands twice, and
// 序号 and 行号 stand nowhere: they number rows and are no ids.
var headerWords = [fields][]string{
	fPlatform:     {"平台", "渠道", "来源", "来源平台", "渠道来源", "platform", "channel"},
	fConversation: {"会话ID", "会话id", "会话编号", "会话号", "会话标识", "conversation_id", "session_id", "chat_id"},
	fMessage:      {"消息ID", "消息id", "消息编号", "message_id", "msg_id", "msgid"},
	fDepartment:   {"部门", "所属部门", "客服组", "技能组", "组织", "department", "group"},
	fAgentID:      {"客服账号", "客服ID", "客服工号", "坐席账号", "坐席工号", "agent_id"},
	fAgentName:    {"客服昵称", "客服姓名", "客服", "坐席", "接待客服", "agent_name"},
	fCustomerID:   {"客户账号", "客户ID", "买家账号", "买家ID", "访客ID", "会员账号", "customer_id", "visitor_id"},
	fCustomerName: {"客户昵称", "客户姓名", "买家昵称", "买家", "访客", "访客名称", "客户", "customer_name"},
	fSender:       {"发送方", "角色", "发送者类型", "发送人类型", "发送方类型", "sender", "role", "sender_type"},
	fSenderName:   {"发送人", "发送者", "发送人昵称", "sender_name"},
	fSentAt:       {"发送时间", "聊天时间", "消息时间", "时间", "sent_at", "send_time", "time"},
	fKind:         {"消息类型", "类型", "message_type", "msg_type"},
	fText:         {"消息内容", "聊天内容", "内容", "消息", "content", "text", "message"},
	fAttachment:   {"附件", "文件", "图片", "文件地址", "attachment", "file"},
	fService:      {"服务类型", "业务类型", "咨询类型", "service_type"},
	fTags:         {"标签", "会话标签", "tags"},
	fOrder:        {"订单号", "订单编号", "order_no", "order_id"},
	fRecalled:     {"是否撤回", "撤回", "recalled"},
}

var requiredFields = []field{fConversation, fSender, fSentAt, fText}

// fieldOf finds the field of a header word.
var fieldOf = func() map[string]field {
	m := make(map[string]field)
	for f, words := range headerWords {
		for _, w := range words {
			m[w] = field(f)
		}
	}
	return m
}()

// genericLayout reads rows of the generic table.
type genericLayout struct {
	column   [fields]int // -1 when the table has none
	platform string      // of rows that name none
}

// newGenericLayout understands a header, or returns the required columns that it lacks. Of two
// columns for one field the first counts.
func newGenericLayout(header []cell) (*genericLayout, []string) {
	l := &genericLayout{platform: platformOther}
	for f := range l.column {
		l.column[f] = -1
	}
	for i, c := range header {
		if f, ok := fieldOf[c.word()]; ok && l.column[f] < 0 {
			l.column[f] = i
		}
	}
	var missing []string
	for _, f := range requiredFields {
		if l.column[f] < 0 {
			missing = append(missing, headerWords[f][0])
		}
	}
	if missing != nil {
		return nil, missing
	}
	return l, nil
}

// get is a cell of the row; a column that is not there and a cell that is missing at the end
// are empty (rule 12).
func (l *genericLayout) get(cells []cell, f field) cell { return cellAt(cells, l.column[f]) }

func cellAt(cells []cell, i int) cell {
	if i < 0 || i >= len(cells) {
		return cell{}
	}
	return cells[i]
}

func (l *genericLayout) fits(cells []cell) bool {
	_, sender := senderWords[l.get(cells, fSender).word()]
	_, reason := readCellTime(l.get(cells, fSentAt))
	return sender && reason == "" && l.get(cells, fConversation).id() != ""
}

func (l *genericLayout) message(cells []cell) (*Conversation, Message, string) {
	word := func(f field) string { return l.get(cells, f).word() }
	id := func(f field) string { return l.get(cells, f).id() }
	conv := &Conversation{
		Platform:       firstOf(platformOf(word(fPlatform)), l.platform),
		ExternalID:     id(fConversation),
		DepartmentPath: word(fDepartment),
		AgentID:        id(fAgentID),
		AgentName:      word(fAgentName),
		CustomerID:     id(fCustomerID),
		CustomerName:   word(fCustomerName),
		ServiceType:    word(fService),
		Tags:           tagsOf(word(fTags)),
		OrderNo:        id(fOrder),
	}
	m := Message{
		ID:         id(fMessage),
		SenderName: word(fSenderName),
		Kind:       kindOf(word(fKind)),
		Text:       l.get(cells, fText).text,
		Attachment: word(fAttachment),
		Recalled:   slices.Contains(recalledWords, word(fRecalled)),
	}
	var known bool
	m.Sender, known = senderWords[word(fSender)]
	var reason string
	m.At, reason = readCellTime(l.get(cells, fSentAt))
	switch {
	case l.broken(cells):
		reason = ReasonBadCell
	case conv.ExternalID == "":
		reason = ReasonNoConversation
	case !platformFits(conv.Platform):
		reason = ReasonBadPlatform
	case word(fSender) == "":
		reason = ReasonNoSender
	case !known:
		reason = ReasonBadSender
	}
	if m.SenderName == "" {
		m.SenderName = map[Sender]string{Agent: conv.AgentName, Customer: conv.CustomerName}[m.Sender]
	}
	return conv, m, reason
}

// broken tells whether a cell that makes the message cannot be read.
func (l *genericLayout) broken(cells []cell) bool {
	return slices.ContainsFunc([]field{fConversation, fMessage, fSender, fText}, func(f field) bool { return l.get(cells, f).bad })
}
