package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
)

// prefix begins the names of all databases that the bench makes and drops. It touches no other.
const prefix = "qingdang_bench_"

// ErrNotOurs says that the DSN names a database that the bench must not touch.
var ErrNotOurs = errors.New("bench: the DSN names a database; the bench makes its own ones, " + prefix + "*")

// server is a MariaDB on which the bench may create databases.
type server struct {
	cfg     *mysql.Config
	pool    *sql.DB
	own     string // prefix of this process's databases
	dir     string // for files, of this bench only
	version string // as the server says it
}

// begin gives a bench its server and a folder of its own, and end, which clears both away.
func begin(ctx context.Context, dsn string) (s *server, end func() error, err error) {
	if s, err = dial(ctx, dsn); err != nil {
		return nil, nil, err
	}
	if s.dir, err = os.MkdirTemp("", "qingdang-bench-"); err != nil {
		return nil, nil, errors.Join(err, s.pool.Close())
	}
	return s, func() error { return errors.Join(s.pool.Close(), os.RemoveAll(s.dir)) }, nil
}

func dial(ctx context.Context, dsn string) (*server, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("read DSN: %w", err)
	}
	if cfg.DBName != "" && !strings.HasPrefix(cfg.DBName, prefix) {
		return nil, ErrNotOurs
	}
	cfg.DBName = ""
	pool, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		return nil, err
	}
	s := &server{cfg: cfg, pool: pool, own: fmt.Sprintf("%s%d_", prefix, os.Getpid())}
	if err := pool.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.version); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return s, nil
}

func (s *server) settings(name string) db.Settings {
	cfg := s.cfg.Clone()
	cfg.DBName = s.own + name
	return db.Settings{DSN: cfg.FormatDSN()}
}

// fresh makes an empty database in the place of an older one.
func (s *server) fresh(ctx context.Context, name string) error {
	if err := s.drop(ctx, name); err != nil {
		return err
	}
	_, err := s.pool.ExecContext(ctx, "CREATE DATABASE "+s.own+name)
	return err
}

func (s *server) drop(ctx context.Context, name string) error {
	_, err := s.pool.ExecContext(ctx, "DROP DATABASE IF EXISTS "+s.own+name)
	return err
}

// clone makes database to an equal copy of from: migrated, so that it has the same triggers,
// then filled table by table in the order of the primary keys.
func (s *server) clone(ctx context.Context, from, to string) error {
	if err := s.fresh(ctx, to); err != nil {
		return err
	}
	d, err := db.Open(ctx, s.settings(to))
	if err != nil {
		return err
	}
	if err := errors.Join(d.Migrate(ctx), d.Close()); err != nil {
		return err
	}
	c, err := s.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tables, err := s.tables(ctx, from)
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "SET unique_checks = 0, foreign_key_checks = 0"); err != nil {
		return err
	}
	for _, t := range tables {
		for _, do := range []string{"TRUNCATE TABLE %[2]s.%[3]s", "INSERT INTO %[2]s.%[3]s SELECT * FROM %[1]s.%[3]s", "ANALYZE TABLE %[2]s.%[3]s"} {
			if _, err := c.ExecContext(ctx, fmt.Sprintf(do, s.own+from, s.own+to, "`"+t+"`")); err != nil {
				return fmt.Errorf("copy %s: %w", t, err)
			}
		}
	}
	return nil
}

func (s *server) tables(ctx context.Context, name string) (tables []string, err error) {
	rows, err := s.pool.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name", s.own+name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, rows.Err()
}

// purged are the tables from which a purge takes rows.
var purged = []struct{ name, key string }{
	{"conversation_key", "id"}, {"conversation_body", "id"}, {"conversation_tag", "conversation_id"}, {"conversation", "id"},
}

// settle reads everything into memory and waits until the server has cleaned up behind the last
// run, so that one candidate does not pay for the other.
func (s *server) settle(ctx context.Context, names ...string) error {
	for _, name := range names {
		for _, t := range purged {
			var n, sum sql.NullFloat64
			q := fmt.Sprintf("SELECT COUNT(*), SUM(%s) FROM %s%s.%s FORCE INDEX (PRIMARY)", t.key, s.own, name, t.name)
			if t.name == "conversation_body" {
				q = fmt.Sprintf("SELECT COUNT(*), SUM(CRC32(body)) FROM %s%s.%s", s.own, name, t.name)
			}
			if err := s.pool.QueryRowContext(ctx, q).Scan(&n, &sum); err != nil {
				return fmt.Errorf("warm %s: %w", t.name, err)
			}
		}
	}
	for range 120 {
		behind, err := s.history(ctx)
		if err != nil || behind < 100 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

// history is how many transactions InnoDB has still to clean up behind.
func (s *server) history(ctx context.Context) (n int, err error) {
	var name string
	err = s.pool.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'").Scan(&name, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // MySQL does not tell
	}
	return n, err
}

// address gives where the server listens, as other programs want it.
func (s *server) address() (host, port, socket string) {
	if s.cfg.Net == "unix" {
		return "", "", s.cfg.Addr
	}
	host, port, err := net.SplitHostPort(s.cfg.Addr)
	if err != nil {
		return s.cfg.Addr, "3306", ""
	}
	return host, port, ""
}
