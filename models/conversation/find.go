package conversation

import (
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
	Cursor   string
	Size     int // 1 to 100
}

// Row is one conversation of a list with what was opened of it. Readable is false where the
// body could not be opened; the reason is in the log.
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
	f := s.narrow(by, q)
	var page *Page
	if err = s.DB.Read(ctx, func(tx *db.Tx) error {
		page, err = s.page(tx, f, at, backward, q.Size)
		return err
	}); err != nil {
		return nil, fmt.Errorf("search conversations: %w", err)
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

// narrow adds what the actor may see to what was asked for.
func (s *Conversations) narrow(by account.Actor, q Query) Filter {
	f := q.Filter
	f.Departments = by.Scope.And(f.Departments)
	if q.Customer != "" {
		f.CustomerMAC = s.Vault.CustomerMAC(q.Customer)
	}
	return f
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

// TagNames gives the names of all tags.
func (s *Conversations) TagNames(ctx context.Context) (names []string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error { return tx.Model(&Tag{}).Order("name").Pluck("name", &names).Error })
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
	put("tags", q.Tags)
	put("agents", q.AgentIDs)
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
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Count: found, Data: data})
	})
}

// Each hands over the conversations of a search, newest first, at most limit (0: all), page
// by page, so that memory stays flat. It is for the command line and for jobs.
func (s *Conversations) Each(ctx context.Context, by account.Actor, q Query, limit int, f func(*Row) error) error {
	for n := 0; ; {
		q.Size = pageLimit
		if limit > 0 {
			q.Size = min(pageLimit, limit-n)
		}
		var page *Page
		var err error
		if n == 0 {
			page, err = s.Search(ctx, by, q)
		} else {
			page, err = s.more(ctx, by, q)
		}
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if err := f(&page.Rows[i]); err != nil {
				return err
			}
		}
		n += len(page.Rows)
		if page.Older == "" || limit > 0 && n >= limit {
			return nil
		}
		q.Cursor = page.Older
	}
}

// more is Search without a count and without an entry: the first page noted the search.
func (s *Conversations) more(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	at, _, err := parseToken(q.Cursor)
	if err != nil {
		return nil, err
	}
	p := &Page{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		var found []Conversation
		if err := at.after(s.narrow(by, q).Apply(tx.Model(&Conversation{})), false).Limit(q.Size).Find(&found).Error; err != nil {
			return err
		}
		p.Older = ""
		if n := len(found); n == q.Size {
			p.Older = position{found[n-1].LastAt, found[n-1].ID}.token(false)
		}
		p.Rows, err = s.rows(tx, found)
		return err
	})
	return p, err
}

// Detail is one conversation, opened.
type Detail struct {
	Conversation
	Document *Document // nil where it could not be opened
	Tags     []string
}

// Open gives one conversation with its document, after writing into the audit log that the
// actor read it. Outside the actor's scope it is not found, as if it did not exist; a
// purged one is gone, and the fault's argument is the purge's id.
func (s *Conversations) Open(ctx context.Context, by account.Actor, c id.Conversation) (*Detail, error) {
	if err := by.Require(account.ConversationOpen); err != nil {
		return nil, err
	}
	var d *Detail
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		var row Conversation
		if err := tx.Where("id = ?", c).Take(&row).Error; db.NotFound(err) {
			return s.gone(tx, by, c)
		} else if err != nil {
			return fmt.Errorf("find conversation: %w", err)
		}
		if !by.Scope.Has(row.DepartmentID) {
			return fault.NotFound("conversation.not_found")
		}
		tags, err := Tags(tx, []id.Conversation{c})
		if err != nil {
			return err
		}
		d = &Detail{Conversation: row, Tags: tags[c]}
		body, key, err := load(tx, c)
		if err != nil {
			return err
		}
		if d.Document, err = s.Vault.Open(body, key); err != nil {
			// A reader sees that it cannot be opened; fsck says why.
			d.Document = nil
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: "conversation.opened", ObjectKind: "conversation", Object: row.Code(), Department: row.DepartmentID, Count: 1,
			Data: map[string]any{"conversation": id.String(c), "masked": true},
		})
	})
	return d, err
}

func (s *Conversations) gone(tx *db.Tx, by account.Actor, c id.Conversation) error {
	var stone Tombstone
	err := tx.Where("conversation_id = ?", c).Take(&stone).Error
	switch {
	case db.NotFound(err) || err == nil && !by.Scope.Has(stone.DepartmentID):
		return fault.NotFound("conversation.not_found")
	case err != nil:
		return fmt.Errorf("find tombstone: %w", err)
	}
	return fault.Gone("conversation.purged", id.String(stone.PurgeID))
}

// errUnchanged ends a transaction in which there was nothing to do.
var errUnchanged = errors.New("nothing to change")

// Hide folds a conversation out of the agents' view; Unhide shows it again. Nothing else about
// it changes. The fault is a conflict when it is in the bin meanwhile.
func (s *Conversations) Hide(ctx context.Context, by account.Actor, c id.Conversation) error {
	return s.fold(ctx, by, c, Active, Hidden, "conversation.hidden")
}

// Unhide takes a conversation back into the ordinary view.
func (s *Conversations) Unhide(ctx context.Context, by account.Actor, c id.Conversation) error {
	return s.fold(ctx, by, c, Hidden, Active, "conversation.unhidden")
}

func (s *Conversations) fold(ctx context.Context, by account.Actor, c id.Conversation, from, to State, action string) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		one, err := id.NewSet(c)
		if err != nil {
			return fault.NotFound("conversation.not_found")
		}
		rows, err := Lock(tx, one)
		if err != nil {
			return err
		}
		if len(rows) == 0 || !by.Scope.Has(rows[0].DepartmentID) {
			return fault.NotFound("conversation.not_found")
		}
		if err := by.Require(account.ConversationHide, rows[0].DepartmentID); err != nil {
			return err
		}
		if rows[0].State == to {
			return errUnchanged
		}
		if n, err := Move(tx, one, from, to, nil); err != nil {
			return err
		} else if n != 1 {
			return fault.Conflict("conversation.elsewhere")
		}
		return audit.Append(tx, audit.Entry{
			Actor: by.Audit(), Action: action, ObjectKind: "conversation", Object: rows[0].Code(), Department: rows[0].DepartmentID, Count: 1,
		})
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
