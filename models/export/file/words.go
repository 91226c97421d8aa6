package file

import (
	"strconv"
	"strings"
	"time"
)

// The words of a file are its own: it is read where no console is. Of each pair the first is
// Chinese, the second English.
var words = map[string][2]string{
	"owner": {"清档 Qingdang", "Qingdang 清档"}, "title": {"会话导出", "Conversation export"},
	"code": {"导出编号", "Export"}, "purpose": {"用途", "Purpose"}, "by": {"申请人", "Asked for by"}, "holder": {"接收人", "Recipient"},
	"made": {"生成时间", "Made at"}, "masking": {"脱敏", "Masking"}, "part": {"分卷", "Part"}, "part_of": {"第 {0} 卷，共 {1} 卷", "{0} of {1}"},
	"fingerprint": {"名单指纹", "Fingerprint"}, "conversations": {"会话数", "Conversations"}, "messages": {"消息数", "Messages"},
	"masked_all": {"全部脱敏", "everything masked"}, "masked_others": {"他人信息脱敏", "other people's data masked"}, "masked_none": {"未脱敏", "not masked"},
	"page": {"第 {page} / {pages} 页", "Page {page} of {pages}"},
	"end":  {"本卷共 {0} 条会话、{1} 条消息。", "{0} conversations, {1} messages in this part."},
	"replaced": {
		"字体中没有的 {n} 个字符以 [U+…] 编码显示；JSON 格式的导出保留原字符。",
		"{n} characters that the font lacks are shown as [U+…]; an export as JSON keeps them.",
	},
	"replaced_cells": {"以 [U+…] 显示的字符", "Characters shown as [U+…]"}, "cut": {"分行续写的长消息", "Long messages continued below"},
	"about": {"说明", "About"}, "about_export": {"导出说明", "About this export"}, "sheet": {"消息 {0}", "Messages {0}"},
	"note_plain": {
		"单元格开头的撇号（'）用于防止电子表格把文字当作公式，不是原文。",
		"An apostrophe (') that begins a cell keeps spreadsheets from reading it as a formula; it was not written by anybody.",
	},

	"n": {"序号", "n"}, "conversation": {"会话编号", "conversation_id"}, "platform": {"平台", "platform"}, "department": {"部门", "department"},
	"service_type": {"服务类型", "service_type"}, "order_no": {"订单号", "order_no"}, "tags": {"标签", "tags"}, "agent_id": {"客服工号", "agent_id"},
	"agent_name": {"客服姓名", "agent_name"}, "customer_id": {"客户账号", "customer_id"}, "customer_name": {"客户姓名", "customer_name"},
	"state": {"会话状态", "state"}, "held": {"法务保留", "held"}, "message": {"消息编号", "message_id"}, "at": {"发送时间", "sent_at"}, "sender": {"发送方", "sender"},
	"sender_name": {"发送人", "sender_name"}, "kind": {"消息类型", "message_type"}, "text": {"消息内容", "content"}, "attachment": {"附件", "attachment"},
	"recalled": {"是否撤回", "recalled"}, "note": {"备注", "note"},

	"agent": {"客服", "Agent"}, "customer": {"客户", "Customer"}, "span": {"起止时间", "From – to"}, "order": {"订单", "Order"}, "service": {"服务类型", "Type"},
	"yes": {"是", "true"}, "no": {"", ""}, "is_held": {"法务保留中", "under legal hold"},
	"empty": {"没有消息", "no messages"}, "unreadable": {"无法打开：密文与密钥不一致或已损坏", "cannot be opened: the ciphertext is damaged or does not fit its key"},
	"recalled_mark": {"[已撤回]", "[recalled]"}, "recalled_gone": {"[已撤回，内容不导出]", "[recalled, left out]"}, "attached": {"[{0}] {1}", "[{0}] {1}"},
	"goes_on": {"（续）", "(continued)"}, "goes_on_note": {"续上一行", "continues the row above"}, "list": {"、", ", "},

	"sender_customer": {"客户", "customer"}, "sender_agent": {"客服", "agent"}, "sender_system": {"系统", "system"}, "sender_robot": {"机器人", "robot"},
	"state_active": {"在库", "active"}, "state_hidden": {"已隐藏", "hidden"}, "state_binned": {"回收站", "in the bin"}, "state_frozen": {"待彻底删除", "listed for purge"},
	"order_open": {"未完结", "open"}, "order_closed": {"已完结", "closed"},
	"kind_text": {"文本", "text"}, "kind_image": {"图片", "image"}, "kind_file": {"文件", "file"}, "kind_voice": {"语音", "voice"}, "kind_video": {"视频", "video"},
	"kind_sticker": {"表情", "sticker"}, "kind_card": {"卡片", "card"}, "kind_link": {"链接", "link"}, "kind_quote": {"引用", "quote"}, "kind_system": {"系统消息", "system"},
	"platform_qianniu": {"千牛", "qianniu"}, "platform_wechat": {"微信", "wechat"}, "platform_wecom": {"企业微信", "wecom"}, "platform_ctrip": {"携程", "ctrip"},
	"platform_sobot": {"智齿", "sobot"}, "platform_qq": {"QQ", "qq"}, "platform_dingtalk": {"钉钉", "dingtalk"}, "platform_xiaoneng": {"小能", "xiaoneng"},
}

// language is which word of a pair is taken.
type language int

func languageOf(lang string) language {
	if strings.HasPrefix(lang, "en") {
		return 1
	}
	return 0
}

// word gives a word with its arguments.
func (l language) word(key string, args ...string) string {
	if len(args) == 0 {
		return words[key][l]
	}
	var pairs []string
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", a)
	}
	return strings.NewReplacer(pairs...).Replace(words[key][l])
}

// of gives the word for a value of a kind, and the value itself where there is none.
func (l language) of(kind, value string) string {
	if w, ok := words[kind+"_"+value]; ok {
		return w[l]
	}
	return value
}

// stamp is how a table writes an instant: with its offset and what it has below the second.
const stamp = "2006-01-02 15:04:05.999999 -07:00"

func (o *Options) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(o.Zone).Format(stamp)
}
