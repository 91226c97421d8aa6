package locale

import (
	"testing"
	"time"
)

var friday = time.Date(2026, 11, 20, 6, 32, 5, 0, time.UTC)

func TestFormats(t *testing.T) {
	chinese, english := With(t.Context(), Chinese, nil), With(t.Context(), English, nil)
	tests := []struct{ name, got, want string }{
		{"a date", Date(chinese, friday), "2026-11-20 14:32"},
		{"a date in English", Date(english, friday), "20 Nov 2026, 14:32"},
		{"a date to the second", DateSec(chinese, friday), "2026-11-20 14:32:05"},
		{"a day in English", Day(english, friday), "20 Nov 2026"},
		{"a day that begins in another zone", Day(chinese, friday.Add(12*time.Hour)), "2026-11-21"},
		{"no time", Date(chinese, time.Time{}), "—"},
		{"a weekday", Weekday(chinese, friday), "周五"},
		{"a weekday in English", Weekday(english, friday), "Fri"},
		{"a range", Range(chinese, friday, friday.AddDate(0, 0, 2)), "2026-11-20 ～ 2026-11-22"},
		{"a zone", ZoneName(chinese, friday), "UTC+8"},
		{"half an hour's zone", ZoneName(With(t.Context(), English, time.FixedZone("", 19800)), friday), "UTC+5:30"},
		{"a zone west of Greenwich", ZoneName(With(t.Context(), English, time.FixedZone("", -5*3600)), friday), "UTC-5"},
		{"hours and minutes", Duration(chinese, 4*time.Hour+8*time.Minute+59*time.Second), "4 小时 08 分"},
		{"days and hours", Duration(chinese, 55*time.Hour+59*time.Minute), "2 天 7 小时"},
		{"whole days", Duration(chinese, 72*time.Hour), "3 天"},
		{"one day in English", Duration(english, 25*time.Hour), "1 day 1 h"},
		{"minutes and seconds", Duration(chinese, 20*time.Minute+11*time.Second), "20 分 11 秒"},
		{"a time that is over", Duration(chinese, -time.Hour), "0 秒"},
		{"a number", N(chinese, 1284906), "1,284,906"},
		{"a small number", N(chinese, 42), "42"},
		{"a thousand", N(chinese, 1000), "1,000"},
		{"a negative number", N(chinese, -6034), "−6,034"},
		{"the largest number", N(chinese, ^uint64(0)), "18,446,744,073,709,551,615"},
		{"a share", Percent(chinese, 1, 3), "33.3%"},
		{"a share of nothing", Percent(chinese, 0, 0), "—"},
		{"bytes", Bytes(chinese, 999), "999 B"},
		{"kilobytes", Bytes(chinese, 412_000), "412 KB"},
		{"megabytes", Bytes(chinese, 2_800_000), "2.8 MB"},
		{"gigabytes", Bytes(chinese, int64(4_620_000_000)), "4.62 GB"},
		{"terabytes", Bytes(chinese, int64(1_500_000_000_000)), "1.50 TB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
}

func TestT(t *testing.T) {
	chinese, english := With(t.Context(), Chinese, nil), With(t.Context(), English, nil)
	tests := []struct{ name, got, want string }{
		{"groups the digits of numbers", T(chinese, "common.conversations", 12406), "12,406 条会话"},
		{"uses the English plural", T(english, "common.conversations", 2), "2 conversations"},
		{"uses the English singular", T(english, "common.conversations", int64(1)), "1 conversation"},
		{"has no singular in Chinese", T(chinese, "common.conversations", 1), "1 条会话"},
		{"uses the plural for none", T(english, "common.conversations", 0), "0 conversations"},
		{"writes spans of time", T(chinese, "common.time_left", 4*time.Hour), "还有 4 小时 00 分"},
		{"translates keys among the arguments", T(english, "common.time_left", Key("role.agent")), "Agent left"},
		{"leaves braces in an argument alone", T(chinese, "common.request_id", "{0}{1}"), "请求号 {0}{1}"},
		{"shows a missing key", T(chinese, "no.such_key"), "⟦no.such_key⟧"},
		{"speaks Chinese when nobody chose", T(t.Context(), "common.undo"), "撤销"},
		{"takes an unknown language as Chinese", T(With(t.Context(), "fr", nil), "common.undo"), "撤销"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name   string
		wishes []string
		want   Lang
	}{
		{"the profile before the browser", []string{"en", "", "zh-CN"}, English},
		{"the cookie when there is no profile", []string{"", "en", "zh-CN"}, English},
		{"the browser's best", []string{"", "", "fr;q=0.4, en-GB;q=0.9, zh;q=0.8"}, English},
		{"traditional Chinese is Chinese", []string{"zh-TW"}, Chinese},
		{"an unknown language is passed over", []string{"fr", "en"}, English},
		{"nonsense is passed over", []string{"%%%", "en"}, English},
		{"nobody wishes anything", nil, Chinese},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Match(tt.wishes...); got != tt.want {
				t.Errorf("Match(%q) = %q, want %q", tt.wishes, got, tt.want)
			}
		})
	}
}
