package mask_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"qingdang/models/mask"
)

func TestNoCellStartsAFormula(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "退款": "退款", "a=b": "a=b", "1+1": "1+1", "-12": "-12", "'x": "''x", "　退款": "　退款",
		"=1+1": "'=1+1", "+86": "'+86", "-x": "'-x", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r1": "'\r1", "\n1": "'\n1", "\x001": "'\x001",
		"＝1": "'＝1", "－1": "'－1", " =1": "' =1", "\ufeff=1": "'\ufeff=1", "\u200b@x": "'\u200b@x", "　+1": "'　+1",
	} {
		if got := mask.Cell(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// FuzzCell writes a text into a table file and reads it back: it is what it was, but for an
// apostrophe in front of what could be a formula.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "退款", "=cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "-1", "\"x\"", "a,b", "多行\n=1", "\ufeff+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := mask.Cell(s)
		if cell != s && cell != "'"+s {
			t.Fatalf("%q became %q", s, cell)
		}
		r, _ := utf8.DecodeRuneInString(cell)
		if strings.ContainsRune("=+@＝＋－＠\t\r\n\x00", r) && cell != "" || r == '-' && strings.ContainsAny(cell[1:], "+-*/=(!@|") {
			t.Fatalf("%q is left as it is", s)
		}
		var file strings.Builder
		w := csv.NewWriter(&file)
		if err := w.Write([]string{"1", cell, "2"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		row, err := csv.NewReader(strings.NewReader(file.String())).Read()
		// The reader of the standard library turns line ends into \n.
		if back := strings.ReplaceAll(cell, "\r\n", "\n"); err != nil || len(row) != 3 || row[1] != back {
			t.Fatalf("%q was read back as %q, %v", cell, row, err)
		}
	})
}
