package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Part is one of the four lists of the page.
type Part string

// The parts.
const (
	Mine    Part = "mine"    // asked for by the actor
	Waiting Part = "waiting" // for somebody's answer
	Running Part = "running" // in force
	Over    Part = "over"
)

// Parts lists the parts in the order of the page.
func Parts() []Part { return []Part{Waiting, Running, Mine, Over} }

// Query is what a list shows. Text is looked for in code, asker and reason.
type Query struct {
	Part   Part
	Text   string
	Before id.Access
	Size   int
}

// Row is one grant of a list.
type Row struct {
	Grant
	Departments []id.Department
	MayDecide   bool
	Own         bool
}

// Page is a page of grants, newest first, with the number of each part that the actor sees.
type Page struct {
	Rows   []Row
	Counts map[Part]int64
	Total  int64
	More   bool
	Now    time.Time
}

const mostRows = 200

// List gives a page of what the actor sees: the own; a supervisor also what lies in his departments as
// a whole; legal, auditors and administrators everything.
func (d *Desk) List(ctx context.Context, by account.Actor, q Query) (*Page, error) {
	if err := by.Require(account.AccessRead); err != nil {
		return nil, err
	}
	var p *Page
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		p = &Page{Counts: map[Part]int64{}, Now: tx.Now}
		for _, part := range Parts() {
			var n int64
			if err := in(tx, by, part).Count(&n).Error; err != nil {
				return fmt.Errorf("count access: %w", err)
			}
			p.Counts[part] = n
		}
		size := min(max(q.Size, 1), mostRows)
		if err := q.narrow(in(tx, by, q.Part)).Count(&p.Total).Error; err != nil {
			return fmt.Errorf("count access: %w", err)
		}
		rows := q.narrow(in(tx, by, q.Part)).Order("id DESC").Limit(size + 1)
		if q.Before != 0 {
			rows = rows.Where("id < ?", q.Before)
		}
		var found []Grant
		if err := rows.Find(&found).Error; err != nil {
			return fmt.Errorf("list access: %w", err)
		}
		p.More = len(found) > size
		return p.fill(tx, by, found[:min(size, len(found))])
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Page) fill(tx *db.Tx, by account.Actor, found []Grant) error {
	ids := make([]id.Access, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	all, err := lists(tx, ids...)
	if err != nil {
		return err
	}
	for _, g := range found {
		r := Row{Grant: g, Departments: all[g.ID], Own: g.AskerID == by.ID}
		err := mayDecide(tx, by, &g, all[g.ID])
		if _, refused := fault.Of(err); err != nil && !refused {
			return err
		}
		r.MayDecide = err == nil
		p.Rows = append(p.Rows, r)
	}
	return nil
}

// in keeps what belongs to a part now.
func in(tx *db.Tx, by account.Actor, part Part) *gorm.DB {
	where, args := visible(by)
	q := tx.Model(&Grant{}).Where(where, args...)
	switch part {
	case Waiting:
		q = q.Where("state = ? AND expires_at > ?", Asked, tx.Now)
		if by.May(account.AccessDecide) { // the own are no work of the reader
			return q.Where("asker_person <> ?", by.PersonID)
		}
		return q
	case Running:
		return q.Where("state = ? AND ends_at > ?", Granted, tx.Now)
	case Over:
		return q.Where("(state NOT IN ? OR (state = ? AND expires_at <= ?) OR (state = ? AND ends_at <= ?))", []State{Asked, Granted}, Asked, tx.Now, Granted, tx.Now)
	}
	return q.Where("asker_id = ?", by.ID)
}

func (q Query) narrow(rows *gorm.DB) *gorm.DB {
	text := strings.TrimSpace(q.Text)
	if text == "" {
		return rows
	}
	like := "%" + strings.NewReplacer(`!`, `!!`, `%`, `!%`, `_`, `!_`).Replace(text) + "%"
	return rows.Where("(code LIKE ? ESCAPE '!' OR asker_name LIKE ? ESCAPE '!' OR reason LIKE ? ESCAPE '!')", strings.ToUpper(like), like, like)
}

// Unanswered are the wishes that wait for anybody's answer.
func Unanswered(tx *db.Tx) *gorm.DB {
	return tx.Model(&Grant{}).Where("state = ? AND expires_at > ?", Asked, tx.Now)
}

// CountWaiting tells how many wishes wait for the actor's own answer, for the menu.
func CountWaiting(tx *db.Tx, by account.Actor) (n int64, err error) {
	if !by.May(account.AccessDecide) {
		return 0, nil
	}
	if err = in(tx, by, Waiting).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count access that waits: %w", err)
	}
	return n, nil
}

