package mask_test

import (
	"slices"
	"testing"

	"qingdang/models/mask"
)

func TestText(t *testing.T) {
	got := mask.Text("电话 13800006620，卡 6217000000000003305").Parts
	want := []mask.Part{
		{Text: "电话 "},
		{Text: "138****6620", Kind: mask.Phone, Tail: "6620"},
		{Text: "，卡 "},
		{Text: "6217 **** **** 3305", Kind: mask.BankCard, Tail: "3305"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := mask.Text("").Parts; len(got) != 0 {
		t.Errorf("an empty text has parts: %v", got)
	}
}

func TestString(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"leaves plain text as it is", "退款 426.00 元已提交\r\n财务", "退款 426.00 元已提交\r\n财务"},
		{"a phone", "138-0000-6620", "138****6620"},
		{"a phone with the country code", "+8613800006620", "+86 138****6620"},
		{"full-width digits", "１３８００００６６２０", "138****6620"},
		{"an identity card", "330106190303070015", "330***********0015"},
		{"another identity card", "110105191212310025", "110***********0025"},
		{"a bank card", "6221 5588 1234 9741", "6221 **** **** 9741"},
		{"a mail address", "lihua@example.net", "l***@example.net"},
		{"an address", "浙江省杭州市西湖区示例路12号3幢402室", "浙江省杭州市 ******"},
		{"an address of a city under the state", "北京市朝阳区示例路6号", "北京市 ******"},
		{"an address without city", "朝阳区示例路6号", "******"},
		{"a tracking number", "SF0764757272874", "SF07******2874"},
		{"an order number", "订单号 392810044137432303", "订单号 3*************2303"},
		{"no order number that nothing tells", "392810044137432303", "392810044137432303"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mask.String(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNameAndAccount(t *testing.T) {
	names := map[string]string{
		"王伟": "王**", "欧阳示例": "欧**", "王": "王**", "": "", " 李雷 ": "李**", "John Smith": "J**",
		"上海示例贸易有限公司": "上海**贸易有限公司", "公司": "公**",
	}
	for name, want := range names {
		if got := mask.Name(name); got != want {
			t.Errorf("Name(%q) = %q, want %q", name, got, want)
		}
	}
	accounts := map[string]string{
		"tb_88821": "tb_8***21", "wx_k207": "wx***7", "abc": "a***", "": "",
		"13800006620": "138****6620", "lihua@example.net": "l***@example.net",
	}
	for account, want := range accounts {
		if got := mask.Account(account); got != want {
			t.Errorf("Account(%q) = %q, want %q", account, got, want)
		}
	}
}
