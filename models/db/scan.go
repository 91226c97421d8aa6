package db

import (
	"database/sql"
	"fmt"
	"math"
	"strings"

	"gorm.io/gorm"
)

// Each runs a query past GORM and hands over its rows, for what every page asks and for what gives very many: to make
// the statement and to find out by reflection where to put what takes longer than the rest. Each argument is one value.
func (tx *Tx) Each(do func(*sql.Rows) error, query string, args ...any) error {
	return each(do)(tx.guard.QueryContext(tx.Context(), query, args...))
}

// EachRow hands over the rows of a query that GORM makes, for queries whose arguments are lists or whose conditions are
// put together.
func EachRow(q *gorm.DB, do func(*sql.Rows) error) error { return each(do)(q.Rows()) }

func each(do func(*sql.Rows) error) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := do(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// Counts are counts that one statement makes of several queries.
type Counts struct{ of, into []any }

// Add counts the rows of a query into n.
func (c *Counts) Add(q *gorm.DB, n *int64) {
	c.of, c.into = append(c.of, q.Select("COUNT(*)")), append(c.into, n)
}

// Read counts all that was added.
func (c *Counts) Read(tx *Tx) error {
	if len(c.of) == 0 {
		return nil
	}
	q := tx.Raw("SELECT (?)"+strings.Repeat(", (?)", len(c.of)-1), c.of...)
	return EachRow(q, func(r *sql.Rows) error { return r.Scan(c.into...) })
}

// Number is where an integer column goes, whose values must fit; NULL is 0. It and Word take rows past the reflection of
// GORM and database/sql, which takes longer than most of what is done with a row where there are very many.
func Number[T ~int | ~int64 | ~uint32 | ~uint64](to *T) sql.Scanner { return number[T]{to} }

type number[T ~int | ~int64 | ~uint32 | ~uint64] struct{ to *T }

// Scan implements sql.Scanner.
func (n number[T]) Scan(src any) error {
	v, fits := int64(0), true
	switch s := src.(type) {
	case nil:
	case int64:
		v = s
	case uint64:
		v, fits = int64(s), s <= math.MaxInt64
	default:
		fits = false
	}
	*n.to = T(v)
	if !fits || int64(*n.to) != v || *n.to < 0 != (v < 0) {
		return fmt.Errorf("db: %T is not the number that a column holds", src)
	}
	return nil
}

// Word is where a text column goes in which many rows have one of a few words.
func Word[T ~string](to *T) sql.Scanner { return word[T]{to} }

type word[T ~string] struct{ to *T }

// Scan implements sql.Scanner.
func (w word[T]) Scan(src any) error {
	switch s := src.(type) {
	case []byte:
		if string(*w.to) != string(s) {
			*w.to = T(s)
		}
	case string:
		*w.to = T(s)
	default:
		return fmt.Errorf("db: %T is not the text that a column holds", src)
	}
	return nil
}
