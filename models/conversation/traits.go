package conversation

import (
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"
	"gorm.io/gorm"

	"qingdang/models/fault"
	"qingdang/models/index"
)

// Traits are conditions on how much was said in a conversation, and on what its marks say. Zero values do not
// narrow. A conversation into which nobody has looked yet meets no condition on marks, be it yes or no.
type Traits struct {
	Least     int        `json:"least_messages,omitempty"`
	Most      int        `json:"most_messages,omitempty"` // 0: any number
	Attached  Answer     `json:"attached,omitempty"`
	Sensitive Answer     `json:"sensitive,omitempty"`
	Languages []Language `json:"languages,omitempty"` // one of them
}

// Answer is what a condition asks of something that is so or not; empty: it may be either.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// Check refuses, as invalid, numbers of messages between which there is none.
func (t Traits) Check() *fault.Fault {
	if t.Least < 0 || t.Most < 0 || t.Most > 0 && t.Most < t.Least {
		return fault.Invalid("conversation.counts_reversed").On("most")
	}
	return nil
}

// counts tells whether numbers of messages are asked for.
func (t Traits) counts() bool { return t.Least > 0 || t.Most > 0 }

// within tells whether a number of messages meets the condition.
func (t Traits) within(n int) bool { return n >= t.Least && (t.Most == 0 || n <= t.Most) }

// marks gives, for each condition on marks, the marks of which one is needed and those of which none may be.
func (t Traits) marks() (out []wantedMarks) {
	for _, q := range []struct {
		answer Answer
		mark   Marks
	}{{t.Attached, MarkAttached}, {t.Sensitive, MarkSensitive}} {
		switch q.answer {
		case Yes:
			out = append(out, wantedMarks{one: q.mark})
		case No:
			out = append(out, wantedMarks{one: everyLanguage, none: q.mark})
		}
	}
	if len(t.Languages) > 0 {
		out = append(out, wantedMarks{one: marksOf(t.Languages...)})
	}
	return out
}

// wantedMarks is one condition on marks. Everything into which somebody has looked has one language.
type wantedMarks struct{ one, none Marks }

func (t Traits) apply(q *gorm.DB) *gorm.DB {
	if t.Least > 0 {
		q = q.Where("conversation.messages >= ?", t.Least)
	}
	if t.Most > 0 {
		q = q.Where("conversation.messages <= ?", t.Most)
	}
	for _, m := range t.marks() {
		q = q.Where("conversation.marks & ? <> 0", m.one)
		if m.none != 0 {
			q = q.Where("conversation.marks & ? = 0", m.none)
		}
	}
	return q
}

// conditions are those that the index answers.
func (t Traits) conditions() (out []condition) {
	if t.counts() {
		out = append(out, condition{kind: index.Messages, name: index.NameOf(index.Messages, []string{strconv.Itoa(t.Least), strconv.Itoa(t.Most)}), meet: func(s *index.Segment) *roaring.Bitmap {
			values := slices.DeleteFunc(s.Values(index.Messages), func(v string) bool {
				n, err := strconv.Atoi(v)
				return err != nil || !t.within(n)
			})
			return s.AnyOf(index.Messages, values)
		}})
	}
	for _, m := range t.marks() {
		out = append(out, anyOf(index.Mark, m.one.names()))
		if m.none != 0 {
			not := anyOf(index.Mark, m.none.names())
			not.not = true
			out = append(out, not)
		}
	}
	return out
}

func (t Traits) meets(c *Conversation) bool {
	return t.within(c.Messages) && (len(t.marks()) == 0 || c.Marks != nil && t.Meets(*c.Marks))
}

// Meets tells whether marks are what is asked of them.
func (t Traits) Meets(marks Marks) bool {
	return !slices.ContainsFunc(t.marks(), func(m wantedMarks) bool { return marks&m.one == 0 || marks&m.none != 0 })
}
