package db

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// protected lists the tables whose changes need an audit leaf in the same
// transaction (invariant I4). Queues, caches, sessions and the log itself
// are not among them.
var protected = map[string]bool{
	"department": true, "department_path": true, "person": true, "user": true, "user_scope": true,
	"conversation": true, "conversation_body": true, "conversation_key": true, "conversation_tag": true, "removed_tag": true, "tagged_list": true, "tombstone": true,
	"legal_hold": true, "hold_item": true, "hold_customer": true, "hold_review": true, "hold_release": true, "retention_rule": true, "retention_never_keep": true, "retention_change": true,
	"bin_batch": true, "bin_item": true, "bin_raise": true, "subject_request": true, "subject_item": true,
	"purge_request": true, "purge_item": true, "purge_batch": true, "purge_department": true, "purge_bucket": true, "key_bucket": true, "recovery_code": true, "approval": true, "vote": true, "certificate": true, "audit_report": true,
	"access_grant": true, "access_department": true, "saved_search": true,
	"export": true, "export_part": true, "export_grant": true,
	"inspection": true, "inspection_item": true, "inspection_finding": true, "inspection_signature": true,
}

// guard stands between GORM and the transaction. It remembers the first error,
// after which no statement runs, and which protected table was changed.
type guard struct {
	tx      *sql.Tx
	failed  error
	changed string
	audited bool
}

var changing = regexp.MustCompile("(?is)^\\s*(?:INSERT\\s+(?:IGNORE\\s+|OR\\s+\\w+\\s+)?INTO|UPDATE|DELETE(?:\\s+FROM)?|REPLACE\\s+INTO)\\s+[`\"]?(\\w+)")

func (g *guard) before(query string) error {
	if g.failed != nil {
		return ErrPoisoned
	}
	if m := changing.FindStringSubmatch(query); m != nil {
		g.note(strings.ToLower(m[1]))
	}
	return nil
}

// note remembers that a table is changed, if it is protected.
func (g *guard) note(table string) {
	if protected[table] {
		g.changed = table
	}
}

func (g *guard) after(err error) error {
	if refusedByTrigger(err) {
		err = fmt.Errorf("%w: %w", ErrHeld, err)
	}
	if err != nil && g.failed == nil {
		g.failed = err
	}
	return err
}

// PrepareContext is part of gorm.ConnPool.
func (g *guard) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := g.before(query); err != nil {
		return nil, err
	}
	s, err := g.tx.PrepareContext(ctx, query)
	return s, g.after(err)
}

// ExecContext is part of gorm.ConnPool.
func (g *guard) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := g.before(query); err != nil {
		return nil, err
	}
	r, err := g.tx.ExecContext(ctx, query, args...)
	return r, g.after(err)
}

// QueryContext is part of gorm.ConnPool.
func (g *guard) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := g.before(query); err != nil {
		return nil, err
	}
	r, err := g.tx.QueryContext(ctx, query, args...)
	return r, g.after(err)
}

// QueryRowContext is part of gorm.ConnPool. Its error shows at Scan; we do not
// use it ourselves.
func (g *guard) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_ = g.before(query)
	return g.tx.QueryRowContext(ctx, query, args...)
}
