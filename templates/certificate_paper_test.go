package templates

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qingdang/templates/locale"
)

// The text of the printed certificate, in both languages, as a reader of PDFs takes it out.
func TestTheTextOfThePrintedCertificate(t *testing.T) {
	for _, lang := range locale.Languages() {
		ctx := locale.With(t.Context(), lang, nil)
		file, err := CertificatePDF(ctx, certificateSample())
		if err != nil {
			t.Fatal(err)
		}
		again, err := CertificatePDF(ctx, certificateSample())
		if err != nil || !bytes.Equal(file, again) {
			t.Errorf("%s: the same certificate gives other bytes: %v", lang, err)
		}
		if len(file) > 200_000 {
			t.Errorf("%s: %d bytes", lang, len(file))
		}
		name := filepath.Join(t.TempDir(), "certificate.pdf")
		if dir := os.Getenv("QD_SHOTS"); dir != "" {
			name = filepath.Join(dir, "certificate-"+string(lang)+".pdf")
		}
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath("pdftotext"); err != nil && os.Getenv("CI") != "true" {
			t.Skip("pdftotext is not installed (.ci/prepare installs poppler-utils)")
		}
		text, err := exec.Command("pdftotext", "-layout", name, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "certificate-"+string(lang)+".txt")
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
			t.Errorf("%s: the print reads otherwise (QD_UPDATE=1 writes it anew):\n%s", lang, text)
		}
	}
}

// squeezed leaves out blanks, which versions of pdftotext measure out differently.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }
