package conversation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/seal"
	"qingdang/models/words"
)

// Conversations is the archive as a person sees it.
type Conversations struct {
	DB    *db.DB
	Vault Vault
	Index *index.Index // nil: the rows are asked, and there is no search for words

	erased erased
}

// Query is one page of a search. Customer is the customer's id in the clear; only its keyed
// name reaches the database and the log. What Words say of tags, agents, platforms and the customer
// narrows as the filter does. An overview is made where Zone says in which days to count.
type Query struct {
	Filter
	Words    words.Query
	Customer string
	Zone     *time.Location
	Under    string // code of the reading under which it is searched; empty: in the own departments
	Saved    string // code of the saved search that this is, as it was saved; for the log only
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
	Preview      string // the first text that the words hit, or else the customer's first; unmasked: mask it before showing

	stale bool
}

// Page is one page of a search, newest first. Newer and Older are cursors, empty at the ends.
type Page struct {
	Rows         []Row
	Total        int64
	Binned       int64 // of the same conditions, in the recycle bin
	Exact        bool  // false: counts are of what may match the words; there was too much to open
	Overview     *Overview
	Newer, Older string
	Plan         Plan

	stale  bool
	opened map[id.Conversation]*Document // what was opened on the way to it
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
	began := time.Now()
	var page *Page
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (*Page, error) {
		page, err = s.page(tx, by, q, at, backward, true, last)
		return page, err
	})
	switch {
	case fault.KindOf(err) == fault.KindForbidden:
		return nil, s.overdue(ctx, by, q, err)
	case err != nil:
		return nil, fmt.Errorf("search conversations: %w", err)
	}
	page.Plan.Took = time.Since(began)
	if q.Under != "" {
		page.Binned = 0 // the bin is not opened to readers from elsewhere
	}
	if err := s.note(ctx, by, q, page.Total); err != nil {
		return nil, err
	}
	return page, nil
}

// fresh reads a page, and again where a purge beside us moved a key and destroyed the old one, under
// which the transaction still saw it; what does not open then either is unreadable. It is also read again
// where a segment did not open: a scrub may have replaced it, and what is broken is known from then on. The
// last time there is no other.
func (s *Conversations) fresh(ctx context.Context, read func(tx *db.Tx, last bool) (*Page, error)) error {
	for again := 0; ; again++ {
		stale := false
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			p, err := read(tx, again == 2)
			stale = err == nil && p.stale
			return err
		})
		switch {
		case again == 2:
			return err
		case errors.Is(err, index.ErrUnreadable):
			if err := s.Index.Report(ctx); err != nil {
				return err
			}
		case err != nil || !stale:
			return err
		}
	}
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
// opens and nothing beside it; scope is all that might have been asked for. The fault is forbidden when
// there is no such reading any more.
func (s *Conversations) narrow(tx *db.Tx, by account.Actor, q Query) (f Filter, scope account.Scope, err error) {
	f = s.worded(q)
	if q.Under == "" {
		f.Departments = by.Scope.And(f.Departments)
		return f, by.Scope, nil
	}
	r, ok := by.Under(q.Under)
	if !ok || !tx.Now.Before(r.Until) {
		return Filter{}, scope, fault.Forbidden("conversation.reading_over")
	}
	f.Departments = r.Where.And(f.Departments)
	if f.Only != noConversation {
		f.Only = r.Conversation
	}
	if f.From.Before(r.From) {
		f.From = r.From
	}
	if !r.To.IsZero() && (f.To.IsZero() || f.To.After(r.To)) {
		f.To = r.To
	}
	if r.Customer != nil {
		if f.CustomerMAC != nil && !bytes.Equal(f.CustomerMAC, r.Customer) {
			f.Only = noConversation
		}
		f.CustomerMAC = r.Customer
	}
	f.States = slices.DeleteFunc(slices.Clone(f.States), func(s State) bool { return s != Active && s != Hidden })
	return f, r.Where, nil
}

// worded is the filter with what the words say of attributes; where both cannot be, it finds nothing.
func (s *Conversations) worded(q Query) Filter {
	f, w := q.Filter, q.Words
	f.Tags, f.WithoutTags = slices.Concat(f.Tags, w.Tags), slices.Concat(f.WithoutTags, w.WithoutTags)
	f.Agents = slices.Concat(f.Agents, w.Agents)
	nothing := false
	switch {
	case len(f.Platforms) == 0:
		f.Platforms = w.Platforms
	case len(w.Platforms) > 0:
		f.Platforms = slices.DeleteFunc(slices.Clone(w.Platforms), func(p string) bool { return !slices.Contains(q.Platforms, p) })
		nothing = len(f.Platforms) == 0
	}
	if customer := cmp.Or(q.Customer, w.Customer); customer != "" {
		f.CustomerMAC = s.Vault.CustomerMAC(customer)
		nothing = nothing || w.Customer != "" && w.Customer != customer
	}
	if nothing {
		f.Only = noConversation
	}
	return f
}

// noConversation is an id that none has: ids carry the second in which a conversation began.
const noConversation id.Conversation = 1

// overdue writes down a search under a reading that is over, or was never the actor's.
func (s *Conversations) overdue(ctx context.Context, by account.Actor, q Query, err error) error {
	entry := audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Data: map[string]any{"why": "conversation.reading_over"}}
	if account.IsReadingCode(q.Under) {
		entry.Object, entry.Data["access"] = q.Under, q.Under
	}
	return errors.Join(err, audit.Refused(ctx, s.DB, entry))
}

