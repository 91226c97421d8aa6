package mask

import "testing"

// What look says is not there is not found by anybody.
func FuzzLook(f *testing.F) {
	for _, s := range []string{"", "您好", "a@b.cn", "ａ＠ｂ.cn", "电话１３８００００００００", "北京市朝阳区建国路十二号", "示例路百弄三号", "单号 YT8812345678", "@@一路"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := look(text)
		if !s.at && emails(text) != nil || !s.digit && (numbers(text) != nil || Orders(text) != nil) || !s.digit && !(s.numeral && s.street) && addresses(text) != nil {
			t.Errorf("%q: %+v", text, s)
		}
		if got, want := String(text), Text(text).String(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	})
}
