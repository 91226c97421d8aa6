package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// ErrNoPeer says that the tool to compare with is not there.
var ErrNoPeer = errors.New("bench: pt-archiver is not installed (Debian: apt-get install percona-toolkit)")

// peer is pt-archiver over the same tables, one pass each: no audit, no keys, no certificate.
// Helped means what its users seldom know: only keys are read, one transaction for each 1,000 rows.
type peer struct {
	server *server
	dir    string
	helped bool
	// startup is what starting Perl and looking at a table costs for all passes together.
	startup    time.Duration
	startupCPU float64
}

const manifest = "bench_manifest"

func newPeer(s *server, dir string, helped bool) (*peer, error) {
	if _, err := exec.LookPath("pt-archiver"); err != nil {
		return nil, ErrNoPeer
	}
	p := &peer{server: s, dir: dir, helped: helped}
	text := "[client]\nuser=" + s.cfg.User + "\npassword=\"" + s.cfg.Passwd + "\"\n"
	return p, os.WriteFile(p.options(), []byte(text), 0o600)
}

// options is the file with the password, which must not stand on a command line.
func (p *peer) options() string { return filepath.Join(p.dir, "pt-archiver.cnf") }

// list copies the purge's manifest to where pt-archiver finds it.
func (p *peer) list(ctx context.Context, from, name string) error {
	for _, do := range []string{
		"CREATE TABLE %[2]s.%[3]s (id BIGINT UNSIGNED NOT NULL PRIMARY KEY) ENGINE=InnoDB",
		"INSERT INTO %[2]s.%[3]s SELECT conversation_id FROM %[1]s.purge_item ORDER BY conversation_id",
		"ANALYZE TABLE %[2]s.%[3]s",
	} {
		if _, err := p.server.pool.ExecContext(ctx, fmt.Sprintf(do, p.server.own+from, p.server.own+name, manifest)); err != nil {
			return fmt.Errorf("copy manifest: %w", err)
		}
	}
	return nil
}

// measureStartup runs all passes on an empty selection and keeps the median of three.
func (p *peer) measureStartup(ctx context.Context, name string) error {
	var took []time.Duration
	m := p.server.meter(ctx)
	before := m.read()
	for range 3 {
		from := time.Now()
		for _, t := range purged {
			if err := p.pass(ctx, name, t.name, "1=0"); err != nil {
				return err
			}
		}
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	p.startup, p.startupCPU = took[1], (m.read()-before)/3
	return nil
}

// run purges and gives the time without the start-up.
func (p *peer) run(ctx context.Context, name string) (time.Duration, error) {
	from := time.Now()
	for _, t := range purged {
		where := fmt.Sprintf("EXISTS (SELECT 1 FROM %s m WHERE m.id = %s.%s)", manifest, t.name, t.key)
		if err := p.pass(ctx, name, t.name, where); err != nil {
			return 0, err
		}
	}
	return time.Since(from) - p.startup, nil
}

// flags are how it purges; the report names them.
func (p *peer) flags() []string {
	f := []string{"--purge", "--bulk-delete", "--limit", "1000"}
	if p.helped {
		f = append(f, "--commit-each", "--primary-key-only")
	}
	return f
}

func (p *peer) pass(ctx context.Context, name, table, where string) error {
	source := fmt.Sprintf("F=%s,D=%s,t=%s,A=utf8mb4", p.options(), p.server.own+name, table)
	switch host, port, socket := p.server.address(); {
	case socket != "":
		source += ",S=" + socket
	default:
		source += ",h=" + host + ",P=" + port
	}
	args := append([]string{"--source", source, "--where", where, "--no-check-charset", "--no-version-check", "--sentinel", filepath.Join(p.dir, "stop")}, p.flags()...)
	if out, err := exec.CommandContext(ctx, "pt-archiver", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pt-archiver %s: %w: %s", table, err, out)
	}
	return nil
}

// gone makes sure that everything was deleted that was to be.
func (s *server) gone(ctx context.Context, name string) error {
	for _, t := range purged {
		var left int
		q := fmt.Sprintf("SELECT COUNT(*) FROM %[1]s%[2]s.%[3]s m JOIN %[1]s%[2]s.%[4]s t ON t.%[5]s = m.id", s.own, name, manifest, t.name, t.key)
		if err := s.pool.QueryRowContext(ctx, q).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return fmt.Errorf("%d rows of the list are left in %s", left, t.name)
		}
	}
	return nil
}
