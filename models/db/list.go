package db

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// List names the rows that a statement works on by a table that lists them: the lines of a
// manifest. Statements join with it, so that a thousand ids are not sent five times.
type List struct {
	Table  string
	Column string // of Table: which row of the other table is meant
	Where  string // a condition on Table, which is called l there
	Args   []any
	Values []uint64 // of Column, in ascending order, where the caller has read them; nil if not
}

// Join is FROM the list JOIN table ON its column, read in the order of the list.
func (l List) Join(tx *Tx, table, column string) string {
	return fmt.Sprintf("FROM %s l %s %s ON %s.%s = l.%s", l.Table, tx.inOrder(), table, table, column, l.Column)
}

// Query is Join as the beginning of a query, which may lock: from is tx.DB or one of the Tx's own
// beginnings, and table has its name there behind its own ("conversation c").
func (l List) Query(tx *Tx, from *gorm.DB, table, column string) *gorm.DB {
	return l.Also(tx, from.Table(l.Table+" l"), table, column).Where(l.Where, l.Args...)
}

// Also joins one more table behind what Query has joined.
func (l List) Also(tx *Tx, q *gorm.DB, table, column string) *gorm.DB {
	name := table[strings.LastIndexByte(table, ' ')+1:]
	return q.Joins(fmt.Sprintf("%s %s ON %s.%s = l.%s", tx.inOrder(), table, name, column, l.Column))
}

// inOrder joins two tables in the order in which they are written. Left to itself the optimizer
// may begin with the large one while it knows nothing of a list that was just written.
func (tx *Tx) inOrder() string {
	if tx.engine == SQLite {
		return "CROSS JOIN"
	}
	return "STRAIGHT_JOIN"
}

// DeleteListed deletes the rows of table whose column the list names, and tells how many there
// were. MySQL joins with the list (it looks up IN (SELECT …) row by row), unless its values are known: deleting while it
// reads costs less than noting first what to delete. SQLite has no joins in DELETE and does IN (SELECT …) well.
func (tx *Tx) DeleteListed(table, column string, l List) (int64, error) {
	if tx.engine == SQLite {
		res := tx.Exec(fmt.Sprintf("DELETE FROM %s WHERE %s IN (SELECT l.%s FROM %s l WHERE %s)", table, column, l.Column, l.Table, l.Where), l.Args...)
		return res.RowsAffected, res.Error
	}
	if l.Values == nil {
		res := tx.Exec("DELETE "+table+" "+l.Join(tx, table, column)+" WHERE "+l.Where, l.Args...)
		return res.RowsAffected, res.Error
	}
	var n int64
	for part := range slices.Chunk(l.Values, inLiterals) {
		res := tx.Exec("DELETE FROM " + table + " WHERE " + column + " IN " + literals(part))
		if res.Error != nil {
			return 0, res.Error
		}
		n += res.RowsAffected
	}
	return n, nil
}

