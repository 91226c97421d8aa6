package file_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"qingdang/models/export/file"
)

// shown is how a cell shows an attack: what a table cannot hold by its number.
func shown(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\xff", "[0xFF]", "\x00", "[U+0000]", "\x1b", "[U+001B]").Replace(s)
	for r := rune(1); r < 5; r++ {
		s = strings.ReplaceAll(s, string(r), fmt.Sprintf("[U+%04X]", r))
	}
	return s
}

func readCSV(t *testing.T, b []byte) [][]string {
	t.Helper()
	text, ok := strings.CutPrefix(string(b), "\ufeff")
	if !ok {
		t.Error("no BOM")
	}
	if !utf8.ValidString(text) {
		t.Error("broken UTF-8")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func column(t *testing.T, head []string, name string) int {
	t.Helper()
	for i, h := range head {
		if h == name {
			return i
		}
	}
	t.Fatalf("no column %s in %q", name, head)
	return 0
}

func TestACSVIsReadBackAndRunsNothing(t *testing.T) {
	b, sum := write(t, file.CSV, options, sample())
	rows := readCSV(t, b)
	if len(rows) != 1+8+1+1+1+len(attacks) || sum.Messages != 9+len(attacks) || sum.Conversations != 5 {
		t.Fatalf("%d rows, %+v", len(rows), sum)
	}
	if !bytes.Contains(b, []byte("\"\r\n\"501\",")) {
		t.Error("rows do not end in CRLF")
	}
	text, note := column(t, rows[0], "消息内容"), column(t, rows[0], "备注")
	for _, tt := range []struct {
		row, column int
		want        string
	}{
		{1, 0, "501"},
		{1, column(t, rows[0], "会话编号"), "C-20251019-QN-3F7K2M9A"},
		{1, column(t, rows[0], "标签"), "退款;物流"},
		{1, column(t, rows[0], "法务保留"), "是"},
		{1, column(t, rows[0], "平台"), "千牛"},
		{3, text, sample()[0].Messages[2].Text},
		{4, column(t, rows[0], "发送时间"), "2025-10-19 14:05:01.123456 +08:00"},
		{4, text, "好的谢谢😀 家在𠮷野家楼上"},
		{5, column(t, rows[0], "附件"), "包***.jpg"},
		{6, note, "[已撤回，内容不导出]"},
		{7, column(t, rows[0], "是否撤回"), "是"},
		{9, note, "没有消息"},
		{10, note, "无法打开：密文与密钥不一致或已损坏"},
		{11, text, sample()[3].Messages[0].Text},
		{11, column(t, rows[0], "客户姓名"), "'=cmd|' /C calc'!A0"},
	} {
		if got := rows[tt.row][tt.column]; got != tt.want {
			t.Errorf("row %d, %s: %.80q, want %.80q", tt.row, rows[0][tt.column], got, tt.want)
		}
	}
	for i, a := range attacks {
		row := rows[12+i]
		if got := strings.TrimPrefix(row[text], "'"); got != shown(a) && row[text] != shown(a) {
			t.Errorf("%q came back as %q", a, row[text])
		}
		for c, cell := range row {
			bare := strings.TrimLeft(cell, " \t\r\n\ufeff\u200b\x00")
			if cell != "" && strings.ContainsAny("=+-@＝＋－＠\t\r\n\x00", string([]rune(cell)[0])) || bare != "" && strings.ContainsAny("=+-@＝＋－＠", string([]rune(bare)[0])) {
				t.Errorf("attack %q begins the cell %s: %q", a, rows[0][c], cell)
			}
		}
	}
	if want := 3 * 8; sum.Replaced != want { // text, sender and attachment of four attacks
		t.Errorf("%d characters were replaced, want %d", sum.Replaced, want)
	}
}

func TestAnXLSXIsReadBackAndHasNoFormulas(t *testing.T) {
	b, sum := write(t, file.XLSX, options, sample())
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := fmt.Sprint(f.GetSheetList()); got != "[说明 消息 1]" {
		t.Errorf("sheets %s", got)
	}
	about, err := f.GetRows("说明")
	if err != nil || len(about) != 12 || about[1][1] != options.Purpose || about[9][1] != fmt.Sprint(sum.Messages) || about[11][1] != "1" {
		t.Errorf("about: %q %v", about, err)
	}
	rows, err := f.GetRows("消息 1")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+8+1+1+2+len(attacks) || sum.Cut != 1 {
		t.Fatalf("%d rows, %+v", len(rows), sum)
	}
	text, attachment := column(t, rows[0], "消息内容"), column(t, rows[0], "附件")
	if got := rows[11][text] + rows[12][text]; got != sample()[3].Messages[0].Text || rows[12][len(rows[12])-1] != "续上一行" {
		t.Errorf("a long message came back with %d bytes and the note %q", len(got), rows[12][len(rows[12])-1])
	}
	for i, a := range attacks {
		at, _ := excelize.CoordinatesToCellName(text+1, 14+i)
		formula, err := f.GetCellFormula("消息 1", at)
		kind, kindErr := f.GetCellType("消息 1", at)
		if err != nil || kindErr != nil || formula != "" || kind != excelize.CellTypeInlineString {
			t.Errorf("%q: formula %q, kind %v, %v, %v", a, formula, kind, err, kindErr)
		}
		if got := rows[13+i]; got[text] != shown(a) || got[attachment] != shown(a) {
			t.Errorf("%q came back as %q", a, got[text])
		}
	}
}

// A sheet is full at 100,000 rows, its head among them.
func TestSheetsAreDividedAndNothingIsLost(t *testing.T) {
	c := file.Conversation{Code: "C-1", Messages: make([]file.Message, 100_001)}
	b, sum := write(t, file.XLSX, options, []file.Conversation{c})
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for _, sheet := range f.GetSheetList()[1:] {
		rows, err := f.Rows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		in := 0
		for ; rows.Next(); in++ {
		}
		if in > 100_000 {
			t.Errorf("%s has %d rows", sheet, in)
		}
		n += in - 1
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n != 100_001 || sum.Messages != n || len(f.GetSheetList()) != 3 {
		t.Errorf("%d rows of %d messages in %v", n, sum.Messages, f.GetSheetList())
	}
}

func TestEnglishTables(t *testing.T) {
	o := options
	o.Lang = "en"
	b, _ := write(t, file.CSV, o, sample()[:1])
	rows := readCSV(t, b)
	if rows[0][1] != "conversation_id" || rows[1][column(t, rows[0], "sender")] != "customer" || rows[7][column(t, rows[0], "recalled")] != "true" {
		t.Errorf("%q", rows[:2])
	}
}
