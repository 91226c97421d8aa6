package conversation

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
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

	erased   erased
	tagNames tagNames
	looks    audit.Together
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
	Oldest   bool   // pages begin with the oldest; else with the newest
	Cursor   string
	Number   int // of the page, from 1, where Cursor is empty; one that is not there gives the last that has a number
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

// Page is one page of a search, in its order. Newer and Older are cursors, empty at the ends.
type Page struct {
	Rows         []Row
	Total        int64
	Binned       int64 // of the same conditions, in the recycle bin
	Unmarked     int64 // of the same conditions but for those on marks, which nobody has looked into
	Exact        bool  // false: counts are of what may match the words; there was too much to open
	Overview     *Overview
	Newer, Older string
	Skipped      int64 // rows before this page, where it was asked for by its number
	Plan         Plan

	stale  bool
	opened map[id.Conversation]*entry // what was opened on the way to it
}

const pageLimit = 100

// MostNumbered is how far down pages have numbers: whoever wants more goes on from page to page, or narrows.
const MostNumbered = 10_000

// Search gives a page of the conversations that the actor may see, once the search is written
// into the audit log. The faults are forbidden, and invalid for reversed dates, a
// size out of range or a bad cursor.
func (s *Conversations) Search(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	if err := by.Require(account.ConversationSearch); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	at, backward, err := q.place()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var page *Page
	var note note
	err = s.fresh(ctx, func(tx *db.Tx, last bool) (*Page, error) {
		page, err = s.page(tx, by, q, at, backward, last, func(found, skipped int64) {
			note.begin(found, skipped, func() error { return s.note(ctx, by, q, found, skipped, false) })
		})
		return page, err
	})
	took := time.Since(began)
	noted := note.end()
	switch {
	case fault.KindOf(err) == fault.KindForbidden:
		return nil, s.overdue(ctx, by, q, err)
	case err != nil:
		return nil, fmt.Errorf("search conversations: %w", err)
	}
	if q.Under != "" {
		page.Binned = 0 // the bin is not opened to readers from elsewhere
	}
	if noted == nil && (note.found != page.Total || note.skipped != page.Skipped) { // it was read again, and is not what it was
		noted = s.note(ctx, by, q, page.Total, page.Skipped, true)
	}
	if noted != nil {
		return nil, noted
	}
	page.Plan.Took = took
	return page, nil
}

// note is the entry of the audit log on its way while the page that it tells of is still read. Nobody
// sees the page before it is written.
type note struct {
	found, skipped int64
	written        chan error
}

// begin lets write go its way, the first time.
func (n *note) begin(found, skipped int64, write func() error) {
	if n.written != nil {
		return
	}
	n.found, n.skipped, n.written = found, skipped, make(chan error, 1)
	go func() {
		defer func() { // whatever is wrong with one search must not end the console
			if r := recover(); r != nil {
				n.written <- fmt.Errorf("note a search: %v", r)
			}
		}()
		n.written <- write()
	}()
}

// end waits for it.
func (n *note) end() error {
	if n.written == nil {
		return nil
	}
	return <-n.written
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
	if f := q.Traits.Check(); f != nil {
		return f
	}
	if q.Size < 1 || q.Size > pageLimit {
		return fault.Invalid("conversation.size", pageLimit).On("size")
	}
	return nil
}

// skipped is how many of what was counted stand before the page that is asked for. Where words leave open how many
// there are, pages have no numbers.
func (q *Query) skipped(p *Page) int64 {
	if q.Cursor != "" || q.Number <= 1 || !p.Exact || p.Total == 0 {
		return 0
	}
	size := int64(q.Size)
	return min(int64(q.Number)-1, (p.Total-1)/size, max(MostNumbered/size, 1)-1) * size
}

