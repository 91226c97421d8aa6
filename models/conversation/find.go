package conversation

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Conversations is the archive as a person sees it.
type Conversations struct {
	DB    *db.DB
	Vault Vault
}

// Query is one page of a search. Customer is the customer's id in the clear; only its keyed
// name reaches the database and the log.
type Query struct {
	Filter
	Customer string
	Under    string // code of the reading under which it is searched; empty: in the own departments
	Cursor   string
	Size     int // 1 to 100
}

// Row is one conversation of a list with what was opened of it. Readable is false where the
// body could not be opened; fsck says why.
type Row struct {
	Conversation
	Tags         []string
	Readable     bool
	CustomerID   string
	CustomerName string
	ExternalID   string
	Preview      string // the customer's first text, unmasked: mask it before showing
}

// Page is one page of a search, newest first. Newer and Older are cursors, empty at the ends.
type Page struct {
	Rows         []Row
	Total        int64
	Binned       int64 // of the same conditions, in the recycle bin
	Newer, Older string
}

const pageLimit = 100

// Search gives a page of the conversations that the actor may see, and writes the search
// into the audit log first. The faults are forbidden, and invalid for reversed dates, a
// size out of range or a bad cursor.
func (s *Conversations) Search(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	at, backward, err := parseToken(q.Cursor)
	if err != nil {
		return nil, err
	}
	var page *Page
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		f, err := s.narrow(tx, by, q)
		if err != nil {
			return err
		}
		page, err = s.page(tx, f, at, backward, q.Size)
		return err
	})
	switch {
	case fault.KindOf(err) == fault.KindForbidden:
		return nil, s.overdue(ctx, by, q, err)
	case err != nil:
		return nil, fmt.Errorf("search conversations: %w", err)
	}
	if q.Under != "" {
		page.Binned = 0 // the bin is not opened to readers from elsewhere
	}
	if err := s.note(ctx, by, q, page.Total); err != nil {
		return nil, err
	}
	return page, nil
}

func (q *Query) check() error {
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return fault.Invalid("conversation.dates_reversed").On("to")
	}
	if q.Size < 1 || q.Size > pageLimit {
		return fault.Invalid("conversation.size", pageLimit).On("size")
	}
	return nil
}

// narrow adds what the actor may see to what was asked for: the own departments, or what a reading
// opens and nothing beside it. The fault is forbidden when there is no such reading any more.
func (s *Conversations) narrow(tx *db.Tx, by account.Actor, q Query) (Filter, error) {
	f := q.Filter
	if q.Customer != "" {
		f.CustomerMAC = s.Vault.CustomerMAC(q.Customer)
	}
	if q.Under == "" {
		f.Departments = by.Scope.And(f.Departments)
		return f, nil
	}
	r, ok := by.Under(q.Under)
	if !ok || !tx.Now.Before(r.Until) {
		return Filter{}, fault.Forbidden("conversation.reading_over")
	}
	f.Departments, f.Only = r.Where.And(f.Departments), r.Conversation
	if f.From.Before(r.From) {
		f.From = r.From
	}
	if !r.To.IsZero() && (f.To.IsZero() || f.To.After(r.To)) {
		f.To = r.To
	}
	if r.Customer != nil {
		if f.CustomerMAC != nil && !bytes.Equal(f.CustomerMAC, r.Customer) {
			f.Departments = account.Scope{}
		}
		f.CustomerMAC = r.Customer
	}
	f.States = slices.DeleteFunc(slices.Clone(f.States), func(s State) bool { return s != Active && s != Hidden })
	return f, nil
}

// overdue writes down a search under a reading that is over, or was never the actor's.
func (s *Conversations) overdue(ctx context.Context, by account.Actor, q Query, err error) error {
	entry := audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Data: map[string]any{"why": "conversation.reading_over"}}
	if account.IsReadingCode(q.Under) {
		entry.Object, entry.Data["access"] = q.Under, q.Under
	}
	return errors.Join(err, audit.Refused(ctx, s.DB, entry))
}

func (s *Conversations) page(tx *db.Tx, f Filter, at position, backward bool, size int) (*Page, error) {
	p := &Page{}
	if err := f.Apply(tx.Model(&Conversation{})).Count(&p.Total).Error; err != nil {
		return nil, err
	}
	binned := f
	binned.States = []State{Binned, Frozen, Purging}
	if err := binned.Apply(tx.Model(&Conversation{})).Count(&p.Binned).Error; err != nil {
		return nil, err
	}
	var found []Conversation
	if err := at.after(f.Apply(tx.Model(&Conversation{})), backward).Limit(size + 1).Find(&found).Error; err != nil {
		return nil, err
	}
	more := len(found) > size
	found = found[:min(size, len(found))]
	if backward {
		slices.Reverse(found)
	}
	if n := len(found); n > 0 {
		first, last := position{found[0].LastAt, found[0].ID}, position{found[n-1].LastAt, found[n-1].ID}
		if more || backward {
			p.Older = last.token(false)
		}
		if backward && more || !backward && at.id != 0 {
			p.Newer = first.token(true)
		}
	}
	var err error
	p.Rows, err = s.rows(tx, found)
	return p, err
}

