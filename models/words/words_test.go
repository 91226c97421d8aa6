package words_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qingdang/models/words"
)

func parse(t *testing.T, input string) words.Query {
	t.Helper()
	q, err := words.Parse(input)
	if err != nil {
		t.Fatalf("%q: %v", input, err)
	}
	return q
}

func TestMatch(t *testing.T) {
	talk := []string{
		"您好，我的订单20251019888还没有发货", "亲，iPhone手机已经 发货，请留意", "ＶＩＰ客户，退款　成功", "Ｅｌ Niño 的 café 在 5㎏ 之内", "ｶﾞｲﾄﾞブックとコーヒー",
		"單號 AB-1234，用了①号卡", "가나다 3.5折", "退\u200b款单",
	}
	tests := []struct {
		name, query string
		want        bool
	}{
		{"a character of a word of several", "货", true},
		{"two characters side by side", "发货", true},
		{"characters that do not stand side by side", "货发", false},
		{"characters with something between", "已经发货", false},
		{"the same as a phrase", `"已经 发货"`, true},
		{"a phrase whose parts nothing separates", `"没有 发货"`, true},
		{"a phrase across two messages", `"发货 亲"`, false},
		{"a phrase in the other order", `"发货 已经"`, false},
		{"all of several words, from several messages", "退款 iphone 货", true},
		{"all of several words, one missing", "退款 赔付", false},
		{"a whole number", "20251019888", true},
		{"a part of a number", "2025101988", false},
		{"a word beside characters", "iphone手机", true},
		{"a word beside characters, typed apart as one term", `"订单 20251019888"`, true},
		{"characters and a word that are not side by side", "手机iphone", false},
		{"full width and upper case", "ｉｐＨＯＮＥ", true},
		{"what was typed in full width there", "vip客户", true},
		{"letters with marks", "NIÑO", true},
		{"letters with marks, composed otherwise", "CAFE\u0301", true},
		{"letters without the marks that stand there", "cafe", false},
		{"a sign for a unit", "5kg", true},
		{"half-width kana", "ガイド", true},
		{"a part of kana with a long vowel", "ーヒ", true},
		{"a part of hangul", "나다", true},
		{"parts that a sign joins", "AB-1234", true},
		{"one of those parts", "1234", true},
		{"a number in a circle", "1号卡", true},
		{"a decimal number", "3.5折", true},
		{"the traditional form is another character", "单号", false},
		{"what shows nothing stands between", "退款单", true},
		{"one of two", "赔付 OR 退款", true},
		{"none of two", "赔付 或 索赔", false},
		{"OR before AND", "赔付 | 退款 手机", true},
		{"OR before AND, the rest missing", "退款|赔付 平板", false},
		{"a word that must not be there and is not", "退款 -赔付", true},
		{"a word that must not be there and is", "退款 -手机", false},
		{"only a word that must not be there", "-赔付", true},
		{"a phrase that must not be there and is not", `退款 -"发货 已经"`, true},
		{"nothing", "", true},
		{"fields only", "客服:李雨桐", true},
		{"a word that is an operator, quoted", `"或"`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parse(t, tt.query).Match(talk); got != tt.want {
				t.Errorf("%s matches: %v", tt.query, got)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		name, query, text string
		want              bool
	}{
		{"written in groups with blanks", "13800138000", "电话138 0013 8000。", true},
		{"with hyphens", "13800138000", "138-0013-8000", true},
		{"with dots, in other groups", "13800138000", "1380.013.8000", true},
		{"with the country code before the groups", "13800138000", "+86 138 0013 8000", true},
		{"with the country code in the first group", "13800138000", "+86138-0013-8000", true},
		{"with the country code in one piece", "13800138000", "008613800138000", true},
		{"in full width", "13800138000", "１３８－００１３　８０００", true},
		{"with a hyphen and blanks", "13800138000", "138 - 0013 - 8000", true},
		{"typed in full width", "１３８００１３８０００", "138 0013 8000", true},
		{"typed with hyphens", "138-0013-8000", "13800138000", true},
		{"typed with hyphens, written in other groups", "138-0013-8000", "1380 013 8000", true},
		{"typed with the country code", "+86 138-0013-8000", "13800138000", true},
		{"typed with the country code in one piece", "8613800138000", "138 0013 8000", true},
		{"typed with blanks", "138 0013 8000", "13800138000", true},
		{"typed with blanks, written in other groups", "138 0013 8000", "1380013-8000", true},
		{"typed with blanks, the words apart", "138 0013 8000", "8000 元，0013 号，138 天", true},
		{"typed with blanks and a word beside it", "138 0013 8000 退款", "退款 13800138000", true},
		{"typed with blanks, a group twice", "138 8000 8000", "13880008000", true},
		{"a card in fours", "6222021234567890123", "6222 0212 3456 7890 123", true},
		{"an identity number in parts", "11010519900307123X", "110105 19900307 123x", true},
		{"an order number", "20251019888", "订单 2025-1019-888", true},
		{"among more groups", "13800138000", "尾号 66-138-0013-8000-12", true},
		{"a date as it was typed", "2025-10-19", "2025/10/19", true},
		{"not where the digits are others", "13800138000", "138 0013 8001", false},
		{"not where digits are left out", "13800138000", "138 013 8000", false},
		{"not a part of a longer group", "13800138000", "5138 0013 8000", false},
		{"not before a longer group", "13800138000", "138 0013 80005", false},
		{"not in groups of two", "13800138000", "13 80 013 8000", false},
		{"not with two digits in the last group", "13800138000", "138 001380 00", false},
		{"not with two digits in the middle", "13800138000", "1380 01 38000", false},
		{"not in single digits", "13800138000", "1 3800138000", false},
		{"not over a comma", "13800138000", "138，0013，8000", false},
		{"not over two hyphens", "13800138000", "138--0013--8000", false},
		{"not over four blanks", "13800138000", "138    0013    8000", false},
		{"not over a line", "13800138000", "138\n0013\n8000", false},
		{"not over a word", "13800138000", "138转0013转8000", false},
		{"not six digits", "138001", "138 001", false},
		{"no other country", "13800138000", "8513800138000", false},
		{"a country code of nothing", "6222021234567890123", "866222021234567890123", false},
		{"not typed with blanks as choices", "138|9 0013 8000", "13800138000", false},
		{"not what must not be there, in groups", "退款 -13800138000", "退款 138 0013 8000", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parse(t, tt.query).Match([]string{tt.text}); got != tt.want {
				t.Errorf("%s in %s: %v", tt.query, tt.text, got)
			}
		})
	}
	if q := parse(t, "13800138000"); q.Match([]string{"138 0013", "8000"}) {
		t.Error("a number reaches into the next message")
	}
}

func TestTerms(t *testing.T) {
	got := words.Terms("退款，退款单 VIP退", "A款")
	want := []string{"退", "款", "退款", "单", "款单", "vip", "a"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("terms %q, want %q", got, want)
	}
	tests := []struct {
		query string
		want  []string
		exact bool
	}{
		{"退", []string{"退"}, true},
		{"退款", []string{"退款"}, true},
		{"退款单", []string{"款单", "退款"}, false},
		{"VIP", []string{"vip"}, true},
		{"vip退款", []string{"vip", "退款"}, false},
		{`"退款 单"`, []string{"单", "退款"}, false},
		{`"a a"`, []string{"a"}, false},
		{"哈哈哈", []string{"哈哈"}, false},
	}
	for _, tt := range tests {
		term := parse(t, tt.query).All[0][0]
		if got := term.Terms(); !slices.Equal(got, tt.want) || term.Exact() != tt.exact {
			t.Errorf("%s: terms %q, exact %v", tt.query, got, term.Exact())
		}
	}
}

func TestHits(t *testing.T) {
	tests := []struct{ query, text, want string }{
		{"退款", "我要退款，请退 款，立即退款", "我要[退款]，请退 款，立即[退款]"},
		{"退款 要退", "我要退款", "我[要退款]"},
		{"我 款", "我要退款", "[我]要退[款]"},
		{`"请退 款"`, "请退 ， 款吧", "[请退 ， 款]吧"},
		{"哈哈", "哈哈哈哈，哈", "[哈哈哈哈]，哈"},
		{"vip", "ＶＩＰ vip1 VIP客户", "[ＶＩＰ] vip1 [VIP]客户"},
		{"5kg", "重5㎏呢", "重[5㎏]呢"},
		{"gb", "ＧＢ GBK", "[ＧＢ] GBK"},
		{"café", "一家cafe\u0301呢", "一家[cafe\u0301]呢"},
		{"ガ", "ｶﾞイド", "[ｶﾞ]イド"},
		{"退款 -手机", "手机退款", "手机[退款]"},
		{"赔付|退款", "退款赔付", "[退款][赔付]"},
		{"客服:李", "李", "李"},
		{"13800138000", "电话+86138 0013-8000，138 0013 8001", "电话+[86138 0013-8000]，138 0013 8001"},
		{"138 0013 8000", "13800138000和0013", "[13800138000]和[0013]"},
	}
	for _, tt := range tests {
		var b strings.Builder
		at := 0
		for _, s := range parse(t, tt.query).Hits(tt.text) {
			b.WriteString(tt.text[at:s.Start] + "[" + tt.text[s.Start:s.End] + "]")
			at = s.End
		}
		if b.WriteString(tt.text[at:]); b.String() != tt.want {
			t.Errorf("%s in %q marks %q, want %q", tt.query, tt.text, b.String(), tt.want)
		}
	}
}

func TestLooksPersonal(t *testing.T) {
	for input, want := range map[string]bool{
		"退款 赔付": false, "2025-10-1": false, "iPhone 15 Pro 256": false, "第 12345 号": false, "客服:李雨桐": false, "a @ b": false,
		"13800000000": true, "138 0000 0000": true, "１３８－００００－００００": true, "一三八零零零零零零零零": true, "单号YT8812345678": true,
		"11010519000101002X": true, "6222-0000-0000-0000": true, "a@b.cn": true, "ａ＠ｂ.cn": true, "客户:tb123": true, "浙江省杭州市西湖区示例路12号3幢502室": true, "Customer：x": true, `"1234 5678`: true, "010-12345678": true,
	} {
		if got := words.LooksPersonal(input); got != want {
			t.Errorf("%q looks personal: %v", input, got)
		}
	}
}

// A text of nothing but groups of digits has a bounded number of terms, and every number in it is found all the same.
func TestATextOfDigitsHasBoundedTerms(t *testing.T) {
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "%03d ", i*i%997)
	}
	terms := words.Terms(text.String())
	if len(terms) > 20_000 {
		t.Errorf("%d terms", len(terms))
	}
	has := map[string]bool{}
	for _, term := range terms {
		has[term] = true
	}
	last := strings.ReplaceAll(strings.TrimSpace(text.String()[text.Len()-16:]), " ", "")
	q, err := words.Parse(last)
	if err != nil {
		t.Fatal(err)
	}
	term := q.All[0][0]
	may := words.May(term, func(s string) bool { return has[s] }, func(a, b bool) bool { return a && b }, func(a, b bool) bool { return a || b })
	if !q.Match([]string{text.String()}) || !may || term.Exact() {
		t.Errorf("%s: matches %v, may %v", last, q.Match([]string{text.String()}), may)
	}
}
