package conversation

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/models/words"
)

// Filter says which conversations are meant. Empty fields do not narrow. From and To bound
// the time of the last message: From included, To excluded. Departments is what
// remains after the tree and the actor's scope: Everywhere narrows nothing, and a
// zero Scope matches nothing.
type Filter struct {
	From, To     time.Time
	Departments  account.Scope
	ServiceTypes []string
	Tags         []string // all of them
	WithoutTags  []string // none of them
	Platforms    []string
	AgentIDs     []string
	Agents       []string    // by id or name
	Personal     []mask.Kind // it holds one of these kinds of personal data
	CustomerMAC  []byte
	States       []State // none given: Active
	Batch        id.Batch
	Only         id.Conversation // this one alone
	Traits
	// WordsList is the list of sensitive words whose marks are believed; 0: the usual one.
	WordsList uint32

	hides   bool // what lies in the bin under seal is not found, either
	bounded bool // by a reading: nothing is told of what lies beside its time
}

// Apply narrows a query on the conversation table. It is the one place where
// conditions on conversations are written, for lists, counts, the bin and exports alike.
func (f Filter) Apply(q *gorm.DB) *gorm.DB {
	if states := f.States; len(states) > 0 {
		q = q.Where("conversation.state IN ?", states)
	} else {
		q = q.Where("conversation.state = ?", Active)
	}
	if !f.Departments.All {
		q = q.Where("conversation.department_id IN ?", f.Departments.Listed())
	}
	if !f.From.IsZero() {
		q = q.Where("conversation.last_at >= ?", f.From.UTC())
	}
	if !f.To.IsZero() {
		q = q.Where("conversation.last_at < ?", f.To.UTC())
	}
	if len(f.ServiceTypes) > 0 {
		q = q.Where("conversation.service_type IN ?", f.ServiceTypes)
	}
	if len(f.Platforms) > 0 {
		q = q.Where("conversation.platform IN ?", f.Platforms)
	}
	if len(f.AgentIDs) > 0 {
		q = q.Where("conversation.agent_id IN ?", f.AgentIDs)
	}
	if len(f.Agents) > 0 {
		q = q.Where("(conversation.agent_id IN ? OR conversation.agent_name IN ?)", f.Agents, f.Agents)
	}
	if len(f.Personal) > 0 {
		q = q.Where("conversation.personal & ? <> 0", PersonalOf(f.Personal...))
	}
	q = f.Traits.apply(q)
	if f.Sensitive != "" {
		// What was marked by another list nobody has looked into yet.
		q = q.Where("conversation.marks_list = ?", cmp.Or(f.WordsList, words.UsualList().ID()))
	}
	if f.CustomerMAC != nil {
		q = q.Where("conversation.customer_mac = ?", f.CustomerMAC)
	}
	for _, t := range f.Tags {
		q = q.Where("EXISTS (SELECT 1 FROM conversation_tag ct JOIN tag t ON t.id = ct.tag_id WHERE ct.conversation_id = conversation.id AND t.name = ?)", t)
	}
	if len(f.WithoutTags) > 0 {
		q = q.Where("NOT EXISTS (SELECT 1 FROM conversation_tag ct JOIN tag t ON t.id = ct.tag_id WHERE ct.conversation_id = conversation.id AND t.name IN ?)", f.WithoutTags)
	}
	if f.Only != 0 {
		q = q.Where("conversation.id = ?", f.Only)
	}
	if f.Batch != 0 {
		q = q.Where("conversation.batch_id = ?", f.Batch)
	}
	inBin := func(s State) bool { return s != Active && s != Hidden }
	if f.hides && slices.ContainsFunc(f.States, inBin) {
		q = q.Where("NOT " + UnderSeal)
	}
	return q
}

// May tells whether a row could match, by what can be told without the database: false is certain,
// true is not. It saves asking for every filter about every row.
func (f Filter) May(c *Conversation) bool {
	// The engines differ about blanks at the end of a text and about parts of a second.
	const slack = time.Second
	has := func(list []string, s string) bool {
		s = strings.TrimRight(s, " ")
		return len(list) == 0 || slices.ContainsFunc(list, func(l string) bool { return strings.TrimRight(l, " ") == s })
	}
	return (f.Only == 0 || f.Only == c.ID) && (f.Departments.All || f.Departments.Has(c.DepartmentID)) &&
		(f.From.IsZero() || c.LastAt.After(f.From.Add(-slack))) && (f.To.IsZero() || c.LastAt.Before(f.To.Add(slack))) &&
		has(f.ServiceTypes, c.ServiceType) && has(f.Platforms, c.Platform) && has(f.AgentIDs, c.AgentID) &&
		(has(f.Agents, c.AgentID) || has(f.Agents, c.AgentName)) &&
		(len(f.Personal) == 0 || c.Personal != nil && *c.Personal&PersonalOf(f.Personal...) != 0) && f.Traits.meets(c)
}
