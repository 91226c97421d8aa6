package dbtest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
)

// ServerVariable names the environment variable with the DSN of a running
// private MariaDB (no database name). Without it each test binary starts its own.
const ServerVariable = "QINGDANG_TEST_MARIADB"

// Server is a private MariaDB: own data folder, own socket, loopback only.
type Server struct {
	DSN  string // by the socket; ends with "/": put a database name behind it
	Port int    // on 127.0.0.1
	Data string // its data folder
	dir  string
	more []string
	cmd  *exec.Cmd
	over chan struct{} // closed when its process has ended
}

// StartServer makes a data folder below dir and starts MariaDB on it, with more options of the
// server if there are any. It needs Debian's mariadb-server.
func StartServer(dir string, more ...string) (*Server, error) {
	for _, tool := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is not installed (Debian: apt-get install mariadb-server): %w", tool, err)
		}
	}
	s := &Server{dir: dir, Data: filepath.Join(dir, "data"), more: more}
	install := exec.Command("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir="+filepath.Join(dir, "data"), "--user="+account())
	install.Env = append(os.Environ(), "TMPDIR="+dir) // a server that starts removes what others have in the temporary folder they share
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	return s, s.Start()
}

var errEnded = errors.New("mariadbd ended")

// Start runs the server on its data folder, also again after Kill.
func (s *Server) Start() (err error) {
	for range 3 { // somebody else may be quicker to take the port
		if err = s.start(); !errors.Is(err, errEnded) {
			return err
		}
	}
	return err
}

func (s *Server) start() error {
	socket := filepath.Join(s.dir, "s")
	port, err := FreePort()
	if err != nil {
		return err
	}
	args := []string{
		"--no-defaults", "--user=" + account(), "--datadir=" + filepath.Join(s.dir, "data"), "--socket=" + socket,
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port), "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=128M", "--max-connections=1000",
		"--innodb-flush-log-at-trx-commit=1", "--performance-schema=OFF", "--log-error=" + filepath.Join(s.dir, "error.log"),
		"--pid-file=" + filepath.Join(s.dir, "pid"), "--character-set-server=utf8mb4", "--tmpdir=" + s.dir,
	}
	cmd := exec.Command("mariadbd", append(args, s.more...)...)
	// The server must not outlive the tests, however they end. The signal follows the
	// thread that started the process, so that thread stays.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, over := make(chan error), make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread()
		started <- cmd.Start()
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start mariadbd: %w", err)
	}
	s.cmd, s.Port, s.over = cmd, port, over
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", socket
	s.DSN = cfg.FormatDSN()
	return s.wait(3 * time.Minute) // a cold disk takes its time
}

func (s *Server) wait(limit time.Duration) error {
	pool, err := sql.Open("mysql", s.DSN)
	if err != nil {
		return err
	}
	defer pool.Close()
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		if err = pool.Ping(); err == nil {
			return nil
		}
		select {
		case <-s.over:
			return fmt.Errorf("%w: see %s", errEnded, filepath.Join(s.dir, "error.log"))
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("mariadbd does not answer: %w", err)
		}
	}
}

// FreePort gives a port of 127.0.0.1 that nobody uses now. It lies below those that the system gives to connections, or
// one of them could have it before the caller listens.
func FreePort() (port int, err error) {
	for range 100 {
		port = 16_000 + rand.IntN(16_000)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// Kill ends the server at once, as a power cut would, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.over
}

func account() string {
	if os.Geteuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}

var maria struct {
	mu     sync.Mutex
	server string
	err    error
	free   []string // DSNs of migrated, empty databases
}

// borrowMariaDB hands out a migrated, empty database and takes it back, emptied,
// when the test ends.
func borrowMariaDB(t testing.TB) string {
	t.Helper()
	maria.mu.Lock()
	defer maria.mu.Unlock()
	if maria.server == "" && maria.err == nil {
		maria.server, maria.err = findServer()
	}
	if maria.err != nil {
		Missing(t, maria.err.Error())
	}
	var dsn string
	if n := len(maria.free); n > 0 {
		dsn, maria.free = maria.free[n-1], maria.free[:n-1]
	} else {
		var err error
		if dsn, err = CreateDatabase(maria.server); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := empty(dsn); err != nil {
			t.Error(err)
			return
		}
		maria.mu.Lock()
		defer maria.mu.Unlock()
		maria.free = append(maria.free, dsn)
	})
	return dsn
}

func findServer() (string, error) {
	if dsn := os.Getenv(ServerVariable); dsn != "" {
		return dsn, nil
	}
	dir, err := os.MkdirTemp("", "qd-maria-")
	if err != nil {
		return "", err
	}
	s, err := StartServer(dir)
	if err != nil {
		return "", err
	}
	return s.DSN, nil
}

// CreateDatabase makes a migrated, empty database on a server and gives its DSN.
func CreateDatabase(server string) (string, error) {
	cfg, err := mysql.ParseDSN(server)
	if err != nil {
		return "", err
	}
	pool, err := sql.Open("mysql", server)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	cfg.DBName = fmt.Sprintf("qd_%d_%08x", os.Getpid(), rand.Uint32())
	if _, err := pool.Exec("CREATE DATABASE " + cfg.DBName); err != nil {
		return "", err
	}
	dsn := cfg.FormatDSN()
	if err := migrate(db.Settings{DSN: dsn}); err != nil {
		return "", err
	}
	return dsn, keepSeeds(dsn)
}

const seeds = "seed_of_"

// keepSeeds copies the rows that migrations put in, so that emptying a database
// gives it back as it was when new.
func keepSeeds(dsn string) error {
	return eachTable(dsn, func(c *sql.Conn, table string) error {
		var n int
		if err := c.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM `"+table+"`").Scan(&n); err != nil || n == 0 {
			return err
		}
		_, err := c.ExecContext(context.Background(), "CREATE TABLE `"+seeds+table+"` AS SELECT * FROM `"+table+"`")
		return err
	})
}

func empty(dsn string) error {
	return eachTable(dsn, func(c *sql.Conn, table string) error {
		ctx := context.Background()
		if strings.HasPrefix(table, seeds) || strings.HasPrefix(table, "goose_") {
			return nil
		}
		if _, err := c.ExecContext(ctx, "DELETE FROM `"+table+"`"); err != nil {
			return err
		}
		var n int
		if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?", seeds+table).Scan(&n); err != nil || n == 0 {
			return err
		}
		_, err := c.ExecContext(ctx, "INSERT INTO `"+table+"` SELECT * FROM `"+seeds+table+"`")
		return err
	})
}

func eachTable(dsn string, f func(c *sql.Conn, table string) error) error {
	ctx := context.Background()
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	rows, err := c.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'")
	if err != nil {
		return err
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	// Without holds no trigger stands in the way of emptying the rest.
	slices.SortStableFunc(tables, func(a, b string) int {
		holds := func(t string) int { return map[string]int{"legal_hold": -1, "hold_item": -1}[t] }
		return cmp.Compare(holds(a), holds(b))
	})
	for _, table := range tables {
		if err := f(c, table); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}
