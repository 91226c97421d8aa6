package demo

import (
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	fewest = 6
	most   = 40
)

// script lays out one conversation of a scene of the book, 6 to 40 lines.
func (b *book) script(r *rand.Rand, s *scene, service string, personal bool) []line {
	lines := keep(r, s.lines, personal)
	if personal && !slices.ContainsFunc(lines, func(l line) bool { return l.personal }) {
		lines = append(lines, keep(r, b.talk[contact], true)...)
	}
	said := turns(lines)
	if !lines[0].agent && r.IntN(2) == 0 {
		said = slices.Insert(said, 0, b.talk[hello])
	}
	tense := service == "投诉" || service == "法律纠纷"
	enough, n := length(r), len(lines)+len(b.talk[hello])+len(b.talk[bye])
	for _, i := range r.Perm(len(b.blocks)) {
		block := keep(r, b.blocks[i].lines, personal)
		if n >= enough || n+len(block) > most {
			break
		}
		if b.blocks[i].calm && tense {
			continue
		}
		said = slices.Insert(said, 1+r.IntN(len(said)), block)
		n += len(block)
	}
	return slices.Concat(slices.Concat(said...), b.talk[bye])
}

// keep gives those of lines that are said this time.
func keep(r *rand.Rand, lines []line, personal bool) []line {
	var out []line
	said := false
	for _, l := range lines {
		if l.follows && !said {
			continue
		}
		said = !(l.personal && !personal || l.harmless && personal || l.maybe && r.IntN(2) == 0)
		if said {
			out = append(out, l)
		}
	}
	return out
}

// turns cuts lines where other talk may come between: after an answer, before the
// customer's next line.
func turns(lines []line) [][]line {
	var out [][]line
	from := 0
	for i := 1; i < len(lines); i++ {
		if lines[i-1].agent && !lines[i].agent {
			out = append(out, lines[from:i])
			from = i
		}
	}
	return append(out, lines[from:])
}

// length is how many lines a conversation should have; few are long.
func length(r *rand.Rand) int {
	return fewest + int(7*r.ExpFloat64())
}

// A choice remembers which wordings were taken.
type choice struct{ first, last, of int }

// say words a line. The sender is the caller's to fill in.
func (l line) say(v *values, c *choice) Message {
	n := len(l.words)
	switch {
	case l.topical:
		c.last = c.first
	case n != c.of || !l.paired || l.opens:
		c.last = v.r.IntN(n)
	}
	c.of = n
	if l.opens {
		c.first = c.last
	}
	text := l.words[c.last]
	if inside, ok := strings.CutPrefix(text, "["); ok {
		kind, name, _ := strings.Cut(strings.TrimSuffix(inside, "]"), " ")
		return Message{Kind: kinds[kind], Attachment: name}
	}
	return Message{Kind: "text", Text: v.expand(text)}
}

var kinds = map[string]string{"图片": "image", "文件": "file", "语音": "voice"}
