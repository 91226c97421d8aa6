package format

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func workbookSource(t testing.TB, b []byte) Source {
	t.Helper()
	return Source{Name: "a.xlsx", Body: bytes.NewReader(b), Size: int64(len(b))}
}

// book writes sheets with an independent program.
func book(t testing.TB, sheets map[string][][]any) Source {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	date, err := f.NewStyle(&excelize.Style{CustomNumFmt: ptr(`yyyy"年"m"月"d"日" hh:mm;@`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, rows := range sheets {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for c, v := range row {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if d, ok := v.(time.Time); ok {
					_ = f.SetCellValue(name, at, d)
					err = f.SetCellStyle(name, at, at, date)
				} else if v != nil {
					err = f.SetCellValue(name, at, v)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return workbookSource(t, b.Bytes())
}

func ptr[T any](v T) *T { return &v }

var sheetHead = []any{"会话ID", "消息ID", "发送方", "发送时间", "消息内容", "订单号"}

func TestSpreadsheets(t *testing.T) {
	row := func(bend ...any) []any {
		r := []any{"A", "1", "客户", "2024-08-01 10:00:00", "一", ""}
		for i := 0; i < len(bend); i += 2 {
			for len(r) <= bend[i].(int) {
				r = append(r, nil)
			}
			r[bend[i].(int)] = bend[i+1]
		}
		return r
	}
	title := []any{"导出"}
	nine := [][]any{}
	for range 9 {
		nine = append(nine, title, []any{})
	}
	tests := []struct {
		name   string
		sheets map[string][][]any
		want   string
	}{
		{"a header without rows", map[string][][]any{"S": {sheetHead}}, "c0 m0 d0 e0 r0 R0"},
		{"no header anywhere", map[string][][]any{"S": {title, row()}}, FileNoHeader},
		{"a header in the tenth row that is not empty", map[string][][]any{"S": append(append([][]any{}, nine...), sheetHead, row())}, "c1 m1 d0 e0 r0 R0"},
		{"a header in the eleventh", map[string][][]any{"S": append(append([][]any{title}, nine...), sheetHead, row())}, FileNoHeader},
		{"every sheet with a header, others passed over", map[string][][]any{"S": {sheetHead, row()}, "T": {{"说明"}}, "U": {title, sheetHead, row(1, "2"), row()}}, "c1 m2 d1 e0 r0 R0"},
		{"empty rows between", map[string][][]any{"S": {sheetHead, row(), {}, {" "}, row(1, "2")}}, "c1 m2 d0 e0 r0 R0"},
		{"a cell beyond the header", map[string][][]any{"S": {sheetHead, row(), row(1, "2", 6, "x")}}, "c1 m1 d0 e0 r1 R0 too_many_cells"},
		{"a cell far beyond it", map[string][][]any{"S": {sheetHead, row(300, "x")}}, "c0 m0 d0 e0 r1 R0 too_many_cells"},
		{"real dates", map[string][][]any{"S": {sheetHead, row(3, time.Date(2024, 8, 1, 10, 0, 0, 0, time.UTC))}}, "c1 m1 d0 e0 r0 R0"},
		{"a bare number of days is no date", map[string][][]any{"S": {sheetHead, row(3, 45505.5)}}, "c0 m0 d0 e0 r1 R0 bad_time"},
		{"a date of 1905", map[string][][]any{"S": {sheetHead, row(3, time.Date(1905, 8, 1, 10, 0, 0, 0, time.UTC))}}, "c0 m0 d0 e0 r1 R0 time_range"},
		{"seconds and milliseconds as numbers", map[string][][]any{"S": {sheetHead, row(3, 1722477600), row(1, "2", 3, 1722477600000)}}, "c1 m2 d0 e0 r0 R0"},
		{"numbers and texts of one id", map[string][][]any{"S": {sheetHead, row(0, 7, 1, 1e15), row(0, "7", 1, "1000000000000000")}}, "c1 m1 d1 e0 r0 R0"},
		{"a text that looks like a number stays", map[string][][]any{"S": {sheetHead, row(1, "1E3"), row(1, "1000")}}, "c1 m2 d0 e0 r0 R0"},
		{"an error cell where the text should be", map[string][][]any{"S": {sheetHead, row(4, "")}}, "c0 m0 d0 e0 r1 R0 no_text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep, seen := readAll(t, book(t, tt.sheets), Options{})
			if got := outcome(rep); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			orderly(t, rep, seen)
		})
	}
}

func TestCellsOfASpreadsheetKeepTheirValues(t *testing.T) {
	at := time.Date(2024, 10, 1, 16, 20, 37, 0, time.UTC)
	_, seen := readAll(t, book(t, map[string][][]any{"S": {
		sheetHead,
		{392810044100000000, 1e20, "客户", at, "第一行\n<b> & \"_x005F_x000D_\" 🙂", 392810044100000001},
	}}), Options{})
	c := seen[0]
	m := c.Messages[0]
	if c.ExternalID != "392810044100000000" || c.OrderNo != "392810044100000001" || m.ID != "100000000000000000000" {
		t.Errorf("ids = %s %s %s", c.ExternalID, c.OrderNo, m.ID)
	}
	if want := at.Add(-8 * time.Hour); !m.At.Equal(want) { // a date cell is local time
		t.Errorf("at = %v, want %v", m.At, want)
	}
	if !strings.HasPrefix(m.Text, "第一行\n<b> & \"") || !strings.HasSuffix(m.Text, "🙂") {
		t.Errorf("text = %q", m.Text)
	}
	if m.pos.Sheet != "S" || m.pos.Row != 2 {
		t.Errorf("position = %+v", m.pos)
	}
}

func TestDateFormatsAreTold(t *testing.T) {
	for code, want := range map[string]bool{
		"yyyy-mm-dd": true, "[$-804]yyyy\"年\"m\"月\"": true, "[h]:mm": true, "上午/下午h\"时\"": true,
		"0.00": false, "#,##0_);[Red]": false, `"day" 0`: false, "General": false, "@": false, `0\d`: false, "[Red]0": false,
	} {
		// General has letters of its own but is no date.
		if got := isDateFormat(strings.TrimPrefix(code, "General")); got != want {
			t.Errorf("isDateFormat(%q) = %v", code, got)
		}
	}
}

func TestNumbersOfCellsAreWrittenPlainly(t *testing.T) {
	for raw, want := range map[string]string{
		"392810044100000123": "392810044100000123", "392810044100000123.00": "392810044100000123", "1E+3": "1000",
		"3.928100441E17": "392810044100000000", "0.10000000000000001": "0.1", "-5": "-5", "1e400": "1e400", "x": "x",
	} {
		if got := plainNumber(raw); got != want {
			t.Errorf("plainNumber(%q) = %q, want %q", raw, got, want)
		}
	}
	for _, raw := range []string{"-1", "2958466", "NaN", "", "1e300"} {
		if _, ok := serialTime(raw, false); ok {
			t.Errorf("serialTime(%q) is a time", raw)
		}
	}
	mac, _ := serialTime("44043.5", true)
	pc, _ := serialTime("45505.5", false)
	if !mac.Equal(pc) {
		t.Errorf("1904 gives %v, 1900 gives %v", mac, pc)
	}
}

// zipped builds a package by hand.
func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	relsPart = `<?xml version="1.0"?><Relationships xmlns="x"><Relationship Id="rId1" Type="http://x/worksheet" Target="/xl/worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId3" Type="http://x/chartsheet" Target="c.xml"/></Relationships>`
	bookPart = `<x:workbook xmlns:x="m" xmlns:r="r"><x:sheets><x:sheet name="一" sheetId="1" r:id="rId1"/><x:sheet name="图" sheetId="2" r:id="rId3"/></x:sheets></x:workbook>`
)

func byHand(t testing.TB, sheet, shared string) Source {
	t.Helper()
	return workbookSource(t, zipped(t, "xl/_rels/workbook.xml.rels", relsPart, "xl/workbook.xml", bookPart,
		"xl/worksheets/sheet1.xml", sheet, "xl/sharedStrings.xml", shared))
}

func inlineRow(cells ...string) string {
	s := "<row>"
	for _, c := range cells {
		s += `<c t="inlineStr"><is><t>` + c + `</t></is></c>`
	}
	return s + "</row>"
}

func TestPackagesOfOtherPrograms(t *testing.T) {
	head := inlineRow("会话ID", "发送方", "发送时间", "消息内容")
	good := inlineRow("A", "客户", "2024-08-01 10:00:00", "一")
	sheet := func(rows string) string { return `<worksheet><sheetData>` + rows + `</sheetData></worksheet>` }
	rich := `<sst><si><r><t>二</t></r><r><t xml:space="preserve"> 三</t></r><rPh sb="0" eb="1"><t>er</t></rPh></si></sst>`
	tests := []struct {
		name, sheet, shared, want string
	}{
		{"inline strings without references, prefixes, a chart", sheet(head + good), rich, "c1 m1 d0 e0 r0 R0"},
		{"a shared string in pieces", sheet(head + `<row r="9"><c r="A9" t="str"><v>A</v></c><c r="B9" t="inlineStr"><is><t>客服</t></is></c><c r="C9" t="d"><v>2024-08-01T10:00:00</v></c><c r="D9" t="s"><v>0</v></c></row>`), rich, "c1 m1 d0 e0 r0 R0"},
		{"a shared string that is not there", sheet(head + good + strings.Replace(good, `t="inlineStr"><is><t>一</t></is>`, `t="s"><v>99</v>`, 1)), rich, "c1 m1 d0 e0 r1 R0 bad_cell"},
		{"a sheet that breaks off", strings.TrimSuffix(sheet(head+good), "</sheetData></worksheet>"), rich, FileNotWorkbook},
		{"XML that is none", sheet(head + "<row><c></row>"), rich, FileNotWorkbook},
		{"strings that break off", sheet(head + good), "<sst><si><t>", FileNotWorkbook},
		{"a million levels", sheet(head + strings.Repeat("<a>", 1_000_000)), rich, FileNotWorkbook},
		{"an endless attribute", sheet(head + `<row r="` + strings.Repeat("1", 8<<20) + `">`), rich, FileNotWorkbook},
		{"an endless cell", sheet(head + inlineRow(strings.Repeat("x", 8<<20))), rich, FileNotWorkbook},
		{"broken bytes", sheet(head + inlineRow("\xff")), rich, FileNotWorkbook},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep, seen := readAll(t, byHand(t, tt.sheet, tt.shared), Options{})
			if got := outcome(rep); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(seen) == 1 && strings.Contains(tt.name, "pieces") && seen[0].Messages[0].Text != "二 三" {
				t.Errorf("text = %q", seen[0].Messages[0].Text)
			}
		})
	}
}

func TestBombsAreRefused(t *testing.T) {
	head := inlineRow("会话ID", "发送方", "发送时间", "消息内容")
	big := `<worksheet><sheetData>` + head + strings.Repeat("<row/>", 1_000_000) + `</sheetData></worksheet>`
	small := Options{Limits: Limits{MaxUnpacked: 1 << 20}}

	honest := byHand(t, big, "<sst/>")
	if got := outcome(first(readAll(t, honest, small))); got != FileUnpackedLarge {
		t.Errorf("a bomb that says so: %s", got)
	}
	lying := zipped(t, "xl/_rels/workbook.xml.rels", relsPart, "xl/workbook.xml", bookPart, "xl/worksheets/sheet1.xml", big)
	if n := forgeSizes(lying, 1000); n != 3 {
		t.Fatalf("forged %d sizes", n)
	}
	if got := outcome(first(readAll(t, workbookSource(t, lying), small))); got != FileNotWorkbook {
		t.Errorf("a bomb that lies: %s", got)
	}
	again := strings.Replace(bookPart, "</x:sheets>", strings.Repeat(`<x:sheet name="n" r:id="rId1"/>`, 500)+"</x:sheets>", 1)
	sheet := `<worksheet><sheetData>` + head + strings.Repeat("<row/>", 1000) + `</sheetData></worksheet>`
	many := zipped(t, "xl/_rels/workbook.xml.rels", relsPart, "xl/workbook.xml", again, "xl/worksheets/sheet1.xml", sheet)
	if got := outcome(first(readAll(t, workbookSource(t, many), small))); got != FileUnpackedLarge {
		t.Errorf("one part as five hundred sheets: %s", got)
	}
	claims := zipped(t, "a", "b")
	forgeSizes(claims, math.MaxUint32-1)
	if got := outcome(first(readAll(t, workbookSource(t, claims), Options{}))); got != FileUnpackedLarge {
		t.Errorf("a huge claim: %s", got)
	}
	var parts []string
	for i := range maxParts + 1 {
		parts = append(parts, fmt.Sprint("p", i), "")
	}
	if got := outcome(first(readAll(t, workbookSource(t, zipped(t, parts...)), Options{}))); got != FileTooManyParts {
		t.Errorf("too many parts: %s", got)
	}
	if got := outcome(first(readAll(t, workbookSource(t, zipped(t, "word/document.xml", "<a/>")), Options{}))); got != FileNotWorkbook {
		t.Errorf("another kind of package: %s", got)
	}
}

// forgeSizes overwrites the unpacked sizes in a package's directory.
func forgeSizes(z []byte, size uint32) (n int) {
	for i := 0; i+46 <= len(z); i++ {
		if string(z[i:i+4]) == "PK\x01\x02" {
			z[i+24], z[i+25], z[i+26], z[i+27] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
			n++
		}
	}
	return n
}