// narrow adds what the actor may see to what was asked for: the own departments, or what a reading
// opens and nothing beside it; scope is all that might have been asked for. The fault is forbidden when
// there is no such reading any more.
func (s *Conversations) narrow(tx *db.Tx, by account.Actor, q Query) (f Filter, scope account.Scope, err error) {
	f = s.worded(q).known(by)
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
	f = f.without(func(s State) bool { return s != Active && s != Hidden }) // what lies in the bin is not for readers
	f.hides, f.bounded = true, true                                         // a reading opens nothing that is under seal
	return f, r.Where, nil
}

// worded is the filter with what the words say of attributes; where both cannot be, it finds nothing.
func (s *Conversations) worded(q Query) Filter {
	f, w := q.Filter, q.Words
	f.WordsList = s.Vault.List().ID()
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

// page finds one page; where counted is not nil, everything that was found is counted first and told to it. ErrUnreadable is
// given unless it is the last time.
func (s *Conversations) page(tx *db.Tx, by account.Actor, q Query, at position, backward, last bool, counted func(found, skipped int64)) (*Page, error) {
	f, scope, err := s.narrow(tx, by, q)
	if err != nil {
		return nil, err
	}
	p := &Page{Exact: true}
	ids, tags, err := s.fromIndex(tx, f, scope, q, p, at, backward, counted)
	if errors.Is(err, index.ErrUnreadable) && !last && s.Index != nil {
		return nil, err
	}
	if errors.Is(err, index.ErrBehind) || errors.Is(err, index.ErrUnreadable) {
		if q.Words.HasTerms() {
			return nil, fmt.Errorf("%w: %w", fault.Busy("conversation.index_behind"), err)
		}
		if ids, err = s.fromRows(tx, f, q, p, at, backward, counted); err == nil {
			tags, err = Tags(tx, ids)
		}
	}
	if err != nil {
		return nil, err
	}
	more := len(ids) > q.Size
	ids = ids[:min(q.Size, len(ids))]
	if backward != q.Oldest {
		slices.Reverse(ids)
	}
	p.Rows, err = s.rows(tx, ids, q.Words, p.opened, tags)
	p.opened = nil
	if n := len(p.Rows); n > 0 {
		newest, oldest := position{p.Rows[0].LastAt, p.Rows[0].ID}, position{p.Rows[n-1].LastAt, p.Rows[n-1].ID}
		if q.Oldest {
			newest, oldest = oldest, newest
		}
		toNewer, toOlder := at.id != 0 || p.Skipped > 0, more
		if backward {
			toNewer, toOlder = toOlder, toNewer
		}
		if toNewer {
			p.Newer = newest.token(true)
		}
		if toOlder {
			p.Older = oldest.token(false)
		}
	}
	p.stale = p.stale || slices.ContainsFunc(p.Rows, func(r Row) bool { return r.stale })
	return p, err
}

// fromIndex asks the index, for the tags of what it finds, too. The errors are index.ErrBehind and ErrUnreadable: then
// the rows have to be asked.
func (s *Conversations) fromIndex(tx *db.Tx, f Filter, scope account.Scope, q Query, p *Page, at position, backward bool, counted func(found, skipped int64)) ([]id.Conversation, map[id.Conversation][]string, error) {
	if s.Index == nil {
		return nil, nil, index.ErrUnreadable
	}
	l, err := s.newLook(tx, f, scope, q.Words)
	if err != nil {
		return nil, nil, err
	}
	if counted != nil {
		if err := l.count(p, q.Zone); err != nil {
			return nil, nil, err
		}
		p.Skipped = q.skipped(p)
		counted(p.Total, p.Skipped)
	}
	if p.Skipped > 0 {
		at = l.pass(p.Skipped, backward)
	}
	found, err := l.take(at, backward, q.Size+1)
	if err != nil {
		return nil, nil, err
	}
	tags, err := l.labels(found)
	p.Plan, p.stale, p.opened = *l.plan, l.stale, l.opened
	return idsOf(found), tags, err
}

// fromRows asks the rows: for attributes only, and without an overview.
func (s *Conversations) fromRows(tx *db.Tx, f Filter, q Query, p *Page, at position, backward bool, counted func(found, skipped int64)) (found []id.Conversation, err error) {
	p.Plan = Plan{Way: WayRows}
	if counted != nil {
		if err := f.Apply(tx.Model(&Conversation{})).Count(&p.Total).Error; err != nil {
			return nil, err
		}
		binned := f
		binned.States = []State{Binned, Frozen, Purging}
		if err := binned.Apply(tx.Model(&Conversation{})).Count(&p.Binned).Error; err != nil {
			return nil, err
		}
		p.Skipped = q.skipped(p)
		counted(p.Total, p.Skipped)
	}
	err = at.after(f.Apply(tx.Model(&Conversation{})), backward).Offset(int(p.Skipped)).Limit(q.Size+1).Pluck("conversation.id", &found).Error
	return found, err
}

// rows reads and opens a list, but for what was opened on the way to it. What has no row any more is left out.
func (s *Conversations) rows(tx *db.Tx, ids []id.Conversation, w words.Query, opened map[id.Conversation]*entry, tags map[id.Conversation][]string) ([]Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	closed := slices.DeleteFunc(slices.Clone(ids), func(c id.Conversation) bool { return opened[c] != nil })
	read, err := s.Vault.entries(tx, closed)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(ids))
	err = onAllCores(tx.Context(), len(ids), func(i int) {
		e := cmp.Or(opened[ids[i]], read[ids[i]])
		if e == nil {
			return
		}
		rows[i] = Row{Conversation: e.Conversation, Tags: tags[e.ID], stale: errors.Is(e.err, seal.ErrDestroyed)}
		if e.doc != nil {
			rows[i].read(e.doc, w)
		}
	})
	return slices.DeleteFunc(rows, func(r Row) bool { return r.ID == 0 }), err
}

