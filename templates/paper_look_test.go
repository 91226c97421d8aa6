package templates

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingdang/templates/locale"
)

func inspectionReportSample() InspectionReport {
	hex := func(digit string) string { return strings.Repeat(digit, 64) }
	r := InspectionReport{
		Code: "XJ-2026Q4", Organisation: "云栖优品集团", Year: 2026, Quarter: 4, First: "2026-10-01", Last: "2026-12-31", Zone: "Asia/Shanghai",
		From: at("2026-10-01", "00:00:00"), Until: at("2027-01-01", "00:00:00"), DueAt: at("2027-01-15", "23:59:59"), Commitment: hex("a"), Seed: hex("7"), Entry: 412,
		OpenedAt: at("2026-10-01", "00:00:04"), DrawnAt: at("2027-01-01", "00:20:11"), SignedAt: at("2027-01-09", "16:41:02"), OpenedBy: "worker", DrawnBy: "worker",
		Population: 126480, Batches: 2, Root: hex("b"), SampleRoot: hex("c"), Method: "qingdang-sample-1", Sample: 3,
		Strata: []InspectionStratum{{"SC-20261016-001", 86000, 2}, {"SC-20261120-003", 40480, 1}},
		Scans:  []InspectionScan{{Kind: "overdue", Ran: true, Count: 2, Objects: []string{"SC-20261016-001"}}, {Kind: "unapproved", Ran: true}, {Kind: "never_keep"}},
		Findings: []InspectionFinding{
			{Code: "F-01", Kind: "overdue", Level: "medium", State: "closed", Count: 2, Objects: []string{"SC-20261016-001"}, Owner: "林静怡", DueAt: at("2027-01-08", "00:00:00"), Answer: "已提出彻底删除申请 PG-20270104-001"},
			{Code: "F-02", Level: "low", State: "open", Words: "删除原因过于笼统，没有写明依据的规则编号与适用的保留期"},
		},
		Signers: []InspectionSigner{
			{RoleKey: "role.auditor", Name: "郑开元", StaffNo: "30017", Opinion: "已逐条核查，问题 F-01 已关闭", At: at("2027-01-08", "10:02:40")},
			{RoleKey: "role.legal", Name: "周敏", StaffNo: "20004", Opinion: "同意", At: at("2027-01-09", "16:41:02")},
		},
		ResultRoot: hex("d"), Digest: hex("e"), FileDigest: hex("f"), Leaf: 90211, LogSize: 90211, LogRoot: hex("1"), Notes: []string{"no_content", "never_keep_skipped", "carried_over"},
	}
	for seq, verdict := range []string{"ok", "problem", "ok"} {
		i := InspectionItem{Seq: seq + 1, Code: "C-20251019-TB-0084412", Batch: "SC-20261016-001", Verdict: verdict, By: "郑开元"}
		if verdict == "problem" {
			i.Level, i.Words = "low", "删除原因过于笼统，没有写明依据的规则编号与适用的保留期"
		}
		r.Items = append(r.Items, i)
	}
	return r
}

// Every printed paper reads and looks as it did when somebody last looked at it, in both languages.
func TestPapersLookAsBefore(t *testing.T) {
	for _, lang := range locale.Languages() {
		ctx := locale.With(t.Context(), lang, time.FixedZone("UTC+8", 8*3600))
		for name, draw := range map[string]func() ([]byte, error){
			"inspection":  func() ([]byte, error) { return InspectionPDF(ctx, inspectionReportSample()) },
			"statement":   func() ([]byte, error) { return StatementPDF(ctx, statementSample()) },
			"report":      func() ([]byte, error) { return ReportPDF(ctx, reportSample()) },
			"letter":      func() ([]byte, error) { return LetterPDF(ctx, letterSample()) },
			"certificate": func() ([]byte, error) { return CertificatePDF(ctx, certificateSample()) },
		} {
			file, err := draw()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := draw(); err != nil || !bytes.Equal(file, again) {
				t.Errorf("%s %s: the same paper gives other bytes: %v", name, lang, err)
			}
			if name == "inspection" {
				samePrint(t, name+"-"+string(lang), file)
			}
			sameLook(t, name+"-"+string(lang), file)
		}
	}
}

// sameLook compares the first page of a PDF, drawn small, with the picture of it that somebody last looked at.
// Versions of poppler draw the edges of letters differently, so it has to be near and not equal.
func sameLook(t *testing.T, name string, file []byte) {
	t.Helper()
	if _, err := exec.LookPath("pdftoppm"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("pdftoppm is not installed (.ci/prepare installs poppler-utils)")
	}
	draw := exec.Command("pdftoppm", "-gray", "-png", "-r", "45", "-f", "1", "-l", "1", "-")
	draw.Stdin = bytes.NewReader(file)
	picture, err := draw.Output()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", name+".png")
	if os.Getenv("QD_UPDATE") != "" {
		if err := os.WriteFile(golden, picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if mean, far := apart(t, want, picture); mean > 2 || far > 0.01 {
		t.Errorf("%s looks otherwise (QD_UPDATE=1 writes it anew): %.2f of 255 on average, %.2f%% of it by much", name, mean, far*100)
	}
}

// apart tells how far two pictures are from each other: on average, and in how many places by more than a quarter.
func apart(t *testing.T, a, b []byte) (mean, far float64) {
	t.Helper()
	var pictures [2]image.Image
	for i, raw := range [][]byte{a, b} {
		p, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		pictures[i] = p
	}
	size := pictures[0].Bounds()
	if size != pictures[1].Bounds() {
		t.Fatalf("sizes %v and %v", size, pictures[1].Bounds())
	}
	for y := range size.Dy() {
		for x := range size.Dx() {
			grey := func(p image.Image) float64 { return float64(color.GrayModel.Convert(p.At(x, y)).(color.Gray).Y) }
			d := max(grey(pictures[0])-grey(pictures[1]), grey(pictures[1])-grey(pictures[0]))
			if mean += d; d > 64 {
				far++
			}
		}
	}
	n := float64(size.Dx() * size.Dy())
	return mean / n, far / n
}
