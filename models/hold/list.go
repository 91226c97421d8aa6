package hold

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// State is where a hold stands. In every state but Released it is in force.
type State string

// The states, the first that applies in this order: Released, Buffered, Releasing, Overdue,
// ReviewDue, InForce.
const (
	InForce   State = "active"
	ReviewDue State = "review_due" // within DueSoon
	Overdue   State = "review_overdue"
	Releasing State = "release_pending"
	Buffered  State = "release_buffer"
	Released  State = "released"
)

// States lists the states as a filter offers them.
func States() []State { return []State{InForce, ReviewDue, Overdue, Releasing, Buffered, Released} }

// DueSoon is how long before its review a hold is shown as due.
const DueSoon = 30 * 24 * time.Hour

// Query is what a list shows. Empty fields do not narrow; Text is looked for in code, name, reason
// and owner. Size 0 is all on one page.
type Query struct {
	State State
	Owner id.User
	Text  string
	Page  int // from 1
	Size  int
}

// Row is one hold of a list.
type Row struct {
	Hold
	Status        State
	ReviewOn      time.Time // of the next review
	Owner         account.Standing
	PlacedByWho   account.Standing
	Conversations int64 // that it covers
	Scope         Scope
	Release       *Release // the last one, nil without any
}

// Scope is what a hold takes, in values for a page to put into words.
type Scope struct {
	Kind          Kind
	Continuing    bool
	Departments   []Place // empty: everywhere
	Sub           bool
	Limited       bool // to the departments in which whoever placed it acted
	From, To      time.Time
	ServiceTypes  []string
	Tags          []string
	WithoutTags   []string
	Platforms     []string
	Agents        []string // staff numbers
	Customers     int64    // how many
	Conversations int64    // of a hold on single ones, how many
}

// Place is a department with its path.
type Place struct {
	ID   id.Department
	Path string
}

// Strip is the figures above the list, over all holds that the actor sees. One hold may be in
// several.
type Strip struct {
	InForce       int64
	Conversations int64 // that some hold in force covers, each once
	DueSoon       int64
	Earliest      *time.Time // of those that are due soon
	Overdue       int64
	OldestCode    string     // the one that is overdue longest
	OldestSince   *time.Time // and since when
	Releasing     int64      // asked for
	Waiting       string     // code of the release that waits longest
	Requester     string     // and who asked for it
	Buffered      int64
}

// Page is a page of the list.
type Page struct {
	Rows   []Row
	Total  int // that match
	All    int // that the actor sees, released ones too
	Strip  Strip
	Owners []account.Standing // of the holds, for the filter
	Now    time.Time
}

// List gives the holds newest first, with what legal must look at. The fault is forbidden but for
// legal and auditors: everybody else sees that a conversation is held, and no more.
func (h *Holds) List(ctx context.Context, by account.Actor, q Query) (p *Page, err error) {
	if err := by.Require(account.HoldRead); err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = h.list(tx, by, q)
		return err
	})
	return p, err
}

// Export hands over what List shows, all of it, for a file, and writes that somebody took it
// along. The faults are List's.
func (h *Holds) Export(ctx context.Context, by account.Actor, q Query) (rows []Row, err error) {
	if err := by.Require(account.HoldRead); err != nil {
		return nil, err
	}
	q.Page, q.Size = 0, 0
	err = h.DB.Write(ctx, func(tx *db.Tx) error {
		p, err := h.list(tx, by, q)
		if err != nil {
			return err
		}
		rows = p.Rows
		return audit.Append(tx, audit.Entry{Actor: by.Audit(), Action: "hold.listed", ObjectKind: "hold", Count: int64(len(rows))})
	})
	return rows, err
}

// Owners gives who may own a hold, for a form: the people of legal. The fault is forbidden without
// hold.create.
func (h *Holds) Owners(ctx context.Context, by account.Actor) (people []account.Standing, err error) {
	if err := by.Require(account.HoldCreate); err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		people, err = account.InRole(tx, account.Legal)
		return err
	})
	return people, err
}

func (h *Holds) list(tx *db.Tx, by account.Actor, q Query) (*Page, error) {
	l, err := h.load(tx, by)
	if err != nil {
		return nil, err
	}
	p := &Page{All: len(l.rows), Strip: l.strip(), Owners: l.owners(), Now: tx.Now}
	if p.Strip.Conversations, err = l.held(tx); err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(slices.Clone(l.rows), func(r Row) bool { return !q.has(&r) })
	p.Total = len(rows)
	if q.Size > 0 {
		from := min(max(q.Page-1, 0)*q.Size, len(rows))
		rows = rows[from:min(from+q.Size, len(rows))]
	}
	p.Rows = rows
	return p, countItems(tx, rows)
}

func (q Query) has(r *Row) bool {
	text := strings.ToLower(strings.TrimSpace(q.Text))
	return (q.State == "" || r.Status == q.State) && (q.Owner == 0 || r.OwnerID == q.Owner) &&
		(text == "" || slices.ContainsFunc([]string{r.Code, r.Name, r.Reason, r.Owner.Name}, func(s string) bool {
			return strings.Contains(strings.ToLower(s), text)
		}))
}

