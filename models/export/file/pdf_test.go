package file_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qingdang/models/export/file"
)

var update = flag.Bool("update", false, "write golden files that are missing")

// tool runs a program of poppler.
func tool(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil && os.Getenv("CI") != "true" {
		t.Skip(name + " is not installed (.ci/prepare installs poppler-utils)")
	}
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func onDisk(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// squeezed leaves out blanks, which versions of pdftotext measure out differently.
func squeezed(b []byte) string { return strings.Join(strings.Fields(string(b)), "") }

func TestAPDFSaysWhatWasSaid(t *testing.T) {
	b, sum := write(t, file.PDF, options, sample())
	name := onDisk(t, b)
	text := string(tool(t, "pdftotext", "-raw", name, "-"))
	for _, want := range []string{
		"EX-20261120-011", "配合市场监管部门问询", "林静怡", "第 2 卷，共 3 卷", options.Fingerprint, "501 C-20251019-QN-3F7K2M9A", "法务保留中",
		"我给您申请补偿", "[U+1F600]", "[U+20BB7]野家", "[图片] 包***.jpg", "[已撤回，内容不导出]", "[已撤回] 这句说错了", "没有消息", "无法打开", "(续)", "{nb}[U+0001]", "[U+202E]gnp.exe",
		fmt.Sprintf("%d 个字符", sum.Replaced), "本卷共 5 条会话、33 条消息",
	} {
		want = strings.ReplaceAll(want, "(续)", "（续）")
		if !strings.Contains(squeezed([]byte(text)), squeezed([]byte(want))) {
			t.Errorf("%q is missing", want)
		}
	}
	pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
	for i, page := range pages {
		if !strings.Contains(squeezed([]byte(page)), fmt.Sprintf("第%d/%d页", i+1, len(pages))) || !strings.Contains(page, "9f86d081884c7d65") ||
			!strings.Contains(squeezed([]byte(page)), "林静怡（10518）2026-11-2014:29EX-20261120-011") {
			t.Errorf("page %d lacks its number, the fingerprint or the mark", i+1)
		}
	}
	// Nothing of the long message is lost.
	if got, want := strings.Count(squeezed([]byte(text)), "羽绒服"), 1200; got < want-60 {
		t.Errorf("%d of %d repetitions of the long message", got, want) // marks stand in some
	}
	again, _ := write(t, file.PDF, options, sample())
	if !bytes.Equal(b, again) {
		t.Error("the same export gives other bytes")
	}
}

// No line begins with a sign that must not, and none ends with an opening bracket.
func TestNoLineOfAPDFBeginsWithAComma(t *testing.T) {
	b, _ := write(t, file.PDF, options, sample()[3:4])
	for l := range strings.Lines(string(tool(t, "pdftotext", "-raw", onDisk(t, b), "-"))) {
		l = strings.TrimSpace(l)
		if strings.ContainsAny(string([]rune(l + " ")[0]), "，。、；：？！）…") || strings.HasSuffix(l, "（") {
			t.Errorf("line %q", l)
		}
	}
}

func TestAPDFLooksAsBefore(t *testing.T) {
	for _, lang := range []string{"zh-CN", "en"} {
		o := options
		o.Lang = lang
		b, _ := write(t, file.PDF, o, sample()[:3])
		name := onDisk(t, b)
		text := tool(t, "pdftotext", "-raw", name, "-")
		if want := golden(t, "transcript-"+lang+".txt", text); squeezed(want) != squeezed(text) {
			t.Errorf("%s: the text has changed:\n%s", lang, text)
		}
		picture := tool(t, "pdftoppm", "-gray", "-png", "-r", "45", "-f", "1", "-l", "1", name)
		mean, far := apart(t, golden(t, "transcript-"+lang+".png", picture), picture)
		if mean > 2 || far > 0.01 {
			t.Errorf("%s: the picture has changed: %.2f of 255 on average, %.2f%% of it by much", lang, mean, far*100)
		}
	}
}

// golden gives a file of testdata. Only what is missing is ever written.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	name = filepath.Join("testdata", name)
	want, err := os.ReadFile(name)
	if os.IsNotExist(err) && *update {
		want, err = got, os.WriteFile(name, got, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// apart tells how far two pictures are from each other: on average, and in how many places by
// more than a quarter. Versions of poppler draw the edges of letters differently.
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

// A name is shown whole, however long it is.
func TestALongNameIsWhole(t *testing.T) {
	name := strings.Repeat("云栖优品集团旗舰店", 9)
	c := file.Conversation{Code: "C-1", Messages: []file.Message{{At: day(9, 0, 0), Sender: "customer", SenderName: name, Kind: "text", Text: "好"}}}
	b, _ := write(t, file.PDF, options, []file.Conversation{c})
	text := squeezed(tool(t, "pdftotext", "-raw", "-x", "90", "-y", "0", "-W", "95", "-H", "850", onDisk(t, b), "-"))
	if got := strings.Count(text, "旗舰店"); got < 9 {
		t.Errorf("%d of 9: %s", got, text)
	}
}
