package words

import (
	"bufio"
	_ "embed"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// List is words to look out for. A word is in a text where a search for it as a phrase finds it.
type List struct {
	id    uint32
	first map[rune][]string // folded, by the rune with which they begin
	terms []Term            // what has to be looked for one by one: numbers
}

// Bounds of a list.
const (
	mostListed    = 20_000
	longestListed = 50 // characters
)

//go:embed list.csv
var usual string

// UsualList is the list of an installation that has none of its own.
var UsualList = sync.OnceValue(func() *List {
	l, err := ReadList(strings.NewReader(usual))
	if err != nil {
		panic(err) // it is part of the program
	}
	return l
})

// ReadList reads a list: a word a line, up to the first comma; what is behind it is for people, and so are
// lines that begin with #.
func ReadList(r io.Reader) (*List, error) {
	var all []Term
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		word, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\ufeff"), ",")
		if word = strings.TrimSpace(word); word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		t, ok := termOf(word)
		if !ok || !utf8.ValidString(word) || utf8.RuneCountInString(word) > longestListed {
			return nil, fmt.Errorf("line %d: no word, or longer than %d characters", n, longestListed)
		}
		all = append(all, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read list of words: %w", err)
	}
	slices.SortFunc(all, func(a, b Term) int { return strings.Compare(a.text, b.text) })
	all = slices.Compact(all)
	if len(all) > mostListed {
		return nil, fmt.Errorf("more than %d words", mostListed)
	}
	l := &List{first: map[rune][]string{}, id: 1}
	sum := crc32.NewIEEE()
	for _, t := range all {
		fmt.Fprintln(sum, t.text)
		if _, ok := t.number(); ok {
			l.terms = append(l.terms, t)
			continue
		}
		r, _ := utf8.DecodeRuneInString(t.text)
		l.first[r] = append(l.first[r], t.text)
	}
	l.id = max(sum.Sum32(), 1)
	return l, nil
}

// ID tells one list from another.
func (l *List) ID() uint32 { return l.id }

// In tells whether one of the words is in the messages of a conversation. Its time is linear in the length of the texts.
func (l *List) In(texts []string) bool {
	folded := foldAll(texts)
	for i, r := range folded {
		for _, text := range l.first[r] {
			piece, more, _ := strings.Cut(text, string(gap))
			if strings.HasPrefix(folded[i:], piece) && (Term{}).endOf(folded, i, piece, more) >= 0 {
				return true
			}
		}
	}
	return slices.ContainsFunc(l.terms, func(t Term) bool {
		start, _ := t.next(folded, 0)
		return start >= 0
	})
}
