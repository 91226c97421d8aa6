package mask_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"qingdang/models/db/dbtest"
	"qingdang/models/mask"
)

type marked struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Spans []struct {
		Kind  string `json:"kind"`
		Start int    `json:"start"`
		End   int    `json:"end"`
	} `json:"spans"`
}

// want gives the marked spans with byte offsets.
func (m marked) want() []mask.Span {
	runes := []rune(m.Text)
	var spans []mask.Span
	for _, s := range m.Spans {
		spans = append(spans, mask.Span{Kind: s.Kind, Start: len(string(runes[:s.Start])), End: len(string(runes[:s.End]))})
	}
	return spans
}

func TestFindGivesExactlyWhatIsMarkedInTheSharedSentences(t *testing.T) {
	file, err := os.Open(dbtest.Shared(t, "pii/cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	marks, found, right, plain, clean := 0, 0, 0, 0, 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var m marked
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		want, got := m.want(), mask.Find(m.Text)
		marks, found = marks+len(want), found+len(got)
		for _, s := range got {
			if slices.Contains(want, s) {
				right++
			}
		}
		if len(want) == 0 {
			plain++
			if len(got) == 0 {
				clean++
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\n got %v\nwant %v", m.ID, m.Text, show(m.Text, got), show(m.Text, want))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if marks == 0 || plain == 0 {
		t.Fatal("no sentences read")
	}
	t.Logf("recall %d/%d, precision %d/%d, look-alikes left alone %d/%d", right, marks, right, found, clean, plain)
}

func TestFindKnowsAnAddressInEveryDistrictOfChina(t *testing.T) {
	provinces, cities := column(t, "divisions/provinces.csv", 0), column(t, "divisions/cities.csv", 0)
	missed, all := 0, 0
	for _, row := range rows(t, "divisions/areas.csv") {
		address := provinces[row[3]] + cities[row[2]] + row[1] + "示例路319号1幢2405室"
		for _, frame := range [][2]string{{"", ""}, {"我的收货地址是", "，尽快"}, {"好的。", "谢谢"}, {"麻烦寄到", "（王女士）"}} {
			all++
			text := frame[0] + address + frame[1]
			want := mask.Span{Kind: mask.Address, Start: len(frame[0]), End: len(frame[0]) + len(address)}
			if got := mask.Find(text); len(got) != 1 || got[0] != want {
				if missed++; missed <= 20 {
					t.Errorf("%q: got %v", text, show(text, got))
				}
			}
		}
	}
	t.Logf("%d of %d addresses found exactly", all-missed, all)
}

func show(text string, spans []mask.Span) []string {
	var out []string
	for _, s := range spans {
		out = append(out, s.Kind+" "+text[s.Start:s.End])
	}
	return out
}

func rows(t *testing.T, name string) [][]string {
	t.Helper()
	file, err := os.Open(dbtest.Shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// column gives the names of a list of divisions by their codes.
func column(t *testing.T, name string, key int) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, row := range rows(t, name) {
		out[row[key]] = row[key+1]
	}
	return out
}
