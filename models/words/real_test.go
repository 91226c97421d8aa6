package words_test

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"qingdang/models/db/dbtest"
	"qingdang/models/words"
)

// dialogues gives the texts of real conversations.
func dialogues(t testing.TB) (all [][]string) {
	t.Helper()
	for _, name := range []string{"crosswoz_val", "kdconv_film_dev", "kdconv_music_dev", "kdconv_travel_dev"} {
		file, err := os.Open(dbtest.Shared(t, "dialogues/"+name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var d struct{ Turns []struct{ Text string } }
			if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
				t.Fatal(err)
			}
			texts := make([]string, len(d.Turns))
			for i, turn := range d.Turns {
				texts[i] = turn.Text
			}
			all = append(all, texts)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Parts of real texts are found where they stand, and nowhere that the oracle does not find them;
// the index terms of all conversations are the oracle's.
func TestRealConversations(t *testing.T) {
	all := dialogues(t)
	random := rand.New(rand.NewPCG(5, 7))
	index := make([]map[string]bool, len(all))
	folded := make([][][]token, len(all))
	for i, texts := range all {
		checkIndexTerms(t, texts)
		index[i] = oracleTerms(texts)
		for _, text := range texts {
			folded[i] = append(folded[i], tokens(text))
		}
	}
	found := 0
	for range 100 {
		i := random.IntN(len(all))
		text := []rune(all[i][random.IntN(len(all[i]))])
		from := random.IntN(len(text))
		typed := string(text[from:min(len(text), from+1+random.IntN(6))])
		if strings.ContainsAny(typed, "\"“”＂") || len(tokens(typed)) == 0 {
			continue
		}
		q := parse(t, `"`+typed+`"`)
		want := tokens(typed)
		for j, texts := range all {
			got := q.Match(texts)
			if oracle := slices.ContainsFunc(folded[j], func(have []token) bool { return standsAmong(want, have) }); got != oracle {
				t.Fatalf("%q in conversation %d: %v, the oracle says %v", typed, j, got, oracle)
			}
			term := q.All[0][0]
			all := may(term, func(s string) bool { return index[j][s] })
			if got && !all || all && term.Exact() && !got {
				t.Fatalf("%q in conversation %d: matches %v, has all terms %v, exact %v", typed, j, got, all, term.Exact())
			}
			if got {
				found++
			}
		}
	}
	if found < 300 {
		t.Errorf("only %d matches: the texts say nothing about this", found)
	}
}

// kilobyte is a real conversation of about a thousand bytes.
func kilobyte(b *testing.B) []string {
	var texts []string
	size := 0
	for _, d := range dialogues(b)[:3] {
		for _, text := range d {
			if size += len(text); size > 1000 {
				return texts
			}
			texts = append(texts, text)
		}
	}
	return texts
}

func BenchmarkTerms(b *testing.B) {
	texts := kilobyte(b)
	b.ReportAllocs()
	for b.Loop() {
		words.Terms(texts...)
	}
}

func BenchmarkMatch(b *testing.B) {
	texts := kilobyte(b)
	for _, query := range []string{"退款", `酒店 电话|地址 "免费 停车" -机票`} {
		q, err := words.Parse(query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.Match(texts)
			}
		})
	}
}

func BenchmarkHits(b *testing.B) {
	texts := kilobyte(b)
	q, err := words.Parse("酒店 电话 的")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range texts {
			q.Hits(t)
		}
	}
}