// read takes what a list shows of a document.
func (r *Row) read(d *Document, w words.Query) {
	r.Readable, r.CustomerID, r.CustomerName, r.ExternalID = true, d.CustomerID, d.CustomerName, d.ExternalID
	r.Preview = preview(d, w)
}

func preview(d *Document, w words.Query) string {
	if w.HasTerms() {
		said := func(yield func(int, string) bool) {
			for i := range d.Messages {
				if m := &d.Messages[i]; !m.Recalled && !yield(i, m.Text) {
					return
				}
			}
		}
		if i := w.First(said); i >= 0 {
			return d.Messages[i].Text
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

// Tags gives the names of the tags of each conversation, in order. The names are a query of their own for
// each row, as the engines may begin a joined one at the wrong end.
func Tags(tx *db.Tx, ids []id.Conversation) (map[id.Conversation][]string, error) {
	out := map[id.Conversation][]string{}
	q := tx.Raw("SELECT conversation_id, (SELECT name FROM tag WHERE tag.id = tag_id) FROM conversation_tag WHERE conversation_id IN ?", ids)
	err := db.EachRow(q, func(r *sql.Rows) error {
		var c id.Conversation
		var name string
		err := r.Scan(&c, &name)
		out[c] = append(out[c], name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out, nil
}

// note writes a search into the audit log; again says that another entry of it told other numbers before.
func (s *Conversations) note(ctx context.Context, by account.Actor, q Query, found, skipped int64, again bool) error {
	data := s.Vault.Conditions(q)
	if q.Under != "" {
		data["access"] = q.Under
	}
	if q.Saved != "" {
		data["saved"] = q.Saved
	}
	if skipped > 0 {
		data["first_row"] = skipped + 1
	}
	if again {
		data["again"] = true
	}
	return s.looks.Append(ctx, s.DB, audit.Entry{Actor: by.Audit(), Action: "conversation.searched", ObjectKind: "search", Object: cmp.Or(q.Under, q.Saved), Count: found, Data: data})
}