// listing is the holds that an actor sees, newest first. Holds are matters of a court or an
// authority: there are hundreds of them, not millions.
type listing struct {
	rows []Row
	now  time.Time
}

// load reads the holds, all or one of them.
func (h *Holds) load(tx *db.Tx, by account.Actor, only ...id.Hold) (*listing, error) {
	q := tx.Order("id DESC")
	if len(only) > 0 {
		q = q.Where("id IN ?", only)
	}
	var holds []Hold
	if err := q.Find(&holds).Error; err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	l := &listing{now: tx.Now}
	for _, of := range holds {
		c, err := of.CriteriaOf()
		if err != nil {
			return nil, err
		}
		if of.seenBy(by, c, tree) {
			l.rows = append(l.rows, Row{Hold: of, Scope: of.scope(c, tree)})
		}
	}
	return l, l.fill(tx)
}

// seenBy tells whether somebody who may read holds sees this one: who acts everywhere sees all,
// anybody else his own and those that reach no further than he does.
func (h *Hold) seenBy(by account.Actor, c Criteria, t *department.Tree) bool {
	if by.Scope.All || h.PlacedBy == by.ID || h.OwnerID == by.ID {
		return true
	}
	where := c.filter(t).Departments
	return !where.Empty() && contained(where, by.Scope)
}

func (h *Hold) scope(c Criteria, t *department.Tree) Scope {
	s := Scope{
		Kind: h.Kind, Continuing: h.Continuing && h.Kind != OnConversations, Sub: c.Sub, Limited: c.Within != nil, From: c.From, To: c.To,
		ServiceTypes: c.ServiceTypes, Tags: c.Tags, WithoutTags: c.WithoutTags, Platforms: c.Platforms, Agents: c.Agents,
	}
	if s.Kind == "" {
		s.Kind = OnConversations
		if h.DepartmentID != 0 {
			s.Kind = OnDepartment
		}
	}
	for _, d := range c.Departments {
		s.Departments = append(s.Departments, Place{d, t.Path(d)})
	}
	return s
}

// fill adds what other tables say: people, releases, customers.
func (l *listing) fill(tx *db.Tx) error {
	if len(l.rows) == 0 {
		return nil
	}
	var people []id.User
	var holds []id.Hold
	for _, r := range l.rows {
		people, holds = append(people, r.PlacedBy, r.OwnerID), append(holds, r.ID)
	}
	names, err := account.Names(tx, people...)
	if err != nil {
		return err
	}
	releases, err := lastReleases(tx, holds)
	if err != nil {
		return err
	}
	customers, err := countBy(tx, "hold_customer", holds)
	if err != nil {
		return err
	}
	for i := range l.rows {
		r := &l.rows[i]
		r.OwnerID = cmp.Or(r.OwnerID, r.PlacedBy)
		r.Owner, r.PlacedByWho = names[r.OwnerID], names[r.PlacedBy]
		r.ReviewOn = r.CreatedAt.Add(DefaultReview)
		if r.ReviewAt != nil {
			r.ReviewOn = *r.ReviewAt
		}
		r.Release, r.Scope.Customers = releases[r.ID], customers[r.ID]
		r.Status = r.status(l.now)
	}
	return nil
}

func (r *Row) status(now time.Time) State {
	switch {
	case r.ReleasedAt != nil:
		return Released
	case r.Release != nil && r.Release.State == Approved:
		return Buffered
	case r.Release != nil && r.Release.State == Asked:
		return Releasing
	case !now.Before(r.ReviewOn):
		return Overdue
	case r.ReviewOn.Sub(now) <= DueSoon:
		return ReviewDue
	}
	return InForce
}

// lastReleases gives the newest release of each hold.
func lastReleases(tx *db.Tx, holds []id.Hold) (map[id.Hold]*Release, error) {
	var rows []Release
	if err := tx.Where("hold_id IN ?", holds).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read releases: %w", err)
	}
	out := map[id.Hold]*Release{}
	for i := range rows {
		out[rows[i].HoldID] = &rows[i]
	}
	return out, nil
}

// countBy counts the rows of a table with a column hold_id by hold.
func countBy(tx *db.Tx, table string, holds []id.Hold) (map[id.Hold]int64, error) {
	var rows []struct {
		HoldID id.Hold
		N      int64
	}
	err := tx.Table(table).Where("hold_id IN ?", holds).Select("hold_id, COUNT(*) AS n").Group("hold_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count by hold: %w", err)
	}
	out := map[id.Hold]int64{}
	for _, r := range rows {
		out[r.HoldID] = r.N
	}
	return out, nil
}

// countItems counts what the holds of a page cover.
func countItems(tx *db.Tx, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	holds := make([]id.Hold, len(rows))
	for i, r := range rows {
		holds[i] = r.ID
	}
	counts, err := countBy(tx, "hold_item", holds)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Conversations = counts[rows[i].ID]
		if rows[i].Scope.Kind == OnConversations {
			rows[i].Scope.Conversations = counts[rows[i].ID]
		}
	}
	return nil
}