// rows opens the bodies of a list in three statements.
func (s *Conversations) rows(tx *db.Tx, found []Conversation) ([]Row, error) {
	rows := make([]Row, len(found))
	if len(found) == 0 {
		return rows, nil
	}
	ids := make([]id.Conversation, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	bodies, keys, err := loadAll(tx, ids)
	if err != nil {
		return nil, err
	}
	tags, err := Tags(tx, ids)
	if err != nil {
		return nil, err
	}
	for i, c := range found {
		rows[i] = Row{Conversation: c, Tags: tags[c.ID]}
		b, k := bodies[c.ID], keys[c.ID]
		if b == nil || k == nil {
			continue
		}
		doc, err := s.Vault.Open(b, k)
		if err != nil {
			continue
		}
		r := &rows[i]
		r.Readable, r.CustomerID, r.CustomerName, r.ExternalID = true, doc.CustomerID, doc.CustomerName, doc.ExternalID
		r.Preview = preview(doc)
	}
	return rows, nil
}

func preview(d *Document) string {
	for _, want := range []Sender{FromCustomer, ""} {
		for _, m := range d.Messages {
			if m.Text != "" && !m.Recalled && (want == "" || m.Sender == want) {
				return m.Text
			}
		}
	}
	return ""
}

func loadAll(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*Body, map[id.Conversation]*Key, error) {
	var bs []Body
	if err := tx.Where("id IN ?", ids).Find(&bs).Error; err != nil {
		return nil, nil, fmt.Errorf("load bodies: %w", err)
	}
	var ks []Key
	if err := tx.Where("id IN ?", ids).Find(&ks).Error; err != nil {
		return nil, nil, fmt.Errorf("load keys: %w", err)
	}
	bodies, keys := make(map[id.Conversation]*Body, len(bs)), make(map[id.Conversation]*Key, len(ks))
	for i := range bs {
		bodies[bs[i].ID] = &bs[i]
	}
	for i := range ks {
		keys[ks[i].ID] = &ks[i]
	}
	return bodies, keys, nil
}

// Tags gives the names of the tags of each conversation.
func Tags(tx *db.Tx, ids []id.Conversation) (map[id.Conversation][]string, error) {
	var found []struct {
		ConversationID id.Conversation
		Name           string
	}
	err := tx.Table("conversation_tag ct").Joins("JOIN tag t ON t.id = ct.tag_id").
		Where("ct.conversation_id IN ?", ids).Order("t.name").Select("ct.conversation_id, t.name").Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("load tags: %w", err)
	}
	out := map[id.Conversation][]string{}
	for _, f := range found {
		out[f.ConversationID] = append(out[f.ConversationID], f.Name)
	}
	return out, nil
}

// TagNames gives the names of the tags that the actor's conversations have.
func (s *Conversations) TagNames(ctx context.Context, by account.Actor) (names []string, err error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		q := tx.Model(&Tag{}).Order("name")
		if !by.Scope.All {
			q = q.Where("EXISTS (SELECT 1 FROM conversation_tag ct JOIN conversation c ON c.id = ct.conversation_id WHERE ct.tag_id = tag.id AND c.department_id IN ?)", by.Scope.Departments.Values())
		}
		return q.Pluck("name", &names).Error
	})
	return names, err
}

// note writes a search into the audit log: its conditions, and the customer only under
// the keyed name.
func (s *Conversations) note(ctx context.Context, by account.Actor, q Query, found int64) error {
	data := map[string]any{}
	put := func(key string, v []string) {
		if len(v) > 0 {
			data[key] = v
		}
	}
	put("service_types", q.ServiceTypes)
	put("platforms", q.Platforms)
	// What a person types may be anything, a telephone number in the wrong field too, and the log
	// is for ever: it keeps how many there were.
	data["tags"], data["agents"] = len(q.Tags), len(q.AgentIDs)
	if q.Customer != "" {
		data["customer"] = hex.EncodeToString(s.Vault.CustomerMAC(q.Customer)[:8])
	}
	if !q.From.IsZero() {
		data["from"] = q.From.UTC().Format(time.RFC3339)
	}
	if !q.To.IsZero() {
		data["to"] = q.To.UTC().Format(time.RFC3339)
	}
	if !q.Departments.All {
		data["departments"] = q.Departments.Departments.Len()
	}
	if q.Under != "" {
		data["access"] = q.Under
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Object: q.Under, Count: found, Data: data})
	})
}

// Bodies gives the sealed bodies of conversations and their keys; what is not there is left out.
func Bodies(tx *db.Tx, ids []id.Conversation) (map[id.Conversation]*Body, map[id.Conversation]*Key, error) {
	return loadAll(tx, ids)
}
