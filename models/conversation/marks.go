package conversation

import (
	"slices"
	"strings"
	"unicode"

	"qingdang/models/words"
)

// Marks are what a search may ask of a conversation that only its body tells. They stand in its row, written
// together with the body by whoever has that in the clear just then, and tell neither how much nor what. nil
// in the row means that nobody has looked since before there was such a column.
type Marks uint16

// The marks. Their bits never change. Each conversation has one language.
const (
	MarkAttached  Marks = 1 << iota // a message is a picture, a file, a voice or a video, or names a file
	MarkSensitive                   // a word to look out for was said
	markChinese
	markEnglish
	markMixed
	markOther
)

const everyLanguage = markChinese | markEnglish | markMixed | markOther

// Language is in what a conversation was held, as its script tells.
type Language string

// The languages: mostly Han, mostly Latin letters, both of these, and anything else or nothing at all.
const (
	Chinese       Language = "zh"
	English       Language = "en"
	Mixed         Language = "mixed"
	OtherLanguage Language = "other"
)

var languages = []Language{Chinese, English, Mixed, OtherLanguage}

// Languages lists them.
func Languages() []Language { return slices.Clone(languages) }

// marksOf are the marks of languages; one that is not known adds nothing.
func marksOf(of ...Language) (m Marks) {
	for i, l := range languages {
		if slices.Contains(of, l) {
			m |= markChinese << i
		}
	}
	return m
}

// names lists the marks for the index.
func (m Marks) names() (out []string) {
	for i, name := range []string{"attached", "sensitive", string(Chinese), string(English), string(Mixed), string(OtherLanguage)} {
		if m&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Marks says what the marks of a document are: of everything that was said, be it recalled or not. The list is
// of the words to look out for.
func (d *Document) Marks(list *words.List) Marks {
	var m Marks
	texts := make([]string, 0, len(d.Messages))
	var said script
	for i := range d.Messages {
		one := &d.Messages[i]
		if attached(one) {
			m |= MarkAttached
		}
		texts = append(texts, one.Text)
		if one.Sender != FromSystem {
			said.add(one.Text)
		}
	}
	if list.In(texts) {
		m |= MarkSensitive
	}
	return m | marksOf(said.language())
}

// attached tells whether a message is, or brings, something beside words.
func attached(m *Message) bool {
	switch m.Kind {
	case "image", "file", "voice", "video":
		return true
	}
	return m.Attachment != ""
}

// script counts what was written in which: a Han character counts as much as a word of letters.
type script struct{ han, latin, other int }

// add counts a text but for the addresses of pages in it, which say nothing about who writes.
func (s *script) add(text string) {
	inWord := false
	skip := -1
	for i, r := range text {
		if i <= skip {
			continue
		}
		switch {
		case r >= '\u4e00' && r <= '\u9fff': // nearly all of a Chinese text
			inWord = false
			s.han++
		case r == 'h' && !inWord && (strings.HasPrefix(text[i:], "http://") || strings.HasPrefix(text[i:], "https://")):
			skip = i + addressLen(text[i:]) - 1
		case r <= unicode.MaxASCII && !unicode.IsLetter(r), r >= '，' && r <= '？':
			inWord = false
		case unicode.Is(unicode.Latin, r):
			if !inWord {
				s.latin++
			}
			inWord = true
		case unicode.Is(unicode.Han, r):
			inWord = false
			s.han++
		case unicode.IsLetter(r):
			if syllabic := unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai); syllabic || !inWord {
				s.other++
				inWord = !syllabic
			}
		case unicode.Is(unicode.Mn, r):
		default:
			inWord = false
		}
	}
}

// addressLen is how long the address is with which a text begins: up to a blank, or what is no ASCII.
func addressLen(text string) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII }); n >= 0 {
		return n
	}
	return len(text)
}

// language is the one in which four of five were said.
func (s script) language() Language {
	all := s.han + s.latin + s.other
	switch {
	case all == 0, s.other*5 >= all:
		return OtherLanguage
	case s.han*5 >= all*4:
		return Chinese
	case s.latin*5 >= all*4:
		return English
	}
	return Mixed
}

// MarkedAs tells whether the row says of a document what is in it: how many messages, and the marks, as far as
// somebody has looked for them and the list of words is the same.
func (c *Conversation) MarkedAs(d *Document, list *words.List) bool {
	if c.Messages != len(d.Messages) {
		return false
	}
	if c.Marks == nil {
		return true
	}
	differ := *c.Marks ^ d.Marks(list)
	if c.MarksList == nil || *c.MarksList != list.ID() {
		differ &^= MarkSensitive
	}
	return differ == 0
}

// marks lists what the row knows, for the index.
func (c *Conversation) marks() []string {
	if c.Marks == nil {
		return nil
	}
	return c.Marks.names()
}
