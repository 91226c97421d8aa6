package hold

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/fault"
	"qingdang/models/id"
)

// Kind says by what a hold takes conversations.
type Kind string

// The kinds. A keyword is not among the conditions of any: bodies are sealed, and there is no
// index over them yet.
const (
	OnDepartment    Kind = "department"
	OnQuery         Kind = "query"
	OnCustomers     Kind = "customers"
	OnAgents        Kind = "agents"
	OnConversations Kind = "conversations"
)

// Kinds lists the kinds in the order in which a form offers them.
func Kinds() []Kind { return []Kind{OnDepartment, OnQuery, OnCustomers, OnAgents, OnConversations} }

// Order is what a hold is to cover and why.
//
// A hold on a department uses Department and Sub; one on a query uses Criteria; one on customers
// or agents uses Customers or Criteria.Agents, narrowed by the rest of Criteria; one on single
// conversations uses Conversations. An empty Kind is a department's hold, or one on
// conversations when those are given.
type Order struct {
	Key           string // of the form, so that sending it twice places one hold; "" from programs
	Kind          Kind
	Name          string
	Reason        string
	Fixed         bool      // only what is there now; always so on single conversations
	Owner         id.User   // of legal; 0: whoever places it
	ReviewAt      time.Time // zero: in DefaultReview
	Department    id.Department
	Sub           bool
	Criteria      Criteria
	Customers     []string // their ids on the platforms, as typed; never stored in clear
	Conversations []id.Conversation
	// Shown is the count that the page showed, for Place to compare; nil compares nothing.
	Shown *int64
}

// MostSingle is how many single conversations one hold names.
const MostSingle = 10_000

// Bounds of an order.
const (
	leastReason   = 8
	mostReason    = 2000
	mostName      = 200
	mostCustomers = 2_000
	mostOfAList   = 200
	mostKey       = 60
	longestWord   = 100
	longestID     = 200
)

// DefaultReview is how long after its placing a hold is reviewed unless told otherwise, and
// MostReview is how far ahead, in years, a review may be put.
const (
	DefaultReview = 90 * 24 * time.Hour
	mostReview    = 1
)

// normal gives the order with its kind said, texts trimmed and lists without repetitions.
func (o Order) normal() Order {
	if o.Kind == "" {
		o.Kind = OnDepartment
		if len(o.Conversations) > 0 {
			o.Kind = OnConversations
		}
	}
	o.Name, o.Reason = strings.TrimSpace(o.Name), strings.TrimSpace(o.Reason)
	o.Criteria = o.Criteria.normal()
	o.Customers = words(o.Customers)
	o.Fixed = o.Fixed || o.Kind == OnConversations
	return o
}

// words trims, sorts and thins out what was typed.
func words(in []string) []string {
	var out []string
	for _, w := range in {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check refuses what cannot be a hold whatever is stored. The order is normal.
func (o Order) check() error {
	var name, key *fault.Fault
	if n := utf8.RuneCountInString(o.Name); n == 0 || n > mostName || !utf8.ValidString(o.Name) {
		name = fault.Invalid("hold.name_needed", mostName).On("name")
	}
	if len(o.Key) > mostKey {
		key = fault.Invalid("hold.form_stale")
	}
	return fault.All(name, reasonFault(o.Reason), key, o.checkScope())
}

func reasonFault(reason string) *fault.Fault {
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n < leastReason || n > mostReason || !utf8.ValidString(reason) {
		return fault.Invalid("hold.reason_needed", leastReason, mostReason).On("reason")
	}
	return nil
}

func (o Order) checkScope() *fault.Fault {
	// A field of another kind that is filled in was meant to narrow or to widen: neither may be
	// dropped in silence.
	if o.stray() {
		return fault.Invalid("hold.scope_needed", MostSingle).On("department")
	}
	switch o.Kind {
	case OnDepartment:
		if o.Department == 0 {
			return fault.Invalid("hold.scope_needed", MostSingle).On("department")
		}
	case OnConversations:
		if len(o.Conversations) == 0 || len(o.Conversations) > MostSingle {
			return fault.Invalid("hold.scope_needed", MostSingle).On("department")
		}
	case OnCustomers:
		if len(o.Customers) == 0 || len(o.Customers) > mostCustomers || slices.ContainsFunc(o.Customers, tooLong(longestID)) {
			return fault.Invalid("hold.customers_needed", mostCustomers).On("customers")
		}
	case OnAgents:
		if len(o.Criteria.Agents) == 0 {
			return fault.Invalid("hold.agents_needed", mostOfAList).On("agents")
		}
	case OnQuery:
		if o.Criteria.empty() {
			return fault.Invalid("hold.query_needed").On("query")
		}
	default:
		return fault.Invalid("hold.kind_needed").On("kind")
	}
	return o.Criteria.check()
}

// stray tells whether something is filled in that the kind does not use.
func (o Order) stray() bool {
	used := map[Kind][3]bool{ // department, conversations, customers
		OnDepartment: {true, false, false}, OnConversations: {false, true, false}, OnCustomers: {false, false, true},
	}[o.Kind]
	return !used[0] && o.Department != 0 || !used[1] && len(o.Conversations) > 0 || !used[2] && len(o.Customers) > 0 ||
		(o.Kind == OnDepartment || o.Kind == OnConversations) && !o.Criteria.empty()
}

func tooLong(n int) func(string) bool {
	return func(s string) bool { return utf8.RuneCountInString(s) > n || !utf8.ValidString(s) }
}

// reviewAt says when the hold is to be reviewed first.
func reviewAt(wanted, now time.Time) (time.Time, error) {
	wanted = cmp.Or(wanted, now.Add(DefaultReview)).UTC()
	if !wanted.After(now) || wanted.After(now.AddDate(mostReview, 0, 0)) {
		return time.Time{}, fault.Invalid("hold.review_date").On("review_at")
	}
	return wanted, nil
}
