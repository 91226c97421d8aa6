package file_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"qingdang/models/export/file"
)

// opened is what LibreOffice reads in a file: the cells of each sheet as it shows them.
func opened(t *testing.T, name string, data []byte) map[string][][]string {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed (Debian: apt-get install --no-install-recommends libreoffice-calc)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	// Comma, quotes, UTF-8, cells as shown, every sheet.
	out, err := exec.Command(soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1",
		"--outdir", dir, filepath.Join(dir, name)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(found) == 0 {
		t.Fatalf("LibreOffice gives no sheets: %v, %s", err, out)
	}
	sheets := map[string][][]string{}
	for _, f := range found {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sheet := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), strings.TrimSuffix(name, ".xlsx")+"-"), ".csv")
		sheets[sheet] = readCSV(t, append([]byte("\ufeff"), b...))
	}
	return sheets
}

// LibreOffice reads in an XLSX what was said, and runs none of it.
func TestLibreOfficeReadsAnXLSXAndRunsNothing(t *testing.T) {
	b, sum := write(t, file.XLSX, options, sample())
	sheets := opened(t, "export.xlsx", b)
	rows := sheets["消息 1"]
	if len(rows) != 1+8+1+1+2+len(attacks) {
		t.Fatalf("%d rows in %d sheets", len(rows), len(sheets))
	}
	text, attachment := column(t, rows[0], "消息内容"), column(t, rows[0], "附件")
	for i, a := range attacks {
		// A tab and line breaks stand in the cell; LibreOffice shows what has no width.
		for _, col := range []int{text, attachment} {
			if got := rows[13+i][col]; got != shown(a) {
				t.Errorf("%q is shown as %q", a, got)
			}
		}
	}
	// The look itself sees a formula that runs.
	book := excelize.NewFile()
	defer book.Close()
	if err := book.SetCellFormula("Sheet1", "A1", "=1+1"); err != nil {
		t.Fatal(err)
	}
	var control bytes.Buffer
	if _, err := book.WriteTo(&control); err != nil {
		t.Fatal(err)
	}
	if got := opened(t, "control.xlsx", control.Bytes())["Sheet1"]; len(got) != 1 || got[0][0] != "2" {
		t.Errorf("a formula is shown as %q", got)
	}
	about := sheets["说明"]
	if !slices.ContainsFunc(about, func(r []string) bool { return slices.Contains(r, options.Purpose) }) || sum.Messages == 0 {
		t.Errorf("about: %q", about)
	}
}
