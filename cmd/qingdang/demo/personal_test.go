package demo_test

import (
	"strings"
	"testing"

	"qingdang/cmd/qingdang/demo"
	"qingdang/models/mask"
)

// belongsToNobody says what is wrong with a value that mask.Find, which knows the
// check digits, has found.
func belongsToNobody(kind mask.Kind, value string) string {
	digits := strings.ReplaceAll(value, " ", "")
	switch {
	case kind == mask.IDCard && (digits[6:8] != "19" || digits[8] > '1'):
		return "a birth after 1919"
	case kind == mask.Phone && (len(digits) != 11 || digits[3:7] != "0000"):
		return "no 0000 in the middle"
	case kind == mask.BankCard && !strings.HasPrefix(digits, "62162610000") && !strings.HasPrefix(digits, "622155881234"):
		return "not like a test number"
	case kind == mask.Email && !strings.HasSuffix(value, "@example.com") && !strings.HasSuffix(value, "@example.net") && !strings.HasSuffix(value, "@example.org"):
		return "no example host"
	case kind == mask.Address && !strings.Contains(value, "示例路"):
		return "a street that may exist"
	}
	return ""
}

func TestPersonalDataIsValidAndBelongsToNobody(t *testing.T) {
	kinds, with, all := map[mask.Kind]int{}, 0, 0
	for c := range demo.Conversations(demo.DefaultSeed, demo.DefaultCount, until) {
		all++
		found := 0
		for _, m := range c.Messages {
			for _, s := range mask.Find(m.Text) {
				found++
				kinds[s.Kind]++
				if wrong := belongsToNobody(s.Kind, m.Text[s.Start:s.End]); wrong != "" {
					t.Errorf("%s: %s in %q", c.ExternalID, wrong, m.Text)
				}
			}
		}
		if found > 0 {
			with++
		}
	}
	if share := float64(with) / float64(all); share < 0.10 || share > 0.14 {
		t.Errorf("%.3f of the conversations name personal data, want about 0.12", share)
	}
	for _, kind := range []mask.Kind{mask.IDCard, mask.Phone, mask.BankCard, mask.Email, mask.Address} {
		if kinds[kind] < 20 {
			t.Errorf("only %d of kind %s", kinds[kind], kind)
		}
	}
	t.Logf("%d of %d conversations name personal data: %v", with, all, kinds)
}

// Whatever mask did not find would stay in sight: nothing with the marks of made-up
// data may be left behind.
func TestMaskingLeavesNothingOfThePersonalData(t *testing.T) {
	for c := range demo.Conversations(3, 2000, until) {
		for _, m := range c.Messages {
			masked := mask.String(m.Text)
			for _, mark := range []string{"示例路", "62162610000", "622155881234", "6216 2610", " 0000 "} {
				if strings.Contains(masked, mark) {
					t.Errorf("%q became %q", m.Text, masked)
				}
			}
		}
	}
}
