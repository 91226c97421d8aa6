package templates

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
			"letter":    func() ([]byte, error) { return LetterPDF(ctx, letterSample()) },
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

func letterSample() LetterView {
	return LetterView{
		ID: 7, Code: "QN-000000000007", Organisation: "云栖优品集团", ServiceType: "咨询", At: sampleNow, LastAt: sampleNow.AddDate(-1, 0, 0), BinnedAt: sampleNow.AddDate(0, 0, -12), KeepUntil: sampleNow.AddDate(0, 0, -5),
		PurgedAt: sampleNow.AddDate(0, 0, -3), FloorUntil: sampleNow.AddDate(-1, 0, 183), FloorDays: 183, Purged: true, Reason: "超过保留期，季度清理", Request: "PG-20261113-002", Certificate: "CERT-2026-0087", Messages: 12, Attachments: 1,
	}
}

// An answer admits what does not agree with the rules.
func TestALetterIsHonest(t *testing.T) {
	early, incident, binned, forever := letterSample(), letterSample(), letterSample(), letterSample()
	early.FloorUntil = early.PurgedAt.AddDate(0, 0, 1)
	incident.Incident = true
	binned.Purged, binned.KeepUntil = false, sampleNow.AddDate(0, 0, 2)
	forever.Forever = true
	for _, tt := range []struct {
		v    LetterView
		want string
		not  string
	}{
		{letterSample(), "that time ended on", "looking into it"},
		{early, "This one was deleted earlier; we are looking into it", "that time ended on"},
		{incident, "data incident", "that time ended on"},
		{forever, "does not agree with that", "that time ended on"},
		{binned, "It can be restored until", "permanently deleted"},
	} {
		ctx := locale.With(t.Context(), locale.English, nil)
		text := strings.Join(tt.v.paragraphs(ctx), "\n")
		if !strings.Contains(text, tt.want) || strings.Contains(text, tt.not) || !strings.Contains(text, "apologise") || !strings.Contains(text, tt.v.Reason) {
			t.Errorf("no %q in, or %q in: %s", tt.want, tt.not, text)
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

// Whatever a report can count has a name and a definition in both languages.
func TestEveryNumberOfReportsHasADefinition(t *testing.T) {
	source, err := os.ReadFile("../models/report/measures.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`(?:logged|done|items|kept|inBin|erased)\("([a-z_]+)"|key: "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(keys) < 40 {
		t.Fatalf("only %d measures were found", len(keys))
	}
	for _, k := range keys {
		for _, prefix := range []string{"report.num_", "report.def_"} {
			if key := prefix + k[1] + k[2]; !locale.Has(key) {
				t.Errorf("no words for %s", key)
			}
		}
	}
	source, err = os.ReadFile("../models/report/statement_kinds.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range regexp.MustCompile(`(?:Key: *|table\(|s, )"([a-z]+_[a-z_]+)"|\{Key: "([a-z_]+)", Unit`).FindAllStringSubmatch(string(source), -1) {
		if name := k[1] + k[2]; !locale.Has("report.grid_"+name) && !locale.Has("report.num_"+name) && !locale.Has("report.col_"+name) && !locale.Has("report.note_"+name) {
			t.Errorf("no words for %s", name)
		}
	}
	for _, list := range regexp.MustCompile(`counted\(([^)]*)\)`).FindAllStringSubmatch(string(source), -1) {
		for _, k := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(list[1], -1) {
			if !locale.Has("report.num_" + k[1]) {
				t.Errorf("no words for report.num_%s", k[1])
			}
		}
	}
}
