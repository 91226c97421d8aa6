package format

import (
	"testing"
	"time"
)

func TestWrittenTimes(t *testing.T) {
	noon := time.Date(2024, 2, 29, 5, 5, 9, 0, time.UTC) // 13:05:09 in China
	minute := noon.Add(-9 * time.Second)
	tests := []struct {
		in     string
		want   time.Time
		reason string
	}{
		{"2024-02-29 13:05:09", noon, ""},
		{" 2024-02-29  13:05:09\t", noon, ""},
		{"2024-02-29 13:05:09.25", noon.Add(250 * time.Millisecond), ""},
		{"2024-02-29 13:05:09.123456789123", noon.Add(123456789), ""},
		{"2024-02-29 13:05", minute, ""},
		{"2024-02-29 9:05:09", noon.Add(-4 * time.Hour), ""},
		{"2024/2/29 13:05:09", noon, ""},
		{"2024/02/29 13:05", minute, ""},
		{"2024-2-29 13:5:9", noon, ""},
		{"2024年2月29日 13:05:09", noon, ""},
		{"2024年02月29日13:05", minute, ""},
		{"2024-02-29T13:05:09+08:00", noon, ""},
		{"2024-02-29T05:05:09Z", noon, ""},
		{"2024-02-29T05:05:09.000Z", noon, ""},
		{"2024-02-28T20:35:09-0830", noon, ""},
		{"1990-01-01 00:00:00", firstTime.UTC(), ""},
		{"2099-12-31 23:59:59", lastTime.Add(-time.Second).UTC(), ""},
		{"1989-12-31 23:59:59", time.Time{}, ReasonTimeRange},
		{"2100-01-01 00:00:00", time.Time{}, ReasonTimeRange},
		{"0000-01-01 00:00:00", time.Time{}, ReasonTimeRange},
		{"2023-02-29 13:05:09", time.Time{}, ReasonBadTime},
		{"2024-13-01 13:05:09", time.Time{}, ReasonBadTime},
		{"2024-00-10 13:05:09", time.Time{}, ReasonBadTime},
		{"2024-02-29 24:00:00", time.Time{}, ReasonBadTime},
		{"2024-02-29 13:60:00", time.Time{}, ReasonBadTime},
		{"2024-02-29 13:05:60", time.Time{}, ReasonBadTime},
		{"2024-02-29T05:05:09+25:00", time.Time{}, ReasonBadTime},
		{"2024-02-29", time.Time{}, ReasonBadTime},
		{"24-02-29 13:05:09", time.Time{}, ReasonBadTime},
		{"2024-02-29 13:05:09 下午", time.Time{}, ReasonBadTime},
		{"昨天", time.Time{}, ReasonBadTime},
		{"", time.Time{}, ReasonNoTime},
		{" 　", time.Time{}, ReasonNoTime},
	}
	for _, tt := range tests {
		got, reason := readTime(tt.in)
		if !got.Equal(tt.want) || reason != tt.reason {
			t.Errorf("readTime(%q) = %v %q, want %v %q", tt.in, got, reason, tt.want, tt.reason)
		}
	}
}

func TestTimesOfTables(t *testing.T) {
	at := time.Unix(1722477600, 0).UTC()
	tests := []struct {
		in     cell
		want   time.Time
		reason string
	}{
		{cell{text: "1722477600"}, at, ""},
		{cell{text: " 1722477600123 "}, at.Add(123 * time.Millisecond), ""},
		{cell{text: "172247760"}, time.Time{}, ReasonBadTime},
		{cell{text: "17224776001"}, time.Time{}, ReasonBadTime},
		{cell{text: "0000000000"}, time.Time{}, ReasonTimeRange},
		{cell{text: "9999999999999"}, time.Time{}, ReasonTimeRange},
		{cell{text: "45505.5"}, time.Time{}, ReasonBadTime},
		{cell{text: "x", at: at}, at, ""},
		{cell{bad: true}, time.Time{}, ReasonBadCell},
		{cell{}, time.Time{}, ReasonNoTime},
	}
	for _, tt := range tests {
		got, reason := readCellTime(tt.in)
		if !got.Equal(tt.want) || reason != tt.reason {
			t.Errorf("readCellTime(%+v) = %v %q, want %v %q", tt.in, got, reason, tt.want, tt.reason)
		}
	}
}