// page finds one page; counted says whether everything that was found is counted, too. ErrUnreadable is
// given unless it is the last time.
func (s *Conversations) page(tx *db.Tx, by account.Actor, q Query, at position, backward, counted, last bool) (*Page, error) {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return nil, err
	}
	p := &Page{Exact: true}
	found, err := s.fromIndex(tx, f, scope, q, p, at, backward, counted)
	if errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil {
		return nil, err
	}
	if errors.Is(err, index.ErrBehind) || errors.Is(err, index.ErrUnreadable) {
		if q.Words.HasTerms() {
			return nil, fmt.Errorf("%w: %w", fault.Busy("conversation.index_behind"), err)
		}
		found, err = s.fromRows(tx, f, p, at, backward, q.Size+1, counted)
	}
	if err != nil {
		return nil, err
	}
	more := len(found) > q.Size
	found = found[:min(q.Size, len(found))]
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
	p.Rows, err = s.rows(tx, found, q.Words, p.opened)
	p.opened = nil
	p.stale = p.stale || slices.ContainsFunc(p.Rows, func(r Row) bool { return r.stale })
	return p, err
}

// fromIndex asks the index. The errors are index.ErrBehind and ErrUnreadable: then the rows have to be asked.
func (s *Conversations) fromIndex(tx *db.Tx, f Filter, scope account.Scope, q Query, p *Page, at position, backward, counted bool) ([]Conversation, error) {
	if s.Index == nil {
		return nil, index.ErrUnreadable
	}
	l, err := s.newLook(tx, f, scope, q.Words)
	if err != nil {
		return nil, err
	}
	if counted {
		if err := l.count(p, q.Zone); err != nil {
			return nil, err
		}
	}
	ids, err := l.take(at, backward, q.Size+1)
	if err != nil {
		return nil, err
	}
	p.Plan, p.stale, p.opened = *l.plan, l.stale, l.opened
	return l.rowsOf(ids)
}

// fromRows asks the rows: for attributes only, and without an overview.
func (s *Conversations) fromRows(tx *db.Tx, f Filter, p *Page, at position, backward bool, n int, counted bool) (found []Conversation, err error) {
	p.Plan = Plan{Way: WayRows}
	if counted {
		if err := f.Apply(tx.Model(&Conversation{})).Count(&p.Total).Error; err != nil {
			return nil, err
		}
		binned := f
		binned.States = []State{Binned, Frozen, Purging}
		if err := binned.Apply(tx.Model(&Conversation{})).Count(&p.Binned).Error; err != nil {
			return nil, err
		}
	}
	err = at.after(f.Apply(tx.Model(&Conversation{})), backward).Limit(n).Find(&found).Error
	return found, err
}

// rows opens the bodies of a list, but for those that were opened on the way to it.
func (s *Conversations) rows(tx *db.Tx, found []Conversation, w words.Query, opened map[id.Conversation]*Document) ([]Row, error) {
	rows := make([]Row, len(found))
	if len(found) == 0 {
		return rows, nil
	}
	ids := make([]id.Conversation, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	tags, err := Tags(tx, ids)
	if err != nil {
		return nil, err
	}
	var closed []id.Conversation
	var at []int // where in the list the closed ones are
	for i, c := range found {
		rows[i] = Row{Conversation: c, Tags: tags[c.ID]}
		if d := opened[c.ID]; d != nil {
			rows[i].read(d, w)
			continue
		}
		closed, at = append(closed, c.ID), append(at, i)
	}
	return rows, s.Vault.openEach(tx, closed, func(i int, _ *Body, d *Document, err error) {
		r := &rows[at[i]]
		if err != nil {
			r.stale = errors.Is(err, seal.ErrDestroyed)
			return
		}
		r.read(d, w)
	})
}

// read takes what a list shows of a document.
func (r *Row) read(d *Document, w words.Query) {
	r.Readable, r.CustomerID, r.CustomerName, r.ExternalID = true, d.CustomerID, d.CustomerName, d.ExternalID
	r.Preview = preview(d, w)
}

func preview(d *Document, w words.Query) string {
	if w.HasTerms() {
		for _, m := range d.Messages {
			if !m.Recalled && len(w.Hits(m.Text)) > 0 {
				return m.Text
			}
		}
	}
	for _, want := range []Sender{FromCustomer, ""} {
		for _, m := range d.Messages {
			if m.Text != "" && !m.Recalled && (want == "" || m.Sender == want) {
				return m.Text
			}
		}
	}
	return ""
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
		if by.Scope.All {
			q = q.Where("EXISTS (SELECT 1 FROM conversation_tag ct WHERE ct.tag_id = tag.id)")
		} else {
			// LIMIT keeps MariaDB from reading the tags of every conversation at once: the first one tells.
			q = q.Where("(SELECT 1 FROM conversation_tag ct JOIN conversation c ON c.id = ct.conversation_id WHERE ct.tag_id = tag.id AND c.department_id IN ? LIMIT 1) IS NOT NULL", by.Scope.Listed())
		}
		return q.Pluck("name", &names).Error
	})
	return names, err
}

// note writes a search into the audit log.
func (s *Conversations) note(ctx context.Context, by account.Actor, q Query, found int64) error {
	data := s.Vault.Conditions(q)
	if q.Under != "" {
		data["access"] = q.Under
	}
	if q.Saved != "" {
		data["saved"] = q.Saved
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Object: cmp.Or(q.Under, q.Saved), Count: found, Data: data})
	})
}