// WaitingFor gives the wishes that wait for the actor's own answer, the oldest first.
func WaitingFor(tx *db.Tx, by account.Actor, most int) (rows []Grant, err error) {
	if !by.May(account.AccessDecide) {
		return nil, nil
	}
	if err = in(tx, by, Waiting).Order("expires_at").Limit(most).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find access that waits: %w", err)
	}
	return rows, nil
}

// AnsweredTo gives what became of the actor's own wishes, the last first: those granted since then that still
// run, and those rejected, or lapsed, since nothing.
func AnsweredTo(tx *db.Tx, by account.Actor, granted, nothing time.Time, most int) (rows []Grant, err error) {
	err = tx.Where("asker_id = ? AND asker_person = ?", by.ID, by.PersonID).
		Where(tx.Where("state = ? AND decided_at >= ? AND ends_at > ?", Granted, granted, tx.Now).
			Or("state = ? AND decided_at >= ?", Rejected, nothing).
			Or("state IN ? AND expires_at >= ? AND expires_at <= ?", []State{Asked, Lapsed}, nothing, tx.Now)).
		Order("id DESC").Limit(most).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find answers to access: %w", err)
	}
	return rows, nil
}

// Use is one search or opening under a grant, from the log.
type Use struct {
	At     time.Time
	Action string
	Object string
	Count  int64
	Result string
}

// Detail is one grant with all that its page shows. DecideRefused says why the reader may not answer.
type Detail struct {
	Grant
	Departments   []id.Department
	Customer      string // as it was typed: mask it before showing
	Uses          []Use  // newest first, at most MostUses
	Used          int64
	Broken        string // why it opens nothing although its days run; empty: it does
	Missing       bool   // the conversation is not there: for those who decide
	DecideRefused error
	EndRefused    error
	Now           time.Time
}

// MostUses is how many uses a page lists.
const MostUses = 50

// Get gives one grant. The fault is not-found, also for one that the actor does not see.
func (d *Desk) Get(ctx context.Context, by account.Actor, which id.Access) (*Detail, error) {
	if err := by.Require(account.AccessRead); err != nil {
		return nil, err
	}
	var out *Detail
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out, err = d.get(tx, by, which)
		return err
	})
	if err != nil {
		return nil, d.refused(ctx, by, which, nil, err)
	}
	return out, nil
}

func (d *Desk) get(tx *db.Tx, by account.Actor, which id.Access) (*Detail, error) {
	g, err := seen(tx, by, which)
	if err != nil {
		return nil, err
	}
	all, err := lists(tx, g.ID)
	if err != nil {
		return nil, err
	}
	out := &Detail{Grant: *g, Departments: all[g.ID], Now: tx.Now}
	if g.Sealed != nil {
		plain, err := d.Vault.Store.OpenSmall(sealCustomer, []byte(g.Code), g.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open the customer of %s: %w", g.Code, err)
		}
		out.Customer = string(plain)
	}
	out.DecideRefused = mayDecide(tx, by, g, out.Departments)
	if _, refused := fault.Of(out.DecideRefused); out.DecideRefused != nil && !refused {
		return nil, out.DecideRefused
	}
	if _, out.EndRefused = g.mayEnd(by); out.EndRefused == nil && (g.Status(tx.Now) != g.State || !by.May(account.AccessEnd)) {
		out.EndRefused = fault.Conflict("access.over")
	}
	if g.Kind == OfConversation && g.AskerPerson != by.PersonID {
		row, err := named(tx, g.ConversationID, g.ConversationCode)
		if err != nil {
			return nil, err
		}
		out.Missing = row == nil
	}
	if g.Status(tx.Now) == Granted {
		if out.Broken, err = d.broken(tx, g); err != nil {
			return nil, err
		}
	}
	return out, out.uses(tx)
}

// uses reads from the log what was done under the grant. Every entry names its code.
func (d *Detail) uses(tx *db.Tx) error {
	if d.DecidedAt == nil || d.State == Rejected {
		return nil
	}
	from := func() *gorm.DB {
		return tx.Table("audit_leaf").Where("actor_id = ? AND action IN ? AND at >= ?", d.AskerID, []string{"conversation.searched", "conversation.opened"}, *d.DecidedAt).
			Where("INSTR(leaf, ?) > 0", `"access":"`+d.Code+`"`)
	}
	if err := from().Count(&d.Used).Error; err != nil {
		return fmt.Errorf("count uses: %w", err)
	}
	err := from().Order("n DESC").Limit(MostUses).Select("at, action, object, item_count AS count, result").Scan(&d.Uses).Error
	if err != nil {
		return fmt.Errorf("read uses: %w", err)
	}
	return nil
}
