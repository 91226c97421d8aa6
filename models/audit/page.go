package audit

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Seen says which leaves a person may see: all, those of some departments, and
// those of his own acts. The three add up; the zero value sees nothing. What is
// written about objects of the kind Hidden is not shown for its department.
type Seen struct {
	All         bool
	Departments id.Set[id.Department]
	Hidden      string
	Own         id.User
}

// Sees is the same for one leaf.
func (s Seen) Sees(l *Leaf) bool {
	return s.All || s.Own != 0 && l.Actor.ID == s.Own ||
		l.Department != 0 && s.Departments.Has(l.Department) && (s.Hidden == "" || l.ObjectKind != s.Hidden)
}

// Filter chooses leaves. Seen must be set; every other zero field chooses all.
type Filter struct {
	Seen       Seen
	From, To   time.Time // from From on, before To
	Actions    []string
	Actor      id.User
	Department id.Department
	Object     string
	Text       string // an object that begins so, or an actor of that name
	Results    []string
	Leaves     []int64 // one of these; nil chooses all, an empty list none
	Below      int64   // of a lower number
	Holding    string  // stands in what is written beside the act; looked for last, for no index has it
}

// Page is a page of leaves, newest first. Newer and Older are the cursors of the
// pages beside it, empty where there is none.
type Page struct {
	Leaves       []Leaf
	Total        int64
	Newer, Older string
}

const largestPage = 200

// Page gives a page of the leaves that the filter chooses, with their exact
// number. The fault is invalid for a cursor that no page gave out.
func (l *Log) Page(ctx context.Context, f Filter, cursor string, size int) (Page, error) {
	c, err := parseCursor(cursor)
	if err != nil {
		return Page{}, err
	}
	size = min(max(size, 1), largestPage)
	var page Page
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		page = Page{}
		if err := tx.Model(&leafRow{}).Scopes(f.chosen).Count(&page.Total).Error; err != nil {
			return fmt.Errorf("count leaves: %w", err)
		}
		rows, err := leafRows(tx.Scopes(f.chosen, c.from).Limit(size + 1))
		if err != nil {
			return fmt.Errorf("list leaves: %w", err)
		}
		page.fill(rows, c, size)
		return nil
	})
	return page, err
}

// Latest gives the latest leaves that the filter chooses, at most so many, without counting them. What may be seen is
// looked for among what else is chosen: that is for a filter that by itself leaves little.
func Latest(tx *db.Tx, f Filter, most int) (out []Leaf, err error) {
	seen := f.Seen
	if seen.Departments.Len() > 0 { // a condition on hundreds of them costs more than it saves
		f.Seen = Seen{All: true}
	}
	for size := most; ; size = min(2*size, largestPage) {
		rows, err := leafRows(tx.Scopes(f.chosen).Order("n DESC").Limit(size))
		if err != nil {
			return nil, fmt.Errorf("list leaves: %w", err)
		}
		for i := range rows {
			if l := rows[i].leaf(); seen.Sees(&l) {
				if out = append(out, l); len(out) == most {
					return out, nil
				}
			}
		}
		if len(rows) < size || rows[len(rows)-1].N == 0 {
			return out, nil
		}
		f.Below = rows[len(rows)-1].N
	}
}

// fill takes the rows in the cursor's direction, of which the last, if there is
// one too many, only tells that there are more.
func (p *Page) fill(rows []leafRow, c cursor, size int) {
	more := len(rows) > size
	rows = rows[:min(len(rows), size)]
	if c.newer {
		slices.Reverse(rows)
	}
	for _, r := range rows {
		p.Leaves = append(p.Leaves, r.leaf())
	}
	if len(rows) == 0 {
		return
	}
	if c.newer && more || !c.newer && c.set {
		p.Newer = "n" + strconv.FormatInt(rows[0].N, 10)
	}
	if !c.newer && more || c.newer {
		p.Older = "o" + strconv.FormatInt(rows[len(rows)-1].N, 10)
	}
}

// cursor is a place in the log and the direction to read from it.
type cursor struct {
	set, newer bool
	n          int64
}

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	n, err := strconv.ParseInt(s[1:], 10, 64)
	if err != nil || n < 0 || s[0] != 'n' && s[0] != 'o' {
		return cursor{}, fault.Invalid("audit.bad_cursor")
	}
	return cursor{set: true, newer: s[0] == 'n', n: n}, nil
}

func (c cursor) from(q *gorm.DB) *gorm.DB {
	switch {
	case c.newer:
		return q.Where("n > ?", c.n).Order("n")
	case c.set:
		return q.Where("n < ?", c.n).Order("n DESC")
	}
	return q.Order("n DESC")
}

// chosen is the condition of a filter.
func (f Filter) chosen(q *gorm.DB) *gorm.DB {
	q = f.Seen.visible(q)
	if !f.From.IsZero() {
		q = q.Where("at >= ?", db.Instant(f.From))
	}
	if !f.To.IsZero() {
		q = q.Where("at < ?", db.Instant(f.To))
	}
	if len(f.Actions) > 0 {
		q = q.Where("action IN ?", f.Actions)
	}
	if len(f.Results) > 0 {
		q = q.Where("result IN ?", f.Results)
	}
	if f.Actor != 0 {
		q = q.Where("actor_id = ?", f.Actor)
	}
	if f.Department != 0 {
		q = q.Where("department_id = ?", f.Department)
	}
	if f.Object != "" {
		q = q.Where("object = ?", f.Object)
	}
	if f.Leaves != nil {
		q = q.Where("n IN ?", f.Leaves)
	}
	if f.Below != 0 {
		q = q.Where("n < ?", f.Below)
	}
	if f.Holding != "" {
		q = q.Where("INSTR(leaf, ?) > 0", []byte(f.Holding))
	}
	if f.Text != "" {
		// A range instead of LIKE: it uses the index and needs no escaping.
		q = q.Where("((object >= ? AND object < ?) OR actor_name = ?)", f.Text, f.Text+"\U0010FFFF", f.Text)
	}
	return q
}

func (s Seen) visible(q *gorm.DB) *gorm.DB {
	// Department 0 and user 0 mean "none" in a leaf, so neither may be looked for.
	switch {
	case s.All:
		return q
	case s.Departments.Len() > 0 && s.Own != 0:
		return q.Where("(department_id IN ? AND (? = '' OR object_kind <> ?) OR actor_id = ?)", s.Departments.Values(), s.Hidden, s.Hidden, s.Own)
	case s.Departments.Len() > 0:
		return q.Where("department_id IN ? AND (? = '' OR object_kind <> ?)", s.Departments.Values(), s.Hidden, s.Hidden)
	case s.Own != 0:
		return q.Where("actor_id = ?", s.Own)
	}
	return q.Where("1 = 0")
}
