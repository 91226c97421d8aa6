package db

import (
	"database/sql"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/migrator"
	"gorm.io/gorm/schema"
)

// dialector lets GORM speak to the embedded SQLite. The schema comes from our
// own migrations, so it needs no migrator; row locks are left out of
// statements, since the one writer holds them all.
type dialector struct{ pool *sql.DB }

// Name is the engine's name.
func (dialector) Name() string { return SQLite }

// Initialize hooks the dialect into GORM.
func (d dialector) Initialize(g *gorm.DB) error {
	g.ConnPool = d.pool
	callbacks.RegisterDefaultCallbacks(g, &callbacks.Config{
		CreateClauses:        []string{"INSERT", "VALUES", "ON CONFLICT"},
		UpdateClauses:        []string{"UPDATE", "SET", "WHERE"},
		DeleteClauses:        []string{"DELETE", "FROM", "WHERE"},
		LastInsertIDReversed: true,
	})
	g.ClauseBuilders["FOR"] = func(clause.Clause, clause.Builder) {}
	return nil
}

// Migrator is GORM's plain one; nothing calls it.
func (d dialector) Migrator(g *gorm.DB) gorm.Migrator {
	return migrator.Migrator{Config: migrator.Config{DB: g, Dialector: d}}
}

// DataTypeOf is only asked for by GORM's migrator, which we do not run.
func (dialector) DataTypeOf(f *schema.Field) string { return string(f.DataType) }

// DefaultValueOf is what GORM writes for a missing value.
func (dialector) DefaultValueOf(*schema.Field) clause.Expression { return clause.Expr{SQL: "NULL"} }

// BindVarTo writes one placeholder.
func (dialector) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

// QuoteTo writes a name, or table.column, in back quotes, which SQLite reads as
// MySQL does.
func (dialector) QuoteTo(w clause.Writer, name string) {
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			_ = w.WriteByte('.')
		}
		if part == "*" {
			_ = w.WriteByte('*')
			continue
		}
		_, _ = w.WriteString("`" + strings.ReplaceAll(strings.Trim(part, "`"), "`", "``") + "`")
	}
}

// Explain writes a statement for a log; values are never put in.
func (dialector) Explain(query string, _ ...any) string {
	return logger.ExplainSQL(query, nil, `'`)
}

// SavePoint and RollbackTo let GORM nest transactions; Write does not.
func (dialector) SavePoint(tx *gorm.DB, name string) error { return tx.Exec("SAVEPOINT " + name).Error }

// RollbackTo undoes a nested transaction.
func (dialector) RollbackTo(tx *gorm.DB, name string) error {
	return tx.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

// Translate gives GORM's name to errors that have one.
func (dialector) Translate(err error) error {
	if sqliteUnique(err) {
		return gorm.ErrDuplicatedKey
	}
	return err
}
