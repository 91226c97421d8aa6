package words_test

import (
	"testing"
	"unicode/utf8"

	"qingdang/models/fault"
	"qingdang/models/words"
)

// checkFault holds that a refusal is one that a page can show at the place.
func checkFault(t failer, input string, err error) {
	f, ok := fault.Of(err)
	if !ok || f.Kind != fault.KindInvalid || f.Field != "q" || len(f.Args) == 0 {
		t.Fatalf("%q: %v", input, err)
	}
	if place, ok := f.Args[0].(int); !ok || place < 1 || place > utf8.RuneCountInString(input) {
		t.Fatalf("%q: place %v", input, f.Args[0])
	}
}

// FuzzParse reads any text as a query: it is refused with the place of what is wrong, or it comes
// back from its one form as it was.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "退款 OR 赔付 -物流", `"已经 发货" 客服:李雨桐 -标签:“a b”`, "a|b｜c 或 d", "客户：tb1 平台:「x」", "- | \" OR", "㍿ﷺ가\u1100\u1161e\u0301", "\xff\xfe:", `-"或"|x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input string) {
		checkRoundTrip(t, input)
		words.LooksPersonal(input)
	})
}

// FuzzMatch looks for any text in any other, and compares with the oracle.
func FuzzMatch(f *testing.F) {
	for _, s := range [][2]string{
		{"退款", "我要退款，立即退款"},
		{"退 款", "退款"},
		{"vip客户", "ＶＩＰ客户"},
		{"5kg", "重5㎏呢"},
		{"cafe\u0301", "café"},
		{"ガ", "ｶﾞイド"},
		{"a a", "a-a"},
		{"가", "\u1100\u1161\u11a8"},
		{"1", "\u2075\u20e3 1\ufe0f\u20e3"},
		{"\u1e96", "H\u0331"},
		{"\u0130", "i̇"},
		{"か\u309a1", "か\u309a 1"},
		{"x", "\xffx\xff"},
		{"138-0013-8000", "+86 138 0013 8000"},
		{"8613800138000", "138.0013·8000"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, typed, text string) {
		if len(typed) > 1000 || len(text) > 4000 {
			return
		}
		checkIndexTerms(t, []string{text})
		checkTerm(t, typed, text)
	})
}
