package words

import (
	"strings"
	"testing"
)

// A word of a list is in a text where a search for it as a phrase finds it.
func TestAListFindsWhatASearchForItsWordsFinds(t *testing.T) {
	all := []string{"退款", "iPhone手机壳", "已经 发货", "qq", "13800138000", "café"}
	texts := []string{"我要退款", "退 款", "ＩＰＨＯＮＥ手机壳", "iphone 手机壳", "已经发货了", "已经，发货", "QQ:123", "qqq", "138-0013-8000", "1380013800", "cafe\u0301!", "decafé", "", "已经", "发货"}
	for _, word := range all {
		l, err := ReadList(strings.NewReader("\ufeff# 注释\n\n" + word + ",类别,别的\n"))
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(`"` + word + `"`)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, text := range texts {
			for _, in := range [][]string{{text}, {"前面", text, "后面"}} {
				want := q.Match(in)
				if got := l.In(in); got != want {
					t.Errorf("%q in %q: %v, want %v", word, in, got, want)
				}
				if want {
					found++
				}
			}
		}
		if found == 0 {
			t.Errorf("%q is nowhere: the test says nothing of it", word)
		}
	}
	for name, bad := range map[string]string{"nothing to look for": "退款\n，。,x", "too long": strings.Repeat("长", 51), "not UTF-8": "\xff\xfe"} {
		if _, err := ReadList(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestAListIsKnownByItsWords(t *testing.T) {
	id := func(text string) uint32 {
		l, err := ReadList(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return l.ID()
	}
	if id("甲,1\n乙") != id("# x\n乙,2\n甲\n甲") || id("甲") == id("乙") || id("") == 0 {
		t.Error("the same words have two numbers, or different ones the same")
	}
	if len(UsualList().first) < 20 {
		t.Error("the list of the program is nearly empty")
	}
}
