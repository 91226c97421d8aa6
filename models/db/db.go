// Package db owns the connection to the database: opening MySQL, MariaDB or
// the embedded SQLite file, the one transaction helper, the clock, the
// migrations, and the few statements in which the engines differ.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	"modernc.org/sqlite"
)

// The engines, as Engine gives them.
const (
	MySQL  = "mysql"
	SQLite = "sqlite"
)

// Settings says which database to open. An empty DSN means the embedded SQLite
// file at File. A nil Clock means the database's own UTC clock.
type Settings struct {
	DSN   string
	File  string
	Clock Clock
	// Held is told how long each transaction held SQLite's one writer, for measuring; nil for none.
	Held func(time.Duration)
	// Wrap stands between the pool and the driver in fault tests; nil is the driver itself.
	Wrap func(driver.Connector) driver.Connector
}

// DB is an open database. All work happens inside Write or Read.
type DB struct {
	engine string
	write  *gorm.DB
	read   *gorm.DB
	pools  []*sql.DB
	clock  Clock
	file   string
	held   func(time.Duration)
}

// Open connects and checks that the database answers. It changes nothing;
// Migrate does.
func Open(ctx context.Context, s Settings) (*DB, error) {
	d, err := open(s)
	if err != nil {
		return nil, err
	}
	if err := d.Ping(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return d, nil
}

func open(s Settings) (*DB, error) {
	d := &DB{clock: s.Clock, file: s.File, held: s.Held}
	if d.clock == nil {
		d.clock = databaseClock{}
	}
	if s.DSN == "" {
		return d, d.openSQLite(s)
	}
	return d, d.openMySQL(s)
}

func (d *DB) openMySQL(s Settings) error {
	cfg, err := mysql.ParseDSN(s.DSN)
	if err != nil {
		return fmt.Errorf("read DSN: %w", err)
	}
	// An update to the same value must count as a match, or a conditional state
	// move would be taken for a lost race.
	cfg.ClientFoundRows = true
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.MultiStatements = false
	cfg.InterpolateParams = true
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = time.Minute
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = time.Minute
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Params["innodb_lock_wait_timeout"] = "10"
	// A program that was stopped or cut off in the middle of a transaction holds its locks until the
	// server notices; by default that takes hours.
	if cfg.Params["wait_timeout"] == "" {
		cfg.Params["wait_timeout"] = "60"
	}
	cfg.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
	cfg.Logger = quiet{}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return fmt.Errorf("open MySQL: %w", err)
	}
	reading, err := newReading(cfg)
	if err != nil {
		return fmt.Errorf("open MySQL: %w", err)
	}
	writer, reader := s.pool(c), s.pool(reading)
	for _, pool := range []*sql.DB{writer, reader} {
		pool.SetMaxOpenConns(24) // three processes stay below the 151 that servers allow by default
		pool.SetMaxIdleConns(8)
		pool.SetConnMaxIdleTime(30 * time.Second) // sooner than the server ends idle ones
		pool.SetConnMaxLifetime(30 * time.Minute)
	}
	d.engine, d.pools = MySQL, []*sql.DB{writer, reader}
	// The dialector asks the server for its version, so a server that is away is
	// noticed here; Ping gives the reason.
	g, err := gorm.Open(gormmysql.New(gormmysql.Config{Conn: writer, SkipInitializeWithVersion: true, DontSupportForShareClause: true}), config())
	if err != nil {
		return fmt.Errorf("open MySQL: %w", err)
	}
	d.write, d.read = g, g
	return nil
}

// pool opens the connections of a driver.
func (s Settings) pool(c driver.Connector) *sql.DB {
	if s.Wrap != nil {
		c = s.Wrap(c)
	}
	return sql.OpenDB(c)
}

// openSQLite opens the file twice: one connection that writes, since SQLite has
// one writer anyway, and a few that can only read.
func (d *DB) openSQLite(s Settings) error {
	file := s.File
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("folder of the database file: %w", err)
	}
	if f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("database file: %w", err)
	} else if err := f.Close(); err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	one, err := sqlite.NewConnector(sqliteDSN(file, "immediate"))
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	few, err := sqlite.NewConnector(sqliteDSN(file, "deferred", "query_only(1)"))
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	writer, reader := s.pool(one), s.pool(few)
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(4)
	d.engine, d.pools = SQLite, []*sql.DB{writer, reader}
	if d.write, err = gorm.Open(dialector{writer}, config()); err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	if d.read, err = gorm.Open(dialector{reader}, config()); err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	return nil
}

// sqliteDSN sets what deletion needs (secure_delete overwrites freed cells) and
// what evidence needs (synchronous=FULL: a commit that was answered stays).
func sqliteDSN(file, txlock string, more ...string) string {
	q := url.Values{}
	for _, p := range append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)", "temp_store(MEMORY)"}, more...) {
		q.Add("_pragma", p)
	}
	q.Set("_txlock", txlock)
	q.Set("_time_format", "sqlite")
	q.Set("_timezone", "UTC")
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

// config keeps GORM small: singular tables, no implicit transactions, no message
// text in any log.
func config() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		CreateBatchSize:        500,
		NamingStrategy:         schema.NamingStrategy{SingularTable: true},
		Logger: logger.New(slogWriter{}, logger.Config{
			LogLevel: logger.Silent, ParameterizedQueries: true, IgnoreRecordNotFoundError: true,
		}),
	}
}

// Engine gives MySQL or SQLite.
func (d *DB) Engine() string { return d.engine }

// File gives the path of the embedded database file, empty on a server.
func (d *DB) File() string {
	if d.engine == SQLite {
		return d.file
	}
	return ""
}

// Ping asks whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	for _, p := range d.pools {
		if err := p.PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all connections.
func (d *DB) Close() error {
	var errs []error
	for _, p := range d.pools {
		// A connection that the server ended is closed already, and nothing of a server's is left open by us.
		if err := p.Close(); d.engine == SQLite {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Flush makes SQLite move its write-ahead log into the file and empty it, so
// that pages of destroyed rows do not stay in the log. A server needs nothing.
func (d *DB) Flush(ctx context.Context) error {
	if d.engine != SQLite {
		return nil
	}
	var busy, log, moved int
	err := d.pools[0].QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
	if err == nil && busy != 0 {
		err = errors.New("a reader keeps the write-ahead log open")
	}
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

type slogWriter struct{}

func (slogWriter) Printf(format string, args ...any) { slog.Warn(fmt.Sprintf(format, args...)) }

// quiet keeps the driver's own log lines, which may quote statements, to itself.
type quiet struct{}

func (quiet) Print(...any) {}
