package drill_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/go-sql-driver/mysql"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/purge"
)

// leash keeps a worker from committing what goes further than it may, however fast it is: a transaction that wants to
// hangs in a trigger, with nearly everything done but its end, until the worker is gone. So a drill disturbs as often
// as it wants to on every machine, and what it waits for comes.
type leash struct {
	s    *site
	lock *sql.DB // has what the trigger on a server waits for
}

// leash holds a purge back from what makes a condition of its row true.
func (s *site) leash(p *planned, so string) *leash {
	s.t.Helper()
	l := &leash{s: s}
	so = fmt.Sprintf("NEW.id = %d AND (%s)", p.ID, so)
	if s.now.Engine() == db.SQLite {
		// It counts for hours.
		dbtest.Exec(s.t, s.now, "CREATE TRIGGER leash AFTER UPDATE ON purge_request WHEN "+so+
			" BEGIN SELECT COUNT(*) FROM purge_item a, purge_item b, purge_item c; END")
		return l
	}
	dsn, err := mysql.ParseDSN(s.dsn)
	s.must(err)
	dsn.Params = nil // it is silent for long
	l.lock, err = sql.Open("mysql", dsn.FormatDSN())
	s.must(err)
	l.lock.SetMaxOpenConns(1)
	var got sql.NullInt64
	s.must(l.lock.QueryRowContext(s.ctx(), "SELECT GET_LOCK(DATABASE(), 60)").Scan(&got))
	if got.Int64 != 1 {
		s.t.Fatal("somebody else has the leash")
	}
	dbtest.Exec(s.t, s.now, "CREATE TRIGGER leash AFTER UPDATE ON purge_request FOR EACH ROW IF "+so+" THEN DO GET_LOCK(DATABASE(), 3600); END IF")
	return l
}

// off ends it after the worker's death. What hung finds then that nobody waits for it, and is undone.
func (l *leash) off() {
	l.s.t.Helper()
	if l.lock != nil {
		_ = l.lock.Close() // a server that was killed has none any more
	}
	dbtest.Exec(l.s.t, l.s.now, "DROP TRIGGER leash")
}

// strained tells whether a worker hangs on a server's leash.
func (l *leash) strained() bool {
	l.s.t.Helper()
	var n int
	err := l.lock.QueryRowContext(l.s.ctx(), "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'").Scan(&n)
	l.s.must(err)
	return n > 0
}

// next is the leash until the next of n disturbances of a purge, when so many are left with it.
func (s *site) next(r *rand.Rand, p *planned, left, n int) *leash {
	s.t.Helper()
	now, _ := s.where(p)
	most, _ := bound(r, now, left, n)
	return s.leash(p, most)
}

// bound is the leash for the next of n disturbances of a purge, when so many are left with it, and how many rows may be
// done until then. Two thirds of them are spread over the rows, the others over the phases that follow.
func bound(r *rand.Rand, now purge.Request, left, n int) (most string, rows int64) {
	late := n / 3
	if left > late {
		rows = now.Size * int64(n-left+1) / int64(n-late+1)
		return fmt.Sprintf("NEW.purged + NEW.skipped > %d", rows), rows
	}
	after := []purge.Phase{purge.PhaseLedger, purge.PhaseKeys, purge.PhaseVerify, purge.PhaseFile, purge.PhaseEnd}
	at := (late-left)*4/late + r.IntN(2)
	return fmt.Sprintf("NEW.phase = '%s'", after[1+min(3, max(at, slices.Index(after, now.Phase)))]), now.Size
}
