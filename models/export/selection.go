package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/mask"
)

// match is what an export takes: a condition on the conversation table, narrowed to the departments of
// whoever asked, as they are when it is made. Preview, Ask and the worker use the same.
type match func(q *gorm.DB) *gorm.DB

var notUnder = fault.Invalid("export.not_under").On("selection")

var unknownConversation = fault.Invalid("export.unknown_conversation").On("conversations")

// allowed refuses what the actor's role may not choose. An agent takes out one conversation at a time.
func (s *Selection) allowed(by account.Actor) error {
	if err := by.Require(account.ExportCreate); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	if by.Role == account.Agent && s.Kind != OfConversation {
		return fault.Forbidden("export.single_only")
	}
	switch s.Kind {
	case OfHold:
		return by.Require(account.HoldRead)
	case OfBatch:
		return by.Require(account.BatchRead)
	}
	return nil
}

func (s *Selection) check() *fault.Fault {
	switch s.Kind {
	case OfQuery:
		// A reading of other departments never lets anything out; under one's own scope the same conditions
		// would mean something else.
		if s.Query.Under != "" {
			return notUnder
		}
		// An export knows conditions, not words: leaving them out would take more than was found.
		if !s.Query.Words.Empty() {
			return fault.Invalid("export.selection_needed").On("selection")
		}
		if !s.Query.From.IsZero() && !s.Query.To.IsZero() && !s.Query.From.Before(s.Query.To) {
			return fault.Invalid("conversation.dates_reversed").On("to")
		}
		return s.Query.Traits.Check()
	case OfConversation:
		if len(s.Conversations) != 1 {
			return unknownConversation
		}
		return nil
	case OfConversations:
		if n := len(s.Conversations); n == 0 || n > MostChosen {
			return fault.Invalid("export.choose", MostChosen).On("conversations")
		}
		return nil
	case OfHold:
		if s.Hold != 0 {
			return nil
		}
	case OfCustomer:
		if s.Customer == "" || len(s.Customer) > 200 {
			return fault.Invalid("export.customer_needed").On("customer")
		}
		return nil
	case OfBatch:
		if (s.Batch == 0) != (s.Draft == 0) {
			return nil
		}
	}
	return fault.Invalid("export.selection_needed").On("selection")
}

// match gives the conditions. What is under seal leaves the house by legal alone (invariant I11). The faults
// are not-found for what is hidden from the actor, and invalid for single conversations that are.
func (d *Desk) match(tx *db.Tx, by account.Actor, s *Selection) (match, error) {
	m, err := d.chosen(tx, by, s)
	if err != nil || by.May(account.ConversationSealed) {
		return m, err
	}
	return m.and("NOT " + conversation.UnderSeal), nil
}

func (d *Desk) chosen(tx *db.Tx, by account.Actor, s *Selection) (match, error) {
	within := conversation.Filter{Departments: by.Scope, States: everyState}
	switch s.Kind {
	case OfQuery:
		f := s.Query.Filter
		f.Departments = by.Scope.And(f.Departments)
		if s.Query.Customer != "" {
			f.CustomerMAC = d.Vault.CustomerMAC(s.Query.Customer)
		}
		return f.Apply, nil
	case OfConversation, OfConversations:
		set, err := id.NewSet(s.Conversations...)
		if err != nil {
			return nil, unknownConversation
		}
		m := match(within.Apply).and("conversation.id IN ?", set.Values())
		if by.Role == account.Agent {
			m = m.and("conversation.agent_id = ?", by.StaffNo)
		}
		return m, nil
	case OfHold:
		var there int64
		if err := tx.Model(&hold.Hold{}).Where("id = ?", s.Hold).Count(&there).Error; err != nil {
			return nil, fmt.Errorf("find hold: %w", err)
		}
		if there == 0 {
			return nil, fault.NotFound("hold.not_found")
		}
		return match(within.Apply).and("conversation.id IN (SELECT hi.conversation_id FROM hold_item hi WHERE hi.hold_id = ?)", s.Hold), nil
	case OfCustomer:
		within.CustomerMAC = d.Vault.CustomerMAC(s.Customer)
		return within.Apply, nil
	}
	return backup(tx, by, s, within)
}

// backup is the match of what a batch, or the draft of one, is to remove.
func backup(tx *db.Tx, by account.Actor, s *Selection, within conversation.Filter) (match, error) {
	batch := s.Batch
	if s.Draft != 0 {
		list, became, err := bin.OnDraft(tx, by, s.Draft)
		if err != nil {
			return nil, err
		}
		if list != nil {
			return match(within.Apply).and("conversation.id IN (?)", list), nil
		}
		batch = became
	}
	all, err := bin.AllWithin(tx, []id.Batch{batch}, by.Scope)
	if err != nil {
		return nil, err
	}
	if !all {
		return nil, fault.NotFound("purge.batch_not_found")
	}
	within.Batch = batch
	return within.Apply, nil
}

// everyState is where a conversation may lie and still be taken out. What is being destroyed may not.
var everyState = []conversation.State{conversation.Active, conversation.Hidden, conversation.Binned, conversation.Frozen, conversation.Sealed}

func (m match) and(where string, args ...any) match {
	return func(q *gorm.DB) *gorm.DB { return m(q).Where(where, args...) }
}

