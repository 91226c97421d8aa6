package file_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"qingdang/models/export/file"
)

var china = time.FixedZone("CST", 8*60*60)

func day(h, m, s int) time.Time { return time.Date(2025, 10, 19, h, m, s, 0, china).UTC() }

var options = file.Options{
	Lang: "zh-CN", Zone: china, Code: "EX-20261120-011", Purpose: "配合市场监管部门问询（2026-117 号）", By: "周敏（10482）", Holder: "林静怡（10518）",
	Made: time.Date(2026, 11, 20, 14, 29, 0, 0, china), Masked: "all", Part: 2, Parts: 3,
	Fingerprint: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", From: 501,
}

// attacks are texts that a spreadsheet must not run, split or lose.
var attacks = []string{
	"=1+1", "+86 138", "-2+3", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠a", "\t=1", "\r=1", "\n=1", "\x00=1", "\ufeff=1", " \u200b=1", "'=1", `=HYPERLINK("http://e.example","点我")`,
	`a","=1+1`, "a\r\n=1", "_x0041_x0042_", "<b>&amp;</b>", "a\x00b\x1b[31m", "{nb}\x01\x02\x03\x04", "bad \xff utf", "\u202egnp.exe",
}

// sample is a small export with everything that is awkward.
func sample() []file.Conversation {
	long := strings.Repeat("请问这件羽绒服还有货吗？（黑色，XL 码）；我想今天下单，明天能到杭州吗……", 1200)
	return []file.Conversation{
		{
			Code: "C-20251019-QN-3F7K2M9A", Department: "云栖优品集团/第1事业部/2号分公司/3组", Platform: "qianniu", ServiceType: "售后", OrderNo: "2******8812", OrderState: "closed",
			Tags: []string{"退款", "物流"}, AgentID: "10482", AgentName: "杨帆", CustomerID: "t***8", CustomerName: "周**", StartedAt: day(14, 3, 22), LastAt: day(14, 20, 0), State: "active", Held: true,
			Messages: []file.Message{
				{ID: "m-1", At: day(14, 3, 22), Sender: "customer", SenderName: "周**", Kind: "text", Text: "您好，我 10 月 12 日买的羽绒服，物流停在嘉兴三天了，能帮我看看吗？电话 138****6620。"},
				{ID: "m-2", At: day(14, 3, 58), Sender: "robot", SenderName: "小云", Kind: "text", Text: "正在为您转接人工客服，请稍候。"},
				{ID: "m-3", At: day(14, 4, 10), Sender: "agent", SenderName: "杨帆", Kind: "text", Text: "您好，很抱歉给您带来不便！我这边查到包裹（圆通 YT88******1234）目前在嘉兴转运中心，已经催件；预计明天下午送达杭州市 ******。\n如果明天 18:00 前没有更新，我给您申请补偿。"},
				{ID: "m-4", At: day(14, 5, 1).Add(123456 * time.Microsecond), Sender: "customer", SenderName: "周**", Kind: "text", Text: "好的谢谢😀 家在𠮷野家楼上"},
				{ID: "m-5", At: day(14, 6, 0), Sender: "customer", SenderName: "周**", Kind: "image", Attachment: "包***.jpg"},
				{ID: "m-6", At: day(14, 6, 30), Sender: "customer", SenderName: "周**", Kind: "text", Recalled: true},
				{ID: "m-7", At: day(14, 6, 40), Sender: "agent", SenderName: "杨帆", Kind: "text", Text: "这句说错了", Recalled: true},
				{ID: "m-8", At: day(14, 20, 0).Add(24 * time.Hour), Sender: "system", Kind: "system", Text: "会话已结束"},
			},
		},
		{Code: "C-20251019-WX-3F7K2M9B", Department: "云栖优品集团", Platform: "wechat", State: "hidden", StartedAt: day(15, 0, 0), LastAt: day(15, 0, 0)},
		{Code: "C-20251019-WX-3F7K2M9C", Department: "云栖优品集团", Platform: "wechat", State: "binned", StartedAt: day(15, 0, 0), LastAt: day(15, 0, 0), Unreadable: true},
		{
			Code: "C-20251019-CT-3F7K2M9D", Department: "云栖优品集团/第2事业部", Platform: "ctrip", State: "frozen", StartedAt: day(16, 0, 0), LastAt: day(17, 0, 0), CustomerName: "=cmd|' /C calc'!A0",
			Messages: []file.Message{{ID: "long", At: day(16, 0, 0), Sender: "customer", Kind: "text", Text: long}},
		},
		{Code: "C-20251019-CT-3F7K2M9E", Department: "=1+1", Platform: "new-one", Tags: []string{"@x"}, State: "active", StartedAt: day(16, 0, 0), LastAt: day(17, 0, 0), Messages: attacked()},
	}
}

func attacked() (out []file.Message) {
	for i, a := range attacks {
		out = append(out, file.Message{ID: "a", At: day(16, 0, i), Sender: "customer", SenderName: a, Kind: "text", Text: a, Attachment: a})
	}
	return out
}

// write gives a file of conversations.
func write(t testing.TB, f file.Format, o file.Options, list []file.Conversation) ([]byte, file.Summary) {
	t.Helper()
	var out bytes.Buffer
	w, err := file.New(f, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if err := w.Add(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), sum
}
