package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema up to date under a lock, so that several processes
// may start together. A database that a newer program has migrated is refused.
func (d *DB) Migrate(ctx context.Context) error {
	folder, err := fs.Sub(migrations, "migrations/"+d.engine)
	if err != nil {
		return err
	}
	dialect, opts := goose.DialectSQLite3, []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		// Drawers are built side by side, and each only adds: a number may come after a higher one.
		goose.WithAllowOutofOrder(true),
	}
	if d.engine == MySQL {
		locker, err := lock.NewMySQLTableLocker()
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		dialect, opts = goose.DialectMySQL, append(opts, goose.WithLocker(locker))
	} else {
		unlock, err := lockFile(d.file + ".migrating")
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		defer unlock()
	}
	p, err := goose.NewProvider(dialect, d.pools[0], folder, opts...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	if upToDate(ctx, d.pools[0], sources) {
		return nil
	}
	stored, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if newest := sources[len(sources)-1].Version; stored > newest {
		return fmt.Errorf("the database has schema version %d, this program knows %d: use the newer program", stored, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		var m *mysql.MySQLError
		if errors.As(err, &m) && m.Number == noTriggerRight {
			return fmt.Errorf("migrate: triggers keep what is under a legal hold; set log_bin_trust_function_creators=1 or migrate with an account that has SUPER: %w", err)
		}
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// upToDate looks without the lock, since mostly nothing is to be done, and the lock of a process
// that was killed keeps others waiting for half a minute. When in doubt the answer is no.
func upToDate(ctx context.Context, pool *sql.DB, sources []*goose.Source) bool {
	var applied, newest int64
	err := pool.QueryRowContext(ctx, "SELECT COUNT(DISTINCT version_id), MAX(version_id) FROM goose_db_version WHERE is_applied AND version_id > 0").Scan(&applied, &newest)
	return err == nil && applied == int64(len(sources)) && newest == sources[len(sources)-1].Version
}

func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
