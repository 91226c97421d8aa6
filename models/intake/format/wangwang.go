package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// answerKeys are the two names of the outer object in answers of taobao.wangwang.eservice.chatlog.get.
var answerKeys = []string{"wangwang_eservice_chatlog_get_response", "chatlog_get_response"}

// answerOK is the ret of an answer that has data.
const answerOK = "10000"

// RequestName is the name of the companion of a Qianniu answer: the request, which says who talked.
func RequestName(name string) string {
	return strings.TrimSuffix(name, filepath.Ext(name)) + ".request.json"
}

// IsRequest tells whether name is such a companion and so no file to import.
func IsRequest(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), ".request.json")
}

// readWangwang reads one answer, which is one conversation without message ids.
func (c *collector) readWangwang() error {
	if c.src.Size > int64(c.lim.MaxRecordBytes) {
		return fileError(FileTooLarge, c.lim.MaxRecordBytes)
	}
	doc, err := io.ReadAll(c.body())
	if err != nil {
		return err
	}
	doc = bytes.TrimPrefix(doc, utf8BOM)
	answer, err := wangwangAnswer(doc)
	if err != nil {
		return err
	}
	head, err := c.wangwangHead(doc)
	if err != nil {
		return err
	}
	msg := answer.get("msgs").get("msg")
	list, ok := msg.elements()
	if !ok && msg.given() {
		list = []value{msg} // where there is one message only, it stands without a list
	}
	for i, v := range list {
		if err := c.record(); err != nil {
			return err
		}
		m := Message{pos: Position{Item: i + 1}}
		if reason := wangwangMessage(v, head, &m); reason != "" {
			c.reject(m.pos, reason)
			continue
		}
		conv := *head
		if err := c.single(&conv, m); err != nil {
			return err
		}
	}
	return nil
}

func wangwangAnswer(doc []byte) (object, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, fileError(FileEmpty)
	}
	if !json.Valid(doc) {
		return nil, fileError(FileNotJSON)
	}
	outer, _ := value(doc).fields()
	for _, key := range answerKeys {
		if answer, ok := outer.get(key).fields(); ok {
			if ret := strings.TrimSpace(answer.get("ret").word()); ret != answerOK {
				return nil, fileError(FileAnswerFailed, cut(ret))
			}
			return answer, nil
		}
	}
	return nil, fileError(FileNotAnswer)
}

// wangwangHead says who talked. Without a request the file's own digest is the key, so that
// reading it twice is not two conversations.
func (c *collector) wangwangHead(doc []byte) (*Conversation, error) {
	conv := &Conversation{Platform: platformQianniu}
	if c.src.Request == nil {
		sum := sha256.Sum256(doc)
		conv.ExternalID = "file-" + hex.EncodeToString(sum[:16])
		return conv, nil
	}
	req := bytes.TrimPrefix(c.src.Request, utf8BOM)
	if !utf8.Valid(req) || !json.Valid(req) {
		return nil, fileError(FileBadRequest)
	}
	shop := strings.TrimSpace(value(req).get("from_id").word())
	buyer := strings.TrimSpace(value(req).get("to_id").word())
	if shop == "" || buyer == "" {
		return nil, fileError(FileBadRequest)
	}
	conv.ExternalID = shop + "|" + buyer
	conv.AgentID, conv.AgentName = shop, strings.TrimPrefix(shop, "cntaobao")
	conv.CustomerID, conv.CustomerName = buyer, strings.TrimPrefix(buyer, "cntaobao")
	return conv, nil
}

func wangwangMessage(v value, head *Conversation, m *Message) (reason string) {
	if !utf8.Valid(v) {
		return ReasonBadEncoding
	}
	o, ok := v.fields()
	if !ok {
		return ReasonNotObject
	}
	switch strings.TrimSpace(o.get("direction").word()) {
	case "0":
		m.Sender, m.SenderName = Agent, head.AgentName
	case "1":
		m.Sender, m.SenderName = Customer, head.CustomerName
	case "":
		return ReasonNoSender
	default:
		return ReasonBadSender
	}
	if n, ok := o.get("time").integer(); ok && n != 0 { // a number without a unit
		return ReasonBadTime
	}
	m.At, reason = readTime(o.get("time").text())
	m.Text = o.get("content").text()
	return reason
}
