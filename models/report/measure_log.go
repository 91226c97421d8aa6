package report

import (
	"fmt"
	"strings"
)

const logTable = "audit_leaf"

// cube is the log of a period, read once: how much of each measure every actor did in every role, department and
// month. A log is long, and a pass over a year of it takes as long for one number as for all of them.
type cube struct {
	keys  []string
	cells []cell
}

type cell struct {
	by     map[string]string // the cell's actor, role, department and month
	newest int64             // entry
	counts []int64           // one for each key
}

// readLog gives the part that reads the log for measures that tables of a report divide otherwise each.
func readLog(keys ...string) part {
	return func(c *counting, _ *Statement) error {
		month, args := c.monthOf(logTable + ".at")
		columns, where := []string{"actor_id", "actor_role", "department_id", month + " AS in_month", "MAX(n)"}, []string{}
		for _, k := range keys {
			m := c.measure(k)
			columns, where = append(columns, m.sum()), append(where, m.condition())
		}
		rows, err := c.leaves().Where("("+strings.Join(where, " OR ")+")").Select(strings.Join(columns, ", "), args...).
			Group("actor_id, actor_role, department_id, in_month").Rows()
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		defer rows.Close()
		c.log = &cube{keys: keys}
		for rows.Next() {
			var actor, role, department, in string
			one := cell{counts: make([]int64, len(keys))}
			into := []any{&actor, &role, &department, &in, &one.newest}
			for i := range one.counts {
				into = append(into, &one.counts[i])
			}
			if err := rows.Scan(into...); err != nil {
				return fmt.Errorf("read the log: %w", err)
			}
			one.by = map[string]string{byPerson: actor, byRole: role, byDepartment: department, byMonth: in}
			c.log.cells = append(c.log.cells, one)
		}
		return rows.Err()
	}
}

// divided adds up a measure by one side of the cube, or as a whole. It does not know measures that were not read.
func (l *cube) divided(m measure, dim string) (map[string]int64, bool) {
	if l == nil {
		return nil, false
	}
	at := -1
	for i, k := range l.keys {
		if k == m.key {
			at = i
		}
	}
	if at < 0 {
		return nil, false
	}
	out, seen := map[string]int64{}, map[string]bool{}
	for _, c := range l.cells {
		n, k := c.counts[at], c.by[dim]
		if m.distinct() {
			// Of an actor, however often.
			who := k + "\n" + c.by[byPerson]
			if n == 0 || seen[who] {
				continue
			}
			seen[who], n = true, 1
		}
		if n != 0 {
			out[k] += n
		}
	}
	return out, true
}

// newest is the last entry of each actor of which something was counted.
func (l *cube) newest() []int64 {
	last := map[string]int64{}
	for _, c := range l.cells {
		last[c.by[byPerson]] = max(last[c.by[byPerson]], c.newest)
	}
	out := make([]int64, 0, len(last))
	for _, n := range last {
		out = append(out, n)
	}
	return out
}

const distinctActors = "COUNT(DISTINCT actor_id)"

func (m measure) distinct() bool { return m.value == distinctActors }

// sum is the value of a measure over rows that are not all its own.
func (m measure) sum() string {
	of := "1"
	if inner, ok := strings.CutPrefix(m.value, "SUM("); ok {
		of = strings.TrimSuffix(inner, ")")
	}
	return "SUM(CASE WHEN " + m.condition() + " THEN " + of + " ELSE 0 END)"
}

func (m measure) condition() string {
	if m.where == "" {
		return "1 = 1"
	}
	return "(" + m.where + ")"
}
