package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// What a measure can be divided by.
const (
	byDepartment = "department"
	byClass      = "class"
	byPerson     = "person"
	byRole       = "role"
	byMonth      = "month"
)

// measure is one number, defined here and nowhere else: totals, tables, months and the definition in
// the report are all made of it. By gives the columns that it can be divided by; at is the instant that
// decides whether something belongs to the period, empty for what is as it is now.
type measure struct {
	key, unit   string
	value, from string
	where       string
	args        []any
	by          map[string]string
	at          string
}

// definition is the query in words that a stranger can run.
func (m measure) definition() string {
	where := m.where
	for _, a := range m.args {
		text := fmt.Sprint(a)
		switch v := a.(type) {
		case time.Time:
			text = "'" + v.UTC().Format(time.RFC3339) + "'"
		case string:
			text = "'" + v + "'"
		}
		where = strings.Replace(where, "?", text, 1)
	}
	out := m.value + " FROM " + m.from
	if where != "" {
		out += " WHERE " + where
	}
	if m.at != "" {
		out += "; " + m.at + " in the period"
	} else {
		out += "; at the time of the report"
	}
	return out
}

// rows are what a measure counts.
func (c *counting) rows(m measure) *gorm.DB {
	q := c.tx.Table(m.from)
	if m.where != "" {
		q = q.Where(m.where, m.args...)
	}
	if m.at != "" {
		q = q.Where(m.at+" >= ? AND "+m.at+" < ?", db.Instant(c.from), db.Instant(c.to))
	}
	if col := m.by[byDepartment]; c.under != nil && col != "" {
		q = q.Where(col+" IN ?", c.under)
	}
	return q
}

func (c *counting) total(m measure) (n int64, err error) {
	if all, known := c.log.divided(m, ""); known {
		return all[""], nil
	}
	if err := c.rows(m).Select("COALESCE(" + m.value + ", 0)").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count %s: %w", m.key, err)
	}
	return n, nil
}

// divided counts a measure for each value of a column, or for each month.
func (c *counting) divided(m measure, dim string) (map[string]int64, error) {
	if counts, known := c.log.divided(m, dim); known {
		return counts, nil
	}
	var rows []struct {
		K string
		N int64
	}
	column, args := m.by[dim], []any(nil)
	if dim == byMonth {
		column, args = c.monthOf(m.at)
	}
	err := c.rows(m).Select(column+" AS k, COALESCE("+m.value+", 0) AS n", args...).Group("k").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count %s by %s: %w", m.key, dim, err)
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.K] += r.N
	}
	return out, nil
}

// starts are the first instants of the months of the period, the first one cut by it.
func (c *counting) starts() []time.Time {
	y, m, _ := c.from.Date()
	var out []time.Time
	for at := c.from; at.Before(c.to); at = time.Date(y, m, 1, 0, 0, 0, 0, c.from.Location()) {
		out = append(out, at)
		m++
	}
	return out
}

// monthOf is the month of an instant as a number into starts: month names depend on the zone, which
// the engines know nothing of.
func (c *counting) monthOf(at string) (string, []any) {
	starts := c.starts()
	var b strings.Builder
	var args []any
	b.WriteString("CASE")
	for i, s := range starts[1:] {
		fmt.Fprintf(&b, " WHEN %s < ? THEN %d", at, i)
		args = append(args, db.Instant(s))
	}
	if len(args) == 0 {
		return "0", nil
	}
	fmt.Fprintf(&b, " ELSE %d END", len(starts)-1)
	return b.String(), args
}

// figures counts measures for the head of a report.
func (c *counting) figures(s *Statement, keys ...string) error {
	for _, k := range keys {
		m := c.measure(k)
		n, err := c.total(m)
		if err != nil {
			return err
		}
		s.Figures = append(s.Figures, Figure{Key: k, Unit: m.unit, Value: n, Definition: m.definition()})
	}
	return nil
}

// grid counts measures side by side, divided by the same thing. A row in which nothing was
// counted is left out, but for months.
func (c *counting) grid(s *Statement, key, dim string, keys ...string) error {
	g := Grid{Key: key, Texts: []Column{{Key: dim, Unit: dim}}, Numbers: []Column{}, Rows: []GridRow{}}
	found := map[string][]int64{}
	for i, k := range keys {
		m := c.measure(k)
		g.Numbers = append(g.Numbers, Column{Key: k, Unit: m.unit, Definition: m.definition()})
		counts, err := c.divided(m, dim)
		if err != nil {
			return err
		}
		for name, n := range counts {
			if found[name] == nil {
				found[name] = make([]int64, len(keys))
			}
			found[name][i] = n
		}
	}
	names, labels, err := c.order(dim, found)
	if err != nil {
		return err
	}
	if dim == byPerson {
		g.Texts = []Column{{Key: "person", Unit: UnitPlain}, {Key: "role", Unit: UnitRole}}
	}
	for i, name := range names {
		row := GridRow{Texts: labels[i], Numbers: found[name]}
		if row.Numbers == nil {
			row.Numbers = make([]int64, len(keys))
		}
		g.Rows = append(g.Rows, row)
	}
	g.Of = int64(len(g.Rows))
	s.Tables = append(s.Tables, g)
	return nil
}

// order says in which order the rows stand and what their first cells are.
func (c *counting) order(dim string, found map[string][]int64) (names []string, labels [][]string, err error) {
	switch dim {
	case byMonth:
		for i, at := range c.starts() {
			names, labels = append(names, fmt.Sprint(i)), append(labels, []string{at.Format("2006-01")})
		}
		return names, labels, nil
	case byDepartment:
		for _, d := range append(c.tree.Preorder(), 0) {
			if name := id.String(d); found[name] != nil {
				names, labels = append(names, name), append(labels, []string{c.tree.Path(d)})
			}
		}
		// Departments that the tree does not know must be seen too.
		for _, name := range sortedNames(found) {
			if !slices.Contains(names, name) {
				names, labels = append(names, name), append(labels, []string{"#" + name})
			}
		}
		return names, labels, nil
	case byPerson:
		return c.people(found)
	}
	for _, name := range sortedNames(found) {
		names, labels = append(names, name), append(labels, []string{name})
	}
	return names, labels, nil
}

// people names actors as the newest entry does of those that were counted.
func (c *counting) people(found map[string][]int64) (names []string, labels [][]string, err error) {
	var rows []struct {
		ActorID              string
		ActorName, ActorRole string
	}
	err = c.tx.Table(logTable).Where("n IN ?", c.log.newest()).Select("actor_id, actor_name, actor_role").Order("actor_name, actor_id").Scan(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("name actors: %w", err)
	}
	for _, r := range rows {
		if found[r.ActorID] == nil {
			continue
		}
		if r.ActorID == "0" {
			r.ActorName, r.ActorRole = "", ""
		}
		names, labels = append(names, r.ActorID), append(labels, []string{r.ActorName, r.ActorRole})
	}
	return names, labels, nil
}
