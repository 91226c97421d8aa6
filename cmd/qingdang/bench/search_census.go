package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
	"unicode"
)

// The classes of words, by the share of conversations that have them, and from where to where that
// still counts.
var rarities = []struct {
	name           string
	goal, from, to float64
}{{"rare", 0.0001, 0.00005, 0.0002}, {"medium", 0.01, 0.005, 0.02}, {"common", 0.4, 0.3, 0.6}}

// wordLengths are the lengths of the words that are looked for.
var wordLengths = []int{2, 4}

// word is a piece of what was said. N is how many conversations have it.
type word struct {
	text string
	n    int
	last int // the conversation that was counted last
}

// census counts in how many conversations each of a choice of words stands.
type census struct {
	sync.Mutex
	words map[string]*word
	total int
}

const (
	sampled        = 3000 // conversations from which the words are chosen
	mostCandidates = 20000
)

// newCensus chooses the words from the first conversations of a corpus.
func newCensus(c *corpus, n int, random *rand.Rand) *census {
	seen := &census{words: map[string]*word{}}
	n = min(n, sampled)
	for range n {
		conversation := c.next(place{}, time.Unix(0, 0))
		seen.add(spoken(&conversation.Document), true)
	}
	chosen := &census{words: map[string]*word{}}
	for _, class := range rarities {
		for _, length := range wordLengths {
			var fit []string
			for _, w := range seen.words {
				share := float64(w.n) / float64(n)
				near := share > class.from/2 && share < class.to*2 || class.name == "rare" && w.n == 1
				if near && len([]rune(w.text)) == length {
					fit = append(fit, w.text)
				}
			}
			slices.Sort(fit)
			random.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
			for _, text := range fit[:min(len(fit), mostCandidates)] {
				chosen.words[text] = &word{text: text}
			}
		}
	}
	return chosen
}

// add counts a conversation; with more, words that are not yet known too.
func (c *census) add(texts []string, more bool) {
	c.Lock()
	defer c.Unlock()
	c.total++
	for _, text := range texts {
		runes := []rune(text)
		for i := range runes {
			for _, length := range wordLengths {
				if i+length > len(runes) || !han(runes[i:i+length]) {
					continue
				}
				w := c.words[string(runes[i:i+length])]
				if w == nil && more {
					w = &word{text: string(runes[i : i+length])}
					c.words[w.text] = w
				}
				if w != nil && w.last != c.total {
					w.last = c.total
					w.n++
				}
			}
		}
	}
}

func han(runes []rune) bool {
	return !slices.ContainsFunc(runes, func(r rune) bool { return !unicode.Is(unicode.Han, r) })
}

// pick gives a few words of a class and length, those that come nearest to it.
func (c *census) pick(class, length, few int, random *rand.Rand) []*word {
	r := rarities[class]
	share := func(w *word) float64 { return float64(w.n) / float64(c.total) }
	far := func(w *word) float64 {
		if s := share(w); s >= r.from && s <= r.to {
			return 0
		}
		return math.Abs(math.Log(share(w) / r.goal))
	}
	var fit []*word
	for _, w := range c.words {
		if w.n > 0 && len([]rune(w.text)) == length {
			fit = append(fit, w)
		}
	}
	slices.SortFunc(fit, func(a, b *word) int { return cmp.Compare(a.text, b.text) })
	random.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
	slices.SortStableFunc(fit, func(a, b *word) int { return cmp.Compare(far(a), far(b)) })
	return fit[:min(few, len(fit))]
}