func (m match) of(tx *db.Tx) *gorm.DB { return m(tx.Model(&conversation.Conversation{})) }

// departments counts a selection by department.
func (m match) departments(tx *db.Tx) (shares []share, err error) {
	err = m.of(tx).Group("conversation.department_id").Order("conversation.department_id").
		Select("conversation.department_id, COUNT(*) AS conversations").Scan(&shares).Error
	if err != nil {
		return nil, fmt.Errorf("count departments: %w", err)
	}
	return shares, nil
}

// share is how many conversations of an export are of one department.
type share struct {
	ExportID      id.Export     `gorm:"primaryKey;autoIncrement:false"`
	DepartmentID  id.Department `gorm:"primaryKey;autoIncrement:false"`
	Conversations int64
}

// TableName is export_department.
func (share) TableName() string { return "export_department" }

// wish is what is stored sealed of a wish: conditions and names can tell of people.
type wish struct {
	Kind          Kind              `json:"kind"`
	Query         *query            `json:"query,omitempty"`
	Conversations []id.Conversation `json:"conversations,omitempty"`
	Hold          id.Hold           `json:"hold,omitempty"`
	Customer      string            `json:"customer,omitempty"`
	Batch         id.Batch          `json:"batch,omitempty"`
	Draft         uint64            `json:"draft,omitempty"`
	Search        *Search           `json:"search,omitempty"`
	Spread        *Spread           `json:"spread,omitempty"`
	Recipient     string            `json:"recipient,omitempty"`
	Consent       string            `json:"consent,omitempty"`
	Zip           bool              `json:"zip,omitempty"`
}

// query is a search as it is stored.
type query struct {
	From         time.Time            `json:"from,omitzero"`
	To           time.Time            `json:"to,omitzero"`
	Everywhere   bool                 `json:"everywhere,omitempty"`
	Departments  []id.Department      `json:"departments,omitempty"`
	ServiceTypes []string             `json:"service_types,omitempty"`
	Tags         []string             `json:"tags,omitempty"`
	WithoutTags  []string             `json:"without_tags,omitempty"`
	Platforms    []string             `json:"platforms,omitempty"`
	Agents       []string             `json:"agents,omitempty"`
	Personal     []mask.Kind          `json:"personal,omitempty"`
	States       []conversation.State `json:"states,omitempty"`
	Batch        id.Batch             `json:"batch,omitempty"`
	Customer     string               `json:"customer,omitempty"`
	conversation.Traits
}

func (w *Wish) stored() wish {
	s := &w.Selection
	out := wish{Kind: s.Kind, Recipient: w.Recipient, Consent: w.Consent, Zip: w.Zip}
	switch s.Kind {
	case OfQuery:
		out.Query = s.conditions()
	case OfConversation, OfConversations:
		out.Conversations = slices.Clone(s.Conversations)
		if out.Search = s.Search; s.Search != nil {
			out.Query = s.conditions()
		}
	case OfHold:
		out.Hold = s.Hold
	case OfCustomer:
		out.Customer = s.Customer
	case OfBatch:
		out.Batch, out.Draft = s.Batch, s.Draft
	}
	return out
}

func (s *Selection) conditions() *query {
	f := s.Query.Filter
	q := &query{
		From: f.From, To: f.To, Everywhere: f.Departments.All, ServiceTypes: f.ServiceTypes, Tags: f.Tags, WithoutTags: f.WithoutTags,
		Platforms: f.Platforms, Agents: f.AgentIDs, Personal: f.Personal, States: f.States, Batch: f.Batch, Customer: s.Query.Customer, Traits: f.Traits,
	}
	if !f.Departments.Empty() && !f.Departments.All {
		q.Departments = f.Departments.Departments.Values()
	}
	return q
}

func (w *wish) selection() Selection {
	s := Selection{Kind: w.Kind, Conversations: w.Conversations, Search: w.Search, Hold: w.Hold, Customer: w.Customer, Batch: w.Batch, Draft: w.Draft}
	if q := w.Query; q != nil {
		s.Query.Filter = conversation.Filter{
			From: q.From, To: q.To, Departments: account.Within(q.Departments...), ServiceTypes: q.ServiceTypes, Tags: q.Tags, WithoutTags: q.WithoutTags,
			Platforms: q.Platforms, AgentIDs: q.Agents, Personal: q.Personal, States: q.States, Batch: q.Batch, Traits: q.Traits,
		}
		if q.Everywhere {
			s.Query.Departments = account.Everywhere()
		}
		s.Query.Customer = q.Customer
	}
	return s
}

const sealWish = "export wish"

func (d *Desk) sealWish(code string, w wish) ([]byte, error) {
	plain, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("write wish: %w", err)
	}
	return d.Vault.Store.SealSmall(sealWish, []byte(code), plain), nil
}

func (d *Desk) openWish(e *Export) (*wish, error) {
	plain, err := d.Vault.Store.OpenSmall(sealWish, []byte(e.Code), e.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open the wish of %s: %w", e.Code, err)
	}
	var w wish
	if err := json.Unmarshal(plain, &w); err != nil {
		return nil, fmt.Errorf("read the wish of %s: malformed", e.Code)
	}
	return &w, nil
}
