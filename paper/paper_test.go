package paper

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qingdang/static"
)

// count measures one for each Latin letter, two for anything else, as most fonts do.
func count(s string) (n float64) {
	for _, r := range s {
		if n++; r > 0xff {
			n++
		}
	}
	return n
}

func TestLinesAreBrokenWhereChineseMayBe(t *testing.T) {
	for _, tt := range []struct {
		name  string
		text  string
		width float64
		want  []string
	}{
		{"fits", "彻底删除", 8, []string{"彻底删除"}},
		{"is cut anywhere between characters", "彻底删除证书", 8, []string{"彻底删除", "证书"}},
		{"a comma does not begin a line", "彻底删除，证书", 8, []string{"彻底删", "除，证书"}},
		{"nor two signs in a row", "彻底删除）。证", 8, []string{"彻底删", "除）。证"}},
		{"an opening bracket does not end a line", "彻底删（除证书", 8, []string{"彻底删", "（除证书"}},
		{"a word stays whole", "会话 conversation", 12, []string{"会话", "conversation"}},
		{"a time stays whole", "于 2026-11-18 02:14:37 签发", 13, []string{"于 2026-11-18", "02:14:37 签发"}},
		{"what is longer than a line is cut", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"a masked number stays whole", "电话 138****6620", 14, []string{"电话", "138****6620"}},
		{"only signs", "，，，，，", 4, []string{"，，", "，，", "，"}},
		{"nothing", "", 4, []string{""}},
		{"blanks at a break are dropped", "ab  cd", 3, []string{"ab", "cd"}},
	} {
		if got := wrap(tt.text, tt.width, count); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// No character is ever lost without a word, and none is lost of what names are written in.
func TestWhatTheFontLacksIsShownAsANumber(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		n          int
	}{
		{"周镕珺喆堃玥翀祎骉燚鋆赟", "周镕珺喆堃玥翀祎骉燚鋆赟", 0},
		{"“一”—…·～￥€×→✓☃", "“一”—…·～￥€×→✓[U+2603]", 1},
		{"同意 👍", "同意 [U+1F44D]", 1},
		{"𠮷野家", "[U+20BB7]野家", 1},
		{"a\x00b\u202ec\nd", "a[U+0000]b[U+202E]c d", 2},
	} {
		if got, n := drawable(tt.text, covered()); got != tt.want || n != tt.n {
			t.Errorf("%q: %q with %d, want %q with %d", tt.text, got, n, tt.want, tt.n)
		}
	}
	words, err := filepath.Glob("../templates/locale/*/*.json")
	if err != nil || len(words) < 10 {
		t.Fatalf("catalogues: %v %v", words, err)
	}
	for _, name := range words {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, n := drawable(string(text), covered()); n > 0 {
			t.Errorf("the font lacks %d characters of %s", n, name)
		}
	}
	for _, broken := range [][]byte{nil, []byte("no font at all"), static.PaperFont()[:300]} {
		if cmap(broken)('A') {
			t.Error("a broken font covers something")
		}
	}
}

func TestALongTableGoesOverManyPages(t *testing.T) {
	table := &Table{Head: []Column{{Text: "名称", Weight: 1}, {Text: "数量", Weight: 1, Number: true}}}
	for range 200 {
		table.Rows = append(table.Rows, []Cell{{Text: strings.Repeat("会话", 20)}, {Text: "1", Badge: &Badge{Text: "通过"}}})
	}
	table.Rows = append(table.Rows, []Cell{{Text: strings.Repeat("很长的意见。", 2000)}, {}})
	d := Doc{Title: "t", Code: "C", Page: "{page}/{pages}", Sections: []Section{{Title: "s", Table: table}}, Created: time.Unix(0, 0)}
	if s := d.draw(""); s.PageCount() < 8 {
		t.Errorf("%d pages", s.PageCount())
	}
	if _, err := d.PDF(); err != nil {
		t.Fatal(err)
	}
}

// A text of a million characters is wrapped in a moment, not in an hour.
func TestAVeryLongTextIsWrapped(t *testing.T) {
	if got := wrap(strings.Repeat("会话，", 350_000), 60, count); len(got) < 30_000 {
		t.Errorf("%d lines", len(got))
	}
}

func TestARollNumbersItsPagesAndKeepsItsMarks(t *testing.T) {
	r := Begin(Doc{Title: "t", Code: "C", Page: "{page}/{pages}", Marks: []string{"收件人 😀"}, Created: time.Unix(0, 0)})
	r.Chapter("一", "一（续）", []Fact{{Term: "部门", Text: "客服"}})
	for range 200 {
		r.Line(Line{Time: "09:00:00", Who: "客户", Text: "您好\n在吗", Tint: true})
	}
	var out strings.Builder
	replaced, err := r.Close(&out, "完")
	if err != nil || r.Err() != nil || replaced != 1 || r.s.PageCount() < 6 || !strings.HasPrefix(out.String(), "%PDF") {
		t.Errorf("%d pages, %d replaced: %v", r.s.PageCount(), replaced, err)
	}
}

// Codes and words of a table stay whole, headings do not run into each other, and what the font lacks is counted once.
func TestTablesGiveCodesTheRoomTheyNeed(t *testing.T) {
	s := Doc{}.begin("1")
	table := &Table{
		Head: []Column{{Text: "Number", Weight: 1}, {Text: "Purged in the period", Weight: 1, Number: true}, {Text: "What for", Weight: 9}},
		Rows: [][]Cell{{{Text: "PG-20261113-002 Done"}, {Text: "7,398"}, {Text: strings.Repeat("因为超过保留期", 30) + " \U0001F600"}}},
	}
	g := s.grid(table)
	if len(g.rows[1][0]) != 2 || g.rows[1][0][0] != "PG-20261113-002" {
		t.Errorf("the code is broken: %q", g.rows[1][0])
	}
	sum := 0.0
	for i, w := range g.widths {
		sum += w
		for _, row := range g.rows {
			for _, line := range row[i] {
				if got := s.GetStringWidth(line); got > w-2*cellPad+0.01 {
					t.Errorf("%q is %.1f wide in a column of %.1f", line, got, w)
				}
			}
		}
	}
	if sum < inner-0.01 || sum > inner+0.01 {
		t.Errorf("the columns are %.2f wide together, want %.2f", sum, inner)
	}
	if s.replaced != 1 {
		t.Errorf("%d characters were replaced", s.replaced)
	}
	// Columns that all ask for more than there is still share the page.
	wide := &Table{Rows: [][]Cell{{}}}
	for range 9 {
		wide.Head, wide.Rows[0] = append(wide.Head, Column{Text: "x", Weight: 1}), append(wide.Rows[0], Cell{Text: strings.Repeat("W", 9)})
	}
	sum = 0
	for _, w := range s.widths(wide) {
		sum += w
	}
	if sum < inner-0.01 || sum > inner+0.01 {
		t.Errorf("the columns are %.2f wide together, want %.2f", sum, inner)
	}
}
