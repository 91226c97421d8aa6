package words_test

import (
	"reflect"
	"strings"
	"testing"

	"qingdang/models/fault"
	"qingdang/models/words"
	"qingdang/templates/locale"
)

func TestParse(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"nothing", " 　\t", ""},
		{"words", "退款　赔付", "退款 赔付"},
		{"words are folded", "ＶＩＰ iPhone手机", "vip iphone手机"},
		{"OR in its forms", "a OR b 或 c|d ｜e ＯＲ f", "a|b|c|d|e|f"},
		{"OR binds its neighbours", "a b OR c d", "a b|c d"},
		{"or in lower case is a word", "a or b", "a or b"},
		{"or as a part is a word", "或者 ORDER", "或者 order"},
		{"a quoted operator is a word", `"或" "OR"`, `"或" or`},
		{"quotation marks", `"a b" “c d” 「e f」 ＂g h＂ ”i j”`, `"a b" "c d" "e f" "g h" "i j"`},
		{"quotation marks end a word", `a"b c"d`, `a "b c" d`},
		{"a quoted single word needs no quotes", `"退款"`, "退款"},
		{"signs between make a phrase", "AB-12/3", `"ab 12 3"`},
		{"minus", `-退款 －赔付 -"a b" a-b`, `"a b" -退款 -赔付 -"a b"`},
		{"fields", "客服:李雨桐 标签：退款 -标签:物流 平台:qianniu 客户:tb1", "客服:李雨桐 标签:退款 -标签:物流 平台:qianniu 客户:tb1"},
		{"fields in English", `Agent:"Li Yutong" tag:a -TAG:b platform:c ｃustomer:d`, `客服:"Li Yutong" 标签:a -标签:b 平台:c 客户:d`},
		{"values stay as typed", "标签:ＶＩＰ-1", "标签:ＶＩＰ-1"},
		{"values with signs of their own", `标签:「5"屏」 标签:"a「b」" 标签:“a|b”`, `标签:「5"屏」 标签:"a「b」" 标签:"a|b"`},
		{"a colon behind anything else is a sign", "时间:12:30", `"时间 12 30"`},
		{"the same twice", "a a b|a b|a -c -c 标签:x 标签:x 客户:y 客户:y", "a b|a -c 标签:x 客户:y"},
		{"fields beside words", "退款 标签:x 赔付", "退款 赔付 标签:x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := parse(t, tt.input)
			if got := q.String(); got != tt.want {
				t.Errorf("%q is read as %q, want %q", tt.input, got, tt.want)
			}
			if again := parse(t, q.String()); !reflect.DeepEqual(again, q) {
				t.Errorf("%q comes back as %+v, not %+v", q.String(), again, q)
			}
			if q.Empty() != (tt.want == "") {
				t.Errorf("empty: %v", q.Empty())
			}
		})
	}
}

func TestParseNamesTheFaultAndItsPlace(t *testing.T) {
	tests := []struct {
		input, key string
		place      int
	}{
		{"退款 OR", "words.or_alone", 4},
		{"OR 退款", "words.or_alone", 1},
		{"退款 或 | 赔付", "words.or_alone", 6},
		{"|", "words.or_alone", 1},
		{"退款 -", "words.minus_alone", 4},
		{"- 退款", "words.minus_alone", 1},
		{"-|a", "words.minus_alone", 1},
		{"退款 ！！", "words.nothing", 4},
		{`退款 ""`, "words.nothing", 4},
		{"-😀", "words.nothing", 1},
		{`退款 "赔付`, "words.unclosed", 4},
		{"退款「赔付”", "words.unclosed", 3},
		{`5"屏`, "words.unclosed", 2},
		{"标签:", "words.field_empty", 1},
		{"a 客服： b", "words.field_empty", 3},
		{`客户:" "`, "words.field_empty", 1},
		{"a OR 标签:b", "words.field_in_or", 6},
		{"标签:b | a", "words.field_in_or", 6},
		{"a OR -b", "words.minus_in_or", 6},
		{"-a OR b", "words.minus_in_or", 4},
		{"a -客服:b", "words.minus_field", 3},
		{"客户:a 客户:b", "words.customer_twice", 6},
		{strings.Repeat("a ", 21), "words.too_many", 41},
		{strings.Repeat("字", 201), "words.too_long", 201},
		{strings.Repeat("㍿", 100), "words.too_long", 100},
	}
	for _, tt := range tests {
		q, err := words.Parse(tt.input)
		f, ok := fault.Of(err)
		if !ok || f.Kind != fault.KindInvalid || f.Field != "q" || f.Key != tt.key || f.Args[0] != tt.place || !q.Empty() {
			t.Errorf("%q: %+v", tt.input, err)
			continue
		}
		for _, lang := range locale.Languages() {
			if said := locale.T(locale.With(t.Context(), lang, nil), f.Key, f.Args...); strings.ContainsAny(said, "{⟦") {
				t.Errorf("%s: %s", lang, said)
			}
		}
	}
}
