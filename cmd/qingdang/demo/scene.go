package demo

import (
	"embed"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// The words stand in text files, so that whoever writes them needs no Go. A file
// holds scenes, each a heading, settings, and lines:
//
//	== 名称
//	realm: 零售                 who talks here, see team.go
//	weight: 售后 11, 投诉 2      how often, by service type
//	order: open 4, closed 6     and the state of the order
//	tags: 退款; 物流, 差评风险    always; sometimes
//	c 说法一 | 说法二             the customer says one of these, the agent (a) answers
//	a? …                        half of the time
//	a+ …                        only if the line before was said
//	c& …                        the wording with the number of the line before's
//	a= …                        the wording with the number of the first line's
//	c! …                        only with personal data; c~ only without
//	c [图片 名称.jpg]             an attachment; also 文件 and 语音
//
// A scene of talk.txt or english_talk.txt has no settings but mood, which keeps small talk out of
// complaints. An agent's line with as many wordings as the line before takes the one
// with the same number: that is how answers fit questions. {名} is filled in by
// values.go.
//
//go:embed words/*.txt
var files embed.FS

// A line is what one side says at one point, in several wordings.
type line struct {
	agent    bool
	maybe    bool
	follows  bool // only behind the line before
	paired   bool // worded like the line before
	topical  bool // worded like the first line
	opens    bool // is the first line of a scene, not of talk
	personal bool
	harmless bool // only where personal lines are left out
	words    []string
}

type scene struct {
	name    string
	realm   string
	calm    bool    // small talk
	weights weights // by service type
	orders  weights
	always  []string
	some    []string
	lines   []line
}

// A part is a scene as one of its service types.
type part struct {
	scene   *scene
	service string
}

// A book is all that can be said.
type book struct {
	scenes []*scene
	parts  []part  // what a conversation can be about …
	often  weights // … and how often it is
	talk   map[string][]line
	blocks []*scene // the talk that may come anywhere
}

const (
	hello   = "问候"
	bye     = "结束"
	contact = "联系方式"
)

var (
	chinese = sync.OnceValue(func() *book { return newBook("talk", "retail", "other") })
	english = sync.OnceValue(func() *book { return newBook("english_talk", "english") })
)

func newBook(talk string, scenes ...string) *book {
	b := &book{talk: map[string][]line{}}
	for _, name := range scenes {
		b.scenes = append(b.scenes, read(name)...)
	}
	for _, s := range b.scenes {
		for _, w := range s.weights {
			b.parts, b.often = append(b.parts, part{s, w.name}), append(b.often, w)
		}
	}
	for _, s := range read(talk) {
		b.talk[s.name] = s.lines
		if s.name != hello && s.name != bye && s.name != contact {
			b.blocks = append(b.blocks, s)
		}
	}
	return b
}

func read(name string) []*scene {
	data, err := files.ReadFile("words/" + name + ".txt")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var scenes []*scene
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSpace(text)
		if title, ok := strings.CutPrefix(text, "== "); ok {
			scenes = append(scenes, &scene{name: title})
		} else if text != "" {
			scenes[len(scenes)-1].add(text)
		}
	}
	return scenes
}

func (s *scene) add(text string) {
	head, rest, _ := strings.Cut(text, " ")
	switch head {
	case "realm:":
		s.realm = rest
	case "mood:":
		s.calm = true
	case "weight:":
		s.weights = readWeights(rest)
	case "order:":
		s.orders = readWeights(rest)
	case "tags:":
		always, some, _ := strings.Cut(rest, ";")
		s.always, s.some = split(always, ","), split(some, ",")
	default:
		l := line{agent: head[0] == 'a', opens: len(s.lines) == 0 && s.realm != "", paired: head[0] == 'a', words: split(rest, "|")}
		for _, mark := range head[1:] {
			l.maybe = l.maybe || mark == '?'
			l.follows = l.follows || mark == '+'
			l.paired = l.paired || mark == '&'
			l.topical = l.topical || mark == '='
			l.personal = l.personal || mark == '!'
			l.harmless = l.harmless || mark == '~'
		}
		if l.topical && len(l.words) != len(s.lines[0].words) {
			panic("demo: as many wordings as in the first line wanted: " + text)
		}
		s.lines = append(s.lines, l)
	}
}

func split(text, sep string) []string {
	var out []string
	for _, part := range strings.Split(text, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (b *book) pick(r *rand.Rand) (*scene, string) {
	p := b.parts[b.often.index(r)]
	return p.scene, p.service
}

func (s *scene) pickTags(r *rand.Rand) []string {
	tags := slices.Clone(s.always)
	for _, i := range r.Perm(len(s.some))[:min(r.IntN(3), len(s.some))] {
		tags = append(tags, s.some[i])
	}
	return tags
}
