package format

import (
	"slices"
	"strings"
)

// Kinds of messages that readers name themselves. Other kinds keep the platform's word.
const (
	kindText    = "text"
	kindImage   = "image"
	kindFile    = "file"
	kindVoice   = "voice"
	kindVideo   = "video"
	kindSticker = "sticker"
	kindCard    = "card"
	kindQuote   = "quote"
	kindSystem  = "system"
	kindRich    = "rich"
	kindOther   = "other"
)

// Platforms that are more than a word in a cell.
const (
	platformQianniu  = "qianniu"
	platformWeChat   = "wechat"
	platformQQ       = "qq"
	platformDingTalk = "dingtalk"
	platformWeCom    = "wecom"
	platformSobot    = "sobot"
	platformOther    = "other"
)

// platformWords are the names under which tables know the platforms.
var platformWords = map[string]string{
	"千牛": platformQianniu, "旺旺": platformQianniu, "淘宝": platformQianniu, "天猫": platformQianniu,
	"微信": platformWeChat, "QQ": platformQQ, "钉钉": platformDingTalk,
	"企业微信": platformWeCom, "企微": platformWeCom, "智齿": platformSobot,
	"小能": "xiaoneng", "ntalker": "xiaoneng", "携程": "ctrip",
}

// senderWords are the names under which tables know the side that wrote.
var senderWords = map[string]Sender{
	"客户": Customer, "买家": Customer, "访客": Customer, "用户": Customer, "会员": Customer, "住客": Customer,
	"顾客": Customer, "customer": Customer, "visitor": Customer, "buyer": Customer, "user": Customer,
	"客服": Agent, "坐席": Agent, "卖家": Agent, "商家": Agent, "前台": Agent, "agent": Agent, "staff": Agent, "seller": Agent,
	"系统": System, "system": System,
	"机器人": Robot, "智能客服": Robot, "robot": Robot, "bot": Robot,
}

// kindWords are the names of kinds in tables; the mapping names none, these are ours.
var kindWords = map[string]string{
	"文本": kindText, "文字": kindText, "文本消息": kindText, "文字消息": kindText, "普通消息": kindText, "txt": kindText, "plain": kindText,
	"图片": kindImage, "图片消息": kindImage, "照片": kindImage, "picture": kindImage, "pic": kindImage, "img": kindImage, "photo": kindImage,
	"文件": kindFile, "文件消息": kindFile, "附件": kindFile,
	"语音": kindVoice, "语音消息": kindVoice, "音频": kindVoice, "audio": kindVoice,
	"视频": kindVideo, "视频消息": kindVideo,
	"表情": kindSticker, "表情包": kindSticker, "动画表情": kindSticker, "emotion": kindSticker, "emoji": kindSticker,
	"卡片": kindCard, "名片": kindCard, "链接": "link", "系统": kindSystem, "系统消息": kindSystem, "引用": kindQuote,
	"richtext": kindRich,
}

// recalledWords are the cells that say a message was recalled.
var recalledWords = []string{"是", "1", "true", "TRUE", "已撤回"}

// kindOf brings a platform's word for a kind to ours; unknown words stay (a kind of its own).
func kindOf(word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	if k, ok := kindWords[word]; ok {
		return k
	}
	return cut(word)
}

// platformOf brings a table's word for a platform to ours; unknown words stay, in lower case.
func platformOf(word string) string {
	word = strings.TrimSpace(word)
	if p, ok := platformWords[word]; ok {
		return p
	}
	word = strings.Join(strings.Fields(strings.ToLower(word)), "-")
	return firstOf(platformWords[word], word)
}

// platformFits tells whether p is one short word.
func platformFits(p string) bool {
	return len([]rune(p)) <= maxPlatform && !strings.ContainsAny(p, " \t\r\n\x00") && p != ""
}

// tagsOf divides a cell of tags at ; ； , and ，.
func tagsOf(cell string) []string {
	parts := strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '；' || r == ',' || r == '，' })
	return cleanTags(parts)
}

func cleanTags(parts []string) []string {
	var tags []string
	for _, p := range parts {
		p = cut(strings.TrimSpace(p))
		if p != "" && len(tags) < maxTags && !slices.Contains(tags, p) {
			tags = append(tags, p)
		}
	}
	return tags
}