// In is a condition on a column of numbers, for lists of hundreds: as so many placeholders they would take longer than
// the rest of the query. Numbers that follow each other, as those of departments do that came together, are ranges: a
// list of hundreds, too, takes the server longer than the query. No number is in an empty list.
func In[T ~uint64](column string, values []T) string {
	var either []string
	var alone []T
	for len(values) > 0 {
		n := 1
		for n < len(values) && values[n] == values[0]+T(n) {
			n++
		}
		if n < shortestRange || len(either) == mostRanges {
			alone = append(alone, values[:n]...)
		} else {
			either = append(either, fmt.Sprintf("%s BETWEEN %d AND %d", column, values[0], values[n-1]))
		}
		values = values[n:]
	}
	if len(alone) > 0 {
		either = append(either, column+" IN "+literals(alone))
	}
	if len(either) == 0 {
		return "1 = 0"
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

const (
	shortestRange = 4
	mostRanges    = 50 // SQLite takes no deeper condition than of a thousand parts
)

// inLiterals is how many numbers a list of SQL has at most: MariaDB makes a subquery of a thousand.
const inLiterals = 500

// literals writes numbers as a list of SQL, which is shorter than as many placeholders and their values.
func literals[T ~uint64](values []T) string {
	out := make([]byte, 0, 21*len(values)+1)
	for i, v := range values {
		out = strconv.AppendUint(append(out, "(,"[min(i, 1)]), uint64(v), 10)
	}
	return string(append(out, ')'))
}

// UpdateListed sets columns of the rows of table whose column the list names and which meet the
// condition, and tells how many there were. In the condition the list is l.
func (tx *Tx) UpdateListed(table, column string, l List, set map[string]any, where string, args ...any) (int64, error) {
	columns := slices.Sorted(maps.Keys(set))
	values := make([]any, 0, len(set)+len(l.Args)+len(args))
	for i, c := range columns {
		values = append(values, set[c])
		columns[i] = table + "." + c + " = ?"
		if tx.engine == SQLite {
			columns[i] = c + " = ?"
		}
	}
	values = append(append(values, l.Args...), args...)
	query := fmt.Sprintf("UPDATE %s l %s %s ON %s.%s = l.%s SET %s WHERE %s AND %s",
		l.Table, tx.inOrder(), table, table, column, l.Column, strings.Join(columns, ", "), l.Where, where)
	if tx.engine == SQLite {
		query = fmt.Sprintf("UPDATE %s SET %s FROM %s l WHERE %s.%s = l.%s AND %s AND %s",
			table, strings.Join(columns, ", "), l.Table, table, column, l.Column, l.Where, where)
	} else {
		tx.guard.note(table) // the statement begins with the list
	}
	res := tx.Exec(query, values...)
	return res.RowsAffected, res.Error
}

// Overwrite changes columns of rows that the caller has locked, many in one statement: keys name
// the columns that find a row, and each row holds the values of keys and columns. Something of
// every row must change. It fails when a row is not there; nothing is ever added.
func (tx *Tx) Overwrite(table string, keys, columns []string, rows [][]any) error {
	const atOnce = 1000
	for part := range slices.Chunk(rows, atOnce) {
		query, each := overwriteMySQL(table, keys, columns, len(part)), int64(2) // MySQL counts an update as 2 rows
		if tx.engine == SQLite {
			query, each = overwriteSQLite(table, keys, columns, len(part)), 1
		}
		values := make([]any, 0, len(part)*(len(keys)+len(columns)))
		for _, r := range part {
			values = append(values, r...)
		}
		res := tx.Exec(query, values...)
		switch {
		case res.Error != nil:
			return res.Error
		case res.RowsAffected != each*int64(len(part)):
			return fmt.Errorf("db: %d of %d rows of %s overwritten", res.RowsAffected/each, len(part), table)
		}
	}
	return nil
}

func overwriteMySQL(table string, keys, columns []string, n int) string {
	sets := make([]string, len(columns))
	for i, c := range columns {
		sets[i] = c + " = VALUES(" + c + ")"
	}
	all := append(slices.Clone(keys), columns...)
	return "INSERT INTO " + table + " (" + strings.Join(all, ", ") + ") VALUES " + marks(len(all), n) + " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
}

func overwriteSQLite(table string, keys, columns []string, n int) string {
	var sets, finds []string
	for i, k := range keys {
		finds = append(finds, fmt.Sprintf("%s.%s = v.column%d", table, k, i+1))
	}
	for i, c := range columns {
		sets = append(sets, fmt.Sprintf("%s = v.column%d", c, len(keys)+i+1))
	}
	return "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " FROM (VALUES " + marks(len(keys)+len(columns), n) + ") v WHERE " + strings.Join(finds, " AND ")
}

// marks gives n rows of placeholders.
func marks(columns, n int) string {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return row + strings.Repeat(", "+row, n-1)
}
