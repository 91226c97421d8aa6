package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/id"
)

// searchPage is how many conversations a page has.
const searchPage = 50

// sort says what is asked.
type sort int

const (
	page      sort = iota // the newest page
	deepPage              // one far down
	count                 // how many there are
	histogram             // how many of each week
)

// question is one thing to search for. Words are a query of one word; division repeats the filter's for
// the peers.
type question struct {
	sort     sort
	words    string
	share    float64 // of the conversations that have the word
	filter   conversation.Filter
	division id.Department
	cursor   string
	below    conversation.Conversation // what the cursor stands for
}

// class is a row of the report: questions of one kind.
type class struct {
	name      string
	questions []question
}

// asker makes questions.
type asker struct {
	random *rand.Rand
	tree   *department.Tree
	root   id.Department
	from   time.Time // the first month
	days   int
}

func newAsker(ctx context.Context, o *site, s Shape, random *rand.Rand) (*asker, error) {
	tree, err := o.departments.Tree(ctx)
	if err != nil {
		return nil, err
	}
	root, ok := tree.ByPath(rootName)
	if !ok {
		return nil, fmt.Errorf("no departments")
	}
	from := s.Until.AddDate(0, -s.Months, 0)
	return &asker{random: random, tree: tree, root: root.ID, from: from, days: int(s.Until.Sub(from).Hours() / 24)}, nil
}

// within takes days at random.
func (a *asker) within(f *conversation.Filter, days int) {
	f.From = a.from.AddDate(0, 0, a.random.IntN(max(1, a.days-days)))
	f.To = f.From.AddDate(0, 0, days)
}

func (a *asker) child(of id.Department) id.Department {
	children := a.tree.Children(of)
	return children[a.random.IntN(len(children))]
}

func (a *asker) below(f *conversation.Filter, d id.Department) {
	f.Departments = account.Within(a.tree.Subtree(d)...)
}

// The filters of words.
var narrowings = []string{"none", "month", "month + division"}

// wordQuestions asks for each word, within one of the narrowings.
func (a *asker) wordQuestions(list []*word, total int, narrowing string) (qs []question) {
	for _, w := range list {
		q := question{words: w.text, share: float64(w.n) / float64(total), filter: conversation.Filter{Departments: account.Everywhere()}}
		if narrowing != narrowings[0] {
			a.within(&q.filter, 30)
		}
		if narrowing == narrowings[2] {
			q.division = a.child(a.root)
			a.below(&q.filter, q.division)
		}
		qs = append(qs, q)
	}
	return qs
}

// mixes are the mixes of filters of PERFORMANCE.md, S1 to S7. Tags are numbered from 1, 0 is none.
var mixes = []struct {
	name    string
	days    int
	depth   int // of the department below the root; 0: the whole tree
	tag     int
	service string
}{
	{"S1 month, division", 30, 1, 0, ""},
	{"S2 year, department", 365, 2, 0, ""},
	{"S3 year, team, service type 3 %", 365, 3, 0, "法律纠纷"},
	{"S4 year, department, tag 20 %", 365, 2, 1, ""},
	{"S5 year, department, tag 0.5 %", 365, 2, 35, ""},
	{"S6 year, everything, tag 0.5 %", 365, 0, 35, ""},
	{"S7 year, division, service type 3 %, tag 0.5 %", 365, 1, 35, "法律纠纷"},
}

// mixQuestions asks few times for one of the mixes.
func (a *asker) mixQuestions(mix, few int, of sort) (qs []question) {
	m := mixes[mix]
	for range few {
		q := question{sort: of, filter: conversation.Filter{Departments: account.Everywhere()}}
		a.within(&q.filter, m.days)
		if m.depth > 0 {
			d := a.root
			for range m.depth {
				d = a.child(d)
			}
			a.below(&q.filter, d)
		}
		if m.tag > 0 {
			q.filter.Tags = []string{tagName(m.tag - 1)}
		}
		if m.service != "" {
			q.filter.ServiceTypes = []string{m.service}
		}
		qs = append(qs, q)
	}
	return qs
}

// histogramQuestions asks for the weeks of a year of one division.
func (a *asker) histogramQuestions(few int) (qs []question) {
	for range few {
		q := question{sort: histogram}
		a.within(&q.filter, 365)
		a.below(&q.filter, a.child(a.root))
		qs = append(qs, q)
	}
	return qs
}
