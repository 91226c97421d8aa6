package templates

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qingdang/templates/locale"
)

// The text of printed reports, in both languages, as a reader of PDFs takes it out.
func TestTheTextOfPrintedReports(t *testing.T) {
	for _, lang := range locale.Languages() {
		ctx := locale.With(t.Context(), lang, nil)
		draw := map[string]func() ([]byte, error){
			"statement": func() ([]byte, error) { return StatementPDF(ctx, statementSample()) },
			"report":    func() ([]byte, error) { return ReportPDF(ctx, reportSample()) },
		}
		for name, pdf := range draw {
			file, err := pdf()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := pdf(); err != nil || !bytes.Equal(file, again) {
				t.Errorf("%s %s: the same report gives other bytes: %v", name, lang, err)
			}
			samePrint(t, name+"-"+string(lang), file)
		}
	}
}

// samePrint compares what a PDF reads with what it read when somebody last looked at it.
func samePrint(t *testing.T, name string, file []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".pdf")
	if dir := os.Getenv("QD_SHOTS"); dir != "" {
		path = filepath.Join(dir, name+".pdf")
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("pdftotext"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("pdftotext is not installed (.ci/prepare installs poppler-utils)")
	}
	text, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", name+".txt")
	if os.Getenv("QD_UPDATE") != "" {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if squeezed(string(text)) != squeezed(string(want)) {
		t.Errorf("%s reads otherwise (QD_UPDATE=1 writes it anew):\n%s", name, text)
	}
}
