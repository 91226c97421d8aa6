package index

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"qingdang/models/db"
	"qingdang/models/id"
)

// Doc is what the index keeps of a conversation.
type Doc struct {
	ID          id.Conversation
	Version     uint32
	LastAt      time.Time
	Department  id.Department
	ServiceType string
	Platform    string
	Agent       string
	State       int
	Tags        []id.Tag
	Personal    []string // kinds of personal data that it holds
	Messages    int
	Marks       []string // what else is known of its body
	Terms       []Token  // distinct, in any order; nil where the body was not opened
	Later       bool     // the body does not open for now: Terms are not known
	Fleeting    bool     // it may be gone without a note of it
}

// Source tells what conversations are. models/conversation implements it.
type Source interface {
	// Docs gives the documents of those of the ids that are there. Terms may be left out where terms is
	// false: only attributes are wanted, and no body has to be opened. A conversation whose body will never
	// open has no terms, and one whose body does not open for now is Later.
	Docs(ctx context.Context, tx *db.Tx, ids []id.Conversation, terms bool) ([]Doc, error)
	// Lock locks the rows of those of the ids that are there, in ascending order, and gives their versions.
	Lock(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]uint32, error)
	// IDs gives the next n conversations there are, of whatever state, in ascending order.
	IDs(tx *db.Tx, after id.Conversation, n int) ([]id.Conversation, error)
}

// Kind names an attribute.
type Kind int

// The attributes. A value is text: id.String of a department or tag, the decimal number of a state
// or of messages, and service types, platforms, agents, kinds of personal data and marks as they are.
const (
	Department Kind = iota
	ServiceType
	Platform
	Agent
	State
	Tag
	Personal
	Messages
	Mark
	kinds
)

// String names an attribute.
func (k Kind) String() string {
	return [...]string{"department", "service type", "platform", "agent", "state", "tag", "personal data", "messages", "marks"}[k]
}

// each calls f with every attribute of the document.
func (d *Doc) each(f func(Kind, string)) {
	f(Department, id.String(d.Department))
	f(ServiceType, d.ServiceType)
	f(Platform, d.Platform)
	f(Agent, d.Agent)
	f(State, strconv.Itoa(d.State))
	for _, t := range d.Tags {
		f(Tag, id.String(t))
	}
	for _, p := range d.Personal {
		f(Personal, p)
	}
	f(Messages, strconv.Itoa(d.Messages))
	for _, m := range d.Marks {
		f(Mark, m)
	}
}

// moment is a time as segments keep it: microseconds, as the database does.
func moment(t time.Time) int64 { return t.UnixMicro() }

func instant(m int64) time.Time { return time.UnixMicro(m).UTC() }

// place is where a document stands among others: later is higher.
type place struct {
	at int64
	id id.Conversation
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.id, q.id))
}

func sortDocs(docs []Doc) {
	slices.SortFunc(docs, func(a, b Doc) int {
		return place{moment(a.LastAt), a.ID}.compare(place{moment(b.LastAt), b.ID})
	})
}
